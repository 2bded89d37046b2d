import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { BpfProgram, FilterTerms, Native, TcPlace } from "../../../native/index.ts";
import { removePin } from "./pins.ts";

const RECORD = /^filter-(ingress|before|egress)-([1-9]\d{0,9})-([1-9]\d{0,9})$/;
/** Indexes and numbers of the kernel: a name with more is no record of ours. */
const MOST = 0x7fff_ffff;

/** Where filters are recorded, and what becomes of those that are there. */
export interface FilterParts {
  /** The folder of all pins: not that of links, where a version that knows of no records looks. */
  readonly records: string;
  /** Filters that are there stay, as somebody has put them there: only a start replaces those of an earlier process. */
  readonly keepsFilters?: boolean;
}

/**
 * A clsact filter has no pin, so its program has, from before the filter is there: as long as the pin is there no other program
 * gets its number, and whatever has that number in that place is ours.
 */
export function filterTerms(
  { records, keepsFilters = false }: FilterParts,
  place: TcPlace,
  ifindex: number,
  { id }: BpfProgram,
): FilterTerms & { readonly record: string } {
  return { record: join(records, `filter-${place}-${ifindex}-${id}`), keep: keepsFilters };
}

/** Removes the filters that are recorded there, but for those whose record is used; one that another program has replaced stays. */
export function removeFilters({ bpf }: Native, records: string, used: ReadonlySet<string>): void {
  for (const entry of readdirSync(records, { withFileTypes: true })) {
    const [, place, ifindex, program] = RECORD.exec(entry.name) ?? [];
    const record = join(records, entry.name);
    if (place === undefined || entry.isDirectory() || used.has(record)) continue;
    if (Math.max(Number(ifindex), Number(program)) > MOST) continue;
    bpf.detachFilter(Number(ifindex), place as TcPlace, Number(program));
    removePin(record);
  }
}
