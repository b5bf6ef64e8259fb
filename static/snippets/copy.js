// Copying a text, also where a page has no clipboard, as on an address without HTTPS.

/** Copies the text of an element; false where the browser does not let pages do that: it is selected then. */
export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}
