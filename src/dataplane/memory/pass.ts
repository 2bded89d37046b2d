import { type Ipv6Address, type Ipv6Prefix, octetsEqual, prefixContains } from "../../base/index.ts";
import { entryFor } from "./choice.ts";
import { connectionOf } from "./connection.ts";
import { returnToClient } from "./deliver.ts";
import { flowBackOf, flowOf } from "./flow-key.ts";
import { deliverOrGoOn, forwardToSite } from "./forward.ts";
import type { Effect, Outcome, PassInput, PassPort, PassState } from "./outcome.ts";
import {
  ETHERNET_LENGTH,
  IPV6_LENGTH,
  Ipv6Packet,
  isExtension,
  isIcmpv6Error,
  type Layer4,
  Protocol,
  parseLayer4,
  quotedPacket,
  skipExtensions,
  u16,
  u32,
  udpFragment,
} from "./packet.ts";
import { police, tenantBehind } from "./policy.ts";
import { dropFragment, isRefusedFragment, rejectWithError, UNREACHABLE } from "./reject.ts";
import { through } from "./through.ts";
import { nodeOf, outOfTunnel } from "./tunnel.ts";
import { retagged, tagsOf, untagged } from "./vlan.ts";
import { drop, type FlowWalk, pass, type Walk } from "./walk.ts";

const ETHERTYPE_IPV6 = 0x86dd;
/** First header of what may be encapsulated. */
const TUNNELS: ReadonlySet<number> = new Set([Protocol.Ipv6, Protocol.Routing, Protocol.Udp]);

/**
 * What the pass does with one frame: the reference for `dataplane/*.bpf.c`, step by step as in `dataplane/README.md`.
 *
 * Pure: reads `state`, changes nothing, and lists the changes to the tables among the outcome's effects. The outcome's frame
 * may be the input's own octets.
 */
export function processFrame(state: PassState, port: PassPort, input: PassInput): Outcome {
  const tags = tagsOf(port, input.frame);
  if (tags === undefined) return processUntagged(state, port, input);
  const outcome = processUntagged(state, port, { ...input, frame: untagged(input.frame, tags) });
  return retagged(state, input, outcome, tags);
}

function processUntagged(state: PassState, port: PassPort, input: PassInput): Outcome {
  const { frame } = input;
  if (frame.length < ETHERNET_LENGTH || u16(frame, 12) !== ETHERTYPE_IPV6) return pass(frame);
  const found = frame.subarray(ETHERNET_LENGTH);
  if (!hasHeader(found)) return drop("drop-truncated", frame);
  const ethernet = frame.subarray(0, ETHERNET_LENGTH);
  const walk: Walk = {
    state,
    port,
    input,
    ethernet,
    found,
    packet: new Ipv6Packet(found),
    decapsulated: false,
    lastLeg: false,
    tag: 0,
  };
  if (port.role === "core") return fromCore(walk);
  if (prefixContains(state.domain, walk.packet.destination)) return admit(walk);
  return port.role === "agent" ? returnToClient(walk) : pass(frame);
}

function hasHeader(octets: Uint8Array): boolean {
  return octets.length >= IPV6_LENGTH && octets[0]! >> 4 === 6;
}

/** Step 1 on a core port: out of the tunnel. */
function fromCore(walk: Walk): Outcome {
  const { state, packet, input, found } = walk;
  if (!TUNNELS.has(packet.nextHeader) || !octetsEqual(packet.destination, state.locator)) {
    if (prefixContains(state.domain, packet.source)) return through(walk);
    return isPlainRequest(walk) || isErrorForCapability(walk) ? admit(walk) : pass(input.frame);
  }
  const inner = outOfTunnel(state, packet, found);
  if (inner === "passed") return pass(input.frame);
  if (typeof inner === "string") return drop(inner, input.frame);
  const innerPacket = new Ipv6Packet(inner);
  if (!prefixContains(state.domain, innerPacket.destination)) return drop("drop-not-capability", input.frame);
  const lastLeg = nodeOf(state, packet.source)?.lastLeg === true;
  const tag = (u32(found, 0) >>> 12) & 0xff;
  return admit({ ...walk, found: inner, packet: innerPacket, decapsulated: true, lastLeg, tag });
}

/** From a router that knows nothing of capabilities and has no tunnel. */
function isPlainRequest({ state, port, packet }: Walk): boolean {
  return port.tenantIndex !== 0 && prefixContains(state.domain, packet.destination);
}

/** What a router between ours says about a packet on its way back. */
function isErrorForCapability({ state, packet, found }: Walk): boolean {
  const length = IPV6_LENGTH + packet.payloadLength;
  if (!prefixContains(state.domain, packet.destination) || length > found.length) return false;
  const exact = new Ipv6Packet(found.subarray(0, length));
  return exact.nextHeader === Protocol.Icmpv6 && parseLayer4(exact) !== undefined && isIcmpv6Error(exact);
}

/** Step 2. */
function admit(walk: Walk): Outcome {
  const { state, port, input, packet } = walk;
  const length = IPV6_LENGTH + packet.payloadLength;
  if (length > walk.found.length) return drop("drop-truncated", input.frame);
  if (!maySend(packet.source, state.domain)) return drop("drop-source", input.frame);
  const tenantIndex = walk.decapsulated ? port.tenantIndex : tenantBehind(port, packet.source);
  if (tenantIndex === undefined) {
    const spoofed: Effect = { type: "count-tenant", tenantIndex: port.tenantIndex, as: "spoofed", octets: length };
    return { ...drop("drop-spoofed", input.frame), effects: [spoofed] };
  }
  const whole = new Ipv6Packet(walk.found.subarray(0, length));
  const bare = isExtension(whole.nextHeader) ? skipExtensions(whole) : whole;
  if (typeof bare === "string") return drop(bare, input.frame);
  const exact: Walk = { ...walk, port: { ...port, tenantIndex }, packet: bare };
  if (bare.nextHeader === Protocol.Fragment) {
    const found = udpFragment(bare);
    return found === undefined ? dropFragment(exact) : admitWhole({ ...exact, packet: found.packet }, found.layer4);
  }
  const layer4 = parseLayer4(exact.packet);
  return layer4 === undefined ? drop("drop-truncated", input.frame) : admitWhole(exact, layer4);
}

/** Step 2, from a header on that is all there. */
function admitWhole(exact: Walk, layer4: Layer4): Outcome {
  const { state, port, input, packet } = exact;
  if (packet.hopLimit <= 1) return rejectWithError(exact, "reject-hop-limit", { type: 3, code: 0 });
  const policed = !exact.decapsulated && (port.role !== "core" || !isIcmpv6Error(exact.packet));
  const onward = policed ? policedRoute : route;
  const { affinity } = state.plan.capability(packet.destination) ?? {};
  const of = ({ protocol }: Layer4) => (affinity && protocol === Protocol.Udp ? { affinity } : {});
  const spreading = { ...state, affinity };
  if (!isIcmpv6Error(packet)) {
    const connection = affinity === "connection" ? connectionOf(packet, layer4) : undefined;
    const flow = flowOf(packet, layer4, spreading);
    return onward({ ...exact, ...of(layer4), layer4, flow, quoted: false, connection });
  }
  const about = packet.extensions === undefined ? quotedPacket(packet) : undefined;
  if (about === undefined) return drop("drop-unanswerable", input.frame);
  const flow = flowBackOf(about.packet, about.layer4, spreading);
  return onward({ ...exact, ...of(about.layer4), layer4: about.layer4, flow, quoted: true });
}

/** A source that one node has and that is not itself a capability. */
function maySend(source: Ipv6Address, domain: Ipv6Prefix): boolean {
  const isMulticast = source[0] === 0xff;
  const isLinkLocal = source[0] === 0xfe && (source[1]! & 0xc0) === 0x80;
  const isUnspecifiedOrLoopback = source.subarray(0, 15).every((octet) => octet === 0) && source[15]! <= 1;
  return !isMulticast && !isLinkLocal && !isUnspecifiedOrLoopback && !prefixContains(domain, source);
}

/** Step 3 for what comes from a client: what policy says, and then as for all. */
function policedRoute(walk: FlowWalk): Outcome {
  const said = police(walk);
  const outcome = said.type === "refused" ? said.outcome : route({ ...walk, ...said.marks });
  return { ...outcome, effects: [...said.effects, ...outcome.effects] };
}

/** Step 3. */
function route(walk: FlowWalk): Outcome {
  const capability = entryFor(walk.state.plan, walk.packet.destination, walk);
  if (isRefusedFragment(walk)) return dropFragment(walk);
  if (capability === undefined) return rejectWithError(walk, "reject-no-route", { type: 1, code: UNREACHABLE.noRoute });
  const onward = walk.decapsulated ? deliverOrGoOn : forwardToSite;
  if (walk.affinity !== "none") return onward(walk, capability);
  if (walk.quoted) return drop("drop-unanswerable", walk.input.frame);
  const outcome = onward(walk, capability);
  return { ...outcome, effects: [{ type: "take-turn" }, ...outcome.effects] };
}
