import type { CapabilityEntry, GroupIndex } from "../../forwarding/index.ts";
import { type Choice, candidates, ownerOf, referTo, usable } from "./choice.ts";
import { deliver } from "./deliver.ts";
import type { Flow } from "./flow-key.ts";
import type { Effect, Outcome } from "./outcome.ts";
import { concatenate, IPV6_LENGTH, Ipv6Packet, isSyn, Protocol, putU16, putU32, u32 } from "./packet.ts";
import { refuseSize, rejectFlow, rejectTooBig } from "./reject.ts";
import { type FlowWalk, forward } from "./walk.ts";

const TUNNEL_HOP_LIMIT = 64;

/** Step 3 from the capability on: the site that its group chooses for the flow. */
export function forwardToSite(walk: FlowWalk, capability: CapabilityEntry): Outcome {
  const { choice, effects } = chooseSite(walk, capability.group);
  const outcome =
    choice?.target.kind === "tunnel"
      ? encapsulate(walk, choice, choice.target.locator)
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

/** Step 5. @see RFC 2473 §3; RFC 6438 (flow label) */
function encapsulate(walk: FlowWalk, { nextHop }: Choice, to: Uint8Array): Outcome {
  const { state, packet, layer4, flow, input } = walk;
  const count: Effect = { type: "count", nextHop, octets: packet.octets.length, newFlow: isSyn(layer4) };
  const size = packet.octets.length + IPV6_LENGTH;
  const tooBig =
    input.superPacket !== true && size > state.tunnelMtu
      ? rejectTooBig(walk, state.tunnelMtu - IPV6_LENGTH)
      : refuseSize(walk, to, IPV6_LENGTH);
  if (tooBig !== undefined) return { ...tooBig, effects: [count, ...tooBig.effects] };
  return forward(walk, "encapsulated", intoTunnel(packet.oneHopFurther(), state.locator, to, flow), [count]);
}

export function intoTunnel(packet: Ipv6Packet, from: Uint8Array, to: Uint8Array, { flowLabel }: Flow): Ipv6Packet {
  const outer = new Uint8Array(IPV6_LENGTH);
  const trafficClass = u32(packet.octets, 0) & 0x0ff00000;
  putU32(outer, 0, (0x60000000 | trafficClass | flowLabel) >>> 0);
  putU16(outer, 4, packet.octets.length);
  outer[6] = Protocol.Ipv6;
  outer[7] = TUNNEL_HOP_LIMIT;
  outer.set(from, 8);
  outer.set(to, 24);
  return new Ipv6Packet(concatenate(outer, packet.octets));
}
