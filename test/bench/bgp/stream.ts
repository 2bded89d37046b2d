import { type Ipv6Address, seconds } from "../../../src/base/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, UpdateEncoder } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { semanticSample, setSample } from "../../bgp/wire/samples.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";

export type StreamFamily = "ipv6-unicast" | "capability";

const IPV6_UNICAST = { afi: 2, safi: 1 };
/** Routes of one set, on average. */
const ROUTES_A_SET = 8;
const LEASE = { sequence: 1n, validUntil: seconds(4_000_000_000), renew: seconds(600) };
const CODEC = new AttributeCodec(DEFAULT_DIALECT);

/** UPDATEs of a neighbour with many routes, some of each attribute set: keys that look random, sets like those of `generator/`. */
export class RouteStream {
  readonly routes: number;
  readonly #keys: Uint8Array;
  readonly #keyLength: number;
  readonly #isCapability: boolean;
  readonly #as: number;
  readonly #nextHop: Ipv6Address;

  constructor(family: StreamFamily, routes: number, neighbour: { readonly as: number; readonly nextHop: Ipv6Address }) {
    this.routes = routes;
    this.#isCapability = family === "capability";
    this.#as = neighbour.as;
    this.#nextHop = neighbour.nextHop;
    const head = this.#isCapability ? [2, 28, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1] : [128, 0x20, 1, 0x0d, 0xb8, 0, 0x5b, 0, 0];
    const tail = this.#isCapability ? [0x0a, 0x0b, 0x0c, 0x0d] : [];
    const code = this.#isCapability ? 16 : 8;
    this.#keyLength = head.length + code + tail.length;
    this.#keys = new Uint8Array(routes * this.#keyLength);
    new SeededRandom(1).fill(this.#keys);
    for (let at = 0; at < this.#keys.length; at += this.#keyLength) {
      this.#keys.set(head, at);
      this.#keys.set(tail, at + head.length + code);
    }
  }

  get family(): { readonly afi: number; readonly safi: number } {
    return this.#isCapability ? DEFAULT_DIALECT.family : IPV6_UNICAST;
  }

  /** All routes, or the first `share` of them. @param generation another one: other attributes */
  announcements(generation: number, share = 1): readonly Uint8Array[] {
    const encoder = new UpdateEncoder(this.family);
    const blocks: Uint8Array[] = [];
    const count = Math.floor(share * this.routes);
    for (let from = 0, set = 0; from < count; from += ROUTES_A_SET, set++) {
      const octets = CODEC.encode(this.#setOf(set, generation), { asWidth: 4, internal: false });
      const encoded = { octets, length: octets.length, nextHop: this.#nextHop, version: 0 };
      for (let route = from; route < Math.min(count, from + ROUTES_A_SET); route++) {
        const put = (): boolean => encoder.announce(encoded, this.#keys, route * this.#keyLength, this.#keyLength);
        if (put()) continue;
        blocks.push(encoder.take()!);
        put();
      }
    }
    const last = encoder.take();
    return last === undefined ? blocks : [...blocks, last];
  }

  withdrawals(): readonly Uint8Array[] {
    const encoder = new UpdateEncoder(this.family);
    const blocks: Uint8Array[] = [];
    for (let route = 0; route < this.routes; route++) {
      const put = (): boolean => encoder.withdraw(this.#keys, route * this.#keyLength, this.#keyLength);
      if (put()) continue;
      blocks.push(encoder.take()!);
      put();
    }
    const last = encoder.take();
    return last === undefined ? blocks : [...blocks, last];
  }

  #setOf(set: number, generation: number): AttributeSet {
    const dice = Math.imul(set + 1, 0x9e3779b1) >>> 0;
    const {
      localPref: _,
      semantic: __,
      ...base
    } = setSample({
      asPath: [
        {
          type: "sequence",
          numbers: [this.#as, ...Array.from({ length: 1 + (dice & 3) }, (___, i) => 70_000 + ((dice >>> i) % 30_000))],
        },
      ],
      nextHop: this.#nextHop,
      communities: Array.from({ length: 1 + (dice % 6) }, (___, i) => 65_100 * 0x10000 + ((dice >>> i) & 0xfff)),
      largeCommunities: [{ globalAdministrator: 4_200_900_100, data1: set, data2: generation }],
    });
    if (!this.#isCapability) return base;
    return {
      ...base,
      extendedCommunities: [Uint8Array.of(0, 2, 0xfd, 0xe8, 0, 0, 0, 1)],
      semantic: semanticSample({ score: dice & 7, lease: LEASE }),
    };
  }
}
