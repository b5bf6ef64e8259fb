// Sound: three short tones, made by the browser. It plays nothing before somebody has used the page.

const TONES = [0, 0.18, 0.36];
const LENGTH = 0.12;
const HERTZ = 880;

let context = null;

/** To be called while somebody clicks or types: from then on the page may be heard. */
export function unmute() {
  try {
    context ??= new AudioContext();
    context.resume().catch(() => {});
  } catch {
    // A browser without sound.
  }
}

/** Whether nobody has used the page yet. */
export function isMuted() {
  return context?.state !== "running";
}

export function beep() {
  if (isMuted()) return;
  const volume = context.createGain();
  volume.gain.value = 0.2;
  volume.connect(context.destination);
  for (const start of TONES) {
    const tone = context.createOscillator();
    tone.frequency.value = HERTZ;
    tone.connect(volume);
    tone.start(context.currentTime + start);
    tone.stop(context.currentTime + start + LENGTH);
  }
}
