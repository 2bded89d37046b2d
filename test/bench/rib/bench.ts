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

run(100_000);
run(Number(process.argv[2] ?? 1_000_000));
