import { octetsEqual } from "../../base/index.ts";
import type { CapabilityEntry, InstanceNextHop, TunnelNextHop } from "../../forwarding/index.ts";
import { CLOSED, FRAGMENT_AGE, IDLE } from "../abi.ts";
import { type Choice, candidates, type NextHopRef, usable } from "./choice.ts";
import { namedMember } from "./connection.ts";
import { flowOf, fragmentKey, returnKey } from "./flow-key.ts";
import type { Effect, Outcome, WayBack } from "./outcome.ts";
import {
  firstFragment,
  IPV6_LENGTH,
  Ipv6Packet,
  isIcmpv6Error,
  isSyn,
  type Layer4,
  Protocol,
  parseLayer4,
  quotedPacket,
  TcpFlag,
  udpFragment,
} from "./packet.ts";
import { marked } from "./policy.ts";
import { answerEcho, dropFragment, refuseFragment, refuseSize, rejectFlow, rejectWithError } from "./reject.ts";
import { translate, translateError } from "./translate.ts";
import { type FlowWalk, forward, isUnfinished, pass, type Walk } from "./walk.ts";

const ECHO_REQUEST = 128;
const CLOSED_BY_BOTH = CLOSED.byClient | CLOSED.byAgent;

interface Member extends NextHopRef {
  readonly instance: InstanceNextHop;
}

function asMember(choice: Choice | undefined): Member | undefined {
  return choice?.target.kind === "instance" ? { ...choice, instance: choice.target } : undefined;
}

/** What became of a packet to an instance behind this router. */
export type Delivery =
  | { readonly type: "outcome"; readonly outcome: Outcome }
  /** No instance may take a flow that begins. */
  | { readonly type: "nobody" }
  /** The connection was sent on to another site when it began. */
  | { readonly type: "gone-on"; readonly choice: Choice; readonly tunnel: TunnelNextHop };

const NOBODY: Delivery = { type: "nobody" };

function done(outcome: Outcome): Delivery {
  return { type: "outcome", outcome };
}

/** Step 4: to an instance behind this router. */
export function deliver(walk: FlowWalk, capability: CapabilityEntry): Delivery {
  const { state, layer4, flow } = walk;
  const members = candidates(state.plan, capability.localGroup, flow.memberSlot)
    .map(asMember)
    .filter((member) => member !== undefined)
    .toArray();
  if (layer4.protocol !== Protocol.Tcp && layer4.protocol !== Protocol.Udp) return answerOther(walk, members);

  const choice = walk.affinity === "none" ? undefined : usable(state.plan, state.flows.get(flow.key));
  const known = asMember(choice);
  if (isSyn(layer4) && known !== undefined && hasEnded(walk, known)) return begin(walk, undefined, members);
  if (!walk.quoted && (layer4.protocol === Protocol.Udp || isSyn(layer4))) {
    const { connection } = walk;
    const named = connection && namedMember(state, capability.localGroup, flow.memberSlot, connection.endpoint);
    return begin(walk, known, members, named);
  }
  if (known !== undefined) return done(follow(walk, known));
  if (choice?.target.kind === "tunnel" && !walk.lastLeg) return { type: "gone-on", choice, tunnel: choice.target };
  return done(rejectFlow(walk, "reject-lost-state", "address"));
}

/** Not TCP, not UDP: echo requests are answered for a capability that somebody serves. */
function answerOther(walk: FlowWalk, members: readonly Member[]): Delivery {
  const isEcho =
    walk.layer4.protocol === Protocol.Icmpv6 && walk.packet.payload[0] === ECHO_REQUEST && !walk.packet.extensions;
  if (!isEcho) return done(rejectFlow(walk, "reject-protocol", "port"));
  return members.length > 0 ? done(answerEcho(walk)) : NOBODY;
}

/**
 * A SYN or a datagram: the instance that its connection names, or that is remembered, else the first member, whose way back is
 * free.
 */
function begin(walk: FlowWalk, known: Member | undefined, members: readonly Member[], named?: Choice): Delivery {
  const { state, packet, layer4, flow, affinity } = walk;
  const first = named === undefined || named.nextHop === known?.nextHop ? known : asMember(named);
  const choices = first === undefined ? members : [first, ...members];
  if (choices.length === 0) return NOBODY;
  for (const member of choices) {
    const isLater = packet.fragment?.isFirst === false;
    if (!serves(member.instance, layer4, isLater)) return done(rejectFlow(walk, "reject-port", "port"));
    const key = backOf(walk, member.instance);
    const way = state.returns.get(key);
    if (!isLater && way !== undefined && isHeldByAnother(walk, way, member)) {
      // what else belongs to this one stays there
      if (member === first && affinity !== undefined) break;
      continue;
    }
    const effects: Effect[] = [];
    if (!isLater && (way === undefined || way.closed !== 0 || way.affinity !== affinity || !isOurs(walk, way))) {
      const address = packet.destination.slice();
      const value = {
        address,
        port: layer4.destinationPort,
        closed: 0,
        seen: state.now,
        ...(affinity && { affinity }),
      };
      effects.push({ type: "set-return", key, value });
    }
    const isNew = member !== known && affinity !== "none";
    const { nextHop, generation } = member;
    if (isNew) effects.push({ type: "set-flow", key: flow.key, value: { nextHop, generation } });
    return done(toInstance(walk, member, effects, { newFlow: isNew }));
  }
  return done(rejectFlow(walk, "reject-collision", "address"));
}

/** True when the connection is over that the flow's member is remembered for: a SYN begins another one. */
function hasEnded(walk: FlowWalk, { instance }: Member): boolean {
  const way = walk.state.returns.get(backOf(walk, instance));
  return way !== undefined && way.closed === CLOSED_BY_BOTH && isOurs(walk, way);
}

/** A segment in the middle of a connection, or an error: only where it began. */
function follow(walk: FlowWalk, known: Member): Outcome {
  if (walk.quoted) return toInstance(walk, known, [], { newFlow: false });
  const key = backOf(walk, known.instance);
  const way = walk.state.returns.get(key);
  const effects: Effect[] = [];
  if (way !== undefined) effects.push({ type: "set-return", key, value: closing(way, walk.layer4, CLOSED.byClient) });
  return toInstance(walk, known, effects, { newFlow: false });
}

/** `isLater`: of a fragment that does not say its ports. */
function serves(instance: InstanceNextHop, layer4: Layer4, isLater: boolean): boolean {
  const protocol = instance.protocol === "tcp" ? Protocol.Tcp : Protocol.Udp;
  return protocol === layer4.protocol && (isLater || instance.servicePort === layer4.destinationPort);
}

/** Where the answers of an instance to this flow are looked up. */
function backOf({ packet, layer4 }: FlowWalk, instance: InstanceNextHop): string {
  return returnKey(instance, { address: packet.source, port: layer4.sourcePort }, layer4.protocol);
}

function isOurs({ packet, layer4 }: FlowWalk, way: WayBack): boolean {
  return octetsEqual(way.address, packet.destination) && way.port === layer4.destinationPort;
}

/**
 * True while a flow of the same client port to another capability uses the way back from this member's endpoint, which may be
 * that of another instance too.
 * @see RFC 5382 REQ-5, RFC 4787 REQ-5
 */
function isHeldByAnother(walk: FlowWalk, way: WayBack, { instance }: Member): boolean {
  const { state, packet, layer4 } = walk;
  if (isOurs(walk, way) || way.closed === CLOSED_BY_BOTH) return false;
  if (state.now - way.seen > (layer4.protocol === Protocol.Tcp ? IDLE.tcp : IDLE.udp)) return false;
  if (way.affinity === "none") return true;
  const ends = { source: packet.source, destination: way.address };
  const spreading = { ...state, affinity: way.affinity };
  const { key } = flowOf(ends, { ...layer4, destinationPort: way.port }, spreading);
  const other = asMember(usable(state.plan, state.flows.get(key)))?.instance;
  return other !== undefined && other.port === instance.port && octetsEqual(other.address, instance.address);
}

/** Sends the packet to an instance, after `effects`. */
function toInstance(
  walk: FlowWalk,
  { instance, nextHop }: Member,
  effects: readonly Effect[],
  options: { readonly newFlow: boolean },
): Outcome {
  const { packet } = walk;
  const count: Effect = { type: "count", nextHop, octets: packet.octets.length, newFlow: options.newFlow };
  const size = refuseSize(walk, instance.address, 0);
  if (size !== undefined) return { ...size, effects: [...effects, count, ...size.effects] };
  const translated = walk.quoted
    ? translateError(packet, "destination", instance)
    : translate(packet, "destination", instance, { unfinished: isUnfinished(walk) });
  const tagged: Effect[] = walk.tag === 0 ? [] : [{ type: "count-tag", tag: walk.tag, octets: packet.octets.length }];
  const sent = afterHop(walk, marked(translated, walk.dscp));
  return forward(walk, "delivered", sent, [...effects, count, ...tagged]);
}

/** The entry after a packet that may close the flow: FIN its half, RST all of it. */
function closing(way: WayBack, { protocol, tcpFlags }: Layer4, half: number): WayBack {
  if (protocol !== Protocol.Tcp) return way;
  const closed = tcpFlags & TcpFlag.Rst ? CLOSED_BY_BOTH : tcpFlags & TcpFlag.Fin ? half : 0;
  return { ...way, closed: way.closed | closed };
}

/** Whoever forwards lowers the hop limit: the pass where it sends by itself, else the kernel after it. */
function afterHop(walk: Walk, packet: Ipv6Packet): Ipv6Packet {
  const sends = walk.input.hook === "tc" && walk.state.route(packet.destination) !== undefined;
  return sends ? packet.oneHopFurther() : packet;
}

/** Step 6: an answer of an instance gets the capability's address back as its source. */
export function returnToClient(walk: Walk): Outcome {
  const { input, found } = walk;
  const length = IPV6_LENGTH + walk.packet.payloadLength;
  if (length > found.length) return pass(input.frame);
  const packet = new Ipv6Packet(found.subarray(0, length));
  const layer4 = parseLayer4(packet);
  if (layer4 === undefined) return pass(input.frame);
  if (packet.nextHeader === Protocol.Fragment) return fragmentToClient({ ...walk, packet });
  if (isIcmpv6Error(packet)) return errorToClient({ ...walk, packet });
  if (layer4.protocol !== Protocol.Tcp && layer4.protocol !== Protocol.Udp) return pass(input.frame);
  return answerToClient({ ...walk, packet }, layer4);
}

/** An answer whose ports are known. */
function answerToClient(exact: Walk, layer4: Layer4): Outcome {
  const { state, input, packet } = exact;
  const agent = { address: packet.source, port: layer4.sourcePort };
  const client = { address: packet.destination, port: layer4.destinationPort };
  const key = returnKey(agent, client, layer4.protocol);
  const way = state.returns.get(key);
  if (way === undefined) return pass(input.frame);
  if (packet.fragment !== undefined && way.affinity !== "address") return dropFragment(exact);
  const outcome = returned(exact, layer4, { key, way });
  if (packet.fragment?.isFirst !== true) return outcome;
  const value = { agentPort: agent.port, clientPort: client.port, seen: state.now };
  const noted: Effect = { type: "set-fragment", key: fragmentKey(packet, packet.fragment.id), value };
  return { ...outcome, effects: [noted, ...outcome.effects] };
}

function returned(exact: Walk, layer4: Layer4, { key, way }: { readonly key: string; readonly way: WayBack }): Outcome {
  const { state, packet } = exact;
  if (packet.hopLimit <= 1) return rejectWithError(exact, "reject-hop-limit", { type: 3, code: 0 });
  const value = { ...closing(way, layer4, CLOSED.byAgent), seen: state.now };
  const seen: Effect = { type: "set-return", key, value };
  const size = refuseSize(exact, packet.destination, 0);
  if (size !== undefined) return { ...size, effects: [seen, ...size.effects] };
  const translated = translate(packet, "source", way, { unfinished: isUnfinished(exact) });
  return forward(exact, "returned", afterHop(exact, translated), [seen]);
}

/** A fragment of an answer of an instance: of those behind the first nobody else knows whose they are. */
function fragmentToClient(walk: Walk): Outcome {
  const { state, packet, input } = walk;
  const found = udpFragment(packet);
  if (found === undefined) {
    const ports = firstFragment(packet);
    if (ports === undefined) return pass(input.frame);
    const agent = { address: packet.source, port: ports.sourcePort };
    const key = returnKey(agent, { address: packet.destination, port: ports.destinationPort }, ports.protocol);
    return state.returns.get(key) === undefined ? pass(input.frame) : refuseFragment(walk);
  }
  const exact = { ...walk, packet: found.packet };
  if (found.fragment.isFirst) return answerToClient(exact, found.layer4);
  const said = state.fragments.get(fragmentKey(packet, found.fragment.id));
  if (said === undefined || state.now - said.seen > FRAGMENT_AGE) return pass(input.frame);
  return answerToClient(exact, { ...found.layer4, sourcePort: said.agentPort, destinationPort: said.clientPort });
}

/** What an instance's side says about a packet that was delivered: as if it spoke of the capability, and came from there. */
function errorToClient(walk: Walk): Outcome {
  const { state, packet, input } = walk;
  const about = quotedPacket(packet);
  if (about === undefined) return pass(input.frame);
  const { source, destination } = about.packet;
  const { protocol, sourcePort, destinationPort } = about.layer4;
  const agent = { address: destination, port: destinationPort };
  const way = state.returns.get(returnKey(agent, { address: source, port: sourcePort }, protocol));
  if (way === undefined) return pass(input.frame);
  if (packet.hopLimit <= 1) return rejectWithError(walk, "reject-hop-limit", { type: 3, code: 0 });
  const size = refuseSize(walk, packet.destination, 0);
  if (size !== undefined) return size;
  const translated = translateError(packet, "source", way);
  return forward(walk, "returned", afterHop(walk, translated), []);
}
