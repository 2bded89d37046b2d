import type { Path } from "../../management/index.ts";

/** A path of the model from its names; the first has a module, and so has each where another module begins. */
export function place(...names: readonly string[]): Path {
  let module = "";
  return names.map((name) => {
    const colon = name.indexOf(":");
    if (colon >= 0) module = name.slice(0, colon);
    return { name: colon >= 0 ? name : `${module}:${name}` };
  });
}

/** `path` with the keys of its list entries, by the place of the step. */
export function entry(path: Path, keys: Readonly<Record<number, Readonly<Record<string, string>>>>): Path {
  return path.map((step, i) => (keys[i] === undefined ? step : { ...step, keys: keys[i] }));
}

/** `yang:date-and-time` of an instant of the wall clock. @see RFC 6991 §3 */
export const dateAndTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
