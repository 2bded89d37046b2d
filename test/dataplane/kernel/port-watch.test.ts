import assert from "node:assert/strict";
import { test } from "node:test";
import { PortWatch, type Touched } from "../../../src/dataplane/kernel/port-watch.ts";

/** A watch whose kernel says what the test says, and the looks that came of it. */
function startWatch() {
  const looks: Touched[] = [];
  const gone = { closed: 0 };
  let tell: (indexes: readonly number[] | undefined) => void = () => undefined;
  const bpf = {
    watchEgress(listener: (indexes: readonly number[] | undefined) => void) {
      tell = listener;
      return { [Symbol.dispose]: () => void gone.closed++ };
    },
  };
  const watch = new PortWatch(bpf, async (touched) => void looks.push(touched));
  return { watch, looks, gone, tell: (indexes: readonly number[] | undefined) => tell(indexes) };
}

test("what is asked for is done one after the other, looks too; a failure is its asker's alone", async () => {
  const { watch, looks, tell } = startWatch();
  watch.begin();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const order: string[] = [];
  const task = (name: string, until: Promise<void>) => async (): Promise<string> => {
    order.push(`${name} begins`);
    await until;
    order.push(`${name} ends`);
    return name;
  };
  const one = watch.inTurn(task("one", first.promise));
  const two = watch.inTurn(task("two", second.promise));
  tell([7]);
  first.reject(new Error("refused"));
  await assert.rejects(one, /refused/);
  // Whoever asked first is through: now the second has its turn, not a look beside it
  await new Promise((resolve) => setImmediate(resolve));
  tell([8]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ["one begins", "two begins"]);
  assert.equal(looks.length, 1, "the one of the beginning");
  second.resolve();
  assert.equal(await two, "two");
  await watch[Symbol.asyncDispose]();
  assert.deepEqual(looks, [
    { indexes: new Set([7]), all: true },
    { indexes: new Set([8]), all: false },
  ]);
});

test("what is told during a look is looked at after it; at the end nothing is left under way", async () => {
  const { watch, looks, gone, tell } = startWatch();
  watch.begin();
  watch.begin();
  await watch.inTurn(async () => undefined);
  await watch.inTurn(async () => tell(undefined));
  tell([3]);
  await watch.inTurn(async () => undefined);
  assert.deepEqual(looks.slice(1), [{ indexes: new Set([3]), all: true }]);
  tell([4]);
  await watch[Symbol.asyncDispose]();
  assert.deepEqual(looks.at(-1), { indexes: new Set([4]), all: false });
  assert.equal(gone.closed, 1);
});
