import { parseIpv6 } from "./ipv6.ts";
import { toHex } from "./octets.ts";
import type { Clock } from "./ports.ts";

interface Bucket {
  tokens: number;
  at: number;
}

/** How often one source may do something. */
export interface SourceRate {
  /** Sustained events per second of one source. */
  readonly perSecond: number;
  /** Events at once. */
  readonly burst: number;
  /** Which IPv6 addresses are one source: those of a /64 (the default), or each by itself. */
  readonly ipv6?: "prefix" | "address";
}

/** Sources that are remembered; the one that was quiet for longest is forgotten first. */
const MOST_SOURCES = 8_192;

/** Token buckets per source of traffic: an IPv4 address, an IPv6 address or its /64. */
export class SourceRates {
  readonly #rate: SourceRate;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: SourceRate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Takes a token of `address` (as sockets write it); false when there is none. */
  take(address: string): boolean {
    const key = this.#source(address);
    const bucket = this.#refilled(key);
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens--;
    this.#buckets.delete(key); // inserted anew: the map's order is the order of use
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MOST_SOURCES) this.#buckets.delete(this.#buckets.keys().next().value!);
    return allowed;
  }

  /** Whether `address` has a token left; takes none. */
  has(address: string): boolean {
    return this.#refilled(this.#source(address)).tokens >= 1;
  }

  #refilled(key: string): Bucket {
    const now = this.#clock.monotonic();
    const { perSecond, burst } = this.#rate;
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    return bucket;
  }

  #source(address: string): string {
    if (this.#rate.ipv6 === "address") return address;
    const octets = parseIpv6(address.split("%", 1)[0]!);
    if (octets === undefined) return address;
    const mapped = octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 0xff && octets[11] === 0xff;
    return toHex(mapped ? octets : octets.subarray(0, 8));
  }
}
