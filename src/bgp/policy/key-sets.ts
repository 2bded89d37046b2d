import type { RouteFamily } from "../../rib/index.ts";
import { RouteType } from "../wire/index.ts";
import type { CapabilitySet, PrefixMember, PrefixSet } from "./definition.ts";

/** Whether the route key that begins at `start` is in a set. Allocates nothing. */
export type KeyTest = (octets: Uint8Array, start: number) => boolean;

/** Prefix lengths from 0 to 128 are bits of so many words. */
const MASK_WORDS = 5;

/**
 * A binary trie over the members of one address family. A node that a member ends at has a mask of the key lengths that
 * fit below it; a walk ends where the trie does, so it costs no more steps than the longest member has bits.
 */
class PrefixTrie {
  readonly #children: Int32Array;
  readonly #maskOf: Int32Array;
  readonly #masks: Int32Array;

  constructor(members: readonly PrefixMember[]) {
    const children = [0, 0];
    const maskOf = [0];
    const masks: number[] = new Array(MASK_WORDS).fill(0);
    for (const { address, length, lengths } of members) {
      let node = 0;
      for (let bit = 0; bit < length; bit++) {
        const branch = 2 * node + bitAt(address, 0, bit);
        if (children[branch] === 0) {
          children[branch] = maskOf.length;
          children.push(0, 0);
          maskOf.push(0);
        }
        node = children[branch]!;
      }
      if (maskOf[node] === 0) {
        maskOf[node] = masks.length;
        masks.push(...new Array(MASK_WORDS).fill(0));
      }
      for (let wanted = Math.max(length, lengths.minimum); wanted <= lengths.maximum; wanted++) {
        masks[maskOf[node]! + (wanted >> 5)]! |= 1 << (wanted & 31);
      }
    }
    this.#children = Int32Array.from(children);
    this.#maskOf = Int32Array.from(maskOf);
    this.#masks = Int32Array.from(masks);
  }

  /** @param start of the prefix length in bits, one octet; the address is behind it */
  has(octets: Uint8Array, start: number): boolean {
    const length = octets[start]!;
    let node = 0;
    for (let bit = 0; ; bit++) {
      const mask = this.#maskOf[node]!;
      if (mask !== 0 && ((this.#masks[mask + (length >> 5)]! >>> (length & 31)) & 1) === 1) return true;
      if (bit === length) return false;
      node = this.#children[2 * node + bitAt(octets, start + 1, bit)]!;
      if (node === 0) return false;
    }
  }
}

function bitAt(octets: Uint8Array, start: number, bit: number): number {
  return (octets[start + (bit >> 3)]! >> (7 - (bit & 7))) & 1;
}

/**
 * The test of a prefix set for the keys of a family, `| length u8, bits | address octets |`; `false` for families whose
 * routes are no prefixes.
 * @see RFC 4271 §4.3 (NLRI)
 */
export function compilePrefixSet(set: PrefixSet): (family: RouteFamily) => KeyTest | false {
  const of = (octets: number): KeyTest => {
    const trie = new PrefixTrie(set.members.filter(({ address }) => address.length === octets));
    return (key, start) => trie.has(key, start);
  };
  const ipv4 = of(4);
  const ipv6 = of(16);
  return (family) => (family === "ipv4-unicast" ? ipv4 : family === "ipv6-unicast" ? ipv6 : false);
}

const ID_OCTETS = 16;
/** Both routes that have a capability have it there: behind type, length and route distinguisher. @see DESIGN section 4.1 */
const ID_AT = 10;

/** Whether a site's or an instance's key is about one of these. */
export function capabilityTest(ids: CapabilitySet["ids"]): KeyTest {
  return compileCapabilitySet({ ids })("capability") as KeyTest; // every other family has none
}

/** The test of a capability set; `false` for families that know no capabilities. */
export function compileCapabilitySet(set: CapabilitySet): (family: RouteFamily) => KeyTest | false {
  const { ids } = set;
  let size = 4;
  while (size < 2 * ids.length) size *= 2;
  const slots = new Int32Array(size);
  const all = new Uint8Array(ID_OCTETS * ids.length);
  // Identifiers are hashes already: any four of their octets are as good as another hash of them.
  const home = (octets: Uint8Array, at: number): number =>
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) & (size - 1);
  const same = (octets: Uint8Array, at: number, index: number): boolean => {
    for (let i = 0; i < ID_OCTETS; i++) if (all[ID_OCTETS * index + i] !== octets[at + i]) return false;
    return true;
  };
  for (const [index, id] of ids.entries()) {
    all.set(id, ID_OCTETS * index);
    let slot = home(id, 0);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = index + 1;
  }
  const test: KeyTest = (octets, start) => {
    const type = octets[start]!;
    if (type !== RouteType.CapabilitySite && type !== RouteType.CapabilityInstance) return false;
    if (octets[start + 1]! + 2 < ID_AT + ID_OCTETS) return false;
    const at = start + ID_AT;
    for (let slot = home(octets, at); slots[slot] !== 0; slot = (slot + 1) & (size - 1)) {
      if (same(octets, at, slots[slot]! - 1)) return true;
    }
    return false;
  };
  return (family) => (family === "capability" ? test : false);
}
