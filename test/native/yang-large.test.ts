import assert from "node:assert/strict";
import { test } from "node:test";
import { garden, gardenOf, openGarden } from "./yang-garden.ts";

const entries = (count: number) =>
  Array.from({ length: count }, (_, i) => `<bed><name>b${i}</name><depth>9</depth></bed><tool>t${i}</tool>`).join("");

/** CPU time, which neighbours on the machine do not change much. */
async function cpu(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

// libyang's own diff takes 16 times as long for four times the entries.
test("edit, validation and difference grow with the entries, not with their square", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const took: number[][] = [];
  for (const count of [2_500, 10_000]) {
    const xml = garden(entries(count));
    const base = await gardenOf(context, { name: "home" });
    let edited = await context.edit(base, garden(entries(10)), "xml");
    const edit = await cpu(async () => {
      edited = await context.edit(base, xml, "xml");
    });
    let valid = edited;
    const validate = await cpu(async () => {
      valid = await context.validate(edited);
    });
    const changed = await context.edit(valid, garden('<bed nc:operation="delete"><name>b7</name></bed>'), "xml");
    const diff = await cpu(async () => assert.equal((await context.diff(valid, changed)).length, 1));
    took.push([edit, validate, diff]);
  }
  t.diagnostic(
    `CPU ms of edit, validate, diff: ${took.map((row) => row.map((ms) => ms.toFixed(0)).join(" ")).join("; ")}`,
  );
  for (const [i, ms] of took[1]!.entries())
    assert.ok(ms < 10 * Math.max(took[0]![i]!, 4), `${took[0]![i]} became ${ms} ms`);
});

test("many differences are handed over in portions, so that no turn of the event loop is long", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const tree = await context.edit(undefined, garden(entries(20_000)), "xml");
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  const changes = context.diff(undefined, tree);
  setImmediate(count);
  assert.equal((await changes).length, 40_000);
  counting = false;
  assert.ok(turns > 20, `${turns} turns`);
});

test("a tree that is disposed while a job has it is freed after the job", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const tree = await gardenOf(context, { name: "home", bed: [{ name: "a" }] });
  const jobs = [context.print(tree, "json"), context.validate(tree), context.diff(undefined, tree)] as const;
  const gone = tree.dispose();
  assert.throws(() => context.print(tree, "json"), /disposed/);
  await Promise.all([...jobs, gone]);
  assert.equal(await context.treeCount(), 1, "that of the validation");
});
