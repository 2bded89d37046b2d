import { toHex } from "../../../base/index.ts";
import { returnKey } from "../flow-key.ts";
import { firstFragment, type Ipv6Packet, u16 } from "../packet.ts";
import type { EdgeEffect, EdgeState } from "./state.ts";

const FRAGMENT_LENGTH = 8;

/**
 * Fragments of an agent's answer: the pass refuses the first, unless its capability goes by addresses; the others carry no ports
 * and are known by what the first was called.
 */
export function followFragments(
  { fragments, returns }: EdgeState,
  packet: Ipv6Packet,
): { readonly drop: boolean; readonly effects: readonly EdgeEffect[] } {
  const { payload, source, destination } = packet;
  if (payload.length < FRAGMENT_LENGTH) return { drop: false, effects: [] };
  const key = toHex(packet.octets.subarray(8, 40)) + toHex(payload.subarray(4, 8));
  if ((u16(payload, 2) & 0xfff8) !== 0) return { drop: fragments.has(key), effects: [] };
  const ports = firstFragment(packet);
  if (ports === undefined) return { drop: false, effects: [] };
  const agent = { address: source, port: ports.sourcePort };
  const way = returns.get(returnKey(agent, { address: destination, port: ports.destinationPort }, ports.protocol));
  const isRefused = way !== undefined && way.affinity !== "address";
  return { drop: false, effects: isRefused ? [{ type: "set-fragment", key }] : [] };
}
