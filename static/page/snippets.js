// Snippets of a page: how to get what it shows in other places; the dialog of templates/snippets.html.

const button = document.getElementById("snippets-button");

/** symbols: a function that returns the symbols on the screen, in their order. */
export function snippetsFor(symbols) {
  button.addEventListener("click", async () => {
    const { SnippetDialog } = await import("../snippets/snippet_dialog.js");
    SnippetDialog.only.open(symbols());
  });
  button.hidden = false;
}
