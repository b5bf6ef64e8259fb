// The menu of templates/settings.html: native radio buttons in a native disclosure, so that keys and screen
// readers know what to do with them.

import { settings } from "./settings.js";

const menu = document.getElementById("settings");
const inputs = [...menu.querySelectorAll("input")];

function tick() {
  for (const input of inputs) input.checked = settings.get(input.name) === input.value;
}

function close() {
  menu.open = false;
}

menu.addEventListener("change", ({ target }) => settings.set(target.name, target.value));
settings.addEventListener("change", tick);
menu.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  event.stopPropagation();
  close();
  menu.querySelector("summary").focus();
});
// Whoever goes on with something else is done with it.
addEventListener("pointerdown", ({ target }) => {
  if (!menu.contains(target)) close();
});
menu.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget && !menu.contains(relatedTarget)) close();
});
tick();
menu.hidden = false;
