/** CPU and memory per route: `node test/bench/rib/bench.ts [routes]`. Prints one line a phase; nothing is asserted. */
import process from "node:process";
import { createRib, type KeyBatch, type OutputVisitor } from "../../../src/rib/index.ts";
import { ACME, attributeSet, ribPeer, target } from "../../rib/world.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const PER_MESSAGE = 100;

function messages(routes: number, seed: number): KeyBatch[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: routes / PER_MESSAGE }, () => {
    const octets = new Uint8Array(30 * PER_MESSAGE);
    random.fill(octets);
    const starts = new Int32Array(PER_MESSAGE);
    const lengths = new Int32Array(PER_MESSAGE).fill(30);
    for (let i = 0; i < PER_MESSAGE; i++) {
      starts[i] = 30 * i;
      octets.set([2, 28], 30 * i);
    }
    return { octets, starts, lengths, count: PER_MESSAGE };
  });
}

function run(routes: number): void {
  const clock = new VirtualClock(1_700_000_000_000);
  const parts = { clock, random: new SeededRandom(7), metrics: new TallyMetrics(), log: new ListLog() };
  const rib = createRib({ local: ribPeer(1, "local"), tenants: [ACME], maxRoutes: routes + 1000 }, parts);
  const peers = [2, 3].map((number) => rib.openPeer(ribPeer(number, "external")));
  const listener = rib.openPeer(ribPeer(4, "external"));
  const stream = messages(routes, 3);
  global.gc?.();
  const rssBefore = process.memoryUsage.rss();
  const phase = (name: string, work: () => void): void => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    const rss = (process.memoryUsage.rss() - rssBefore) / routes;
    console.log(
      `${name.padEnd(34)} ${((1000 * (user + system)) / routes).toFixed(0).padStart(6)} ns/route  ${rss.toFixed(0).padStart(5)} B/route in all`,
    );
  };
  const sets = Array.from({ length: 200 }, (_, i) =>
    attributeSet({ multiExitDisc: i, extendedCommunities: [target(1)] }),
  );
  const wire = sets.map((_, i) => new Uint8Array(90).fill(1 + i));
  const announceAll = (peer: number): void => {
    for (const [i, batch] of stream.entries()) {
      const id = rib.attributes.intern(wire[i % 200]!, 0, 90, () => sets[i % 200]!);
      rib.capability.announce(peer, batch, id);
    }
  };
  console.log(`${routes} routes of 30 octets, ${PER_MESSAGE} a message, 200 attribute sets`);
  phase("new routes", () => announceAll(peers[0]!));
  phase("the same from a second neighbour", () => announceAll(peers[1]!));
  const output = rib.capability.openOutput(listener);
  let groups = 0;
  let latest = 0;
  const visitor: OutputVisitor = {
    admit: () => true,
    announce: (attributes) => {
      if (attributes !== latest) groups++;
      latest = attributes;
      return true;
    },
    withdraw: () => true,
  };
  phase("replay to a new neighbour", () => {
    while (output.drain(visitor, 4096) > 0);
  });
  console.log(`  in ${groups} runs of one attribute set`);
  phase("decide all destinations", () => {
    while (rib.capability.drainDestinations(() => {}, 512) > 0);
  });
  phase("lose the first neighbour", () => {
    while (!rib.capability.sweep(peers[0]!, 8192));
  });
  phase("lose the second neighbour", () => {
    while (!rib.capability.sweep(peers[1]!, 8192));
  });
  phase("withdraw from the listener", () => {
    while (output.drain(visitor, 4096) > 0);
  });
}

const PATHS = 4;

/** Prefixes of IPv6, each with `PATHS` paths of one neighbour under identifiers of their own, all of them to another one. */
function runPaths(nets: number): void {
  const clock = new VirtualClock(1_700_000_000_000);
  const parts = { clock, random: new SeededRandom(7), metrics: new TallyMetrics(), log: new ListLog() };
  const rib = createRib({ local: ribPeer(1, "local"), tenants: [ACME], maxRoutes: nets + 1000 }, parts);
  const [source, listener] = [2, 3].map((number) => rib.openPeer(ribPeer(number, "external")));
  const table = rib.unicast("ipv6-unicast");
  const octets = new Uint8Array(9 * PER_MESSAGE);
  const starts = Int32Array.from({ length: PER_MESSAGE }, (_, i) => 9 * i);
  const lengths = new Int32Array(PER_MESSAGE).fill(9);
  const view = new DataView(octets.buffer);
  for (let i = 0; i < PER_MESSAGE; i++) view.setUint32(9 * i, 0x40200100);
  global.gc?.();
  const rssBefore = process.memoryUsage.rss();
  const phase = (name: string, work: () => void, routes = nets): void => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    const rss = (process.memoryUsage.rss() - rssBefore) / nets;
    const cost = ((1000 * (user + system)) / routes).toFixed(0).padStart(6);
    console.log(`${name.padEnd(34)} ${cost} ns/route  ${rss.toFixed(0).padStart(5)} B/prefix in all`);
  };
  const announceAll = (pathId: number, ids: boolean): void => {
    const pathIds = ids ? { pathIds: new Int32Array(PER_MESSAGE).fill(pathId) } : {};
    for (let n = 0; n < nets; n += PER_MESSAGE) {
      for (let i = 0; i < PER_MESSAGE; i++) view.setUint32(9 * i + 5, n + i);
      const wire = new Uint8Array(90).fill(1 + ((n / PER_MESSAGE) % 50) + 50 * pathId);
      const id = rib.attributes.intern(wire, 0, 90, () => attributeSet({ withoutSemantic: true }), "ipv6-unicast");
      table.announce(source!, { octets, starts, lengths, count: PER_MESSAGE, ...pathIds }, id);
    }
  };
  console.log(`${nets} prefixes, ${PATHS} paths each`);
  phase("first path, without identifiers", () => announceAll(0, false));
  while (!table.sweep(source!, 8192));
  phase("first path, with identifiers", () => announceAll(0, true));
  for (let id = 1; id < PATHS; id++) phase(`path ${id + 1}`, () => announceAll(id, true));
  const output = table.openOutput(listener!, "all");
  let [groups, latest] = [0, 0];
  const turns: number[] = [];
  const visitor: OutputVisitor = {
    admit: () => true,
    announce: (attributes) => {
      if (attributes !== latest) groups++;
      latest = attributes;
      return true;
    },
    withdraw: () => true,
  };
  phase(
    "all paths to a new neighbour",
    () => {
      for (let left = 1; left > 0; ) {
        const start = performance.now();
        left = output.drain(visitor, 512);
        turns.push(performance.now() - start);
      }
    },
    nets * PATHS,
  );
  turns.sort((a, b) => b - a);
  const long = turns.filter((turn) => turn > 5).length;
  const said = `longest turn ${turns[0]!.toFixed(1)} ms, ${long} of ${turns.length} above 5 ms`;
  console.log(`  in ${groups} runs of one attribute set; ${said}`);
}

run(100_000);
run(Number(process.argv[2] ?? 1_000_000));
runPaths(250_000);
