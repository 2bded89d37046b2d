import type { CommitEntry } from "../../datastore/index.ts";
import type { HistoryRequest } from "../messages.ts";
import { nanoseconds, type OperationParts } from "../parts.ts";
import { GnmiError } from "../status.ts";

/** A configuration that ran, from a time on. */
export interface Moment {
  readonly commit: number;
  /** Nanoseconds since the Unix epoch, as it is told. */
  readonly at: bigint;
}

/** What ran at a time, and how it changed after that. */
export interface HistoryPlan {
  readonly first: Moment;
  /** Later commits, in their order. Empty for a snapshot. */
  readonly later: readonly Moment[];
}

const timeOf = ({ time }: CommitEntry): bigint => nanoseconds({ wall: () => time });

const dateOf = (time: bigint): string => new Date(Number(time / 1_000_000n)).toISOString();

/**
 * Which commits answer a request.
 * @throws {GnmiError} INVALID_ARGUMENT; OUT_OF_RANGE before what is kept; UNIMPLEMENTED for the future
 * @see gNMI history extension §2.2
 */
export function historyPlan(
  request: HistoryRequest | undefined,
  mode: "ONCE" | "STREAM" | "POLL",
  { management, clock }: Pick<OperationParts, "management" | "clock">,
): HistoryPlan | undefined {
  if (request === undefined) return undefined;
  const entries = management.log();
  const kept = new Set(management.kept().map(({ id }) => id));
  const isPast = (time: bigint, what: string): void => {
    if (time > nanoseconds(clock))
      throw new GnmiError("UNIMPLEMENTED", `${what} is in the future: nobody waits for it`);
  };
  const ranAt = (time: bigint, needed: "itself" | "and all later"): number => {
    const index = entries.findIndex((entry) => timeOf(entry) <= time);
    const found = entries[index];
    const gap = entries.findIndex(({ id }) => !kept.has(id));
    const isThere = found !== undefined && kept.has(found.id) && (needed === "itself" || gap < 0 || index < gap);
    if (isThere) return index;
    const oldest = entries.at(gap < 0 ? -1 : gap - 1);
    const since =
      oldest === undefined ? "nothing is kept" : `what is kept begins at ${timeOf(oldest)} (${dateOf(timeOf(oldest))})`;
    throw new GnmiError("OUT_OF_RANGE", `${dateOf(time)} is too long ago: ${since}`);
  };
  switch (request.request) {
    case "snapshot_time": {
      if (mode !== "ONCE") throw new GnmiError("INVALID_ARGUMENT", "a snapshot of history needs mode ONCE");
      const at = BigInt(request.snapshot_time!);
      isPast(at, "snapshot_time");
      return { first: { commit: entries[ranAt(at, "itself")]!.id, at }, later: [] };
    }
    case "range": {
      if (mode !== "STREAM") throw new GnmiError("INVALID_ARGUMENT", "a range of history needs mode STREAM");
      const [start, end] = [BigInt(request.range!.start), BigInt(request.range!.end)];
      if (start > end) throw new GnmiError("INVALID_ARGUMENT", "the range of history ends before it starts");
      isPast(start, "the start of the range");
      isPast(end, "the end of the range");
      const index = ranAt(start, "and all later");
      const moment = (entry: CommitEntry): Moment => ({ commit: entry.id, at: timeOf(entry) });
      // What happened at the start itself is a change of the range. The end is not in it.
      const begun = entries[index]!;
      const isChange = timeOf(begun) === start && index + 1 < entries.length && kept.has(entries[index + 1]!.id);
      const first = isChange ? entries[index + 1]! : begun;
      const later = entries.slice(0, isChange ? index + 1 : index).filter((entry) => timeOf(entry) < end);
      return { first: { commit: first.id, at: start }, later: later.map(moment).reverse() };
    }
    default:
      throw new GnmiError("INVALID_ARGUMENT", "the history extension says neither snapshot_time nor range");
  }
}
