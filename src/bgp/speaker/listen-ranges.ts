import {
  type Clock,
  type Counter,
  type Ipv6Prefix,
  type Log,
  type Metrics,
  prefixContains,
  SourceRates,
  seconds,
} from "../../base/index.ts";
import type { PeerOptions } from "./options.ts";
import { peerAddress, zoneOf } from "./peer-address.ts";

/** What neighbours have that come from a range by themselves. */
export type RangeTemplate = Omit<PeerOptions, "address" | "port" | "remoteAs" | "passive" | "enabled">;

/** Addresses from which routers may connect that are not configured one by one. */
export interface ListenRange {
  /** For people and counters; each at most once. */
  readonly name: string;
  /** IPv4 in mapped form. */
  readonly prefix: Ipv6Prefix;
  /** Addresses of the link of this interface, and no others. */
  readonly interface?: string;
  /** Routers that are heard there are connected to, at this port. Absent: others connect. */
  readonly connectTo?: number;
  /** Neighbours at a time. */
  readonly limit: number;
  /** Who may come: routers of this AS, of any other one, or of these. */
  readonly remoteAs: "internal" | "external" | readonly number[];
  readonly template: RangeTemplate;
}

/** A range as it is now. */
export interface RangeStatus {
  readonly name: string;
  /** Connected ones, those that have not said who they are yet, and those that restart. */
  readonly neighbors: number;
  readonly limit: number;
  /** Connections that were turned away because there were too many, or too many at a time. */
  readonly refused: number;
}

/** New neighbours of one address: one who flaps is not worth a driver each time. */
const RATE = { perSecond: 1, burst: 5, ipv6: "address" } as const;

interface Known {
  readonly range: ListenRange;
  readonly refusals: Record<"limit" | "rate", Counter>;
  /** Keys of neighbours. */
  readonly present: Set<string>;
  refused: number;
}

/** Who may become a neighbour by connecting, and how many have. */
export class ListenRanges {
  /** Of this router. */
  localAs: number;
  readonly #metrics: Metrics;
  readonly #log: Log;
  readonly #rates: SourceRates;
  #known: Known[] = [];

  constructor(localAs: number, parts: { readonly clock: Clock; readonly metrics: Metrics; readonly log: Log }) {
    this.localAs = localAs;
    this.#metrics = parts.metrics;
    this.#log = parts.log;
    this.#rates = new SourceRates(RATE, parts.clock);
  }

  /** Those of now; neighbours that came from a range of the same name stay counted. */
  replace(ranges: readonly ListenRange[]): void {
    const before = new Map(this.#known.map((known) => [known.range.name, known]));
    const counter = (range: string, reason: string): Counter =>
      this.#metrics.counter("semrd_bgp_range_refused_total", "Connections from a range that were turned away", {
        range,
        reason,
      });
    this.#known = ranges.map((range) => {
      const { name } = range;
      const old = before.get(name);
      if (old !== undefined) return { ...old, range };
      const refusals = { limit: counter(name, "limit"), rate: counter(name, "rate") };
      return { range, refusals, present: new Set(), refused: 0 };
    });
  }

  get ranges(): readonly ListenRange[] {
    return this.#known.map(({ range }) => range);
  }

  status(): readonly RangeStatus[] {
    return this.#known.map(({ range: { name, limit }, present, refused }) => ({
      name,
      neighbors: present.size,
      limit,
      refused,
    }));
  }

  /** The most specific range around an address. */
  of(address: string): ListenRange | undefined {
    return this.#around(address)?.range;
  }

  /** Somebody connects from `address`: the range whose neighbour it becomes, and has a place in from now on. */
  admit(address: string, key: string): ListenRange | undefined {
    const known = this.#around(address);
    if (known === undefined) return undefined;
    const { range, present, refusals } = known;
    const refusal = present.size >= range.limit ? "limit" : this.#rates.take(address) ? undefined : "rate";
    if (refusal === undefined) {
      present.add(key);
      return range;
    }
    known.refused++;
    refusals[refusal].add();
    this.#log.debug("bgp.range.refused", { range: range.name, address, reason: refusal });
    return undefined;
  }

  /** A neighbour that came from a range is gone. */
  left(key: string): void {
    for (const { present } of this.#known) present.delete(key);
  }

  /** One that stays while ranges change is counted where it would come from now, also beyond the limit. */
  stays(address: string, key: string): void {
    this.left(key);
    this.#around(address)?.present.add(key);
  }

  /** Whether a router of this AS may come from this address, by the ranges of now. */
  mayCome(address: string, autonomousSystem: number): boolean {
    const range = this.of(address);
    return range !== undefined && mayCome(range, autonomousSystem, this.localAs);
  }

  #around(address: string): Known | undefined {
    const range = rangeAround(this.ranges, address);
    return this.#known.find((known) => known.range === range);
  }
}

/** The most specific range around an address, of its link if it has one. */
export function rangeAround(ranges: readonly ListenRange[], text: string): ListenRange | undefined {
  const address = peerAddress(text);
  if (address === undefined) return undefined;
  let best: ListenRange | undefined;
  for (const range of ranges) {
    if (range.interface !== zoneOf(text) || !prefixContains(range.prefix, address)) continue;
    if (best === undefined || best.prefix.length <= range.prefix.length) best = range;
  }
  return best;
}

/** Whether a router of this AS may come from the range. */
export function mayCome({ remoteAs }: ListenRange, autonomousSystem: number, localAs: number): boolean {
  if (remoteAs === "internal") return autonomousSystem === localAs;
  if (remoteAs === "external") return autonomousSystem !== localAs;
  return remoteAs.includes(autonomousSystem);
}

/** Whoever comes and says nothing has a place of the range for so long only. */
const GUEST_OPEN_HOLD = seconds(15);

/** Options of a neighbour that has come; its AS is not known before its OPEN. */
export function optionsFromRange(address: string, { template, name, connectTo }: ListenRange): PeerOptions {
  return {
    openHold: GUEST_OPEN_HOLD,
    ...template,
    address,
    port: connectTo ?? 179,
    remoteAs: UNKNOWN_AS,
    passive: connectTo === undefined,
    range: name,
  };
}

/** No AS has this number. @see RFC 7607 §2 */
export const UNKNOWN_AS = 0;
