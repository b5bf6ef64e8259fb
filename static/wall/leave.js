// Leave: the way out of the wall, which shows itself only while somebody moves the pointer.

/** Milliseconds after which the pointer and the hint go again. */
const SHOWN = 3_000;

const root = document.documentElement;
const hint = document.getElementById("leave");
const full = hint.querySelector("button");
let hiding = 0;

function leave() {
  location.assign("/");
}

function reveal() {
  root.toggleAttribute("data-pointer", true);
  clearTimeout(hiding);
  hiding = setTimeout(() => root.toggleAttribute("data-pointer", false), SHOWN);
}

/** Asks for the whole screen, or gives it back. */
function toggleFull() {
  const change = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
  if (change) change.catch(() => {});
}

/** Listens for those who want to leave. */
export function letLeave() {
  for (const name of ["pointermove", "pointerdown", "mousemove"]) addEventListener(name, reveal);
  // A browser takes the Escape that ends its full screen for itself.
  addEventListener("keydown", ({ key }) => key === "Escape" && leave());
  addEventListener("dblclick", ({ target }) => hint.contains(target) || leave());
  full.hidden = !root.requestFullscreen || !document.fullscreenEnabled;
  full.addEventListener("click", toggleFull);
  document.addEventListener("fullscreenchange", () => {
    full.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
  });
}
