import assert from "node:assert/strict";
import { it } from "node:test";
import { Scope } from "../../src/base/index.ts";
import type { Beginning } from "../../src/daemon/start/beginning.ts";
import { converge } from "../../src/daemon/start/convergence.ts";
import type { Parts } from "../../src/daemon/start/doors.ts";
import { ListLog } from "../sim/tally-metrics.ts";

const at = Promise.resolve();

/** A start whose parts are all through, but for a data plane that does `converged`, and what else is given. */
function begin(converged: () => Promise<void>, changes: object = {}) {
  const scope = new Scope();
  const log = new ListLog();
  const done: string[] = [];
  const note = (what: string) => () => void done.push(what);
  const parts = {
    health: { settled: at },
    origination: { settled: () => at },
    speaker: { localStateConverged: note("local state"), neighborsHeard: at },
    feed: { settled: () => at },
    compiler: { converged: note("compiler"), pending: 0 },
    driver: { converged },
    formers: { remove: async () => void done.push("formers removed") },
    paths: { judge: note("paths") },
    capabilityEvents: { converged: note("events") },
    ...changes,
  };
  const converging = converge({ scope, log } as unknown as Beginning, parts as unknown as Parts);
  return { scope, log, done, converging };
}

const events = ({ lines }: ListLog) => lines.map(({ event }) => event);

it("programs of before that a port would not give up are replaced when it is tried again, and only then former ones go", async () => {
  let tries = 0;
  const { scope, log, done, converging } = begin(async () => {
    tries++;
    if (tries === 1) throw new Error("another program is on the xdp hook");
    done.push("taken over");
  });
  await converging;
  assert.equal(tries, 2);
  assert.deepEqual(done, ["local state", "compiler", "paths", "events", "taken over", "formers removed"]);
  assert.deepEqual(events(log), ["router.converged", "dataplane.not-taken-over"]);
  await scope[Symbol.asyncDispose]();
});

it("a router that ends while it tries does not try on", async () => {
  let tries = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const { scope, done, converging } = begin(async () => {
    tries++;
    resolve();
    throw new Error("another program is on the xdp hook");
  });
  await promise;
  await scope[Symbol.asyncDispose]();
  await converging;
  assert.equal(tries, 1);
  assert.ok(!done.includes("formers removed"));
});

it("a router that ends while it waits waits for nothing that comes behind it", { timeout: 20_000 }, async () => {
  const never = new Promise<void>(() => {});
  const unused = async () => assert.fail("it ended before");
  const offers = { health: { settled: never }, origination: { settled: () => never } };
  const first = begin(unused, offers);
  await first.scope[Symbol.asyncDispose]();
  await first.converging;
  assert.deepEqual(first.done, []);
  const neighbors = Promise.withResolvers<void>();
  const speaker = { localStateConverged: () => neighbors.resolve(), neighborsHeard: never };
  const second = begin(unused, { speaker, brownfield: { settled: () => never }, feed: { settled: () => never } });
  await neighbors.promise;
  await second.scope[Symbol.asyncDispose]();
  await second.converging;
  assert.deepEqual(second.done, []);
});
