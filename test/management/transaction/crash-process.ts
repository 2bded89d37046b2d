/**
 * A process that commits and is killed by itself with SIGKILL at one step of it: `node crash-process.ts FOLDER STEP SCENARIO`.
 * Steps are counted over everything that is done to files and parts; a write is three (before, half of it, after).
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { seconds } from "../../../src/base/index.ts";
import { openFolder } from "../../../src/host/index.ts";
import { answered } from "../../../src/management/datastore/index.ts";
import { CommitStore, openEngine, type StoreFiles } from "../../../src/management/transaction/index.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { flatModel, valuesOf } from "./flat-model.ts";
import { silent, type Values, value } from "./world.ts";

const [folder, last, scenario] = process.argv.slice(2) as [string, string, string];
let left = Number(last);
let counting = false;

function step(): void {
  if (counting && left-- === 0) process.kill(process.pid, "SIGKILL");
}

const BEGIN = '{"/a":1,"/b":1}';
const real = await openFolder(folder);
const files: StoreFiles = {
  ...real,
  async write(name, text) {
    step();
    if (counting && left === 0) writeFileSync(join(folder, name), text.slice(0, text.length / 2));
    step();
    await real.write(name, text);
    step();
  },
  async rename(from, to) {
    step();
    await real.rename(from, to);
    step();
  },
  async syncNames() {
    step();
    await real.syncNames();
    step();
  },
  async remove(name) {
    step();
    await real.remove(name);
    step();
  },
};

const engine = value(
  await openEngine<Values, Values>({
    model: flatModel,
    binder: {
      bind: async (tree) => answered(valuesOf(tree)),
      begin: async () => undefined,
      change: async (_, tree) => answered({ after: valuesOf(tree), change: valuesOf(tree) }),
    },
    store: await CommitStore.open(files, "lineage", silent),
    startup: { path: "x", read: async () => ({ text: BEGIN, digest: BEGIN }), write: async () => BEGIN },
    ...{ clock: new VirtualClock(), log: silent, isSecret: () => false },
  }),
);
engine.attach([
  { name: "part", plan: () => answered([]), prepare: () => answered({ apply: step, revert: step, finish: step }) },
]);
const session = engine.openSession({ user: "ann", protocol: "cli", source: "test" });
const steps = (n: number) => ["/a", "/b"].map((path) => ({ operation: "replace", path, value: String(n) }) as const);

if (scenario === "confirm") {
  value(await engine.transact(session, steps(2), { confirmed: { timeout: seconds(60), persist: "p" } }));
}
counting = true;
switch (scenario) {
  case "commit":
    value(await engine.transact(session, steps(2)));
    break;
  case "confirmed":
    value(await engine.transact(session, steps(2), { confirmed: { timeout: seconds(60), persist: "p" } }));
    break;
  case "confirm":
    value(await engine.confirm(session, "p"));
    break;
}
console.log("done");
