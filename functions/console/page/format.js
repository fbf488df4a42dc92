// How values are written: money, time and rates, in whole numbers only.

const SHANGHAI_MS = 8 * 3600 * 1000; // China Standard Time, without summer time since 1991
const MONEY = /^(0|[1-9][0-9]{0,12})(?:[.]([0-9]{1,2}))?$/;

// Fen as yuan with separators: 123456789 is 1,234,567.89. What is no whole number stays as it is.
export function yuan(fen) {
  if (!Number.isSafeInteger(fen)) return String(fen);
  const amount = BigInt(Math.abs(fen));
  const whole = String(amount / 100n).replace(/\B(?=(?:[0-9]{3})+$)/g, ",");
  return `${fen < 0 ? "-" : ""}${whole}.${String(amount % 100n).padStart(2, "0")}`;
}

// Yuan as a person writes them, as fen; null for what is no amount.
export function fenOf(text) {
  const plain = text.trim();
  if (plain.includes(",") && !/^[0-9]{1,3}(?:,[0-9]{3})+(?:[.]|$)/.test(plain)) return null;
  const found = MONEY.exec(plain.replaceAll(",", ""));
  if (!found) return null;
  return Number(BigInt(found[1]) * 100n + BigInt((found[2] || "").padEnd(2, "0")));
}

// An instant (RFC 3339) by the clock of Shanghai, to the second.
export function instant(text) {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return String(text);
  return new Date(at + SHANGHAI_MS).toISOString().slice(0, 19).replace("T", " ");
}

// The day in Shanghai at a moment (milliseconds since 1970).
export function shanghaiDay(ms) {
  return new Date(ms + SHANGHAI_MS).toISOString().slice(0, 10);
}

// Seconds in the two largest units that count: [[3, "hours"], [5, "minutes"]].
export function parts(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const units = [
    [Math.floor(whole / 86400), "days"],
    [Math.floor(whole / 3600) % 24, "hours"],
    [Math.floor(whole / 60) % 60, "minutes"],
    [whole % 60, "seconds"],
  ];
  const first = units.findIndex(([number]) => number > 0);
  if (first < 0) return [[0, "seconds"]];
  return units.slice(first, first + 2).filter(([number], place) => place === 0 || number > 0);
}

// A rate in percent a year as the API has it, without noughts that say nothing: 1.310000 is 1.31.
export function percent(text) {
  if (!/^[0-9]+[.][0-9]+$/.test(text)) return String(text);
  const [whole, places] = text.split(".");
  return `${whole}.${places.replace(/0+$/, "").padEnd(2, "0")}`;
}
