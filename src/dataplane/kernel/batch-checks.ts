import type { Ipv6Prefix } from "../../base/index.ts";
import { type CapabilityBatch, GROUP_SLOTS, type NextHopIndex } from "../../forwarding/index.ts";
import type { GroupTable } from "./group-table.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { PolicyTable } from "./policy-table.ts";

/** Octets of an address before the key of a capability, in bits. */
const DOMAIN_BITS = 48;

interface Tables {
  readonly domain: Ipv6Prefix;
  readonly groups: GroupTable;
  readonly policies: PolicyTable;
}

/** The first entry of a batch that is perhaps not as it should be, or the end: what `checkOperation` finds, but for many at once. */
export function firstWrong(
  batch: CapabilityBatch,
  { domain: { address, length: bits }, groups, policies }: Tables,
): number {
  if (bits > DOMAIN_BITS) return 0;
  const { length, addressWords: words, groups: named, localGroups, policies: namedPolicies } = batch;
  const domain = new Int32Array(address.slice(0, 8).buffer);
  for (let at = 0; at < length; at++) {
    const [second, third, fourth] = [words[4 * at + 1]!, words[4 * at + 2]!, words[4 * at + 3]!];
    if (words[4 * at] !== domain[0] || ((second ^ domain[1]!) & 0xffff) !== 0) return at;
    // The key is in the middle; all zeros and all ones are reserved
    const [first, last] = [second >>> 16, fourth & 0xffff];
    if ((first === 0 && third === 0 && last === 0) || (first === 0xffff && third === -1 && last === 0xffff)) return at;
    if (named[at] !== 0 && !groups.has(named[at]!)) return at;
    if (localGroups[at] !== 0 && !groups.has(localGroups[at]!)) return at;
    const tenantIndex = ((first & 0xff) << 8) | (first >>> 8);
    if (namedPolicies[at] !== 0 && !policies.isOf(namedPolicies[at]!, tenantIndex)) return at;
  }
  return length;
}

/** Everything is there that a new group names, whose slots are words from `first` on. */
export function areThere(nextHops: NextHopTable, slots: Uint32Array, first: number, backup: NextHopIndex): boolean {
  const isFit = (index: NextHopIndex): boolean => index === 0 || nextHops.has(index);
  for (let slot = first; slot < first + GROUP_SLOTS; slot++)
    if (!isFit(slots[slot]! & 0xffff) || !isFit(slots[slot]! >>> 16)) return false;
  return isFit(backup);
}
