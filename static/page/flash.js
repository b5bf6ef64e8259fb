// A price that moved is tinted for a moment: on, then off. A fade would repaint sixty times a second.

const SHOWN = 600;

let tinted = [];

/** Tints an element by which way its price went. */
export function flash(element, before, now) {
  if (now === before || document.hidden) return;
  element.dataset.flash = now > before ? "up" : "down";
  if (tinted.push(element) > 1) return;
  setTimeout(() => {
    for (const each of tinted) delete each.dataset.flash;
    tinted = [];
  }, SHOWN);
}
