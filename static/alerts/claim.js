// Claim: which of a browser's tabs tells of an alert that goes off. One does.

/** Milliseconds that a tab stays the one which tells, until all others have heard that it has. */
const HELD = 1_000;
/** Milliseconds in which tabs without locks see which of them wrote last. */
const SETTLED = 150;
/** Milliseconds that a hidden tab leaves to one that is seen. */
const MANNERS = 500;
/** This tab's name. */
const TAB = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;

/** Marks an alert of the list as fired by this price; true if this tab is the one to tell of it. */
export async function claim(list, id, { price, time }) {
  if (document.hidden) await pause(MANNERS);
  const take = () => {
    list.reload();
    const alert = list.get(id);
    if (!alert || alert.fired) return false;
    list.put({ ...alert, fired: { price, time, by: TAB } });
    return true;
  };
  return navigator.locks ? takeLocked(id, take) : takeLast(list, id, take);
}

function takeLocked(id, take) {
  return new Promise((resolve) => {
    const held = async (lock) => {
      const won = lock !== null && take();
      resolve(won);
      if (won) await pause(HELD);
    };
    navigator.locks.request(`alert.${id}`, { ifAvailable: true }, held).catch(() => resolve(take()));
  });
}

/** Of tabs that write at the same moment the last one stands. */
async function takeLast(list, id, take) {
  if (!take()) return false;
  await pause(SETTLED);
  list.reload();
  return list.get(id)?.fired?.by === TAB;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
