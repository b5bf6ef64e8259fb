// Texts that are kept up to date, in a page that others rewrite too: a translator or a phone wraps a text in
// elements of its own, or puts another text node in its place. So no text node is ever held on to.

/** What was said last in an element. */
const said = new WeakMap();

/** Writes a figure, unless it stands there already, however wrapped. Returns whether it wrote. */
export function write(element, text) {
  const node = element.firstChild;
  if (node === null) {
    if (text === "") return false;
    element.textContent = text;
  } else if (node.nodeType === Node.TEXT_NODE && node === element.lastChild) {
    if (node.data === text) return false;
    node.data = text;
  } else {
    if (element.textContent === text) return false;
    element.textContent = text;
  }
  return true;
}

/**
 * Writes words, unless they were the last ones written there: they may have been translated since, and a live
 * region speaks whenever it is written to. Returns whether it wrote.
 */
export function say(element, text) {
  if (said.get(element) === text) return false;
  said.set(element, text);
  return write(element, text);
}
