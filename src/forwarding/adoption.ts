import type { AddressClaims } from "./address-claims.ts";
import type { AggregateBook } from "./aggregate-book.ts";
import type { EntryTable } from "./entry-table.ts";
import type { GroupContent } from "./group-content.ts";
import type { GroupTable } from "./group-table.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { NodeBook } from "./node-book.ts";
import { GROUP_SLOTS, type HeldGroup, type HeldPlan } from "./plan.ts";
import type { PolicyBook } from "./policy-book.ts";

export interface AdoptionParts {
  readonly nextHops: NextHopTable;
  readonly groups: GroupTable;
  readonly policies: PolicyBook;
  readonly entries: EntryTable;
  readonly aggregates: AggregateBook;
  readonly nodes: NodeBook;
  readonly claims: AddressClaims;
}

/** Indexes are 16 bits wide. */
const MOST_NEXT_HOPS = 1 << 16;

/**
 * Takes note of what a data plane holds, one thing or a few entries a step: what is named before what names it. Nothing is written, so
 * who is killed in the middle leaves the data plane to the next process as it was.
 */
export function* adoption(held: HeldPlan, parts: AdoptionParts): Generator<void> {
  const { nextHops, groups, policies, entries, aggregates, nodes, claims } = parts;
  const present = new Uint8Array(MOST_NEXT_HOPS);
  for (const [index, { nextHop, state }] of held.nextHops) {
    nextHops.adopt(index, nextHop, state);
    present[index] = 1;
    yield;
  }
  const contents = new Contents(present);
  for (const group of held.groups) {
    groups.adopt(group.index, contents.of(group));
    yield;
  }
  for (const [index, policy] of held.policies) {
    policies.adopt(index, policy);
    yield;
  }
  for (const batch of held.capabilities) {
    claims.hasAdopted = true;
    entries.adopt(batch);
    yield;
  }
  for (const aggregate of held.aggregates) {
    aggregates.adopt(aggregate);
    yield;
  }
  for (const node of held.nodes) {
    nodes.adopt(node);
    yield;
  }
}

/** What groups that are held come to, without owners that are not there. */
class Contents {
  readonly #current = new Uint16Array(GROUP_SLOTS);
  readonly #previous = new Uint16Array(GROUP_SLOTS);
  /** By index of a next hop: 1 where there is one. */
  readonly #present: Uint8Array;

  constructor(present: Uint8Array) {
    this.#present = present;
  }

  /** Until the next one. */
  of({ slots, backup }: HeldGroup): GroupContent {
    const [current, previous] = [this.#current, this.#previous];
    let moves = false;
    for (let slot = 0; slot < GROUP_SLOTS; slot++) {
      const word = slots[slot]!;
      const owner = this.#ifPresent(word & 0xffff);
      const former = this.#ifPresent(word >>> 16);
      current[slot] = owner;
      previous[slot] = former;
      if (owner !== former) moves = true;
    }
    return { current, previous: moves ? previous : current, backup: this.#ifPresent(backup) };
  }

  #ifPresent(index: number): number {
    return this.#present[index] === 1 ? index : 0;
  }
}
