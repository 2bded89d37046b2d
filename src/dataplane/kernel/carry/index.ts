import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BpfMap, Native } from "../../../../native/index.ts";
import type { Ipv6Prefix } from "../../../base/index.ts";
import type { MAPS } from "../../abi.ts";
import { type Carried, carryArray, carryPerCpu, type Pair, type Steps } from "./arrays.ts";
import { carryCapabilities } from "./capabilities.ts";
import { carryHash } from "./hashes.ts";
import { translations } from "./records.ts";

export type { Steps } from "./arrays.ts";

type MapName = keyof typeof MAPS;

/**
 * What a plan says, and what is at ports and the edge: carried over as a whole or not at all.
 * Or what the pass remembers, and has counted: as far as its layout is known. Or what it finds out anew within a moment.
 */
const USE: Readonly<Record<MapName, "plan" | "memory" | "counters" | "passing">> = {
  capabilities: "plan",
  groups: "plan",
  next_hops: "plan",
  encapsulations: "plan",
  nodes: "plan",
  ports: "plan",
  sources: "plan",
  aggregates: "plan",
  policies: "plan",
  meters: "plan",
  allowed: "plan",
  edge: "plan",
  pools: "plan",
  pool_slots: "plan",
  pool_addresses: "plan",
  flows: "memory",
  returns: "memory",
  transitions: "memory",
  fragments: "memory",
  guests: "memory",
  verdicts: "counters",
  next_hop_counters: "counters",
  tenant_counters: "counters",
  tag_counters: "counters",
  policy_uses: "counters",
  edge_verdicts: "counters",
  answers: "passing",
  beginnings: "passing",
  turns: "passing",
  ways: "passing",
  flow_ways: "passing",
};

const ARRAY = 2;
const PERCPU_ARRAY = 6;

/** Tables of another layout, and those of the pass that takes over. */
export interface CarryParts {
  readonly native: Native;
  /** The folder where the former ones are pinned. */
  readonly former: string;
  readonly own: ReadonlyMap<string, BpfMap>;
  /** Those that both have: there is nothing to carry. */
  readonly shared: readonly string[];
  readonly domain: Ipv6Prefix;
}

/** A table that begins empty, and why. */
export interface Left {
  readonly table: string;
  readonly reason: string;
}

export interface CarriedOver {
  /** Why the plan cannot be carried: then none of it is of any use. */
  readonly planLeft: Left | undefined;
  /** Of what the pass remembers and has counted. */
  readonly left: readonly Left[];
}

/** Fills tables that nobody uses yet with what those of another layout hold, in small steps. Nothing of these is changed. */
export function* carryOver(parts: CarryParts): Steps<CarriedOver> {
  const left: Left[] = [];
  for (const [table, use] of Object.entries(USE)) {
    if (use === "passing" || parts.shared.includes(table)) continue;
    using from = openFormer(parts, table);
    if (from === undefined) continue; // what it is for is new
    const reason = yield* carry(table, from, parts);
    if (reason === undefined) continue;
    if (use === "plan") return { planLeft: { table, reason }, left };
    left.push({ table, reason });
  }
  return { planLeft: undefined, left };
}

/** What the pass of another layout came to remember since, while it forwarded. `missing`: only what is not there yet. */
export function* carryMemory(parts: CarryParts, { missing }: { readonly missing: boolean }): Steps<void> {
  for (const [table, use] of Object.entries(USE)) {
    if (use !== "memory" || parts.shared.includes(table)) continue;
    using from = openFormer(parts, table);
    const pair = from && pairOf(from, parts.own.get(table)!);
    if (typeof pair === "object") yield* carryHash(pair, { missing });
  }
}

/**
 * Until when the heartbeats of other routers vouch for them: what was heard while the tables were filled. To be done last, as it may
 * be but some milliseconds; with what is older, routers that live would be passed over.
 */
export function* carryLiveness(parts: CarryParts): Steps<void> {
  const table = "next_hops";
  if (parts.shared.includes(table)) return;
  using from = openFormer(parts, table);
  if (from !== undefined) yield* carry(table, from, parts);
}

function openFormer({ native, former }: CarryParts, table: string): BpfMap | undefined {
  const pin = join(former, table);
  return existsSync(pin) ? native.bpf.openMap(pin) : undefined;
}

function* carry(table: string, from: BpfMap, { own, domain, native }: CarryParts): Carried {
  const pair = pairOf(from, own.get(table)!);
  if (typeof pair === "string") return pair;
  if (table === "capabilities") return yield* carryCapabilities(pair, domain, native.bpf.fillCapabilities);
  if (from.info.type === ARRAY) return yield* carryArray(pair, { plan: table === "groups" });
  if (from.info.type === PERCPU_ARRAY) return yield* carryPerCpu(pair, native.bpf.possibleCpus());
  return yield* carryHash(pair);
}

function pairOf(from: BpfMap, to: BpfMap): Pair | string {
  if (from.info.type !== to.info.type) return "it is of another kind";
  const translate = translations(from, to);
  return typeof translate === "string" ? translate : { from, to, ...translate };
}
