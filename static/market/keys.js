// Keys: the rows by arrow keys, the search by "/", a star by "f".

const STEPS = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at, page) => at + page,
  PageUp: (at, page) => at - page,
  Home: () => 0,
  End: () => Infinity,
};

/** table: the rows; search: the box to type in; favour: takes a pair whose star is to change. */
export function listen(table, search, favour) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const focused = document.activeElement ?? document.body;
    if (focused === search) keyInSearch(event, table, search);
    else if (event.key === "/" && !focused.matches("input:not([type=radio]), textarea, select")) {
      event.preventDefault();
      search.focus();
    } else if (focused.closest("#market tbody tr")) keyInRow(event, table, favour);
  });
}

function keyInSearch(event, table, search) {
  if (event.key === "Escape" && search.value) {
    event.preventDefault();
    search.value = "";
    search.dispatchEvent(new Event("input"));
  } else if (event.key === "ArrowDown" && table.pairs.length) {
    event.preventDefault();
    table.focus(0);
  } else if (event.key === "Enter" && search.value && table.pairs.length) {
    table.focus(0);
    document.activeElement.click();
  }
}

function keyInRow(event, table, favour) {
  const step = STEPS[event.key];
  if (step) {
    event.preventDefault();
    table.focus(step(table.pairs.indexOf(table.active), table.perPage));
  } else if (event.key === "f" && table.active) favour(table.active);
}
