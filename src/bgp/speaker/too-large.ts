import { type Clock, type Log, type Milliseconds, milliseconds } from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import { AttributeCode, AttributeFlag, type EncodedSet } from "../wire/index.ts";

/**
 * Attributes that a route can do without: those that a receiver discards where they are wrong, and keeps the route. What matters
 * least goes first, and the two halves of an aggregator together: neither says anything without the other.
 * @see RFC 8654 §4; RFC 7606 §7.6, §7.7; RFC 6793 §4.2.3, §6; RFC 8669 §6
 */
const DISPENSABLE: readonly (readonly number[])[] = [
  [AttributeCode.Aggregator, AttributeCode.As4Aggregator],
  [AttributeCode.AtomicAggregate],
  [AttributeCode.PrefixSid],
];
const LOG_INTERVAL = milliseconds(60_000);

/** One attribute of a set as it would have gone out. */
interface Measured {
  readonly code: number;
  readonly octets: number;
}

function* attributesOf({
  octets,
  length,
}: Pick<EncodedSet, "octets" | "length">): Generator<Measured & { readonly start: number }> {
  for (let at = 0; at < length; ) {
    const isLong = (octets[at]! & AttributeFlag.ExtendedLength) !== 0;
    const value = isLong ? 4 + ((octets[at + 2]! << 8) | octets[at + 3]!) : 3 + octets[at + 2]!;
    yield { code: octets[at + 1]!, octets: value, start: at };
    at += value;
  }
}

/** Takes out attributes that may be left out, one after the other, until `fits`. Changes `set` in place. @returns their codes */
export function shorten(set: EncodedSet, fits: (set: EncodedSet) => boolean): readonly number[] {
  const without: number[] = [];
  for (const codes of DISPENSABLE) {
    if (fits(set)) break;
    for (const code of codes) {
      const found = attributesOf(set).find((attribute) => attribute.code === code);
      if (found === undefined) continue;
      set.octets.copyWithin(found.start, found.start + found.octets, set.length);
      set.length -= found.octets;
      set.version++;
      without.push(code);
    }
  }
  return without;
}

/** The attributes that take most of the room, for people who want to know why: `COMMUNITIES 3604`. */
export function largestAttributes(
  set: Pick<EncodedSet, "octets" | "length">,
  nameOf: (code: number) => string,
): string {
  const largest = [...attributesOf(set)].sort((a, b) => b.octets - a.octets).slice(0, 3);
  return largest.map(({ code, octets }) => `${nameOf(code)} ${octets}`).join(", ");
}

/** What the log says of routes that a message does not hold: at once, and then once a minute what came since. */
export class TooLargeLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #facts: { readonly peer: string; readonly family: RouteFamily; readonly limit: number };
  readonly #routes = { withheld: 0, shortened: 0 };
  readonly #saidAt: { withheld?: Milliseconds; shortened?: Milliseconds } = {};

  constructor(
    log: Log,
    clock: Clock,
    facts: { readonly peer: string; readonly family: RouteFamily; readonly limit: number },
  ) {
    this.#log = log;
    this.#clock = clock;
    this.#facts = facts;
  }

  /** @param attributes the set at hand, in words */
  note(what: "withheld" | "shortened", routes: number, attributes: string): void {
    this.#routes[what] += routes;
    const now = this.#clock.monotonic();
    const last = this.#saidAt[what];
    if (last !== undefined && now - last < LOG_INTERVAL) return;
    this.#saidAt[what] = now;
    const fields = { ...this.#facts, routes: this.#routes[what], attributes };
    if (what === "withheld") this.#log.warn("bgp.routes.too-large", fields);
    else this.#log.info("bgp.routes.shortened", fields);
    this.#routes[what] = 0;
  }
}
