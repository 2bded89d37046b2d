import type { AttributeSet, RouteFamily } from "../../rib/index.ts";

/** Whether the AS that originates a route may do so. @see RFC 6811 §2 */
export type RpkiState = "valid" | "invalid" | "not-found";

/**
 * Asks what is known now about a prefix and its origin. Allocates nothing.
 * @param octets the key at `start`: length in bits, then the address
 * @param origin `undefined`: the path ends in a set, so that no VRP fits
 */
export type OriginValidation = (
  family: RouteFamily,
  octets: Uint8Array,
  start: number,
  origin: number | undefined,
) => RpkiState;

/**
 * The AS that originates a route: the last one of the path; this router's where the path is empty or ends inside a confederation;
 * `undefined` where it ends in a set. @see RFC 6811 §2
 */
export function originOf({ asPath }: Pick<AttributeSet, "asPath">, localAs: number): number | undefined {
  const last = asPath.at(-1);
  if (last === undefined || last.type === "confed-sequence" || last.type === "confed-set") return localAs;
  return last.type === "sequence" ? last.numbers.at(-1) : undefined;
}
