// Awake: keeps the screen on while the wall is seen. A browser that cannot do that does without.

async function ask() {
  if (document.hidden || !navigator.wakeLock) return;
  try {
    await navigator.wakeLock.request("screen");
  } catch {
    // Refused, as with a battery that is low: the wall is no worse for it.
  }
}

/** A lock ends whenever the page is hidden, so it is asked for again. */
export function stayAwake() {
  document.addEventListener("visibilitychange", ask);
  ask();
}
