import { octetsEqual } from "../../../base/index.ts";
import type { EdgeVerdict } from "../../abi.ts";
import { concatenate, ETHERNET_LENGTH, IPV6_LENGTH, Ipv6Packet, Protocol, putU16, u16 } from "../packet.ts";
import { followFragments } from "./fragments.ts";
import { fromItself, restoredError, toItself } from "./itself.ts";
import { type EdgeInput, type EdgeOutcome, type EdgeState, inPrefix } from "./state.ts";
import { toIpv4 } from "./to-ipv4.ts";
import { toIpv6 } from "./to-ipv6.ts";

export { ipv4Octets } from "./ipv4.ts";
export type { EdgeEffect, EdgeInput, EdgeOutcome, EdgeState, Guest, Pool } from "./state.ts";

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;

/**
 * What the programs at the edge do with one frame: the reference for `dataplane/edge.h`, as in `dataplane/README.md`.
 * Pure: changes no table, lists the changes among the outcome's effects.
 */
export function processAtEdge(state: EdgeState, input: EdgeInput): EdgeOutcome {
  const { frame, place, role } = input;
  if (frame.length < ETHERNET_LENGTH) return leftAlone(input);
  const type = u16(frame, 12);
  const found = frame.subarray(ETHERNET_LENGTH);
  if (type === ETHERTYPE_IPV4)
    return place === "in" && state.prefix !== undefined ? ipv4(state, input, found) : leftAlone(input);
  if (type !== ETHERTYPE_IPV6) return leftAlone(input);
  const packet = wholePacket(found);
  if (packet === undefined) return leftAlone(input);
  const behind = found.subarray(packet.octets.length);
  if (place === "out") return out(state, input, packet, behind);
  if (role === "agent") return fromAgent(state, input, packet, behind);
  if (role === "client" || !inPrefix(state, packet.destination)) return leftAlone(input);
  return ipv6(state, input, restoredError(state, packet) ?? packet, behind);
}

/** The IPv6 packet of a frame; `undefined` for what is cut off or of another version. */
function wholePacket(found: Uint8Array): Ipv6Packet | undefined {
  if (found.length < IPV6_LENGTH || found[0]! >> 4 !== 6) return undefined;
  const length = IPV6_LENGTH + u16(found, 4);
  return length > found.length ? undefined : new Ipv6Packet(found.subarray(0, length));
}

function leftAlone({ frame }: EdgeInput): EdgeOutcome {
  return { verdict: "edge-left-alone", frame, effects: [] };
}

function changed(
  { frame }: EdgeInput,
  verdict: EdgeVerdict,
  type: number,
  parts: readonly Uint8Array[],
  effects: EdgeOutcome["effects"] = [],
): EdgeOutcome {
  const ethernet = frame.slice(0, ETHERNET_LENGTH);
  putU16(ethernet, 12, type);
  return { verdict, frame: concatenate(ethernet, ...parts), effects };
}

function ipv4(state: EdgeState, input: EdgeInput, found: Uint8Array): EdgeOutcome {
  const translated = toIpv6(state, found);
  if (translated === undefined) return leftAlone(input);
  if (typeof translated === "string") return { verdict: translated, frame: input.frame, effects: [] };
  return changed(input, "edge-to-ipv6", ETHERTYPE_IPV6, [translated]);
}

function ipv6(state: EdgeState, input: EdgeInput, packet: Ipv6Packet, behind: Uint8Array): EdgeOutcome {
  const translated = toIpv4(state, packet, input.identification);
  if (typeof translated === "string") return { verdict: translated, frame: input.frame, effects: [] };
  const { octets, effects } = translated;
  if (typeof octets === "string") return { verdict: octets, frame: input.frame, effects };
  return changed(input, "edge-to-ipv4", ETHERTYPE_IPV4, [octets, behind], effects);
}

function fromAgent(state: EdgeState, input: EdgeInput, packet: Ipv6Packet, behind: Uint8Array): EdgeOutcome {
  if (packet.nextHeader === Protocol.Fragment) {
    const { drop, effects } = followFragments(state, packet);
    return { verdict: drop ? "edge-drop-fragment" : "edge-left-alone", frame: input.frame, effects };
  }
  if (!octetsEqual(packet.destination, state.locator)) return leftAlone(input);
  const answer = fromItself(state, packet);
  return answer === undefined
    ? leftAlone(input)
    : changed(input, "edge-from-itself", ETHERTYPE_IPV6, [answer.octets, behind]);
}

function out(state: EdgeState, input: EdgeInput, packet: Ipv6Packet, behind: Uint8Array): EdgeOutcome {
  if (input.role === "agent" && octetsEqual(packet.source, packet.destination)) {
    const call = toItself(state, packet);
    return call === undefined
      ? leftAlone(input)
      : changed(input, "edge-to-itself", ETHERTYPE_IPV6, [call.octets, behind]);
  }
  const restored = restoredError(state, packet);
  if (inPrefix(state, packet.destination)) return ipv6(state, input, restored ?? packet, behind);
  return restored === undefined
    ? leftAlone(input)
    : changed(input, "edge-error-restored", ETHERTYPE_IPV6, [restored.octets, behind]);
}
