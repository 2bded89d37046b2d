import type { Cell } from "../table.ts";
import type { Colour } from "../terminal.ts";

const UNITS: readonly [number, string][] = [
  [7 * 86400, "w"],
  [86400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"],
];

/** A length of time in its two largest units: `7s`, `3m12s`, `2h05m`, `4d03h`. */
export function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const at = UNITS.findIndex(([length]) => whole >= length);
  if (at < 0 || at === UNITS.length - 1) return `${whole}s`;
  const [length, unit] = UNITS[at]!;
  const [minor, minorUnit] = UNITS[at + 1]!;
  const rest = Math.floor((whole % length) / minor);
  const text = unit === "w" ? String(rest) : String(rest).padStart(2, "0");
  return `${Math.floor(whole / length)}${unit}${text}${minorUnit}`;
}

/** What is left of a lease. */
export function lease(remainingSeconds: number | undefined): string | Cell {
  if (remainingSeconds === undefined) return "";
  return remainingSeconds > 0 ? age(remainingSeconds) : { text: "expired", colour: "red" };
}

const STATE_COLOURS: Readonly<Record<string, Colour>> = {
  up: "green",
  Established: "green",
  running: "green",
  degraded: "yellow",
  draining: "yellow",
  unknown: "yellow",
  down: "red",
};

export function state(text: string): Cell {
  const colour = STATE_COLOURS[text];
  return colour === undefined ? { text } : { text, colour };
}

/** `1 route`, `2 routes`. */
export function count(value: number, noun: string): string {
  return `${value} ${value === 1 ? noun : `${noun}s`}`;
}

/** Address and port as in a URL. @see RFC 3986 §3.2.2 */
export function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Lines of `label  text`, the labels aligned. */
export function pairs(rows: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, text]) => `  ${label.padEnd(widest)}  ${text}\n`).join("");
}
