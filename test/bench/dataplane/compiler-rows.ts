import { PerformanceObserver } from "node:perf_hooks";
import { type CapabilityId, type CapabilityName, capabilityId, milliseconds, Slices } from "../../../src/base/index.ts";
import { JUDGED } from "../../../src/daemon/feed.ts";
import type { Compiler, OperationSink } from "../../../src/forwarding/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { CapabilityCandidate, CapabilitySelection } from "../../../src/rib/index.ts";
import { MEMBERS, nameOf, SITES, siteOf, TENANTS, tenantOf, weightOf } from "./combinations.ts";
import { compilerInto, cpuMicroseconds, laterTurn, SECONDS_OF_A_MILLION, settled, turn } from "./compiler-subject.ts";
import { percentile, type Row, single } from "./figures.ts";
import { namesOf } from "./loaded-rib.ts";
import { Turns } from "./turns.ts";
import { startDataplane, tunnelLocator } from "./world.ts";

const SINGLES = 5000;
/** What the RIB would say, as `combinations` has it. */
class Routes {
  readonly #ids: readonly CapabilityId[];
  readonly names: readonly CapabilityName[];
  readonly #sites: readonly Uint8Array[] = Array.from({ length: SITES }, (_, i) => tunnelLocator(i));

  constructor(capabilities: number) {
    this.names = namesOf(capabilities);
    this.#ids = this.names.map((name) => capabilityId(name, 1));
  }

  selection(index: number, shift = 0): CapabilitySelection {
    const selection = emptySelection();
    this.fill(selection, index, shift);
    return selection;
  }

  fill(selection: Writable<CapabilitySelection>, index: number, shift = 0): void {
    selection.tenantIndex = tenantOf(index);
    selection.capabilityId = this.#ids[nameOf(index)]!;
    selection.name = this.names[nameOf(index)]!;
    const members: readonly Writable<CapabilityCandidate>[] = selection.group;
    for (let i = 0; i < MEMBERS; i++) {
      const site = siteOf(index, i, shift);
      const member = members[i]!;
      member.originId = 0x0a000000 + site;
      member.nextHop.set(this.#sites[site]!);
      member.weight = weightOf(index, i);
    }
  }
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

function emptySelection(): Writable<CapabilitySelection> {
  const group = Array.from({ length: MEMBERS }, (): CapabilityCandidate => {
    const origin = { originId: 0, nextHop: new Uint8Array(16), local: false, peer: 1, attributes: 1 };
    return { ...origin, weight: 0, stale: false, learntAt: milliseconds(0) };
  });
  const candidates = group.map((candidate, i): CapabilitySelection["candidates"][number] => {
    return { candidate, judgement: i === 0 ? "winner" : "group", usable: true, step: "router-id", reason: "" };
  });
  const capability = { tenantIndex: 0, capabilityId: new Uint8Array(16) as CapabilityId, name: undefined };
  return { ...capability, group, winner: group[0], candidates };
}

/** Pauses of the garbage collector, in milliseconds. */
class Pauses implements Disposable {
  readonly all: number[] = [];
  readonly #observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.all.push(duration);
  });

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect();
  }
}

/** Until the sink has all of it: processor time in microseconds for each, and seconds. */
async function coldStart(compiler: Compiler, routes: Routes, capabilities: number) {
  // The compiler keeps nothing of what it is told: made anew each time, that would be most of the garbage collector's work.
  const told = emptySelection();
  const [began, used] = [performance.now(), cpuMicroseconds()];
  for (let i = 0; i < capabilities; ) {
    const until = performance.now() + JUDGED.span; // as the daemon's feed does
    do {
      for (const end = Math.min(capabilities, i + JUDGED.atOnce); i < end; i++) {
        routes.fill(told, i);
        compiler.capabilityChanged(told);
      }
    } while (i < capabilities && performance.now() < until);
    await laterTurn();
  }
  while (compiler.pending > 0) await turn();
  return { cpu: (cpuMicroseconds() - used) / capabilities, seconds: (performance.now() - began) / 1000 };
}

/** A full RIB into operations that nobody carries out, then single changes; and the same into the kernel's tables. */
export async function measureCompiler(
  capabilities = Number(process.env.SEMR_BENCH_CAPABILITIES ?? 1_000_000),
): Promise<Row[]> {
  const rows = await measureAlone(capabilities);
  const routes = new Routes(capabilities);
  {
    await using dataplane = await startDataplane("compiler", capabilities);
    using compiler = compilerInto(dataplane, capabilities);
    const { cpu, seconds } = await coldStart(compiler, routes, capabilities);
    rows.push(
      single("cold start into the kernel's tables: CPU for each", "µs", cpu),
      single("  wall time", "s", seconds, { most: (SECONDS_OF_A_MILLION * capabilities) / 1e6 }),
    );
  }
  return [...rows, ...(await measureAdoption(capabilities))];
}

/** The process after a restart: what is pinned is taken over, the compiler goes on from it. */
async function measureAdoption(capabilities: number): Promise<Row[]> {
  await settled();
  using turns = new Turns();
  const [began, used] = [performance.now(), cpuMicroseconds()];
  await using dataplane = await startDataplane("compiler", capabilities);
  const opened = performance.now();
  using compiler = compilerInto(dataplane, capabilities);
  const slices = new Slices(systemClock, { stepsPerLook: 1 });
  await slices.next();
  for (const _ of compiler.adopt(dataplane.held())) if (slices.isOver) await slices.next();
  const [took, cpu] = [performance.now() - opened, cpuMicroseconds() - used];
  if (compiler.sizes.capabilities !== capabilities) throw new Error("not all of the plan was adopted");
  return [
    single("restart: adopting all of it, CPU for each", "µs", cpu / capabilities),
    single("  until the tables are taken over, with loading the pass", "s", (opened - began) / 1000),
    single("  until the compiler has the plan", "s", took / 1000),
    single("  longest turn", "ms", turns.longest, { most: 5 }),
  ];
}

async function measureAlone(capabilities: number): Promise<Row[]> {
  let operations = 0;
  const sink: OperationSink = {
    apply(written) {
      operations += written.length;
    },
    setGroups({ count }) {
      operations += count;
    },
    fill({ length }) {
      operations += length;
    },
  };
  using compiler = compilerInto(sink, capabilities);
  const routes = new Routes(capabilities);
  await settled();
  const memory = octets();
  using pauses = new Pauses();
  const turns = new Turns();
  const { cpu, seconds } = await coldStart(compiler, routes, capabilities);
  turns[Symbol.dispose]();
  const groups = compiler.sizes.groups;
  const written = operations;
  await turn();
  const longestPause = Math.max(0, ...pauses.all);
  await settled();
  const each = (octets() - memory) / capabilities;
  const singles: number[] = [];
  const churned = cpuMicroseconds();
  for (let i = 0; i < SINGLES; i++) {
    const selection = routes.selection((i * 7919) % capabilities, 1);
    const start = performance.now();
    compiler.capabilityChanged(selection);
    await turn();
    while (compiler.pending > 0) await turn();
    singles.push((performance.now() - start) * 1000);
  }
  const churn = (cpuMicroseconds() - churned) / SINGLES;
  return [
    single(`cold start, ${capabilities} capabilities of ${TENANTS} tenants: CPU for each`, "µs", cpu, { most: 3 }),
    single("  wall time", "s", seconds, { most: (SECONDS_OF_A_MILLION * capabilities) / 1e6 }),
    single("  groups", "", groups),
    single("  operations", "", written),
    single("  octets that stay, for each", "", each, { most: 300 }),
    single("  longest turn", "ms", turns.longest, { most: 5 }),
    single("  longest pause of the garbage collector", "ms", longestPause, { most: 5 }),
    single("one route changes: CPU, with its turn of the event loop", "µs", churn),
    single("  from the call to the operation: median", "µs", percentile(singles, 0.5)),
  ];
}

/** Octets of shared memory, which nobody gives back here and no statistics of the process tells. */
let shared = 0;
globalThis.SharedArrayBuffer = new Proxy(SharedArrayBuffer, {
  construct(made, [length]: [number]) {
    shared += length;
    return new made(length);
  },
});

function octets(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external + shared;
}
