import type { Session } from "../../datastore/index.ts";
import type { Leaf, LeafOptions } from "../leaves.ts";
import type { OperationParts } from "../parts.ts";
import { notificationOctets, pathOf, type Sent, SYNC_RESPONSE } from "../wire.ts";
import type { HistoryPlan, Moment } from "./history-plan.ts";
import type { SubscriptionPlan } from "./plan.ts";
import { configurationLeaves } from "./snapshot.ts";

/** Leaves of one Notification. */
const BATCH = 100;

export interface HistoryParts extends OperationParts {
  /** Path message of prefixes. */
  readonly prefix: Uint8Array;
  /** Resolves when there is room for more; false: the reader is gone. */
  readonly write: (octets: Buffer) => Promise<boolean>;
}

/**
 * Tells what ran at a time, and each later change with the time of its commit; a leaf that is gone is told by itself. Reads
 * one kept configuration after the other, with what its reader may see now.
 *
 * @throws {GnmiError} @see gNMI history extension §2.2
 */
export async function tellHistory(
  plan: SubscriptionPlan & { readonly history: HistoryPlan },
  session: Session,
  parts: HistoryParts,
): Promise<void> {
  const { first, later } = plan.history;
  let before = await leavesAt(first, plan, session, parts);
  if (!plan.updatesOnly) {
    const all = before.values().map((octets): Sent => ({ isDelete: false, octets, duplicates: 0 }));
    if (!(await tell(first.at, all, parts))) return;
  }
  if (!(await parts.write(SYNC_RESPONSE))) return;
  for (const moment of later) {
    const after = await leavesAt(moment, plan, session, parts);
    if (!(await tell(moment.at, difference(before, after), parts))) return;
    before = after;
  }
}

type Leaves = ReadonlyMap<string, Leaf["octets"]>;

async function leavesAt(
  { commit }: Moment,
  { paths, encoding, depth }: SubscriptionPlan,
  session: Session,
  parts: OperationParts,
): Promise<Leaves> {
  const options: LeafOptions = { encoding, ...(depth === undefined ? {} : { depth }) };
  const leaves = new Map<string, Leaf["octets"]>();
  for (const { pattern } of paths) {
    for await (const portion of configurationLeaves(parts, session, pattern, options, commit))
      for (const { key, octets } of portion) leaves.set(key, octets);
  }
  return leaves;
}

function* difference(before: Leaves, after: Leaves): Generator<Sent, void, void> {
  for (const [key, octets] of before) {
    if (!after.has(key)) yield { isDelete: true, octets: pathOf(octets), duplicates: 0 };
  }
  for (const [key, octets] of after) {
    const was = before.get(key);
    if (was === undefined || !octets.equals(was)) yield { isDelete: false, octets, duplicates: 0 };
  }
}

/** False: the reader is gone. */
async function tell(at: bigint, items: Iterable<Sent>, { prefix, write }: HistoryParts): Promise<boolean> {
  let batch: Sent[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    if (!(await write(notificationOctets(at, prefix, batch)))) return false;
    batch = [];
  }
  return batch.length === 0 || write(notificationOctets(at, prefix, batch));
}
