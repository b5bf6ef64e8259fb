// Settings: how this person wants pages to look. They are kept in the browser, for all tabs; where it keeps
// nothing, for as long as the page lives. The page's address may name one (?theme=dark): it is worth more than
// what is kept, on that page.

/** Every setting with its values, the usual one first. */
const CHOICES = { theme: ["auto", "light", "dark"], zone: ["local", "utc"], density: ["cosy", "dense"] };
const KEPT = "settings";

/** Fires `change` with detail { name, value }, whoever changed it: this page or another tab. */
class Settings extends EventTarget {
  #values = {};
  /** Those that the address names. */
  #named = new Set();

  constructor() {
    super();
    const address = new URLSearchParams(location.search);
    const kept = recall();
    for (const name of Object.keys(CHOICES)) {
      const isNamed = CHOICES[name].includes(address.get(name));
      if (isNamed) this.#named.add(name);
      this.#values[name] = isNamed ? address.get(name) : chosen(kept, name);
    }
    addEventListener("storage", ({ key }) => {
      if (key === KEPT || key === null) this.#take(recall());
    });
  }

  /** theme: auto, light or dark; zone: local or utc; density: cosy or dense. */
  get(name) {
    return this.#values[name];
  }

  /** A value that there is not is ignored. */
  set(name, value) {
    if (!CHOICES[name]?.includes(value)) return;
    keep({ ...recall(), [name]: value });
    if (this.#named.has(name)) readdress(name, value);
    this.#change(name, value);
  }

  #take(kept) {
    for (const name of Object.keys(CHOICES)) {
      if (!this.#named.has(name)) this.#change(name, chosen(kept, name));
    }
  }

  #change(name, value) {
    if (this.#values[name] === value) return;
    this.#values[name] = value;
    this.dispatchEvent(new CustomEvent("change", { detail: { name, value } }));
  }
}

function chosen(kept, name) {
  return CHOICES[name].includes(kept[name]) ? kept[name] : CHOICES[name][0];
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    return {};
  }
}

function keep(values) {
  const known = Object.fromEntries(Object.keys(CHOICES).map((name) => [name, chosen(values, name)]));
  try {
    localStorage.setItem(KEPT, JSON.stringify(known));
  } catch {
    // A browser that keeps nothing for this site: it is chosen anew next time.
  }
}

function readdress(name, value) {
  const url = new URL(location.href);
  url.searchParams.set(name, value);
  history.replaceState(history.state, "", url);
}

export const settings = new Settings();
