/**
 * What changes of a configuration with 10 000 agents cost: `node test/bench/mgmt/main.ts [agents]`. The datastores, the
 * model, the directory and the compiler are the router's own; the tables are those of the memory data plane.
 *
 * Wall times, and the longest turn of the event loop during each. Bars are those of the requirements; netopeer2's figures
 * are from the same class of machine (research note on the management plane, section 2.3).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openSubject, type Subject } from "./subject.ts";

const AGENTS = Number(process.argv[2] ?? 10_000);
const ROUNDS = 5;

interface Row {
  readonly what: string;
  readonly bar: number;
  readonly netopeer2?: number;
  readonly times: number[];
  stall: number;
}

const rows: Row[] = [];

/** Times `work` and watches the event loop meanwhile: one probe each turn. */
async function measure(row: Row, work: () => Promise<unknown>): Promise<void> {
  let watching = true;
  let last = performance.now();
  let longest = 0;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (watching) setImmediate(look);
  };
  setImmediate(look);
  const began = performance.now();
  await work();
  row.times.push(performance.now() - began);
  watching = false;
  await new Promise((resolve) => setImmediate(resolve));
  row.stall = Math.max(row.stall, longest);
}

function row(what: string, bar: number, netopeer2?: number): Row {
  const made = { what, bar, times: [], stall: 0, ...(netopeer2 === undefined ? {} : { netopeer2 }) };
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
    const written = subject.operations();
    await measure(one, () => subject.addAgent(AGENTS + round));
    await subject.settled();
    if (round === 0) console.log(`one agent more: ${subject.operations() - written} operations on the tables`);
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
console.log("| operation | median ms | least ms | bar ms | netopeer2 ms | longest turn ms (bar 20) |");
console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
for (const { what, bar, netopeer2, times, stall } of rows) {
  console.log(
    `| ${what} | ${ms(median(times))} | ${ms(Math.min(...times))} | ${bar} | ${netopeer2 ?? ""} | ${ms(stall)} |`,
  );
}
