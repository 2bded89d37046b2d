import assert from "node:assert/strict";
import {
  type CapabilityName,
  capabilityId,
  milliseconds,
  parseIpv6,
  parseIpv6Prefix,
  toHex,
} from "../../src/base/index.ts";
import { toMessage } from "../../src/dataplane/fib-service/wire.ts";
import { PlanTables } from "../../src/dataplane/memory/plan-tables.ts";
import type { Instance, InstanceHealth, InstanceState } from "../../src/directory/index.ts";
import { FLOW_MEMORY } from "../../src/forwarding/group-stages.ts";
import {
  type CapabilityBatch,
  Compiler,
  type CompilerOptions,
  GROUP_SLOTS,
  type GroupIndex,
  type GroupRun,
  type HeldPlan,
  type NextHop,
  type NextHopIndex,
  type Operation,
  type OperationSink,
  ownersIn,
  type PlanSnapshot,
} from "../../src/forwarding/index.ts";
import { nextHopKey } from "../../src/forwarding/next-hop-table.ts";
import type { CapabilityCandidate, CapabilitySelection } from "../../src/rib/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

export const DOMAIN = parseIpv6Prefix("fd00:5e3d::/48")!;
export const OWN = parseIpv6("2001:db8:ff::1")!;
export const TRANSITION_HOLD = 30_000;
/** Hold and fading: nothing is in transition any more. */
export const TRANSITION_END = TRANSITION_HOLD + FLOW_MEMORY;
export const QUARANTINE = 60_000;
export const OCR = "/vision/ocr" as CapabilityName;

/** Each look at it takes a millisecond, so that a slice is over after a step or two. */
export class BusyClock extends VirtualClock {
  #looks = 0;

  override monotonic() {
    return milliseconds(super.monotonic() + ++this.#looks);
  }
}

/** As an executor is told. */
export const octetsOf = (operations: readonly Operation[]): string =>
  operations.map((operation) => JSON.stringify(toMessage(operation), plain)).join("\n");
const plain = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString("hex") : typeof value === "bigint" ? `${value}` : value;

type Tables = PlanSnapshot;
type Resolution = readonly string[];

/** Where each slot of an address leads: what the pass would find, by name. */
function resolve(tables: Tables, address: string, side: "group" | "localGroup"): Resolution | undefined {
  const entry = tables.capabilities.get(address);
  if (entry === undefined) return undefined;
  const group = tables.groups.get(entry[side]);
  const name = (index: NextHopIndex): string => {
    const known = tables.nextHops.get(index);
    assert.ok(index === 0 || known !== undefined, `next hop ${index} is named and not there`);
    return known === undefined ? "nobody" : nextHopKey(known.nextHop);
  };
  if (group === undefined) return Array.from({ length: 64 }, () => "nobody");
  return group.slots.map(({ current }) => name(current));
}

/** A data plane that checks after every single operation that each packet is on the old or the new plan. */
export class CheckedSink implements OperationSink {
  readonly tables: PlanTables;
  readonly log: Operation[] = [];
  generation = 0;

  constructor(maxCapabilities = 4096) {
    this.tables = new PlanTables(DOMAIN, maxCapabilities);
  }

  apply(operations: readonly Operation[], generation: number): void {
    assert.ok(generation > this.generation, "generations grow");
    this.generation = generation;
    const before = this.snapshot();
    const steps: Tables[] = [];
    for (const [i, operation] of operations.entries()) {
      this.tables.apply(operation, i);
      steps.push(this.snapshot());
      this.log.push(operation);
    }
    const after = this.snapshot();
    for (const step of steps) this.#check(before, step, after);
  }

  #check(before: Tables, step: Tables, after: Tables): void {
    for (const address of new Set([...before.capabilities.keys(), ...after.capabilities.keys()])) {
      for (const side of ["group", "localGroup"] as const) {
        const [old, now, next] = [before, step, after].map((tables) => resolve(tables, address, side));
        if (now === undefined) {
          assert.ok(old === undefined || next === undefined, `${address} is missing in between`);
          continue;
        }
        for (const [slot, owner] of now.entries()) {
          assert.ok(owner === old?.[slot] || owner === next?.[slot], `slot ${slot} of ${address} leads to ${owner}`);
        }
      }
    }
  }

  snapshot(): PlanSnapshot {
    return this.tables.snapshot(this.generation);
  }

  held(): HeldPlan {
    return this.tables.held(this.generation);
  }

  /** Operations since the last call. */
  news(): Operation[] {
    return this.log.splice(0);
  }
}

/** The same, of entries and new groups in columns; the pieces of a step are looked at one by one. */
export class ColumnsSink extends CheckedSink {
  pieces = 0;
  columns = 0;

  override apply(operations: readonly Operation[]): void {
    super.apply(operations, ++this.pieces);
  }

  fill(batch: CapabilityBatch): void {
    this.columns += batch.length;
    this.apply(batch.operations());
  }

  setGroups({ count, groups, slots, backups }: GroupRun): void {
    this.columns += count;
    const operations = Array.from({ length: count }, (_, i): Operation => {
      const owners = ownersIn(slots, i * GROUP_SLOTS);
      return { type: "set-slots", group: groups[i]!, slots: owners, backup: backups[i]! };
    });
    this.apply(operations);
  }
}

export interface Forwarding {
  readonly clock: VirtualClock;
  readonly sink: CheckedSink;
  readonly log: ListLog;
  readonly metrics: TallyMetrics;
  readonly compiler: Compiler;
}

export interface ForwardingChanges {
  readonly sink?: CheckedSink;
  readonly clock?: VirtualClock;
  readonly limits?: CompilerOptions["limits"];
  readonly random?: SeededRandom;
}

export function forwarding({ sink, clock, limits, random }: ForwardingChanges = {}): Forwarding {
  const parts = {
    clock: clock ?? new VirtualClock(),
    sink: sink ?? new CheckedSink(),
    log: new ListLog(),
    metrics: new TallyMetrics(),
    random: random ?? new SeededRandom(1),
  };
  const compiler = new Compiler(
    {
      domain: DOMAIN,
      locator: OWN,
      selector: 7,
      hashSeed: 42,
      tenants: new Map([["acme", 1]]),
      familyCodes: new Map([["vision", 1]]),
      transitionHold: milliseconds(TRANSITION_HOLD),
      quarantine: milliseconds(QUARANTINE),
      limits: limits ?? { capabilities: 4096, groups: 8191, nextHops: 8191 },
    },
    parts,
  );
  return { ...parts, compiler };
}

export const locator = (site: number) => parseIpv6(`2001:db8:ff::${site.toString(16)}`)!;

export interface SiteInput {
  readonly site: number;
  readonly weight?: number;
  /** Default: in the group. */
  readonly as?: "group" | "draining" | "less-preferred" | "down";
}

/** What the RIB would hand out. Site 1 is this router. */
export function selection(name: CapabilityName, sites: readonly SiteInput[]): CapabilitySelection {
  const candidates = sites.map(({ site, weight = 1, as = "group" }) => {
    const candidate: CapabilityCandidate = {
      originId: 0x0a000000 + site,
      nextHop: locator(site),
      local: site === 1,
      peer: site === 1 ? 0 : 1,
      attributes: 1,
      weight,
      stale: false,
      learntAt: milliseconds(0),
    };
    return { candidate, as };
  });
  const group = candidates.filter(({ as }) => as === "group").map(({ candidate }) => candidate);
  const steps = {
    group: "router-id",
    draining: "state-draining",
    "less-preferred": "local-preference",
    down: "state-down",
  };
  return {
    tenantIndex: 1,
    capabilityId: capabilityId(name, 1),
    name,
    group,
    winner: group[0],
    candidates: candidates.map(({ candidate, as }) => ({
      candidate,
      judgement: as === "group" ? (candidate === group[0] ? "winner" : "group") : "excluded",
      usable: as !== "down",
      step: steps[as],
      reason: "",
    })),
  };
}

export interface InstanceInput {
  readonly number: number;
  readonly name?: CapabilityName;
  readonly weight?: number;
  readonly health?: InstanceHealth["state"];
}

export function instance({ number, name = OCR, weight = 1, health = "up" }: InstanceInput): Instance {
  return {
    id: number.toString(16).padStart(16, "0"),
    agent: `spiffe://example/acme/agent/a${number}`,
    tenant: "acme",
    capability: name,
    version: { major: 1, minor: 0 },
    endpoint: { address: parseIpv6(`fd11::${number.toString(16)}`)!, port: 8080, protocol: "tcp" },
    servicePort: 80,
    weight,
    labels: [],
    source: "configuration",
    registeredAt: milliseconds(0),
    learntAt: milliseconds(0),
    adminState: "up",
    check: { type: "tcp", interval: milliseconds(100), timeout: milliseconds(50), fall: 2, rise: 2 },
    health: { state: health, since: { wall: milliseconds(0), monotonic: milliseconds(0) } },
  };
}

/** Texts of the next hops of an address with how many slots each has now; in transition: `a<-b`. */
export function owners(
  sink: CheckedSink,
  address: string,
  side: "group" | "localGroup" = "group",
): Record<string, number> {
  const { capabilities, groups, nextHops } = sink.snapshot();
  const entry = capabilities.get(address);
  assert.ok(entry, `${address} is not in the table`);
  const counts: Record<string, number> = {};
  const text = (index: NextHopIndex): string => short(nextHops.get(index)?.nextHop);
  for (const { current, previous } of groups.get(entry[side] as GroupIndex)?.slots ?? []) {
    const name = current === previous ? text(current) : `${text(current)}<-${text(previous)}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function short(nextHop: NextHop | undefined): string {
  if (nextHop === undefined) return "-";
  if (nextHop.kind === "local") return "here";
  return nextHop.kind === "tunnel" ? `r${nextHop.locator[15]}` : `i${nextHop.address[15]}`;
}

/** Hexadecimal text of `C::selector`. */
export function addressOf(sink: CheckedSink, name: CapabilityName, selector = 0): string {
  const id = toHex(capabilityId(name, 1).subarray(0, 4));
  const end = id + selector.toString(16).padStart(4, "0");
  return [...sink.snapshot().capabilities.keys()].find((key) => key.endsWith(end)) ?? `no ${end}`;
}

export type { InstanceState };
