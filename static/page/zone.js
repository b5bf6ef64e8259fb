// Zone: how times read, in UTC or in this device's time.

import { settings } from "./settings.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MINUTE = 60_000;
const DAY = 86_400_000;

export class Zone {
  /** The one that the settings say. */
  static chosen = new Zone(settings.get("zone") === "local");

  constructor(isLocal) {
    this.isLocal = isLocal;
  }

  /** Milliseconds that its clocks are ahead of UTC at a time. */
  ahead(time) {
    return this.isLocal ? -new Date(time).getTimezoneOffset() * MINUTE : 0;
  }

  /** Its name at a time: UTC, UTC+1, UTC−3:30. */
  name(time) {
    const minutes = Math.round(this.ahead(time) / MINUTE);
    if (!minutes) return "UTC";
    const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    return `UTC${minutes > 0 ? "+" : "−"}${hours}${rest ? `:${two(rest)}` : ""}`;
  }

  /** The day of a time: 26 Nov 2026. */
  date(time) {
    const { year, month, day } = this.#parts(time);
    return `${day} ${month} ${year}`;
  }

  /** When a candle opens: 26 Nov 2026, 12:04. `step`: the milliseconds that it spans. */
  time(time, step) {
    const { clock } = this.#parts(time);
    const date = this.date(time);
    if (step >= DAY && clock === "00:00:00") return date;
    return `${date}, ${step < MINUTE ? clock : clock.slice(0, 5)}`;
  }

  /** A mark on the axis of times; `weight` as the library counts: 0 a year begins, 1 a month, 2 a day. */
  mark(time, weight) {
    const { year, month, day, clock } = this.#parts(time);
    if (weight > 2) return weight > 3 ? clock : clock.slice(0, 5);
    if (weight === 0) return String(year);
    return weight === 1 && day === 1 ? month : `${day} ${month}`;
  }

  #parts(time) {
    const date = new Date(time + this.ahead(time));
    return {
      year: date.getUTCFullYear(),
      month: MONTHS[date.getUTCMonth()],
      day: date.getUTCDate(),
      clock: [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":"),
    };
  }
}

function two(number) {
  return String(number).padStart(2, "0");
}

settings.addEventListener("change", ({ detail: { name, value } }) => {
  if (name === "zone") Zone.chosen = new Zone(value === "local");
});
