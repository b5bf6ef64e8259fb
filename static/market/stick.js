// Stick: what stays at the top of the window: the banner, the tools where there is room, the heads of columns.

const header = document.querySelector("header");
const tools = document.querySelector(".tools");

/** Tells the style sheet how high they are; `onchange` is called when that was another height than before. */
export function stick(onchange) {
  const observer = new ResizeObserver(() => {
    const style = document.documentElement.style;
    style.setProperty("--header-height", `${header.offsetHeight}px`);
    style.setProperty("--tools-height", `${tools.offsetHeight}px`);
    onchange();
  });
  observer.observe(header);
  observer.observe(tools);
}
