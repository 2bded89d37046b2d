import assert from "node:assert/strict";
import { it } from "node:test";
import type { YangPrintOptions, YangTree } from "../../native/index.ts";
import { gardenOf, openGarden } from "./yang-garden.ts";

/** Arguments that are none are refused before anything is queued; trees are those of the context. */
it("levels and origins of what is printed", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const bed = (name: string, depth: number) => ({ name, depth, kind: "semrd-garden-kinds:rose" });
  const tree = await gardenOf(context, { name: "eden", bed: [bed("a", 3), bed("b", 4)], tool: ["rake", "hoe"] });
  const configured = await gardenOf(context, { name: "eden", bed: [bed("a", 9)], tool: ["hoe"] });
  const print = async (options: YangPrintOptions): Promise<unknown> =>
    JSON.parse((await context.print(tree, "json", options)) || "{}")["semrd-garden:garden"];

  assert.deepEqual(await print({ levels: 1 }), {});
  assert.deepEqual(await print({ levels: 2 }), {
    name: "eden",
    bed: [{ name: "a" }, { name: "b" }],
    tool: ["rake", "hoe"],
  });
  const places = [{ name: "semrd-garden:garden" }, { name: "bed", keys: { name: "b" } }];
  assert.deepEqual(await print({ keep: [places], levels: 1 }), { bed: [{ name: "b" }] });
  assert.deepEqual(await print({ keep: [places, [...places, { name: "depth" }]], levels: 1 }), {
    bed: [{ name: "b", depth: 4 }],
  });

  const origin = { intended: configured, applied: configured };
  assert.deepEqual(await print({ origin: { ...origin, only: ["learned"] } }), { bed: [bed("b", 4)], tool: ["rake"] });
  assert.deepEqual(await print({ origin: { ...origin, only: ["unknown"] } }), { bed: [{ name: "a", depth: 3 }] });
  assert.deepEqual(await print({ origin: { ...origin, others: ["learned", "unknown"] } }), {
    ...{ name: "eden", bed: [{ name: "a", kind: "semrd-garden-kinds:rose" }], tool: ["hoe"] },
  });

  for (const levels of [0, -1, 1.5, 65_536, "1"])
    assert.throws(() => context.print(tree, "json", { levels: levels as number }), RangeError);
  assert.throws(() => context.print(tree, "json", { origin: { ...origin, only: ["system" as never] } }), RangeError);
  assert.throws(() => context.print(tree, "json", { origin: { ...origin, only: "learned" as never } }), TypeError);
  assert.throws(() => context.print(tree, "json", { origin: { intended: configured } as never }), TypeError);
  const other = await openGarden(t);
  const foreign: YangTree = await gardenOf(other!, { name: "eden" });
  assert.throws(() => context.print(tree, "json", { origin: { ...origin, intended: foreign } }));
});
