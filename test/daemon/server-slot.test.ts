import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ServerKind, ServerSlot } from "../../src/daemon/live/server.ts";
import type { Prepared, RouterChange, RouterConfiguration } from "../../src/management/index.ts";

interface Options {
  readonly port: number;
  readonly speed: number;
}

/** A server that becomes what is wanted by itself, and ends when its last answer is given; the journal has what it does. */
function slotOf(
  journal: string[],
  own: Partial<ServerKind<Options, AsyncDisposable>> = {},
): ServerSlot<Options, AsyncDisposable> {
  const step = (what: string) => () => void journal.push(what);
  return new ServerSlot<Options, AsyncDisposable>({
    name: "the test server",
    path: "/test",
    wanted: (of) => (of as unknown as { server?: Options }).server,
    async start({ port, speed }) {
      if (port === 9) throw new Error("port 9 is taken");
      journal.push(`open ${port} ${speed}`);
      return { [Symbol.asyncDispose]: async () => void journal.push(`close ${port} ${speed}`) };
    },
    async check({ speed }) {
      if (speed === 9) throw new Error("nobody starts with speed 9");
    },
    async change(_, { port, speed }) {
      if (port === 9) throw new Error("port 9 is taken");
      return { apply: step(`${port} ${speed}`), revert: step("revert"), finish: step("finish") };
    },
    ...own,
  });
}

const configuration = (server?: Options) => ({ server }) as unknown as RouterConfiguration;
const change = (before?: Options, after?: Options): RouterChange =>
  ({ before: configuration(before), after: configuration(after) }) as unknown as RouterChange;

const A: Options = { port: 1, speed: 1 };
const FASTER: Options = { port: 1, speed: 2 };
async function prepared(slot: ServerSlot<Options, AsyncDisposable>, wanted: RouterChange): Promise<Prepared> {
  const answer = await slot.prepare(wanted);
  assert.ok(answer.ok && answer.value !== undefined);
  return answer.value;
}

async function begun(journal: string[], own: Partial<ServerKind<Options, AsyncDisposable>> = {}) {
  const slot = slotOf(journal, own);
  await slot.start(configuration(A));
  assert.deepEqual(journal.splice(0), ["open 1 1"]);
  return slot;
}

describe("a server that the configuration asks for", () => {
  it("becomes what is wanted, of which nothing is said, and where it cannot nothing is touched", async () => {
    const journal: string[] = [];
    const slot = await begun(journal);
    assert.deepEqual(slot.plan(change(A, FASTER)), { ok: true, value: [] });
    const own = await prepared(slot, change(A, FASTER));
    await own.apply();
    await own.finish!();
    const answer = await slot.prepare(change(FASTER, { port: 9, speed: 1 }));
    assert.ok(!answer.ok && answer.faults[0]!.message.includes("port 9 is taken"));
    const unusable = await slot.prepare(change(FASTER, { port: 1, speed: 9 }));
    assert.ok(!unusable.ok && unusable.faults[0]!.message.includes("nobody starts with speed 9"));
    assert.deepEqual(await slot.prepare(change(A, { ...A })), { ok: true, value: undefined });
    assert.deepEqual(journal, ["1 2", "finish"]);
  });

  it("for the first time: it is there before the change is applied, and goes where it is not or is taken back", async () => {
    const journal: string[] = [];
    const slot = slotOf(journal);
    await slot.start(configuration());
    assert.deepEqual(slot.plan(change(undefined, A)), { ok: true, value: [] });
    const given = await prepared(slot, change(undefined, A));
    assert.equal(slot.server, undefined);
    await given.abandon!();
    const taken = await prepared(slot, change(undefined, A));
    await taken.apply();
    assert.notEqual(slot.server, undefined);
    await taken.revert();
    assert.equal(slot.server, undefined);
    assert.deepEqual(journal.splice(0), ["open 1 1", "close 1 1", "open 1 1", "close 1 1"]);
    const answer = await slot.prepare(change(undefined, { port: 9, speed: 1 }));
    assert.ok(!answer.ok);
    assert.deepEqual([answer.faults[0]!.path, /port 9 is taken/.test(answer.faults[0]!.message)], ["/test", true]);
    await (await prepared(slot, change(undefined, A))).apply();
    await slot[Symbol.asyncDispose]();
    assert.deepEqual(journal, ["open 1 1", "close 1 1"]);
  });

  it("no more: it has not gone before that is durable, which is said before", async () => {
    const journal: string[] = [];
    const slot = await begun(journal);
    const said = slot.plan(change(A, undefined));
    assert.ok(said.ok && said.value[0]!.message.includes("open connections end"));
    const back = await prepared(slot, change(A, undefined));
    await back.apply();
    await back.revert();
    assert.deepEqual([journal, slot.server !== undefined], [[], true]);
    const gone = await prepared(slot, change(A, undefined));
    await gone.apply();
    assert.deepEqual(journal, []);
    await gone.finish!();
    assert.deepEqual([journal, slot.server], [["close 1 1"], undefined]);
  });

  it("no more, and ends with its last answer: who takes it away does not wait, and whoever closes everything does", async () => {
    const journal: string[] = [];
    const last = Promise.withResolvers<void>();
    const slot = await begun(journal, {
      retire: async (server) => {
        journal.push("retire");
        await last.promise;
        await server[Symbol.asyncDispose]();
      },
    });
    const gone = await prepared(slot, change(A, undefined));
    await gone.apply();
    await gone.finish!();
    assert.deepEqual(journal, ["retire"]);
    const closed = slot[Symbol.asyncDispose]();
    last.resolve();
    await closed;
    assert.deepEqual(journal, ["retire", "close 1 1", "close 1 1"]);
  });
});
