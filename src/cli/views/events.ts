import type { EventRow } from "../../management/index.ts";
import { printable } from "../terminal.ts";

/** One line for an event: when, what, and what it says, names without modules. */
export const eventsView = (rows: readonly EventRow[]): string =>
  rows
    .map(({ time, type, target, content }) => {
      const said = Object.entries(content).map(([name, value]) => `${localName(name)}=${textOf(value)}`);
      return `${time}  ${printable([type, ...(target === undefined ? [] : [target]), ...said].join(" "))}\n`;
    })
    .join("");

const localName = (name: string): string => name.slice(name.indexOf(":") + 1);

function textOf(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
