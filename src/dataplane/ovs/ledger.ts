import type { NextHopIndex, Operation, PlannedNextHop, Policy, PolicyIndex } from "../../forwarding/index.ts";
import { noteOf } from "../plan-note.ts";
import { note } from "./openflow/actions.ts";
import { FIELD, is } from "./openflow/fields.ts";
import type { Flow } from "./openflow/flow.ts";
import { TABLE } from "./tables.ts";

/** Kinds of entries of the ledger, in the upper half of `metadata`. */
export const ENTRY = { plan: 1, nextHop: 2, group: 3, policy: 4 } as const;

export const nextHopEntry = (index: NextHopIndex, { nextHop, state }: PlannedNextHop): Flow =>
  ledgerFlow(ENTRY.nextHop, index, { type: "set-next-hop", index, nextHop, state });

export const policyEntry = (index: PolicyIndex, policy: Policy): Flow =>
  ledgerFlow(ENTRY.policy, index, { type: "set-policy", index, policy });

/** A flow that no packet reaches, with what was carried out for the process after this one. */
export const ledgerFlow = (kind: number, index: number, operation: Operation): Flow => ({
  table: TABLE.ledger,
  priority: 1,
  match: [is(FIELD.metadata, kind * 2 ** 32 + index)],
  actions: [note(noteOf(operation))],
});
