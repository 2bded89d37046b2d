import type { RouteFamily } from "../../rib/index.ts";
import type { RpkiState } from "../policy/index.ts";
import { VrpTrie } from "./vrp-trie.ts";

/** Two bits for each cache: what it says, and what it is about to say instead. */
export const MOST_CACHES = 16;

/** One validated ROA payload. @see RFC 6811 §2 */
export interface Vrp {
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  readonly length: number;
  readonly maxLength: number;
  readonly autonomousSystem: number;
}

/** The VRPs of all caches. Those that count are the ones of the caches in `active`. */
export class VrpTable {
  readonly #v4 = new VrpTrie();
  readonly #v6 = new VrpTrie();
  /** Bits of those whose word counts. */
  active = 0;

  trie(octets: number): VrpTrie {
    return octets === 4 ? this.#v4 : this.#v6;
  }

  /** Distinct VRPs, whoever says them. */
  get size(): number {
    return this.#v4.size + this.#v6.size;
  }

  get octets(): number {
    return this.#v4.octets + this.#v6.octets;
  }

  add({ address, length, maxLength, autonomousSystem }: Vrp, sayer: number): boolean {
    return this.trie(address.length).add(address, length, maxLength, autonomousSystem, sayer);
  }

  remove({ address, length, maxLength, autonomousSystem }: Vrp, sayer: number): boolean {
    return this.trie(address.length).remove(address, length, maxLength, autonomousSystem, sayer);
  }

  /**
   * Whether the origin may announce the prefix; `undefined` where nobody's word counts now, or for a family without prefixes.
   * @param octets the key at `start`: length in bits, then the address
   * @param origin `undefined`: the path ends in a set, so that no VRP fits
   * @see RFC 6811 §2
   */
  validity(family: RouteFamily, octets: Uint8Array, start: number, origin: number | undefined): RpkiState | undefined {
    if (this.active === 0 || family === "capability") return undefined;
    return (family === "ipv4-unicast" ? this.#v4 : this.#v6).validity(octets, start, origin, this.active);
  }

  /** IPv4 first; see `VrpTrie.all`. */
  *all(): IterableIterator<Vrp & { readonly sayers: number }> {
    yield* this.#v4.all(4);
    yield* this.#v6.all(16);
  }
}
