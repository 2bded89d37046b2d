import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServerSlot } from "../../src/daemon/live/server.ts";
import type { Prepared, RouterChange, RouterConfiguration } from "../../src/management/index.ts";

interface Options {
  readonly port: number;
  readonly speed: number;
}

/** Servers that note when they come and go; two cannot have one port. */
class Host {
  readonly open = new Map<number, Options>();
  readonly journal: string[] = [];
  broken: number | undefined;

  slot(): ServerSlot<Options, AsyncDisposable> {
    return new ServerSlot<Options, AsyncDisposable>({
      name: "the test server",
      path: "/test",
      wanted: (configuration) => (configuration as unknown as { server?: Options }).server,
      listen: ({ port }) => [{ address: "::1", port }],
      start: async (options) => {
        if (this.open.has(options.port)) throw new Error(`port ${options.port} is taken`);
        if (this.broken === options.speed) throw new Error("it does not start");
        this.open.set(options.port, options);
        this.journal.push(`open ${options.port} ${options.speed}`);
        return {
          [Symbol.asyncDispose]: async () => {
            assert.ok(this.open.delete(options.port));
            this.journal.push(`close ${options.port} ${options.speed}`);
          },
        };
      },
    });
  }
}

/** One that becomes what is wanted by itself, and ends when its last answer is given. */
function changing(
  journal: string[],
  lastAnswer: Promise<void> = Promise.resolve(),
): ServerSlot<Options, AsyncDisposable> {
  const step = (what: string) => () => void journal.push(what);
  return new ServerSlot<Options, AsyncDisposable>({
    name: "the test server",
    path: "/test",
    wanted: (of) => (of as unknown as { server?: Options }).server,
    listen: ({ port }) => [{ address: "::1", port }],
    start: async () => ({ [Symbol.asyncDispose]: async () => void journal.push("close") }),
    async check({ speed }) {
      if (speed === 9) throw new Error("nobody starts with speed 9");
    },
    async change(_, { port, speed }) {
      if (port === 9) throw new Error("port 9 is taken");
      return { apply: step(`${port} ${speed}`), revert: step("revert"), finish: step("finish") };
    },
    retire: async (server) => {
      journal.push("retire");
      await lastAnswer;
      await server[Symbol.asyncDispose]();
    },
  });
}

const configuration = (server?: Options) => ({ server }) as unknown as RouterConfiguration;
const change = (before?: Options, after?: Options): RouterChange =>
  ({ before: configuration(before), after: configuration(after) }) as unknown as RouterChange;

const A: Options = { port: 1, speed: 1 };
const FASTER: Options = { port: 1, speed: 2 };
const ELSEWHERE: Options = { port: 2, speed: 1 };

async function started(): Promise<{ host: Host; slot: ServerSlot<Options, AsyncDisposable> }> {
  const host = new Host();
  const slot = host.slot();
  await slot.start(configuration(A));
  return { host, slot };
}

async function prepared(slot: ServerSlot<Options, AsyncDisposable>, wanted: RouterChange): Promise<Prepared> {
  const answer = await slot.prepare(wanted);
  assert.ok(answer.ok && answer.value !== undefined);
  return answer.value;
}

describe("a server that is to be another one", () => {
  it("elsewhere: it is there before the old one goes", async () => {
    const { host, slot } = await started();
    const own = await prepared(slot, change(A, ELSEWHERE));
    await own.apply();
    assert.deepEqual([...host.open.keys()], [1, 2]);
    await own.finish!();
    assert.deepEqual(host.journal, ["open 1 1", "open 2 1", "close 1 1"]);
  });

  it("elsewhere, and taken back: the old one has never gone", async () => {
    const { host, slot } = await started();
    const own = await prepared(slot, change(A, ELSEWHERE));
    await own.apply();
    await own.revert();
    assert.deepEqual(host.journal, ["open 1 1", "open 2 1", "close 2 1"]);
    await slot[Symbol.asyncDispose]();
    assert.equal(host.open.size, 0);
  });

  it("elsewhere, and not applied: what was prepared goes", async () => {
    const { host, slot } = await started();
    await (await prepared(slot, change(A, ELSEWHERE))).abandon!();
    assert.deepEqual([...host.open.keys()], [1]);
  });

  it("elsewhere, where it cannot be: refused with the reason, nothing changed", async () => {
    const { host, slot } = await started();
    host.open.set(2, ELSEWHERE);
    const answer = await slot.prepare(change(A, ELSEWHERE));
    assert.ok(!answer.ok);
    assert.deepEqual([answer.faults[0]!.path, /port 2 is taken/.test(answer.faults[0]!.message)], ["/test", true]);
    assert.equal(slot.server !== undefined && host.open.has(1), true);
  });

  it("at the same address: one after the other, which is said before", async () => {
    const { host, slot } = await started();
    const said = slot.plan(change(A, FASTER));
    assert.ok(said.ok && said.value[0]!.message.includes("open connections end"));
    const own = await prepared(slot, change(A, FASTER));
    await own.apply();
    await own.finish!();
    assert.deepEqual(host.journal, ["open 1 1", "close 1 1", "open 1 2"]);
  });

  it("at the same address, where it does not start: the old one is back", async () => {
    const { host, slot } = await started();
    host.broken = 2;
    const own = await prepared(slot, change(A, FASTER));
    await assert.rejects(async () => own.apply(), /does not start/);
    await own.revert();
    assert.deepEqual([...host.open.values()], [A]);
    await slot[Symbol.asyncDispose]();
    assert.equal(host.open.size, 0);
  });

  it("one that can change does, of which nothing is said, and where it cannot nothing is touched", async () => {
    const journal: string[] = [];
    const slot = changing(journal);
    await slot.start(configuration(A));
    assert.deepEqual(slot.plan(change(A, FASTER)), { ok: true, value: [] });
    const own = await prepared(slot, change(A, FASTER));
    await own.apply();
    await own.finish!();
    const answer = await slot.prepare(change(FASTER, { port: 9, speed: 1 }));
    assert.ok(!answer.ok && answer.faults[0]!.message.includes("port 9 is taken"));
    const started = await slot.prepare(change(FASTER, { port: 1, speed: 9 }));
    assert.ok(!started.ok && started.faults[0]!.message.includes("nobody starts with speed 9"));
    assert.deepEqual(journal, ["1 2", "finish"]);
  });

  it("one that ends with its last answer: who takes it away does not wait, and whoever closes everything does", async () => {
    const journal: string[] = [];
    const last = Promise.withResolvers<void>();
    const slot = changing(journal, last.promise);
    await slot.start(configuration(A));
    const back = await prepared(slot, change(A, undefined));
    await back.apply();
    await back.revert();
    assert.deepEqual(journal, []);
    const gone = await prepared(slot, change(A, undefined));
    await gone.apply();
    await gone.finish!();
    assert.deepEqual(journal, ["retire"]);
    const closed = slot[Symbol.asyncDispose]();
    last.resolve();
    await closed;
    assert.deepEqual(journal, ["retire", "close", "close"]);
  });

  it("not wanted any more, and wanted again", async () => {
    const { host, slot } = await started();
    const gone = await prepared(slot, change(A, undefined));
    await gone.apply();
    assert.equal(host.open.size, 0);
    await gone.revert();
    assert.deepEqual([...host.open.values()], [A]);
    assert.deepEqual(await slot.prepare(change(A, { ...A })), { ok: true, value: undefined });
  });
});
