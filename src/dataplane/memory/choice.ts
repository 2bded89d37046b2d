import type { Ipv6Address } from "../../base/index.ts";
import {
  type CapabilityEntry,
  GROUP_SLOTS,
  type GroupIndex,
  type NextHop,
  type NextHopIndex,
  type SlotOwner,
} from "../../forwarding/index.ts";
import { GROUP_PROBES } from "../abi.ts";
import type { PassPlan } from "./outcome.ts";

/**
 * What the plan has for a capability address: its entry, or the aggregate that it is below. Not for what came out of a tunnel,
 * which whoever sent it meant for an entry here.
 */
export function entryFor(
  plan: PassPlan,
  address: Ipv6Address,
  { decapsulated }: { readonly decapsulated: boolean },
): CapabilityEntry | undefined {
  const exact = plan.capability(address);
  if (exact !== undefined || decapsulated) return exact;
  const aggregate = plan.aggregate(address);
  if (aggregate === undefined) return undefined;
  const { group, policy } = aggregate;
  return { address, group, localGroup: 0, ...(policy === undefined ? {} : { policy }) };
}

/** What a flow remembers of its next hop. */
export interface NextHopRef {
  readonly nextHop: NextHopIndex;
  readonly generation: number;
}

/** A next hop that was found for a packet. */
export interface Choice extends NextHopRef {
  readonly target: NextHop;
}

/** The next hop of a reference if it still is the one that was meant and takes the flow's packets (up or draining). */
export function usable(plan: PassPlan, ref: NextHopRef | undefined): Choice | undefined {
  if (ref === undefined) return undefined;
  const entry = plan.nextHopEntry(ref.nextHop);
  if (entry === undefined || entry.generation !== ref.generation || entry.state === "down") return undefined;
  return { ...ref, target: entry.nextHop };
}

/** The reference that a flow would remember for a next hop as it is now; `undefined` for 0 and for one that is not there. */
export function referTo(plan: PassPlan, index: NextHopIndex): NextHopRef | undefined {
  const entry = plan.nextHopEntry(index);
  return entry && { nextHop: index, generation: entry.generation };
}

/** The owner of a slot; `undefined` when there is no such group. */
export function ownerOf(plan: PassPlan, group: GroupIndex, slot: number): SlotOwner | undefined {
  return plan.groupEntry(group)?.slots[slot];
}

/**
 * The next hops that may take a new flow, best first: owners of the flow's slot and of those that follow, GROUP_PROBES in
 * all, then the backup. Only those that are up.
 */
export function* candidates(plan: PassPlan, group: GroupIndex, slot: number): Generator<Choice> {
  const entry = plan.groupEntry(group);
  if (entry === undefined) return;
  const owners = Array.from({ length: GROUP_PROBES }, (_, i) => entry.slots[(slot + i) % GROUP_SLOTS]!.current);
  for (const nextHop of [...owners, entry.backup]) {
    const hop = plan.nextHopEntry(nextHop);
    if (hop?.state === "up") yield { nextHop, generation: hop.generation, target: hop.nextHop };
  }
}

/** The next slot from `slot` on that another than its own owner has; in effect `slot` itself where there is none. */
function nextOwner(plan: PassPlan, group: GroupIndex, slot: number): number {
  const slots = plan.groupEntry(group)?.slots;
  const owner = slots?.[slot]?.current;
  for (let n = 1; n < GROUP_SLOTS; n++) {
    const at = (slot + n) % GROUP_SLOTS;
    if (slots?.[at]?.current !== owner) return at;
  }
  return slot;
}

/** Where the search for another site begins, for a flow that nobody here takes: at its own slot while that is such a site's. */
export function onwardSlot(plan: PassPlan, group: GroupIndex, slot: number): number {
  const owner = ownerOf(plan, group, slot);
  const present = owner && usable(plan, referTo(plan, owner.current));
  return present?.target.kind === "tunnel" ? slot : nextOwner(plan, group, slot);
}
