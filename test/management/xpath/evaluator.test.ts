import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { loadNative, type YangContext, type YangError } from "../../../native/index.ts";
import { type Clock, milliseconds } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { XPathEvaluator, type XPathLimits } from "../../../src/management/xpath/index.ts";
import { waitFor } from "../../host/fair-time.ts";

const run = promisify(execFile);
const GARDEN = join(import.meta.dirname, "../../native/yang");
const SYSTEM = ["/usr/share/yang/modules/libyang", "/usr/share/yuma/modules/ietf"];

async function open(t: TestContext, limits: Partial<XPathLimits> = {}, clock: Clock = systemClock) {
  if (!SYSTEM.every((path) => existsSync(path))) {
    t.skip("skipped: the standard modules are missing (Debian: libyuma-base)");
    return undefined;
  }
  const searchPaths = [GARDEN, ...SYSTEM];
  const names = ["semrd-garden-kinds", "semrd-garden", "ietf-netconf-with-defaults"];
  const context = await loadNative().yang.createContext(
    searchPaths,
    names.map((name) => ({ name })),
  );
  t.after(() => context[Symbol.asyncDispose]());
  const evaluator = new XPathEvaluator({ searchPaths, clock, limits });
  t.after(() => evaluator[Symbol.asyncDispose]());
  return { context, evaluator };
}

async function beds(context: YangContext, count: number) {
  const bed = Array.from({ length: count }, (_, i) => ({ name: `b${i}`, ...(i < 200 ? { place: i } : {}) }));
  const edited = await context.edit(
    undefined,
    JSON.stringify({ "semrd-garden:garden": { name: "home", bed } }),
    "json",
  );
  return context.validate(edited);
}

/** However busy the machine is. */
const PATIENCE = milliseconds(60_000);

const deniedBecause = (reason: RegExp) => (error: YangError) =>
  error.code === "EYANG" && error.faults[0]?.errorTag === "resource-denied" && reason.test(error.message);

test("an expression is evaluated elsewhere, default values stay what they are", async (t) => {
  const opened = await open(t);
  if (opened === undefined) return;
  const { context, evaluator } = opened;
  const tree = await beds(context, 3);
  const selected = await evaluator.select(context, tree, "/g:garden/g:bed[g:place=1]", { g: "urn:semrd:garden" });
  const printed = (defaults: "explicit" | "report-all") => context.print(selected, "json", { defaults });
  assert.deepEqual(JSON.parse(await printed("explicit")), {
    "semrd-garden:garden": { bed: [{ name: "b1", place: 1 }] },
  });
  assert.deepEqual(JSON.parse(await printed("report-all")), {
    "semrd-garden:garden": { bed: [{ name: "b1", place: 1, depth: 20 }] },
  });
  const nothing = await evaluator.select(context, tree, "/semrd-garden:garden/semrd-garden:pond");
  assert.equal(nothing.empty, true);
  const pid = evaluator.helper;
  await assert.rejects(
    evaluator.select(context, tree, "/g:garden[", { g: "semrd-garden" }),
    (error: YangError) => error.faults[0]?.errorTag === "invalid-value",
  );
  await evaluator.select(context, tree, "//semrd-garden:name");
  assert.equal(evaluator.helper, pid, "a wrong expression ends no process");
});

test("a bomb is killed after its time, and others are served at once", async (t) => {
  const opened = await open(t, { time: milliseconds(400), patience: PATIENCE });
  if (opened === undefined) return;
  const { context, evaluator } = opened;
  const tree = await beds(context, 1000);
  await evaluator.select(context, tree, "/semrd-garden:garden/semrd-garden:name");
  const pid = evaluator.helper!;
  let isOver = false;
  const bomb = assert
    .rejects(evaluator.select(context, tree, "//*[count(//*) > 5]"), deniedBecause(/longer than 400 ms/))
    .finally(() => {
      isOver = true;
    });
  const after = evaluator.select(context, tree, "/semrd-garden:garden/semrd-garden:name");
  // The lane of everybody goes on meanwhile.
  await context.print(tree, "json");
  assert.equal(isOver, false);
  await bomb;
  assert.match(await context.print(await after, "json"), /home/);
  assert.notEqual(evaluator.helper, pid);
  assert.equal(existsSync(`/proc/${pid}/exe`), false, "the process is gone");
});

/** The process that evaluates is there, and gets no processor. */
async function starving(t: TestContext, limits: Partial<XPathLimits>, clock?: Clock) {
  const opened = await open(t, limits, clock);
  if (opened === undefined) return undefined;
  const { context, evaluator } = opened;
  const tree = await beds(context, 3);
  const ask = () => evaluator.select(context, tree, "/semrd-garden:garden/semrd-garden:name");
  await ask();
  const pid = evaluator.helper!;
  process.kill(pid, "SIGSTOP");
  return { ask, pid, evaluator };
}

test("time is that of processors: an expression that gets none is waited for", async (t) => {
  const time = milliseconds(100);
  const world = await starving(t, { time, patience: PATIENCE });
  if (world === undefined) return;
  const late = world.ask();
  await new Promise<void>((resolve) => systemClock.after(milliseconds(3 * time), resolve));
  process.kill(world.pid, "SIGCONT");
  assert.equal((await late).empty, false);
  assert.equal(world.evaluator.helper, world.pid);
});

test("and not for ever", async (t) => {
  const ends: (() => void)[] = [];
  const after: Clock["after"] = (delay, fire) => {
    if (delay === PATIENCE) ends.push(fire);
    return delay === PATIENCE ? { cancel() {} } : systemClock.after(delay, fire);
  };
  const world = await starving(t, { patience: PATIENCE }, { ...systemClock, after });
  if (world === undefined) return;
  ends.length = 0;
  const late = assert.rejects(world.ask(), deniedBecause(/longer than 60000 ms, and processors were busy with other/));
  await waitFor("the time of the question", () => ends.length > 0, { every: 1, limit: 20_000 });
  ends[0]!();
  await late;
  assert.equal(world.evaluator.helper, undefined);
});

/** A process that has nothing to do but to end. */
const ENDING = `
  const [, native, host, xpath, searchPaths, when] = process.argv;
  const { loadNative } = await import(native);
  const { systemClock } = await import(host);
  const { XPathEvaluator } = await import(xpath);
  const folders = JSON.parse(searchPaths);
  const names = ["semrd-garden-kinds", "semrd-garden", "ietf-netconf-with-defaults"];
  const context = await loadNative().yang.createContext(folders, names.map((name) => ({ name })));
  const garden = await context.edit(undefined, JSON.stringify({ "semrd-garden:garden": { name: "home" } }), "json");
  const tree = await context.validate(garden);
  const evaluator = new XPathEvaluator({ searchPaths: folders, clock: systemClock });
  const asked = evaluator.select(context, tree, "/semrd-garden:garden").then(() => "selected", (cause) => cause.message);
  if (when === "idle") await asked;
  if (when === "starting") await new Promise((resolve) => setImmediate(resolve));
  await evaluator[Symbol.asyncDispose]();
  console.log(evaluator.helper === undefined ? "ended" : "it has a helper");
`;

for (const when of ["idle", "starting", "not begun"]) {
  test(`a process that does nothing else ends as it is asked, with a helper that is ${when}`, async (t) => {
    if ((await open(t)) === undefined) return;
    const modules = ["native", "src/host", "src/management/xpath"].map((folder) =>
      join(import.meta.dirname, "../../..", folder, "index.ts"),
    );
    const words = [...modules, JSON.stringify([GARDEN, ...SYSTEM]), when];
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", ENDING, ...words], {
      timeout: 60_000,
    });
    assert.equal(stdout, "ended\n");
  });
}

test("memory is bounded, and how many wait", async (t) => {
  const opened = await open(t, { memory: 1, waiting: 2 });
  if (opened === undefined) return;
  const { context, evaluator } = opened;
  const tree = await beds(context, 1000);
  const asked = [1, 2, 3].map(() => evaluator.select(context, tree, "//*[count(//*) > 5]"));
  await assert.rejects(asked[2]!, deniedBecause(/2 expressions are waiting/));
  await assert.rejects(asked[0]!, deniedBecause(/memory/));
  await assert.rejects(asked[1]!, deniedBecause(/memory/));
});

test("closing ends the process and refuses what waits", async (t) => {
  const opened = await open(t);
  if (opened === undefined) return;
  const { context, evaluator } = opened;
  const tree = await beds(context, 1000);
  await evaluator.select(context, tree, "/semrd-garden:garden");
  const pid = evaluator.helper!;
  const asked = evaluator.select(context, tree, "//*[count(//*) > 5]");
  const refused = assert.rejects(asked, deniedBecause(/ended|closing/));
  await evaluator[Symbol.asyncDispose]();
  await refused;
  assert.equal(existsSync(`/proc/${pid}/exe`), false);
});
