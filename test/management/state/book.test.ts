import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { milliseconds } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { type Path, parsePath, StateBook, type StateChanged, type StateRow } from "../../../src/management/index.ts";

const NEIGHBOR = path("/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor/state");
const AGENT = path("/semrd-router:router/semrd-agent:agents/agent/capability/state");

function path(text: string): Path {
  const parsed = parsePath(text);
  assert.ok(parsed.ok, text);
  return parsed.value.map(full);
}

/** With the module that steps below leave out. */
function full(step: Path[number], i: number, all: Path): Path[number] {
  if (step.name.includes(":") || step.name === "*" || step.name === "...") return step;
  const named = all.slice(0, i).findLast(({ name }) => name.includes(":"));
  return named === undefined ? step : { ...step, name: `${named.name.split(":")[0]}:${step.name}` };
}

const neighbor = (address: string): StateRow => ({
  path: NEIGHBOR.map((step, i) => (i === 3 ? { ...step, keys: { address } } : step)),
  value: { "session-state": "established" },
});

async function read(book: StateBook, select: string): Promise<StateRow[]> {
  const rows: StateRow[] = [];
  for await (const some of book.read(path(select))) rows.push(...some);
  return rows;
}

describe("operational state by path", () => {
  const asked: Path[] = [];
  const watches = new Set<StateChanged>();
  const book = new StateBook(systemClock);
  book.add({
    path: NEIGHBOR,
    rows(wanted) {
      asked.push(wanted);
      return [neighbor("fd00::1"), neighbor("fd00::2")];
    },
    watch(changed) {
      watches.add(changed);
      return { [Symbol.dispose]: () => void watches.delete(changed) };
    },
  });
  book.add({
    path: AGENT,
    async *rows() {
      yield { path: AGENT, value: { state: "up" } };
    },
  });

  const FOUND = [
    { select: "/", rows: 3 },
    { select: "/semrd-router:router", rows: 3 },
    { select: "/router/bgp", rows: 2 },
    { select: "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor[address='fd00::2']", rows: 1 },
    { select: "/router/bgp/neighbors/neighbor[address='*']/state", rows: 2 },
    { select: "/router/bgp/neighbors/neighbor[address='fd00::9']/state", rows: 0 },
    { select: "/router/*/neighbors/neighbor/state/session-state", rows: 2 },
    { select: "/router/agents/agent", rows: 1 },
    { select: "/router/.../state", rows: 3 },
    { select: "/router/semrd-other:bgp", rows: 0 },
    { select: "/router/bgp/neighbors/neighbor/timers", rows: 0 },
  ];
  for (const { select, rows } of FOUND)
    it(`${select}: ${rows} rows`, async () => assert.equal((await read(book, select)).length, rows));

  it("a source is told which keys are wanted", async () => {
    asked.length = 0;
    await read(book, "/router/bgp/neighbors/neighbor[address='fd00::1']/state/session-state");
    assert.deepEqual(asked, [NEIGHBOR.map((step, i) => (i === 3 ? { ...step, keys: { address: "fd00::1" } } : step))]);
  });

  it("changes reach only those who may see them, until they stop watching", () => {
    const heard: string[] = [];
    const one = book.watch(path("/router/bgp/neighbors/neighbor[address='fd00::1']"), (at) =>
      heard.push(at[3]!.keys!.address!),
    );
    const all = book.watch(path("/router/bgp"), (at) => heard.push(`all ${at[3]!.keys!.address!}`));
    const tell = (address: string) => {
      for (const changed of [...watches]) changed(neighbor(address).path);
    };
    tell("fd00::1");
    tell("fd00::2");
    one[Symbol.dispose]();
    tell("fd00::1");
    all[Symbol.dispose]();
    assert.deepEqual(heard, ["fd00::1", "all fd00::1", "all fd00::2", "all fd00::1"]);
    assert.equal(watches.size, 0);
  });

  it("is gone with the part that it is of", async () => {
    const own = new StateBook(systemClock);
    const added = own.add({ path: AGENT, rows: () => [{ path: AGENT, value: {} }] });
    added[Symbol.dispose]();
    assert.deepEqual(await read(own, "/"), []);
  });

  it("a table of a million rows holds nothing up, and a reader who has enough ends it", async () => {
    let now = 0;
    let turns = 0;
    let made = 0;
    let ended = false;
    const clock = {
      ...systemClock,
      monotonic: () => milliseconds(now),
      soon(run: () => void) {
        turns++;
        queueMicrotask(run);
      },
    };
    const own = new StateBook(clock);
    own.add({
      path: AGENT,
      *rows() {
        try {
          for (; made < 1_000_000; made++) {
            now += 0.01;
            yield { path: AGENT, value: {} };
          }
        } finally {
          ended = true;
        }
      },
    });
    let longest = 0;
    let seen = 0;
    let before = now;
    for await (const rows of own.read([])) {
      longest = Math.max(longest, now - before);
      seen += rows.length;
      before = now;
      if (seen > 20_000) break;
    }
    assert.ok(longest <= 5.2, `${longest} ms at once`);
    assert.ok(turns >= 35, `${turns} turns`);
    assert.ok(ended && made < 21_000);
  });
});
