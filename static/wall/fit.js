// Fit: how many tiles a screen has room for, in type that can be read from across the room.

/**
 * A price's type, of the screen's shorter side, is never smaller. On 55 inches (0.685 m high) from three
 * metres it makes digits of 19 mm, 22 minutes of arc; the smallest type beside it, three quarters of that,
 * makes 16. ISO 9241-303 asks for 16 at least, and recommends 20 to 22.
 */
const LEAST = 1 / 26;
/** Pixels that it has at least, on a screen that is held in a hand. */
const SMALLEST = 20;
/** A tile's width and height, in sizes of its price's type: twelve digits, and three lines. */
const TILE = [8.2, 3.4];

/** The least size of a price's type on a screen of this width and height; all in pixels. */
export function leastSize(width, height) {
  return Math.max(Math.min(width, height) * LEAST, SMALLEST);
}

/**
 * How `number` tiles fill an area best: { columns, rows, size }, with the size of a price's type. Infinity
 * asks for as many as there is room for.
 */
export function fit(width, height, least, number) {
  const most = {
    columns: Math.max(Math.floor(width / (TILE[0] * least)), 1),
    rows: Math.max(Math.floor(height / (TILE[1] * least)), 1),
  };
  const sized = ({ columns, rows }) => {
    return { columns, rows, size: Math.min(width / columns / TILE[0], height / rows / TILE[1]) };
  };
  let best = sized(most);
  if (number >= most.columns * most.rows) return best;
  for (let columns = 1; columns <= most.columns; columns += 1) {
    const rows = Math.max(Math.ceil(number / columns), 1);
    const other = sized({ columns, rows });
    if (rows <= most.rows && other.size > best.size) best = other;
  }
  return best;
}
