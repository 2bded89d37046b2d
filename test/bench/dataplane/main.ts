/** npm run bench:dataplane. See README.md. */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { loadNative } from "../../../native/index.ts";
import { measureAffinity } from "./affinity-rows.ts";
import { compareObjects } from "./compare.ts";
import { measureCompiler } from "./compiler-rows.ts";
import { measureCounters } from "./counter-rows.ts";
import { measureFailover } from "./failover-rows.ts";
import { isReached, type Row, ratioToBar, tableOf } from "./figures.ts";
import { measureLive } from "./live-rows.ts";
import { setUpNetwork } from "./network.ts";
import { measureParts } from "./parts.ts";
import { measurePass } from "./pass-rows.ts";
import { measurePolicies } from "./policy-rows.ts";
import { buildPrograms } from "./programs.ts";
import { measureRestarts } from "./restart-rows.ts";
import { measureRib } from "./rib-rows.ts";
import { measureTables } from "./table-rows.ts";
import { measureTcp } from "./tcp-rows.ts";

const MARK = "SEMR_BENCH_ISOLATED";
/** As tools/semrd runs the router: with another heap the garbage collector pauses at other times, and for longer. */
const HEAP = ["--max-semi-space-size=2", "--initial-old-space-size=64"];

const SECTIONS: ReadonlyMap<string, readonly [title: string, measure: () => Promise<Row[]>]> = new Map([
  ["pass", ["The whole pass, BPF_PROG_RUN, gross", () => measurePass(15)]],
  ["affinity", ["Flows stay where they are", measureAffinity]],
  ["live", ["Live frames over veth, one processor", () => measureLive(21)]],
  ["tcp", ["One TCP stream over veth, tc", () => measureTcp(17)]],
  ["failover", ["A next hop dies under full load", () => measureFailover(5)]],
  ["restart", ["Restart and program upgrade under live frames", () => measureRestarts(5)]],
  ["tables", ["The tables, from TypeScript", measureTables]],
  ["counters", ["Counters of 10 000 capabilities and instances, by processor time", measureCounters]],
  ["compiler", ["The compiler by itself", () => measureCompiler()]],
  ["rib", ["A loaded RIB, decided and compiled into the kernel's tables", () => measureRib()]],
  ["policies", ["Rules of tenants, from the compiler into the tables", measurePolicies]],
]);

/** Only when asked for. */
const MORE: typeof SECTIONS = new Map([
  ["parts", ["What each part of the pass costs, by taking it out", () => measureParts(9)]],
]);

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    compare: { type: "string", multiple: true },
  },
});

if (process.env[MARK] === undefined) {
  const { usable, reason } = loadNative().bpf.probe();
  if (!usable || process.getuid?.() !== 0) {
    console.error(`the bench needs root, namespaces and BPF: ${reason ?? "not root"}`);
    process.exit(1);
  }
  // a network and mounts of its own: whatever happens, nothing is left behind
  const words = ["--net", "--mount", process.execPath, ...HEAP, import.meta.filename, ...process.argv.slice(2)];
  const inside = spawnSync("unshare", words, { stdio: "inherit", env: { ...process.env, [MARK]: "1" } });
  process.exit(inside.status ?? 1);
}

const chosen = values.compare ? [] : (values.only ?? [...SECTIONS.keys()]);
await buildPrograms();
setUpNetwork();
const sections = new Map<string, Row[]>();
if (values.compare) sections.set("Builds of the pass against each other", await compareObjects(values.compare, 9));
for (const name of chosen) {
  const section = SECTIONS.get(name) ?? MORE.get(name);
  if (section === undefined)
    throw new Error(`there is no section ${name}: ${[...SECTIONS.keys(), ...MORE.keys()].join(", ")}`);
  const [title, measure] = section;
  const begin = performance.now();
  sections.set(title, await measure());
  console.error(`${name}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}
if (values.json) {
  const rows = [...sections].map(([section, all]) => ({
    section,
    rows: all.map((one) => ({ ...one, ratio: ratioToBar(one), reached: isReached(one) })),
  }));
  console.log(JSON.stringify(rows, undefined, 2));
} else console.log(tableOf(sections));
process.exit(0);
