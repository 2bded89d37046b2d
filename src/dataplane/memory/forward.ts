import type { CapabilityEntry, GroupIndex, TunnelNextHop } from "../../forwarding/index.ts";
import { type Choice, candidates, ownerOf, referTo, usable } from "./choice.ts";
import { deliver } from "./deliver.ts";
import type { Effect, Outcome } from "./outcome.ts";
import { isSyn } from "./packet.ts";
import { refuseSize, rejectFlow, rejectTooBig } from "./reject.ts";
import { addedBy, intoTunnel } from "./tunnel.ts";
import { type FlowWalk, forward } from "./walk.ts";

/** Step 3 from the capability on: the site that its group chooses for the flow. */
export function forwardToSite(walk: FlowWalk, capability: CapabilityEntry): Outcome {
  const { choice, effects } = chooseSite(walk, capability.group);
  const outcome =
    choice?.target.kind === "tunnel"
      ? encapsulate(walk, choice, choice.target)
      : choice !== undefined
        ? deliver(walk, capability)
        : rejectFlow(walk, "reject-empty-group", "address");
  return { ...outcome, effects: [...effects, ...outcome.effects] };
}

/** The choice, and what is to be remembered of it. */
export function chooseSite(
  walk: Pick<FlowWalk, "state" | "flow" | "layer4">,
  group: GroupIndex,
): { choice: Choice | undefined; effects: readonly Effect[] } {
  const { plan, transitions } = walk.state;
  const { key, siteSlot } = walk.flow;
  const fresh = (): Choice | undefined => candidates(plan, group, siteSlot).next().value ?? undefined;
  const owner = ownerOf(plan, group, siteSlot);
  if (owner === undefined || owner.current === owner.previous) return { choice: fresh(), effects: [] };

  const remembered = usable(plan, transitions.get(key));
  if (remembered !== undefined) return { choice: remembered, effects: [] };
  const stays = isSyn(walk.layer4) ? undefined : usable(plan, referTo(plan, owner.previous));
  const choice = stays ?? fresh();
  if (choice === undefined) return { choice, effects: [] };
  const { nextHop, generation } = choice;
  return { choice, effects: [{ type: "set-transition", key, value: { nextHop, generation } }] };
}

/** Step 5. */
function encapsulate(walk: FlowWalk, { nextHop }: Choice, tunnel: TunnelNextHop): Outcome {
  const { state, packet, layer4, flow, input } = walk;
  const count: Effect = { type: "count", nextHop, octets: packet.octets.length, newFlow: isSyn(layer4) };
  const added = addedBy(tunnel);
  const whole = intoTunnel(packet.oneHopFurther(), state.locator, tunnel, flow);
  const tooBig =
    input.superPacket !== true && packet.octets.length + added > state.tunnelMtu
      ? rejectTooBig(walk, state.tunnelMtu - added)
      : refuseSize(walk, whole.destination, added);
  if (tooBig !== undefined) return { ...tooBig, effects: [count, ...tooBig.effects] };
  return forward(walk, "encapsulated", whole, [count]);
}
