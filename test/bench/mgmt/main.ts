/**
 * What changes of a configuration with 10 000 agents cost: `node test/bench/mgmt/main.ts [agents]`. The datastores, the
 * model, the directory and the compiler are the router's own; the tables are those of the memory data plane.
 *
 * Medians of wall time and of the CPU time of all threads, and the longest turn of the event loop during each, by CPU time. Bars are those
 * of the requirements; netopeer2's figures are from the same class of machine (research note on the management plane, section 2.3).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openSubject, type Subject } from "./subject.ts";
import { watchTurns } from "./turns.ts";

const AGENTS = Number(process.argv[2] ?? 10_000);
const ROUNDS = 5;

interface Row {
  readonly what: string;
  readonly bar: number;
  readonly netopeer2?: number;
  readonly times: number[];
  /** Of all threads. */
  readonly cpu: number[];
  stall: number;
}

const rows: Row[] = [];

/** Times `work`, and watches the event loop meanwhile. */
async function measure(row: Row, work: () => Promise<unknown>): Promise<void> {
  const turns = watchTurns();
  const [began, used] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(used);
  row.times.push(performance.now() - began);
  row.cpu.push((user + system) / 1000);
  row.stall = Math.max(row.stall, turns.end());
}

function row(what: string, bar: number, netopeer2?: number): Row {
  const made = { what, bar, times: [], cpu: [], stall: 0, ...(netopeer2 === undefined ? {} : { netopeer2 }) };
  rows.push(made);
  return made;
}

async function bulk(subject: Subject): Promise<void> {
  const [edit, validate, commit, back] = [
    row(`edit of ${AGENTS} entries`, 500, 2238),
    row(`validate ${AGENTS} entries`, 250, 165),
    row(`commit of ${AGENTS} entries`, 250, 1978),
    row(`commit that removes them`, 250),
  ];
  const document = subject.agents(AGENTS);
  for (let round = 0; round < 2; round++) {
    await measure(edit, () => subject.edit(document));
    await measure(validate, () => subject.validate());
    await measure(commit, () => subject.commit());
    if (round === 1) break;
    await subject.rollback(1);
    await measure(back, () => subject.commit());
  }
}

async function single(subject: Subject): Promise<void> {
  const [leafEdit, leaf, one, get] = [
    row("edit of one leaf", 20, 1210),
    row(`commit of one leaf, with ${AGENTS} there`, 150, 2340),
    row(`one agent more, with ${AGENTS} there`, 150),
    row(`get-config, ${AGENTS} entries`, 150, 415),
  ];
  for (let round = 0; round < ROUNDS; round++) {
    await measure(leafEdit, () => subject.set("/router/telemetry/log-level", round % 2 === 0 ? "debug" : "info"));
    await measure(leaf, () => subject.commit());
    const written = subject.operations.length;
    await measure(one, () => subject.addAgent(AGENTS + round));
    await subject.settled();
    if (round === 0) console.log(`one agent more: ${subject.operations.length - written} operations on the tables`);
    await measure(get, () => subject.get());
  }
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1]!;
const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

const folder = await mkdtemp(path.join(tmpdir(), "semrd-bench-mgmt-"));
try {
  await using subject = await openSubject(folder, AGENTS);
  await bulk(subject);
  await single(subject);
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log("| operation | median ms | CPU ms | bar ms | netopeer2 ms | longest turn, CPU ms (bar 20) |");
console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
for (const { what, bar, netopeer2, times, cpu, stall } of rows) {
  console.log(`| ${what} | ${ms(median(times))} | ${ms(median(cpu))} | ${bar} | ${netopeer2 ?? ""} | ${ms(stall)} |`);
}
