import { readFileSync } from "node:fs";
import type { KernelDataplane } from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { percentile, type Row, row, single } from "./figures.ts";
import {
  capabilityAddress,
  fillInBatches,
  hopsAndGroups,
  MOST_A_TURN,
  setCapability,
  startDataplane,
  threadMicroseconds,
} from "./world.ts";

const CAPABILITIES = 1_000_000;
const GROUPS = 10_000;
const BATCH = 10_000;
const BATCHES = 8;
const SINGLES = 20_000;
const MEBIBYTE = 1024 * 1024;

/** What the driver's own table code does in a second: 1 M capabilities in, some changed, some out and in again. */
export async function measureTables(): Promise<Row[]> {
  const size = { capabilities: CAPABILITIES, groups: GROUPS };
  await using dataplane = await startDataplane("tables", CAPABILITIES);
  dataplane.apply(hopsAndGroups(size), 1);
  const slices = fillInBatches(dataplane, size);
  const fill = slices.reduce((sum, time) => sum + time, 0);
  const some = (batch: number): number[] =>
    Array.from({ length: BATCH }, (_, at) => (at * 97 + batch * 7919) % CAPABILITIES);
  const change = batches(dataplane, (batch) => some(batch).map((index) => setCapability(index, GROUPS, 1)));
  const remove = batches(dataplane, (batch) => range(batch).map(removal));
  const set = batches(dataplane, (batch) => range(batch).map((index) => setCapability(index, GROUPS)));
  const singles = singleChanges(dataplane);
  return [
    single("cold fill of 1 M capabilities, from a buffer", "ms", fill, { most: 100 }),
    single(`the longest of its turns, at most ${MOST_A_TURN} capabilities`, "ms", Math.max(...slices), { most: 5 }),
    row("set a new capability, in batches", "M/s", set),
    row("change a capability, in batches", "M/s", change),
    row("remove a capability, in batches", "M/s", remove),
    single("one change, from the call to the store: median", "µs", percentile(singles, 0.5)),
    single("one change: 99th percentile", "µs", percentile(singles, 0.99), { most: 20 }),
    single("memory of all maps, 1 M capabilities, 10 k groups", "MiB", memoryOf(dataplane), { most: 256 }),
  ];
}

/** Million operations a second of each batch, by the time that this thread had a processor. */
function batches(dataplane: KernelDataplane, make: (batch: number) => Operation[]): number[] {
  return Array.from({ length: BATCHES }, (_, batch) => {
    const operations = make(batch);
    return BATCH / threadMicroseconds(() => dataplane.apply(operations, 2));
  });
}

function range(batch: number): number[] {
  return Array.from({ length: BATCH }, (_, at) => batch * BATCH + at);
}

function removal(index: number): Operation {
  return { type: "remove-capability", address: capabilityAddress(index) };
}

/** Microseconds of single calls. */
function singleChanges(dataplane: KernelDataplane): number[] {
  const operations = Array.from({ length: SINGLES }, (_, at) => [
    setCapability((at * 49_999) % CAPABILITIES, GROUPS, 2),
  ]);
  return operations.map((one) => {
    const begin = process.hrtime.bigint();
    dataplane.apply(one, 3);
    return Number(process.hrtime.bigint() - begin) / 1000;
  });
}

/** As the kernel accounts it to the maps, once each. */
function memoryOf({ object }: KernelDataplane): number {
  const octets = [...object.maps.values()].map(({ fd }) => {
    const memory = /^memlock:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"));
    return Number(memory?.[1] ?? Number.NaN);
  });
  return octets.reduce((sum, value) => sum + value, 0) / MEBIBYTE;
}
