import type { CapabilityName } from "../../../src/base/index.ts";
import { feedCompiler } from "../../../src/daemon/feed.ts";
import { SelectionFan } from "../../../src/daemon/selection-fan.ts";
import { Directory } from "../../../src/directory/index.ts";
import type { Compiler, KnownCapability } from "../../../src/forwarding/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { Rib } from "../../../src/rib/index.ts";
import { TallyMetrics } from "../../sim/tally-metrics.ts";
import { MEMBERS, TENANTS } from "./combinations.ts";
import { compilerInto, cpuMicroseconds, SECONDS_OF_A_MILLION, settled, turn } from "./compiler-subject.ts";
import { type Row, single } from "./figures.ts";
import { loadRib, namesOf } from "./loaded-rib.ts";
import { Turns } from "./turns.ts";
import { startDataplane } from "./world.ts";

/** From a RIB that has all routes and has decided nothing, through the daemon's feed and the compiler, into the kernel's tables. */
export async function measureRib(
  capabilities = Number(process.env.SEMR_BENCH_CAPABILITIES ?? 1_000_000),
): Promise<Row[]> {
  const loaded = cpuMicroseconds();
  using rib = await loadRib(capabilities);
  const loading = (cpuMicroseconds() - loaded) / capabilities / MEMBERS;
  await using dataplane = await startDataplane("rib", capabilities);
  using compiler = compilerInto(dataplane, capabilities);
  await settled();
  const taxonomy = await timed(async () => {
    compiler.taxonomy(known(namesOf(capabilities)));
    await done(compiler);
  });
  await settled();
  using turns = new Turns();
  const metrics = new TallyMetrics();
  const decided = await timed(() => decide(rib, compiler, metrics));
  if (compiler.sizes.capabilities !== capabilities) throw new Error(`${compiler.sizes.capabilities} are in the plan`);
  const each = (microseconds: number): number => microseconds / capabilities;
  return [
    single("taken from neighbours beforehand, with making what they send: CPU for each route", "µs", loading),
    single(`the taxonomy of ${capabilities} (with configuration): CPU for each`, "µs", each(taxonomy.cpu)),
    single("  wall time", "s", taxonomy.seconds),
    single(`${capabilities} of ${MEMBERS} sites decided and compiled: CPU for each`, "µs", each(decided.cpu)),
    single("  wall time", "s", decided.seconds, { most: (SECONDS_OF_A_MILLION * capabilities) / 1e6 }),
    single("  groups", "", compiler.sizes.groups),
    single("  longest turn", "ms", turns.longest, { most: 5 }),
  ];
}

async function decide(rib: Rib, compiler: Compiler, metrics: TallyMetrics): Promise<void> {
  const parts = { directory: new Directory({ perAgent: 1, perTenant: 1 }, { clock: systemClock, metrics }), metrics };
  using feed = feedCompiler(compiler, {
    ...{ ...parts, capability: rib.capability, clock: systemClock, selections: new SelectionFan() },
    health: { eligible: (selection) => selection, onChange() {} },
  });
  await feed.settled();
  await done(compiler);
}

async function done(compiler: Compiler): Promise<void> {
  while (compiler.pending > 0) await turn();
}

async function timed(work: () => Promise<void>): Promise<{ readonly cpu: number; readonly seconds: number }> {
  const [began, used] = [performance.now(), cpuMicroseconds()];
  await work();
  return { cpu: cpuMicroseconds() - used, seconds: (performance.now() - began) / 1000 };
}

function* known(names: readonly CapabilityName[]): Generator<KnownCapability> {
  for (const name of names)
    for (let tenantIndex = 1; tenantIndex <= TENANTS; tenantIndex++) yield { tenantIndex, name, majorVersion: 1 };
}
