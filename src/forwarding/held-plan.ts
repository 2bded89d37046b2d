import { CapabilityBatch } from "./capability-batch.ts";
import {
  type CapabilityEntry,
  GROUP_SLOTS,
  type GroupIndex,
  type HeldGroup,
  type PlannedGroup,
  type SlotOwner,
} from "./plan.ts";

/** Entries that are walked over in one step: some tens of microseconds. */
export const HELD_AT_ONCE = 64;

/** Entries as a {@link HeldPlan} has them, {@link HELD_AT_ONCE} at a time, in the same batch again and again. */
export function* inBatches(entries: Iterable<CapabilityEntry>): Generator<CapabilityBatch> {
  const batch = new CapabilityBatch(HELD_AT_ONCE);
  for (const { address, group, localGroup, policy, affinity } of entries) {
    batch.push(address, group, localGroup, policy, affinity);
    if (!batch.isFull) continue;
    yield batch;
    batch.clear();
  }
  if (batch.length > 0) yield batch;
}

/** Groups as a {@link HeldPlan} has them; a slot that is not named has no owner. */
export function* inWords(groups: Iterable<readonly [GroupIndex, PlannedGroup]>): Generator<HeldGroup> {
  for (const [index, { slots, backup }] of groups) {
    const words = new Uint32Array(GROUP_SLOTS);
    for (const { slot, current, previous } of slots) words[slot] = current | (previous << 16);
    yield { index, slots: words, backup };
  }
}

/** The owners that GROUP_SLOTS words say, from `first` on: `current`, and `previous` in the upper half. */
export function ownersIn(words: Uint32Array, first = 0): SlotOwner[] {
  return Array.from({ length: GROUP_SLOTS }, (_, slot) => {
    const word = words[first + slot]!;
    return { slot, current: word & 0xffff, previous: word >>> 16 };
  });
}
