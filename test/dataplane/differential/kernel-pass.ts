import { type BpfMap, loadNative } from "../../../native/index.ts";
import {
  FRAGMENT_ENDS,
  METER,
  PROGRAMS,
  RETURN,
  TAG_COUNTERS,
  TAGS,
  TENANT_BLOCK,
  TENANTS_IN_BLOCK,
  VERDICTS,
} from "../../../src/dataplane/abi.ts";
import type { KernelDataplane } from "../../../src/dataplane/index.ts";
import { Counters } from "../../../src/dataplane/kernel/counters.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import { SourceMap } from "../../../src/dataplane/kernel/source-map.ts";
import type { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import { emptying } from "../kernel/emptying.ts";
import type { Step } from "./arbitrary.ts";
import { POLICIES } from "./arbitrary-plans.ts";

const LOOPBACK = 1;
/** Tenants that ports and policies have. */
export const TENANTS = [1, 2];
/** In nanoseconds: what a packet or an octet takes to be earned, and how much of it may go by unnoticed. */
const SECOND = 1_000_000_000n;
const STALL = (SECOND * 3n) / 10n;

function clearHash(map: BpfMap): void {
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey()) map.delete(key);
}

/** The kernel's side: tables through the driver, packets through BPF_PROG_RUN with the loopback as their port. */
export class Pass {
  readonly dataplane: KernelDataplane;
  readonly #ports: PortTable;
  readonly #sources: SourceMap;
  readonly #meters: BigUint64Array;
  readonly #counters: Counters;
  #lastRun = 0n;
  /** Between freezing the time and looking at it the process waited for a processor for so long that something was earned. */
  stalled = false;

  constructor(dataplane: KernelDataplane) {
    this.dataplane = dataplane;
    const { maps } = dataplane.object;
    this.#ports = new PortTable(maps.get("ports")!.mmap());
    this.#sources = new SourceMap(maps.get("sources")!);
    const meters = maps.get("meters")!.mmap();
    this.#meters = new BigUint64Array(meters.buffer, meters.byteOffset, meters.length / 8);
    const [verdicts, edge, nextHops] = ["verdicts", "edge_verdicts", "next_hop_counters"].map(
      (name) => maps.get(name)!,
    );
    const [tenants, policies, tags] = ["tenant_counters", "policy_uses", "tag_counters"].map((name) => maps.get(name)!);
    const counted = {
      verdicts: verdicts!,
      edge: edge!,
      nextHops: nextHops!,
      tenants: tenants!,
      policies: policies!,
      tags: tags!,
    };
    this.#counters = new Counters(counted, loadNative().bpf.possibleCpus());
  }

  reset(): void {
    const { dataplane } = this;
    this.stalled = false;
    dataplane.apply(emptying(dataplane.snapshot()), 1);
    const { maps } = dataplane.object;
    for (const name of ["flows", "returns", "transitions", "fragments"]) clearHash(maps.get(name)!);
    const cpus = loadNative().bpf.possibleCpus();
    maps.get("answers")!.update(new Uint8Array(4), new Uint8Array(16 * cpus)); // a full bucket
    maps.get("beginnings")!.update(new Uint8Array(4), new Uint8Array(24 * cpus)); // likewise
    for (const index of VERDICTS.keys())
      maps.get("verdicts")!.update(Uint8Array.of(index, 0, 0, 0), new Uint8Array(8 * cpus));
    for (const block of new Set(TENANTS.map((tenant) => Math.floor(tenant / TENANTS_IN_BLOCK))))
      maps.get("tenant_counters")!.update(Uint8Array.of(block, 0, 0, 0), new Uint8Array(TENANT_BLOCK.size * cpus));
    for (let tag = 0; tag < TAGS; tag++)
      maps.get("tag_counters")!.update(Uint8Array.of(tag, 0, 0, 0), new Uint8Array(TAG_COUNTERS.size * cpus));
  }

  /**
   * The model's time stands still: what was earned since the packet before is taken back. Each packet and octet takes one
   * second to earn, so meters are whole seconds ahead, but for the time that the run of a packet takes.
   */
  #freeze(now: bigint): void {
    for (const index of [...POLICIES.tenants, ...POLICIES.capabilities])
      for (let word = (index * METER.size) / 8; word < ((index + 1) * METER.size) / 8; word++) {
        const ahead = Math.round(Number(this.#meters[word]! - this.#lastRun) / 1e9);
        this.#meters[word] = ahead <= 0 ? 0n : now + BigInt(ahead) * SECOND - SECOND / 10n;
      }
  }

  counters({ plan }: { readonly plan: PlanTables }) {
    return this.#counters.read({
      nextHops: () => new Set(plan.nextHopIndexes()),
      tenants: () => new Set(TENANTS),
      policies: () => new Set(plan.policyIndexes()),
    });
  }

  /** As unsigned numbers that wrap: what the pass calculates with. */
  age(by: number): void {
    for (const [name, { offsets }] of [["returns", RETURN] as const, ["fragments", FRAGMENT_ENDS] as const]) {
      const table = this.dataplane.object.maps.get(name)!;
      for (let key = table.nextKey(); key !== undefined; key = table.nextKey(key)) {
        const value = table.lookup(key)!;
        const view = new DataView(value.buffer, value.byteOffset + offsets.seen, 4);
        view.setUint32(0, view.getUint32(0, true) - by, true);
        table.update(key, value);
      }
    }
  }

  /** `policyOf`: the policy of a tenant, which the driver would write to the port. `turn`: of whichever processor it is. */
  process(
    { port, hook, frame }: Extract<Step, { type: "packet" }>,
    turn: number,
    policyOf: (tenantIndex: number) => number,
  ): { returnValue: number; packet: Uint8Array } {
    const {
      role,
      tenantIndex,
      partialChecksums: partial,
      clampsMss: clamp = false,
      acceptsTags: vlans = false,
      sources,
    } = port;
    const entries = (sources ?? []).map((source) => {
      return { ...source, ifindex: LOOPBACK, policy: policyOf(source.tenantIndex) };
    });
    const entry = { role, tenantIndex, direct: false, partial, clamp, vlans };
    this.#sources.replace(
      entries,
      () => true,
      () => this.#ports.set(LOOPBACK, { ...entry, sources: sources !== undefined, policy: policyOf(tenantIndex) }),
    );
    const turns = new Uint32Array(2 * loadNative().bpf.possibleCpus()).fill(turn);
    this.dataplane.object.maps.get("turns")!.update(new Uint8Array(4), new Uint8Array(turns.buffer));
    const begin = process.hrtime.bigint();
    this.#freeze(begin);
    const seen = loadNative().bpf.testRun(this.dataplane.object.programs.get(PROGRAMS[hook])!, frame);
    this.#lastRun = process.hrtime.bigint();
    this.stalled ||= this.#lastRun - begin > STALL;
    return seen;
  }
}
