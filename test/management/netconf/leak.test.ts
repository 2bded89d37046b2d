import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { ChannelCredentials, type Client, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { gnmiPath, type Message, Stream } from "../gnmi/gnmi-router.ts";
import { startNetconfRouter } from "./netconf-router.ts";
import { readReply } from "./oracle.ts";
import { RawClient } from "./raw-client.ts";

/** Sessions and streams that come and go; the bar is 10 000, which takes minutes. */
const CYCLES = Number(process.env.SEMRD_LEAK_CYCLES ?? 60);
const WARM = 40;
/** An expression that has to be killed, and the process with it, takes a second: so many of them. */
const KILLED = 2;
const AT_ONCE = 4;
const PATIENCE = 30_000;
const PROBE = new URL("memory-probe.ts", import.meta.url).href;
const MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";
const READ = "<get-config><source><running/></source></get-config>";
const SELECTED = `<get-config><source><running/></source><filter type="xpath" select="//*[local-name() = 'name']"/></get-config>`;
const SCHEMA = `<get-schema xmlns="${MONITORING}"><identifier>semrd-bgp</identifier></get-schema>`;
const SESSIONS = `<get><filter type="subtree"><netconf-state xmlns="${MONITORING}"><sessions/></netconf-state></filter></get>`;
const EDIT = `<edit-config><target><candidate/></target><config><router xmlns="urn:semrd:yang:semrd-router"><name>other</name></router></config></edit-config>`;
const BOMB = `<get-config><source><running/></source><filter type="xpath" select="${"//*[count(".repeat(12)}//*${") &gt; 5]".repeat(12)}"/></get-config>`;

interface Seen {
  readonly resident: number;
  readonly heap: number;
  readonly handles: Readonly<Record<string, number>>;
}

it(`${CYCLES} sessions of NETCONF and streams of gNMI that come and go leave nothing behind`, {
  timeout: 240_000 + CYCLES * 200,
}, async (t) => {
  await using router = await startNetconfRouter({ "maximum-sessions": 64 }, {}, [
    "env",
    `NODE_OPTIONS=--import=${PROBE}`,
  ]);
  const pid = router.process.child.pid!;
  const { gnmi } = loadPackageDefinition(loadProto()) as Message;
  using grpc = new DisposableStack();
  const client: Client & Record<string, (...args: unknown[]) => unknown> = grpc.adopt(
    new gnmi.gNMI(`unix:${path.join(router.folder, "r1", "grpc.sock")}`, ChannelCredentials.createInsecure()),
    (it) => it.close(),
  );

  const session = async (n: number): Promise<void> => {
    // Connections of one source are counted: each time another one.
    const localAddress = `127.${1 + (process.pid % 60)}.${1 + ((n >> 7) & 127)}.${1 + (n & 127)}`;
    const one = await RawClient.open(
      { ...router.login, localAddress } as never,
      n % 2 === 0 ? {} : { versions: ["1.0"] },
    );
    assert.ok(readReply(await one.rpc(EDIT)).errors.length === 0);
    for (const rpc of [SCHEMA, READ, SELECTED]) assert.match(await one.rpc(rpc), /<data/);
    assert.ok(readReply(await one.rpc("<discard-changes/>")).ok);
    if (n % 3 !== 0) await one.rpc("<close-session/>"); // or it breaks off
    await one[Symbol.asyncDispose]();
  };
  const stream = async (n: number): Promise<void> => {
    const call = new Stream(client.Subscribe!(new Metadata()) as never);
    const mode = n % 3 === 0 ? "ONCE" : "STREAM";
    const subscription = [
      { path: gnmiPath("/semrd-router:router/telemetry"), mode: n % 2 === 0 ? "ON_CHANGE" : "SAMPLE" },
    ];
    call.call.write({ subscribe: { encoding: "JSON_IETF", mode, subscription } });
    await call.synced();
    if (mode === "STREAM") call.cancel();
    await call.over();
  };
  const cycles = async (from: number, to: number): Promise<void> => {
    let next = from;
    const worker = async (): Promise<void> => {
      for (let n = next++; n < to; n = next++) await Promise.all([session(n), stream(n)]);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  await using observer = await router.open();
  const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length;
  /** Once the sessions of the others are gone, and what they had open, as far as it does go. */
  const seen = async (most = Number.POSITIVE_INFINITY): Promise<Seen & { readonly descriptors: number }> => {
    const late = AbortSignal.timeout(PATIENCE);
    while (((await observer.rpc(SESSIONS)).match(/<session>/g)?.length ?? 0) > 1 || descriptors() > most)
      if (late.aborted) break;
    const from = router.process.log.length;
    router.process.child.kill("SIGUSR2");
    for (;;) {
      const said = router.process.log.slice(from).match(/\{"event":"test\.memory".*\}/)?.[0];
      if (said !== undefined) return { ...JSON.parse(said), descriptors: descriptors() };
      await once(router.process.child.stdout!, "data", { signal: AbortSignal.timeout(PATIENCE) });
    }
  };
  const children = (): number =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).length;

  await cycles(0, WARM);
  const all = [await seen()];
  for (let part = 0; part < 4; part++) {
    await cycles(WARM + Math.floor((CYCLES * part) / 4), WARM + Math.floor((CYCLES * (part + 1)) / 4));
    all.push(await seen(all[0]!.descriptors));
  }
  const processes = children();
  for (let n = 0; n < KILLED; n++) {
    await using one = await router.open();
    assert.match(await one.rpc(BOMB), /resource-denied/);
    assert.match(await one.rpc(SELECTED), /<data/);
  }
  all.push(await seen(all[0]!.descriptors));
  const figures = (of: "resident" | "heap" | "descriptors"): string => all.map((one) => Math.round(one[of])).join(", ");
  t.diagnostic(
    `MB resident: ${figures("resident")}; MB in use by V8: ${figures("heap")}; descriptors: ${figures("descriptors")}`,
  );
  t.diagnostic(`handles: ${JSON.stringify(all[0]!.handles)} and ${JSON.stringify(all.at(-1)!.handles)}`);
  assert.equal(children(), processes, "the processes that were killed are gone, and one is there");
  const [first, last] = [all[0]!, all.at(-1)!];
  const handles = (one: Seen, kind: string): number => one.handles[kind] ?? 0;
  assert.equal(handles(last, "TCPSocketWrap"), handles(first, "TCPSocketWrap"));
  assert.ok(handles(last, "Timeout") <= handles(first, "Timeout"));
  assert.ok(handles(last, "PipeWrap") <= handles(first, "PipeWrap") + 1, "the way to a new process for XPath");
  assert.equal(last.descriptors, first.descriptors);
  // It has grown to what it needs by the middle of the run.
  assert.ok(all[4]!.resident - all[2]!.resident < 30, `${all[2]!.resident} MB grew to ${all[4]!.resident}`);
  assert.ok(all[4]!.heap - all[2]!.heap < 5, `${all[2]!.heap} MB of objects grew to ${all[4]!.heap}`);
});
