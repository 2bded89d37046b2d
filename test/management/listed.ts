import { loadNative } from "../../native/index.ts";

/** Of the libyang that is here: 2 in Debian 12 and Ubuntu 24.04, 3 in Debian 13. */
export const LIBYANG = Number.parseInt(loadNative().yang.libraryVersion, 10);

/**
 * The value for a comparison with what libyang read. Entries whose order is the system's (RFC 7950 §7.7.7) come as they were
 * written, from libyang 3 on in an order of its own: then lists, and words of a text, are compared in any order.
 */
export function listed<T>(value: T): T {
  return LIBYANG < 3 ? value : (inAnyOrder(value) as T);
}

function inAnyOrder(value: unknown): unknown {
  if (typeof value === "string") return value.split(" ").sort().join(" ");
  if (Array.isArray(value)) {
    const shown = (one: unknown): string =>
      JSON.stringify(one, (_, each) => (typeof each === "bigint" ? `${each}` : each));
    return value.map(inAnyOrder).sort((a, b) => (shown(a) < shown(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inAnyOrder(one)]));
}

/** The path of a fault, without the keys of entries: libyang 3 says some that earlier ones do not. */
export const placeOf = (path: string): string => (LIBYANG < 3 ? path : path.replaceAll(/\[[^\]]*\]/g, ""));
