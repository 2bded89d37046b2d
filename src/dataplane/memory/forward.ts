import {
  addedOctets,
  type CapabilityEntry,
  type GroupIndex,
  lastLegAddress,
  type TunnelNextHop,
} from "../../forwarding/index.ts";
import { type Choice, candidates, onwardSlot, ownerOf, referTo, usable } from "./choice.ts";
import { clampMss, isClamped } from "./clamp.ts";
import { namedMember } from "./connection.ts";
import { deliver } from "./deliver.ts";
import type { Effect, Outcome } from "./outcome.ts";
import { isSyn, Protocol } from "./packet.ts";
import { marked } from "./policy.ts";
import { refuseSize, rejectFlow, rejectTooBig } from "./reject.ts";
import { intoTunnel } from "./tunnel.ts";
import { type FlowWalk, forward } from "./walk.ts";

/** Step 3 from the capability on: the site that its group chooses for the flow. */
export function forwardToSite(walk: FlowWalk, capability: CapabilityEntry): Outcome {
  const { choice, effects } = chooseSite(walk, capability.group);
  const outcome =
    choice?.target.kind === "tunnel"
      ? encapsulate(walk, choice, choice.target)
      : choice !== undefined
        ? deliverOrGoOn(walk, capability)
        : rejectFlow(walk, "reject-empty-group", "address");
  return { ...outcome, effects: [...effects, ...outcome.effects] };
}

type Choosing = Pick<FlowWalk, "state" | "flow" | "layer4" | "affinity" | "connection">;

/** The choice, and what is to be remembered of it. */
export function chooseSite(
  walk: Choosing,
  group: GroupIndex,
): { choice: Choice | undefined; effects: readonly Effect[] } {
  const { state, flow, connection } = walk;
  const named = connection && namedMember(state, group, flow.siteSlot, connection.site);
  return named ? { choice: named, effects: [] } : chooseAt(walk, group, flow.siteSlot, () => true);
}

/** @param from the slot where the search for an owner that is up begins */
function chooseAt(
  { state, flow, layer4, affinity }: Choosing,
  group: GroupIndex,
  from: number,
  fits: (choice: Choice) => boolean,
): { choice: Choice | undefined; effects: readonly Effect[] } {
  const { plan, transitions } = state;
  const { key, siteSlot } = flow;
  const fitting = (choice: Choice | undefined) => (choice !== undefined && fits(choice) ? choice : undefined);
  const fresh = (): Choice | undefined => candidates(plan, group, from).find(fits);
  const owner = ownerOf(plan, group, siteSlot);
  if (owner === undefined || owner.current === owner.previous || affinity === "none")
    return { choice: fresh(), effects: [] };

  const remembered = fitting(usable(plan, transitions.get(key)));
  if (remembered !== undefined) return { choice: remembered, effects: [] };
  if (owner.previous === 0) return { choice: fresh(), effects: [] };
  const stays = isSyn(layer4) ? undefined : fitting(usable(plan, referTo(plan, owner.previous)));
  const choice = stays ?? fresh();
  if (choice === undefined || (isSyn(layer4) && choice.nextHop === owner.previous)) return { choice, effects: [] };
  const { nextHop, generation } = choice;
  return { choice, effects: [{ type: "set-transition", key, value: { nextHop, generation } }] };
}

/** Step 4, and where nobody here takes the flow: into a tunnel to another site, unless it came out of its second one. */
export function deliverOrGoOn(walk: FlowWalk, capability: CapabilityEntry): Outcome {
  const { state, flow, layer4, lastLeg } = walk;
  const delivered = deliver(walk, capability);
  if (delivered.type === "outcome") return delivered.outcome;
  if (delivered.type === "gone-on") return encapsulate(walk, delivered.choice, delivered.tunnel);
  const refused = (): Outcome => rejectFlow(walk, "reject-empty-group", "address");
  if (lastLeg) return refused();
  const isTunnel = (choice: Choice): boolean => choice.target.kind === "tunnel";
  const from = onwardSlot(state.plan, capability.group, flow.siteSlot);
  const { choice, effects } = chooseAt(walk, capability.group, from, isTunnel);
  if (choice?.target.kind !== "tunnel") return refused();
  const { nextHop, generation } = choice;
  const value = { nextHop, generation };
  const kept: Effect[] = layer4.protocol === Protocol.Tcp ? [{ type: "set-flow", key: flow.key, value }] : [];
  const outcome = encapsulate(walk, choice, choice.target);
  return { ...outcome, effects: [...effects, ...kept, ...outcome.effects] };
}

/** Step 5. */
function encapsulate(found: FlowWalk, { nextHop }: Choice, tunnel: TunnelNextHop): Outcome {
  const added = addedOctets(tunnel.encapsulation);
  const isOpening = !found.quoted && isClamped(found);
  const walk = isOpening ? { ...found, packet: clampMss(found, added) } : found;
  const { state, packet, layer4, flow, input } = walk;
  const count: Effect = { type: "count", nextHop, octets: packet.octets.length, newFlow: isSyn(layer4) };
  const [verdict, from] = walk.decapsulated
    ? (["hair-pinned", lastLegAddress(state.locator)] as const)
    : (["encapsulated", state.locator] as const);
  const sent = marked(packet, walk.dscp).oneHopFurther();
  const whole = intoTunnel(sent, from, tunnel, flow, walk.tag);
  const tooBig =
    input.superPacket !== true && packet.octets.length + added > state.tunnelMtu
      ? rejectTooBig(walk, state.tunnelMtu - added)
      : refuseSize(walk, whole.destination, added);
  if (tooBig !== undefined) return { ...tooBig, effects: [count, ...tooBig.effects] };
  return forward(walk, verdict, whole, [count]);
}
