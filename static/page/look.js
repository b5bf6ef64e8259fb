// The page's look as the settings say. It stands in the head of every page, before anything is painted.

import { settings } from "./settings.js";

const root = document.documentElement;

function look() {
  const theme = settings.get("theme");
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  root.dataset.density = settings.get("density");
}

settings.addEventListener("change", look);
look();
