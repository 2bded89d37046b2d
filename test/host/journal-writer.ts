// Writes to a journal as fast as it can and prints what was acknowledged, until it is killed.
import { writeSync } from "node:fs";
import { openJournal } from "../../src/host/index.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

const [path, round] = process.argv.slice(2);
const journal = await openJournal(path!, { log: new ListLog(), metrics: new TallyMetrics() });

async function write(key: string): Promise<void> {
  for (let i = 0; ; i++) {
    const value = Number(round) * 1_000_000 + i;
    await journal.set(key, value);
    writeSync(1, `${key} ${value}\n`);
  }
}

await Promise.all(["a", "b", "c", "d", "e"].map(write));
