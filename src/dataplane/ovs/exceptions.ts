import type { Ipv6Address } from "../../base/index.ts";
import { lastLegAddress } from "../../forwarding/index.ts";
import type { Verdict } from "../abi.ts";
import type { PassPlan, PassState } from "../memory/outcome.ts";
import { concatenate } from "../memory/packet.ts";
import { processFrame } from "../memory/pass.ts";
import { type SwitchFacts, toStack, whyUnusable } from "./next-hop-flows.ts";
import { output } from "./openflow/actions.ts";
import { type Numbered, type PacketIn, packetOut } from "./openflow/flow.ts";
import type { SwitchPort } from "./port-flows.ts";

const ETHERNET_LENGTH = 14;
const IPV6_LENGTH = 40;
const IPV6_IN_IPV6 = 41;

export interface Exception {
  readonly verdict: Verdict;
  /** The answer, if there is one. */
  readonly answer?: Numbered;
}

/** The plan as the switch carries it out: next hops that it cannot send to are down, and of policies there are the tenants that they let in. */
export const asCarriedOut = (plan: PassPlan): PassPlan => ({
  capability: (address) => plan.capability(address),
  aggregate: (address) => plan.aggregate(address),
  groupEntry: (index) => plan.groupEntry(index),
  nextHopEntry(index) {
    const entry = plan.nextHopEntry(index);
    return entry === undefined || whyUnusable(entry.nextHop) === undefined ? entry : { ...entry, state: "down" };
  },
  node: (locator) => plan.node(locator),
  policy: () => undefined,
  policyOfTenant: () => 0,
  isAllowed: (index, tenantIndex) => plan.isAllowed(index, tenantIndex),
});

/**
 * What becomes of a packet that no flow forwards: the reference model of the pass says it, from the same tables. It knows the plan
 * and no flow, which is how much the switch had left to say.
 */
export function exceptionOf(
  packet: PacketIn,
  port: SwitchPort | undefined,
  state: PassState,
  facts: SwitchFacts,
): Exception | undefined {
  const { frame, inPort } = packet;
  if (frame.length < ETHERNET_LENGTH) return undefined;
  if (inPort === facts.tunnelPort) {
    if (packet.tunnelSource === undefined) return undefined;
    const tunnelled = { ...packet, frame: inIpv6(frame, onLastLeg(packet.tunnelSource, state), facts.locator) };
    return judged(tunnelled, { role: "core", tenantIndex: 0 }, state, (answer) => packetOut(toStack(facts), answer));
  }
  if (port === undefined) return undefined;
  return judged(packet, port, state, (answer) => packetOut([output(inPort)], answer));
}

function judged(
  { frame }: PacketIn,
  { role, tenantIndex, sources }: Pick<SwitchPort, "role" | "tenantIndex" | "sources">,
  state: PassState,
  answerWith: (frame: Uint8Array) => Numbered,
): Exception {
  const {
    verdict,
    action,
    frame: answer,
  } = processFrame(
    state,
    { role, tenantIndex, partialChecksums: false, ...(sources === undefined ? {} : { sources }) },
    { frame, hook: role === "core" ? "xdp" : "tc" },
  );
  return action === "reply" ? { verdict, answer: answerWith(answer) } : { verdict };
}

/** The address from which the model sends nothing on to another site. */
const onLastLeg = (source: Ipv6Address, { plan }: PassState): Ipv6Address =>
  plan.node(source) === undefined ? source : lastLegAddress(source);

/** The packet as the model knows tunnels, on its last leg: delivered or refused here. @see RFC 2473 §3.1 */
function inIpv6(frame: Uint8Array, source: Ipv6Address, locator: Ipv6Address): Uint8Array {
  const inner = frame.subarray(ETHERNET_LENGTH);
  const outer = new Uint8Array(IPV6_LENGTH);
  outer[0] = 0x60;
  new DataView(outer.buffer).setUint16(4, inner.length);
  outer[6] = IPV6_IN_IPV6;
  outer[7] = 64;
  outer.set(source, 8);
  outer.set(locator, 24);
  return concatenate(frame.subarray(0, 12), Uint8Array.of(0x86, 0xdd), outer, inner);
}
