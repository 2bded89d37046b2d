import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Client, credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { type Message, refusal, update } from "../gnmi/gnmi-router.ts";
import { edit, named, partialLock, telemetry, tenant, tenants } from "./battery/words.ts";
import { type NetconfRouter, startNetconfRouter } from "./netconf-router.ts";
import { readReply } from "./oracle.ts";
import type { RawClient } from "./raw-client.ts";

const BETA = "/r:router/t:tenants/t:tenant[t:name='beta']";
const MOST = 20_000;
const PATIENCE = 60_000;

describe("partial locks, and who else is there (RFC 5717)", () => {
  let router: NetconfRouter;
  let holder: RawClient;
  let other: RawClient;
  let gnmi: Message;
  before(async () => {
    router = await startNetconfRouter();
    other = await router.open();
    const { gnmi: service } = loadPackageDefinition(loadProto()) as Message;
    gnmi = new service.gNMI(`unix:${router.process.socket}`, credentials.createInsecure());
    await done(other, edit(tenants(tenant("beta", 2)), "", "running"));
  });
  after(async () => {
    (gnmi as Client | undefined)?.close();
    await other?.[Symbol.asyncDispose]();
    await router?.[Symbol.asyncDispose]();
  });

  async function done(client: RawClient, operation: string): Promise<string> {
    const reply = await client.rpc(operation);
    assert.deepEqual(readReply(reply).errors, [], operation);
    return reply;
  }
  const errors = async (client: RawClient, operation: string) =>
    readReply(await client.rpc(operation)).errors.map(({ tag, sessionId }) => ({ tag, sessionId }));
  const set = (value: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      gnmi.Set(value, { deadline: Date.now() + PATIENCE }, (cause: Error | null, answer: Message) =>
        cause === null ? resolve(answer) : reject(cause),
      );
    });
  const index = (number: number): object => ({
    update: [update("/router/tenants/tenant[name=beta]/index", number)],
  });
  const level = (word: string): object => ({ update: [update("/router/telemetry/log-level", word)] });
  const inUse = (): readonly object[] => [{ tag: "in-use", sessionId: String(holder.sessionId) }];

  it("a commit of another's candidate and a Set of gNMI wait for what is locked, and for nothing else", async () => {
    holder = await router.open();
    await done(holder, partialLock(BETA));
    // The candidate itself is free; that it would change what is locked is said at the commit.
    await done(other, edit(tenants(tenant("beta", 3))));
    assert.deepEqual(await errors(other, "<commit/>"), inUse());
    const { code, details } = await refusal(set(index(4)));
    assert.match(details, new RegExp(`session ${holder.sessionId} has locked this part of running: try again`));
    assert.equal(code, 9, "FAILED_PRECONDITION");
    await done(other, "<discard-changes/>");
    await set(level("debug"));
    await done(other, edit(telemetry("<log-level>info</log-level>")));
    await done(other, "<commit/>");
    // Who has the lock goes on.
    await done(holder, edit(tenants(tenant("beta", 5))));
    await done(holder, "<commit/>");
  });

  it("they go with a session that is killed, and with one whose connection breaks", async () => {
    const wanted = edit(tenants(tenant("beta", 6)), "", "running");
    assert.deepEqual(await errors(other, wanted), inUse());
    await done(other, `<kill-session><session-id>${holder.sessionId}</session-id></kill-session>`);
    await done(other, wanted);

    holder = await router.open();
    await done(holder, partialLock("//t:tenant"));
    await done(holder, partialLock("/r:router/t:tenants"));
    assert.deepEqual(await errors(other, edit(tenants(named("beta", "delete")), "", "running")), inUse());
    holder.stream.destroy();
    // The router hears of it when it hears of it: what is awaited is that the lock is gone.
    const late = AbortSignal.timeout(PATIENCE);
    for (let told = await errors(other, wanted); told.length > 0; told = await errors(other, wanted)) {
      assert.deepEqual(told, inUse());
      assert.ok(!late.aborted, "the lock of a session that is over is still there");
    }
    await set(index(7));
  });

  it("an expression that takes too long is given up, and locks nothing", async () => {
    const bomb = "//*[count(//*[count(//*[count(//*[count(//*) > 5]) > 5]) > 5]) > 5]";
    holder = await router.open();
    const answer = holder.rpc(partialLock(bomb));
    await done(other, edit(tenants(tenant("beta", 8)), "", "running"));
    const { errors: found, messages } = readReply(await answer);
    assert.deepEqual(
      found.map(({ tag }) => tag),
      ["resource-denied"],
    );
    assert.match(messages.join(), /took|long|time|memory/);
    await done(other, edit(tenants(tenant("beta", 9)), "", "running"));
  });

  it(`who wants more than ${MOST} nodes is refused, with what to do`, async () => {
    const leaves = ["name", "major-version", "description", "service-port", "protocol", "affinity"];
    const capability = (n: number): string =>
      [`/c/n${n}`, 1, "x", 80, "tcp", "flow"].map((value, i) => `<${leaves[i]}>${value}</${leaves[i]}>`).join("");
    const all = Array.from({ length: 3_400 }, (_, n) => `<capability>${capability(n)}</capability>`).join("");
    const taxonomy = (inner: string): string =>
      edit(`<taxonomy xmlns="urn:semrd:yang:semrd-taxonomy">${inner}</taxonomy>`, "", "running");
    await done(other, taxonomy(all));
    // Paths, which are looked up at once: an expression may take longer than it has on a busy machine.
    const place = "/r:router/semrd-taxonomy:taxonomy";
    const each = leaves.map((leaf) => `${place}/semrd-taxonomy:capability/semrd-taxonomy:${leaf}`);
    const { errors: found, messages } = readReply(await holder.rpc(partialLock(...each)));
    assert.deepEqual(
      found.map(({ tag }) => tag),
      ["resource-denied"],
    );
    assert.match(
      messages.join(),
      /would have 204\d\d nodes, more than the 20000 that a session may have locked: lock what they stand in/,
    );
    await done(holder, partialLock(place));
    assert.deepEqual(await errors(other, taxonomy("<revision>9</revision>")), inUse());
    await holder[Symbol.asyncDispose]();
  });
});
