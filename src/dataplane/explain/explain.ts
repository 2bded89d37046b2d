import type { Ipv6Address } from "../../base/index.ts";
import {
  type AggregateEntry,
  type CapabilityEntry,
  GROUP_SLOTS,
  type GroupIndex,
  type NextHop,
  type NextHopIndex,
  type NextHopState,
} from "../../forwarding/index.ts";
import { GROUP_PROBES, type Verdict } from "../abi.ts";
import { candidates, entryFor, type NextHopRef, onwardSlot, usable } from "../memory/choice.ts";
import { type Flow, flowOf } from "../memory/flow-key.ts";
import type { Outcome, PassPort, PassState } from "../memory/outcome.ts";
import { ETHERNET_LENGTH, IPV6_LENGTH, Ipv6Packet, isSyn, parseLayer4, u32 } from "../memory/packet.ts";
import { processFrame } from "../memory/pass.ts";
import { frameOf, type PacketQuestion } from "./packet.ts";
import { VERDICT_TEXT } from "./verdicts.ts";

/** One next hop that was looked at for a packet, in the order of looking. */
export interface Probe {
  /** Where it was found. `remembered`: the flow's own entry; `previous`: the former owner of a slot in transition. */
  readonly as: "remembered" | "previous" | "slot" | "backup";
  /** The slot that names it; absent for the others. */
  readonly slot?: number;
  readonly index: NextHopIndex;
  readonly nextHop: NextHop;
  readonly state: NextHopState;
  readonly fate: "taken" | "not usable" | "not looked at";
}

/** A choice in a group: of the site at the ingress, of the instance at the egress. */
export interface GroupChoice {
  readonly group: GroupIndex;
  /** The slot that the flow's hash leads to. */
  readonly slot: number;
  /** Its owner is changing: flows that are known stay where they are. */
  readonly inTransition: boolean;
  readonly probes: readonly Probe[];
}

/** What the pass would do with a packet now, and why. */
export interface PacketExplanation {
  readonly verdict: Verdict;
  readonly text: string;
  readonly action: Outcome["action"];
  /** Absent: its destination is no capability's address here. */
  readonly capability?: CapabilityEntry;
  /** It has no entry here: sites know names below this prefix, and theirs decide. */
  readonly aggregate?: AggregateEntry;
  /** Of a tunnel: its tag, and bits of the flow's hash. */
  readonly flowLabel?: number;
  /** Absent where the packet does not come that far. */
  readonly sites?: GroupChoice;
  readonly instances?: GroupChoice;
  /** No instance takes it, another site does. */
  readonly elsewhere?: GroupChoice;
  /** Where it goes; absent unless it is forwarded. */
  readonly nextHop?: { readonly index: NextHopIndex; readonly nextHop: NextHop };
  /** A flow that was not known begins with it. */
  readonly newFlow: boolean;
  /** As it leaves: destination address of the outermost header, and octets of IPv6. Absent for passed and dropped. */
  readonly leaves?: { readonly to: Ipv6Address; readonly length: number };
}

/**
 * Runs the reference model of the pass on the tables as they are, without carrying its effects out. The rate limit of
 * answers is not foreseen.
 */
export function explainPacket(
  state: PassState,
  port: PassPort,
  hook: "xdp" | "tc",
  question: PacketQuestion,
): PacketExplanation {
  const frame = frameOf(question, state.locator);
  const outcome = processFrame(state, port, { frame, hook });
  const counted = outcome.effects.find((effect) => effect.type === "count");
  const taken = counted && state.plan.nextHopEntry(counted.nextHop);
  const base = {
    verdict: outcome.verdict,
    text: outcome.effects.some(({ type }) => type === "take-turn")
      ? `${VERDICT_TEXT[outcome.verdict]}; this one, as each datagram to this capability takes its turn`
      : VERDICT_TEXT[outcome.verdict],
    action: outcome.action,
    newFlow: counted?.newFlow === true,
    ...(taken && outcome.action === "forward" ? { nextHop: { index: counted.nextHop, nextHop: taken.nextHop } } : {}),
    ...leaving(outcome),
  };
  const exact = state.plan.capability(question.destination);
  const capability = entryFor(state.plan, question.destination, {
    decapsulated: question.tunnelFrom !== undefined,
  });
  if (capability === undefined) return base;
  const aggregate = exact === undefined ? state.plan.aggregate(question.destination) : undefined;
  const entry = aggregate === undefined ? { capability } : { aggregate };
  if (BEFORE_THE_CHOICE.has(outcome.verdict)) return { ...base, ...entry };
  const label = outcome.verdict === "encapsulated" ? { flowLabel: u32(outcome.frame, ETHERNET_LENGTH) & 0xfffff } : {};
  return { ...base, ...entry, ...label, ...choices(state, capability, question, frame, counted?.nextHop) };
}

/** Packets that do not come as far as a group. */
const BEFORE_THE_CHOICE: ReadonlySet<Verdict> = new Set([
  ...(["passed", "reject-tenant", "reject-no-route", "reject-hop-limit", "drop-truncated", "drop-fragment"] as const),
  ...(["drop-source", "drop-unknown-node", "drop-not-capability", "drop-segments", "drop-extension"] as const),
  ...(["drop-vni", "drop-spoofed", "drop-tenant-rate", "drop-capability-rate"] as const),
]);

function leaving({ action, frame }: Outcome): Pick<PacketExplanation, "leaves"> {
  if (action !== "forward" && action !== "reply") return {};
  const packet = new Ipv6Packet(frame.subarray(ETHERNET_LENGTH));
  return { leaves: { to: packet.destination.slice(), length: IPV6_LENGTH + packet.payloadLength } };
}

type Choices = Pick<PacketExplanation, "sites" | "instances" | "elsewhere">;

function choices(
  state: PassState,
  capability: CapabilityEntry,
  question: PacketQuestion,
  frame: Uint8Array,
  chosen: NextHopIndex | undefined,
): Choices {
  const inner = ETHERNET_LENGTH + (question.tunnelFrom === undefined ? 0 : IPV6_LENGTH);
  const packet = new Ipv6Packet(frame.subarray(inner));
  const layer4 = parseLayer4(packet)!;
  const flow = flowOf(packet, layer4, { ...state, affinity: capability.affinity });
  const isRemembered = question.protocol !== "udp" || capability.affinity !== "none";
  const asked = { flow, isNew: isSyn(layer4), isRemembered };
  const sites =
    question.tunnelFrom === undefined && capability.group !== 0 ? sitesOf(state, capability, asked) : undefined;
  const site = sites?.probes.find(({ fate }) => fate === "taken");
  const staysHere = question.tunnelFrom !== undefined || (site !== undefined && site.nextHop.kind !== "tunnel");
  const instances =
    staysHere && capability.localGroup !== 0 ? instancesOf(state, capability, asked, chosen) : undefined;
  const goesOn = staysHere && chosen !== undefined && isTunnel(state, chosen);
  return {
    ...(sites && { sites }),
    ...(instances && { instances }),
    ...(goesOn && { elsewhere: elsewhereOf(state, capability, asked, chosen) }),
  };
}

interface Asked {
  readonly flow: Flow;
  /** It opens a connection. */
  readonly isNew: boolean;
  /** Datagrams that take turns are not. */
  readonly isRemembered: boolean;
}

/** Step 3 of the pass. */
function sitesOf(
  state: PassState,
  { group }: CapabilityEntry,
  { flow, isNew, isRemembered }: Asked,
): GroupChoice | undefined {
  const owners = state.plan.groupEntry(group);
  if (owners === undefined) return undefined;
  const { current, previous } = owners.slots[flow.siteSlot]!;
  const inTransition = isRemembered && current !== previous;
  const remembered = inTransition ? state.transitions.get(flow.key) : undefined;
  const first: Omit<Probe, "fate">[] = [
    ...probe(state, "remembered", remembered?.nextHop ?? 0),
    ...(inTransition && !isNew ? probe(state, "previous", previous) : []),
  ];
  const stays = [remembered, inTransition && !isNew ? referTo(state, previous) : undefined]
    .map((ref) => usable(state.plan, ref)?.nextHop)
    .find((index) => index !== undefined);
  const taken = stays ?? candidates(state.plan, group, flow.siteSlot).next().value?.nextHop;
  return {
    group,
    slot: flow.siteSlot,
    inTransition,
    probes: judged([...first, ...slots(state, group, flow.siteSlot)], taken),
  };
}

/** Step 4. `chosen` is what the model counted the packet for. */
function instancesOf(
  state: PassState,
  { localGroup: group }: CapabilityEntry,
  { flow, isRemembered }: Asked,
  chosen: NextHopIndex | undefined,
): GroupChoice {
  const remembered = isRemembered ? probe(state, "remembered", state.flows.get(flow.key)?.nextHop ?? 0) : [];
  const probes = judged([...remembered, ...slots(state, group, flow.memberSlot)], chosen);
  return { group, slot: flow.memberSlot, inTransition: false, probes };
}

/** Step 4, nobody. `chosen` is the site that the model counted the packet for. */
function elsewhereOf(
  state: PassState,
  { group }: CapabilityEntry,
  { flow, isRemembered }: Asked,
  chosen: NextHopIndex,
): GroupChoice {
  const { current, previous } = state.plan.groupEntry(group)?.slots[flow.siteSlot] ?? { current: 0, previous: 0 };
  const inTransition = isRemembered && current !== previous;
  const from = onwardSlot(state.plan, group, flow.siteSlot);
  const remembered = isRemembered
    ? [state.flows.get(flow.key), inTransition ? state.transitions.get(flow.key) : undefined]
    : [];
  const probes = [
    ...remembered.flatMap((ref) => probe(state, "remembered", ref?.nextHop ?? 0)),
    ...(inTransition ? probe(state, "previous", previous) : []),
    ...slots(state, group, from),
  ].filter(({ nextHop }) => nextHop.kind === "tunnel");
  return { group, slot: flow.siteSlot, inTransition, probes: judged(probes, chosen) };
}

function isTunnel(state: PassState, index: NextHopIndex): boolean {
  return state.plan.nextHopEntry(index)?.nextHop.kind === "tunnel";
}

function referTo(state: PassState, index: NextHopIndex): NextHopRef | undefined {
  const entry = state.plan.nextHopEntry(index);
  return entry && { nextHop: index, generation: entry.generation };
}

function probe(state: PassState, as: Probe["as"], index: NextHopIndex, slot?: number): Omit<Probe, "fate">[] {
  const entry = state.plan.nextHopEntry(index);
  if (entry === undefined) return [];
  return [{ as, index, nextHop: entry.nextHop, state: entry.state, ...(slot === undefined ? {} : { slot }) }];
}

function slots(state: PassState, group: GroupIndex, first: number): Omit<Probe, "fate">[] {
  const entry = state.plan.groupEntry(group);
  if (entry === undefined) return [];
  const owners = Array.from({ length: GROUP_PROBES }, (_, i) => (first + i) % GROUP_SLOTS);
  return [
    ...owners.flatMap((slot) => probe(state, "slot", entry.slots[slot]!.current, slot)),
    ...probe(state, "backup", entry.backup),
  ];
}

/** The first that is the one taken; those before it could not be used, those behind it were not looked at. */
function judged(probes: readonly Omit<Probe, "fate">[], taken: NextHopIndex | undefined): Probe[] {
  const at = probes.findIndex(({ index }) => index === taken);
  return probes.map((one, i) => ({
    ...one,
    fate: i === at ? "taken" : at < 0 || i < at ? "not usable" : "not looked at",
  }));
}
