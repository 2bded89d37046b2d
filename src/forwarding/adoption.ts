import type { AddressClaims } from "./address-claims.ts";
import type { AggregateBook } from "./aggregate-book.ts";
import type { EntryTable } from "./entry-table.ts";
import { contentOf } from "./group-content.ts";
import type { GroupTable } from "./group-table.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { NodeBook } from "./node-book.ts";
import type { HeldPlan, NextHopIndex } from "./plan.ts";
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

/**
 * Takes note of what a data plane holds, one thing a step: what is named before what names it. Nothing is written, so who is killed
 * in the middle leaves the data plane to the next process as it was.
 */
export function* adoption(held: HeldPlan, parts: AdoptionParts): Generator<void> {
  const { nextHops, groups, policies, entries, aggregates, nodes, claims } = parts;
  for (const [index, { nextHop, state }] of held.nextHops) {
    nextHops.adopt(index, nextHop, state);
    yield;
  }
  const present = (index: NextHopIndex): NextHopIndex => (nextHops.get(index) === undefined ? 0 : index);
  for (const [index, { slots, backup }] of held.groups) {
    const content = contentOf(slots, present(backup));
    for (const owners of [content.current, content.previous])
      for (let slot = 0; slot < owners.length; slot++) owners[slot] = present(owners[slot]!);
    groups.adopt(index, content);
    yield;
  }
  for (const [index, policy] of held.policies) {
    policies.adopt(index, policy);
    yield;
  }
  for (const installed of held.capabilities) {
    claims.hasAdopted = true;
    entries.adopt(installed);
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
