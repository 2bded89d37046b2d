import { octetsEqual } from "./octets.ts";

/**
 * Whether two values say the same: data by its members, an absent member like an undefined one; functions by identity. Not
 * for what refers to itself.
 */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && octetsEqual(a, b);
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a, b] as readonly Readonly<Record<string, unknown>>[];
  for (const member of Object.keys(left!)) if (!sameValue(left![member], right![member])) return false;
  return Object.keys(right!).every((member) => right![member] === undefined || Object.hasOwn(left!, member));
}
