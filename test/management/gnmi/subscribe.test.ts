import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { hashPassword } from "../../../src/management/index.ts";
import {
  type GnmiClient,
  type GnmiRouter,
  gnmiPath,
  PASSWORD,
  type Stream,
  startGnmiRouter,
  update,
} from "./gnmi-router.ts";

const CAPABILITY = "/router/taxonomy/capability[name=/vision/ocr][major-version=1]";
const TENANT = "/router/tenants/tenant[name=acme]";
const SECOND = 1_000_000_000;

const on = (path: string, more: object = {}): object => ({ path: gnmiPath(path), ...more });

describe("gNMI: Subscribe", () => {
  let router: GnmiRouter;
  let client: GnmiClient;
  const streams: Stream[] = [];
  before(async () => {
    router = await startGnmiRouter({ "maximum-subscriptions": 24 });
    client = router.client();
  });
  after(async () => {
    for (const stream of streams) stream.cancel();
    await router[Symbol.asyncDispose]();
  });
  const subscribe = (list: object, extension: readonly object[] = []): Stream => {
    const stream = client.subscribe(list, extension as never);
    streams.push(stream);
    return stream;
  };

  it("ONCE: every leaf, one sync_response, and the end", async () => {
    const stream = subscribe({
      mode: "ONCE",
      subscription: [on("/router/tenants")],
      prefix: { target: "r1", elem: [] },
    });
    await stream.over();
    assert.equal(stream.error, undefined);
    assert.equal(stream.syncs, 1);
    assert.ok(stream.has(`${TENANT}/name`, "acme"));
    assert.ok(stream.has(`${TENANT}/index`, 1));
    assert.ok(stream.has(`${TENANT}/import-target`, ["65000:1"]));
    assert.equal(stream.responses[0].update.prefix.target, "r1");
    assert.equal(stream.responses[0].update.atomic, false);
  });

  it("ONCE: a path with nothing at it is only in sync", async () => {
    const stream = subscribe({ mode: "ONCE", subscription: [on("/router/tenants/tenant[name=nobody]")] });
    await stream.over();
    assert.deepEqual([stream.error, stream.leaves, stream.syncs], [undefined, [], 1]);
  });

  it("ONCE: within a depth", async () => {
    const stream = subscribe({ mode: "ONCE", subscription: [on("/router")] }, [{ depth: { level: 1 } }]);
    await stream.over();
    assert.ok(stream.has("/router/name", "r1"));
    assert.ok(stream.leaves.every(([path]) => path.split("/").length === 3));
  });

  it("POLL: a round for each poll", async () => {
    const stream = subscribe({ mode: "POLL", subscription: [on("/router/name")] });
    await stream.until(() => stream.syncs === 1, "the first round");
    stream.call.write({ poll: {} });
    await stream.until(() => stream.syncs === 2, "the second round");
    assert.equal(stream.leaves.filter(([path]) => path === "/router/name").length, 2);
    stream.call.end();
    await stream.over();
    assert.equal(stream.error, undefined);
  });

  it("ON_CHANGE: what is there, then changed leaves, entries that come and go, and leaf-lists whole", async () => {
    const stream = subscribe({ mode: "STREAM", subscription: [on("/router/tenants", { mode: "ON_CHANGE" })] });
    await stream.synced();
    const before = stream.leaves.length;
    await client.set({ update: [update("/router/tenants/tenant[name=beta]", beta)] });
    const entry = "/router/tenants/tenant[name=beta]";
    await stream.until(() => stream.has(`${entry}/export-target`), "the new tenant");
    await client.set({ update: [update(`${entry}/index`, 5)] });
    await stream.until(() => stream.has(`${entry}/index`, 5), "its new index");
    await client.set({ update: [update(`${entry}/import-target`, ["65000:3", "65000:4"])] });
    await stream.until(() => stream.has(`${entry}/import-target`, ["65000:3", "65000:4"]), "its targets");
    await client.set({ delete: [gnmiPath(entry)] });
    await stream.until(() => stream.leaves.some(([path, value]) => path === entry && value === undefined), "its end");
    const told = stream.leaves.slice(before).map(([path]) => path);
    assert.ok(
      told.every((path) => path.startsWith(entry)),
      `others were told of, too: ${told}`,
    );
    assert.equal(stream.syncs, 1);
  });

  it("ON_CHANGE below a container that comes whole, and by wildcards", async () => {
    const path = "/router/tenants/tenant[name=*]/index";
    const stream = subscribe({ mode: "STREAM", subscription: [on(path, { mode: "ON_CHANGE" })], updates_only: true });
    await stream.synced();
    assert.equal(stream.leaves.length, 0);
    await client.set({ update: [update("/router/tenants/tenant[name=beta]", beta)] });
    await stream.until(() => stream.has("/router/tenants/tenant[name=beta]/index", 2), "the index");
    await client.set({ delete: [gnmiPath("/router/tenants/tenant[name=beta]")] });
    await stream.until(() => stream.has("/router/tenants/tenant[name=beta]"), "the delete");
    assert.deepEqual(
      stream.leaves.map(([at]) => at),
      ["/router/tenants/tenant[name=beta]/index", "/router/tenants/tenant[name=beta]"],
    );
  });

  it("SAMPLE with updates_only begins with what differs from what was there", async () => {
    const path = "/router/tenants/tenant[name=*]/index";
    const sampled = on(path, { mode: "SAMPLE", sample_interval: "100000000", suppress_redundant: true });
    const stream = subscribe({ mode: "STREAM", subscription: [sampled], updates_only: true });
    await stream.synced();
    await client.set({ update: [update("/router/tenants/tenant[name=beta]", beta)] });
    await stream.until(() => stream.has("/router/tenants/tenant[name=beta]/index", 2), "the index");
    await client.set({ delete: [gnmiPath("/router/tenants/tenant[name=beta]")] });
    await stream.until(() => stream.leaves.length > 1, "the delete");
    assert.deepEqual(stream.leaves, [
      ["/router/tenants/tenant[name=beta]/index", 2],
      ["/router/tenants/tenant[name=beta]/index", undefined],
    ]);
  });

  it("ON_CHANGE tells what the model denies to all only to those whom a rule lets", async () => {
    const everything = subscribe({ mode: "STREAM", subscription: [on("/router/management")], updates_only: true });
    const reader = router.client({ username: "reader", password: PASSWORD });
    const stream = reader.subscribe({ mode: "STREAM", subscription: [on("/router/management")], updates_only: true });
    await Promise.all([stream.synced(), everything.synced()]);
    const user = { name: "other", description: "new", "password-hash": await hashPassword("x") };
    await client.set({ update: [update("/router/management/users/user[name=other]", user)] });
    await stream.until(() => stream.has("/router/management/users/user[name=other]/description", "new"), "the user");
    await client.set({ delete: [gnmiPath("/router/management/users/user[name=other]")] });
    await stream.until(() => stream.leaves.some(([, value]) => value === undefined), "its end");
    assert.ok(stream.leaves.every(([path]) => !path.includes("password-hash")));
    await everything.until(() => everything.leaves.some(([path]) => path.includes("password-hash")), "the hash");
    stream.cancel();
  });

  it("TARGET_DEFINED is ON_CHANGE for configuration; PROTO has its own types", async () => {
    const stream = subscribe({ mode: "STREAM", encoding: "PROTO", subscription: [on(`${CAPABILITY}/service-port`)] });
    await stream.synced();
    await client.set({ update: [update(`${CAPABILITY}/service-port`, 9100)] });
    await stream.until(() => stream.has(`${CAPABILITY}/service-port`, "9100"), "the new port");
    await client.set({ delete: [gnmiPath(`${CAPABILITY}/service-port`)] });
  });

  it("ON_CHANGE tells everything again at its heartbeat", async () => {
    const stream = subscribe({
      mode: "STREAM",
      subscription: [on("/router/name", { mode: "ON_CHANGE", heartbeat_interval: SECOND })],
    });
    await stream.until(() => stream.leaves.length >= 3, "two heartbeats");
    assert.equal(stream.syncs, 1);
  });

  it("SAMPLE: again and again, or only what differs", async () => {
    const often = { mode: "SAMPLE", sample_interval: SECOND / 10 };
    const all = subscribe({ mode: "STREAM", subscription: [on(`${CAPABILITY}/description`, often)] });
    const few = subscribe({
      mode: "STREAM",
      subscription: [on("/router/taxonomy", { ...often, suppress_redundant: true })],
    });
    await Promise.all([all.synced(), few.synced()]);
    const before = few.leaves.length;
    await client.set({ update: [update(`${CAPABILITY}/description`, "sampled")] });
    await all.until(() => all.leaves.filter(([, value]) => value === "sampled").length >= 3, "three samples");
    assert.deepEqual(few.leaves.slice(before), [[`${CAPABILITY}/description`, "sampled"]]);
    await client.set({ delete: [gnmiPath(`${CAPABILITY}/description`)] });
    await few.until(() => few.leaves.at(-1)?.[1] === undefined, "the delete");
    assert.deepEqual(few.leaves.at(-1), [`${CAPABILITY}/description`, undefined]);
  });

  it("samples state of counters and streams it", async () => {
    const stream = subscribe({ mode: "ONCE", subscription: [on("/router")] });
    await stream.over();
    assert.equal(stream.error, undefined);
    assert.equal(new Set(stream.leaves.map(([path]) => path)).size, stream.leaves.length, "a leaf was told twice");
  });

  it("refuses what it cannot keep, and says why", async () => {
    const cases: readonly [object, number, RegExp][] = [
      [{ mode: "STREAM", subscription: [] }, status.INVALID_ARGUMENT, /no subscription/],
      [{ mode: "ONCE", use_aliases: true, subscription: [on("/router")] }, status.UNIMPLEMENTED, /aliases/],
      [{ mode: "ONCE", encoding: "ASCII", subscription: [on("/router")] }, status.UNIMPLEMENTED, /encoding/],
      [
        { mode: "STREAM", subscription: [on("/router", { mode: "SAMPLE", sample_interval: 1000 })] },
        ...([status.INVALID_ARGUMENT, /sample_interval/] as const),
      ],
      [
        { mode: "STREAM", subscription: [on("/router", { mode: "ON_CHANGE", heartbeat_interval: 1000 })] },
        ...([status.INVALID_ARGUMENT, /heartbeat_interval/] as const),
      ],
      [{ mode: "ONCE", subscription: [on("/router/nonsense")] }, status.NOT_FOUND, /nonsense/],
      [{ mode: 7, subscription: [on("/router")] }, status.INVALID_ARGUMENT, /mode/],
    ];
    for (const [list, code, why] of cases) {
      const stream = subscribe(list);
      await stream.over();
      assert.equal(stream.error?.code, code, `${JSON.stringify(list)}: ${stream.error?.details}`);
      assert.match(stream.error!.details, why);
    }
  });

  it("refuses a second subscription, a poll of none, aliases, and nothing", async () => {
    for (const request of [{ poll: {} }, { aliases: { alias: [] } }, {}, { subscribe: { subscription: [] } }]) {
      const stream = subscribe({ mode: "STREAM", subscription: [on("/router/name")] });
      await stream.synced();
      stream.call.write(request);
      await stream.over();
      assert.ok(stream.error !== undefined, JSON.stringify(request));
    }
  });

  it("has a limit of subscriptions", async () => {
    const open: Stream[] = [];
    let refused: Stream | undefined;
    for (let i = 0; i < 30 && refused === undefined; i++) {
      const stream = subscribe({ mode: "STREAM", subscription: [on("/router/name")] });
      open.push(stream);
      await Promise.race([stream.synced().catch(() => undefined), stream.over()]);
      if (stream.error !== undefined) refused = stream;
    }
    assert.equal(refused?.error?.code, status.RESOURCE_EXHAUSTED);
    for (const stream of open) stream.cancel();
  });
});

const beta = {
  ...{ name: "beta", index: 2, "route-distinguisher": "0:65000:2" },
  ...{ "import-target": ["65000:2"], "export-target": ["65000:2"] },
};
