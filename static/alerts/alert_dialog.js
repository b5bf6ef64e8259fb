// AlertDialog: where alerts are made, armed again and deleted. It is loaded when somebody opens it.

import { plain, shown, typed } from "../page/figures.js";
import { say } from "../page/write.js";
import { create, symbolOf } from "./alert.js";
import { MAX_ALERTS } from "./alert_list.js";
import { compare, isDecimal } from "./decimal.js";
import { unmute } from "./sound.js";
import { reached, wanted } from "./words.js";

const NO_NOTIFICATION = {
  denied: "This browser does not allow notifications of this page.",
  missing: "This browser has no notifications here.",
};
const NO_PRICE = `A price is written as ${shown("67123.45")} or 67123.45.`;

export class AlertDialog {
  static #only = null;

  #list;
  #relay;
  #symbol;
  #dialog = document.getElementById("alerts");
  #form = this.#dialog.querySelector("form");
  #lines = this.#dialog.querySelector("ul");
  #said = this.#dialog.querySelector('[role="status"]');
  /** The symbol that the price in the form was filled in for. */
  #filled = "";
  /** The id of the alert that the page says it is waiting for. */
  #awaited = "";

  /** The page's one. */
  static of(list, relay, symbol) {
    return (AlertDialog.#only ??= new AlertDialog(list, relay, symbol));
  }

  constructor(list, relay, symbol) {
    this.#list = list;
    this.#relay = relay;
    this.#symbol = symbol;
    const { symbol: name, notify } = this.#fields;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
    name.addEventListener("change", () => this.#fill());
    notify.addEventListener("change", () => this.#permit());
    this.#lines.addEventListener("click", ({ target }) => this.#change(target));
    this.#dialog.querySelector("[data-role=close]").addEventListener("click", () => this.#dialog.close());
    list.addEventListener("change", () => this.#show());
  }

  open() {
    const { symbol } = this.#fields;
    symbol.value ||= this.#symbol;
    this.#filled = "";
    this.#fill();
    this.#say("");
    this.#show();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  get #fields() {
    return this.#form.elements;
  }

  #say(text, awaited = "") {
    this.#awaited = awaited;
    say(this.#said, text);
  }

  /** The newest price of the symbol is a place to begin at. */
  #fill() {
    const symbol = symbolOf(this.#fields.symbol.value);
    if (symbol === this.#filled) return;
    const ticker = this.#relay.tickers.get(symbol);
    if (!ticker) return;
    this.#filled = symbol;
    this.#fields.price.value = shown(plain(ticker.price));
  }

  #add() {
    const { symbol: name, way, price: limit, sound, notify } = this.#fields;
    const symbol = symbolOf(name.value);
    const { price, asks } = typed(limit.value);
    if (!symbol) return this.#refuse(name, "That is no symbol.");
    if (!this.#symbol && this.#isMissing(symbol)) {
      return this.#refuse(name, `The relay has no price of ${symbol}.`);
    }
    if (asks.length) return this.#refuse(limit, `“${limit.value.trim()}” can mean ${asks.join(" or ")}: write it like that.`);
    if (!isDecimal(price) || compare(price, "0") === 0) return this.#refuse(limit, NO_PRICE);
    if (this.#list.isFull) return this.#refuse(limit, `There are ${MAX_ALERTS} alerts: delete one first.`);
    if (sound.checked) unmute();
    const alert = create(symbol, way.value, price, sound.checked, notify.checked);
    this.#list.put(alert);
    this.#say(`Waiting for ${wanted(alert)}.`, alert.id);
  }

  #isMissing(symbol) {
    return this.#relay.tickers.size > 0 && !this.#relay.tickers.has(symbol);
  }

  #refuse(field, why) {
    this.#say(why);
    field.focus();
  }

  /** A browser asks only when somebody clicks. */
  async #permit() {
    const { notify } = this.#fields;
    if (!notify.checked) return;
    const answer = "Notification" in window ? await Notification.requestPermission() : "missing";
    if (answer === "granted") return this.#say("");
    notify.checked = false;
    this.#say(NO_NOTIFICATION[answer] ?? "Notifications were not allowed.");
  }

  #change(target) {
    const alert = this.#list.get(target.closest("li")?.dataset.id);
    if (!alert || target.tagName !== "BUTTON") return;
    if (target.name === "delete") return this.#list.remove(alert.id);
    if (alert.sound) unmute();
    this.#list.put({ ...alert, fired: null });
  }

  #show() {
    const awaited = this.#list.get(this.#awaited);
    if (this.#awaited && (!awaited || awaited.fired)) this.#say("");
    const lines = this.#list.all.reverse().map(line);
    const held = document.activeElement?.closest?.("#alerts li")?.dataset.id;
    this.#lines.replaceChildren(...lines);
    if (!held) return;
    const again = lines.find(({ dataset }) => dataset.id === held);
    (again ?? this.#form).querySelector("button").focus();
  }
}

function line(alert) {
  const item = document.createElement("li");
  item.dataset.id = alert.id;
  const text = document.createElement("span");
  text.textContent = wanted(alert);
  const state = document.createElement("small");
  const means = [alert.sound && "sound", alert.notify && "notification"].filter(Boolean).join(", ");
  state.textContent = alert.fired ? `went off: ${reached(alert.fired)}` : `armed${means && `, ${means}`}`;
  item.append(text, " ", state);
  if (alert.fired) item.append(choice("arm", "Arm again", alert));
  item.append(choice("delete", "Delete", alert));
  return item;
}

function choice(name, text, alert) {
  const button = document.createElement("button");
  button.type = "button";
  button.name = name;
  button.textContent = text;
  button.setAttribute("aria-label", `${text}: ${wanted(alert)}`);
  return button;
}
