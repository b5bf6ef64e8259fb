// AlertList: the alerts of this browser, the same in all its tabs. Where it keeps nothing for this site, they
// live as long as the page.

import { read } from "./alert.js";

/** Alerts that are kept at most. */
export const MAX_ALERTS = 50;
/** What each alert is kept under, with its id: tabs that write two of them do not undo each other. */
const KEY = "alert.";

/** Fires `change` whenever an alert is another one than before, whoever changed it. */
export class AlertList extends EventTarget {
  #alerts = new Map();
  /** Those that the browser did not take. */
  #unkept = new Map();

  constructor() {
    super();
    addEventListener("storage", ({ key }) => {
      if (key === null || key.startsWith(KEY)) this.reload();
    });
    this.reload();
  }

  /** All of them, the oldest first. */
  get all() {
    return [...this.#alerts.values()];
  }

  /** Those that are waited for. */
  get armed() {
    return this.all.filter(({ fired }) => fired === null);
  }

  get isFull() {
    return this.#alerts.size >= MAX_ALERTS;
  }

  get(id) {
    return this.#alerts.get(id);
  }

  /** Keeps an alert, in place of the one of the same id. */
  put(alert) {
    try {
      localStorage.setItem(KEY + alert.id, JSON.stringify(alert));
      this.#unkept.delete(alert.id);
    } catch {
      this.#unkept.set(alert.id, alert);
    }
    this.reload();
  }

  remove(id) {
    this.#unkept.delete(id);
    try {
      localStorage.removeItem(KEY + id);
    } catch {
      // What could not be kept is gone already.
    }
    this.reload();
  }

  /** Reads what other tabs may have changed. */
  reload() {
    const found = new Map([...kept(), ...this.#unkept]);
    const ids = [...found.keys()].sort().slice(0, MAX_ALERTS);
    this.#alerts = new Map(ids.map((id) => [id, found.get(id)]));
    this.dispatchEvent(new Event("change"));
  }
}

/** What the browser holds of ours, by id. */
function kept() {
  const found = new Map();
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(KEY)) continue;
      const alert = read(localStorage.getItem(key));
      if (alert && key === KEY + alert.id) found.set(alert.id, alert);
    }
  } catch {
    // It holds nothing for this site.
  }
  return found;
}
