import { octetsEqual } from "../../../base/index.ts";
import { returnKey } from "../flow-key.ts";
import type { WayBack } from "../outcome.ts";
import { type Ipv6Packet, isIcmpv6Error, type Layer4, Protocol, parseLayer4, quotedPacket } from "../packet.ts";
import { translate, translateError } from "../translate.ts";
import type { EdgeState } from "./state.ts";

/**
 * An error about a packet that was delivered, as if the capability had said it. `undefined`: it is about something else.
 * @see RFC 5508 REQ-4
 */
export function restoredError(state: EdgeState, packet: Ipv6Packet): Ipv6Packet | undefined {
  if (parseLayer4(packet) === undefined || !isIcmpv6Error(packet) || packet.hopLimit <= 1) return undefined;
  const about = quotedPacket(packet);
  if (about === undefined) return undefined;
  const { source, destination } = about.packet;
  const way = wayBack(state, destination, source, about.layer4);
  return way && translateError(packet, "source", way);
}

function wayBack(
  { returns }: EdgeState,
  agent: Uint8Array,
  client: Uint8Array,
  { protocol, sourcePort, destinationPort }: Layer4,
): WayBack | undefined {
  const key = returnKey({ address: agent, port: destinationPort }, { address: client, port: sourcePort }, protocol);
  return returns.get(key);
}

function portsOf(packet: Ipv6Packet): Layer4 | undefined {
  const layer4 = parseLayer4(packet);
  return layer4?.protocol === Protocol.Tcp || layer4?.protocol === Protocol.Udp ? layer4 : undefined;
}

/** A call that its caller serves itself: no host takes a packet from its own address, so it comes from the router. */
export function toItself({ locator }: EdgeState, packet: Ipv6Packet): Ipv6Packet | undefined {
  const layer4 = portsOf(packet);
  if (layer4 === undefined) return undefined;
  return translate(packet, "source", { address: locator, port: layer4.sourcePort }, { unfinished: false });
}

/** What the agent answers to that, to the router, is for the caller: itself. */
export function fromItself(state: EdgeState, packet: Ipv6Packet): Ipv6Packet | undefined {
  const agent = packet.source;
  if (parseLayer4(packet) !== undefined && isIcmpv6Error(packet)) {
    const about = quotedPacket(packet);
    if (about === undefined || !octetsEqual(about.packet.destination, agent)) return undefined;
    if (wayBack(state, agent, agent, about.layer4) === undefined) return undefined;
    return translateError(packet, "destination", { address: agent, port: about.layer4.sourcePort });
  }
  const layer4 = portsOf(packet);
  if (layer4 === undefined) return undefined;
  const { sourcePort, destinationPort } = layer4;
  const asCalled = { ...layer4, sourcePort: destinationPort, destinationPort: sourcePort };
  if (wayBack(state, agent, agent, asCalled) === undefined) return undefined;
  return translate(packet, "destination", { address: agent, port: destinationPort }, { unfinished: false });
}
