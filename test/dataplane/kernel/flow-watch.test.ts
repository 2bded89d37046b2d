import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as elapsed } from "node:timers/promises";
import { loadNative } from "../../../native/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import { type FlowEvent, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { AGENTS, CAPABILITIES, CLIENTS, OPTIONS, ROUTERS, SETUP } from "../differential/pool.ts";
import { tcp } from "../memory/frames.ts";
import { allSlots, SILENT } from "../memory/story.ts";
import { isolated, OBJECT_PATH } from "./isolated.ts";

const [CLIENT] = CLIENTS;
const [HERE, , ELSEWHERE] = CAPABILITIES;
const AGENT = AGENTS[0]!;
const LOOPBACK = 1;
const ETHERNET = Uint8Array.of(0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0x86, 0xdd);
/** Ports of flows that only say where others end. */
const FIRST_END = 60_000;
const [SYN, ACK, FIN_ACK] = [0x02, 0x10, 0x11];

/** One capability is served here, one at another router. */
const PLAN: readonly Operation[] = [
  { type: "set-next-hop", index: 1, nextHop: { kind: "tunnel", locator: ROUTERS[0]! }, state: "up" },
  { type: "set-next-hop", index: 2, nextHop: { kind: "local" }, state: "up" },
  {
    type: "set-next-hop",
    index: 3,
    nextHop: { kind: "instance", instance: "a1", address: AGENT, port: 8080, protocol: "tcp", servicePort: 80 },
    state: "up",
  },
  { type: "set-slots", group: 1, slots: allSlots(1), backup: 1 },
  { type: "set-slots", group: 2, slots: allSlots(2), backup: 2 },
  { type: "set-slots", group: 3, slots: allSlots(3), backup: 3 },
  { type: "set-capability", entry: { address: HERE!, group: 2, localGroup: 3 } },
  { type: "set-capability", entry: { address: ELSEWHERE!, group: 1, localGroup: 0 } },
];

await isolated(import.meta.filename, SETUP, async () => {
  const native = loadNative();
  await using dataplane = await startKernelDataplane(OPTIONS, { native, log: SILENT, objectPath: OBJECT_PATH });
  const ports = new PortTable(dataplane.object.maps.get("ports")!.mmap());
  dataplane.apply(PLAN, 1);

  const run = (role: "client" | "agent", packet: Uint8Array): void => {
    ports.set(LOOPBACK, { role, tenantIndex: 1, direct: false, partial: false });
    native.bpf.testRun(dataplane.object.programs.get(PROGRAMS.tc)!, Buffer.concat([ETHERNET, packet]));
  };
  const asked = (destination: Uint8Array, sourcePort: number, flags: number, data = 0): Uint8Array =>
    tcp({ source: CLIENT!, destination }, { sourcePort, destinationPort: 80, flags, data: new Uint8Array(data) });
  const answered = (destinationPort: number, flags: number, data = 0): Uint8Array =>
    tcp(
      { source: AGENT, destination: CLIENT! },
      { sourcePort: 8080, destinationPort, flags, data: new Uint8Array(data) },
    );

  const heard: FlowEvent[] = [];
  const watch = dataplane.watchFlows!((event) => heard.push(event));
  let ends = 0;
  /** All that is told of what was before: they come in order, and a flow that is told of each time is the last. */
  const told = async (): Promise<FlowEvent[]> => {
    const end = FIRST_END + ends++;
    const isOver = () => heard.some(({ clientPort }) => clientPort === end);
    watch.tell({ flows: 1, refused: 0 });
    for (let waited = 0; !isOver(); waited += 10) {
      assert.ok(waited < 20_000, "the last one is not told of");
      run("client", asked(ELSEWHERE!, end, SYN)); // again: there may have been no room for it
      await elapsed(10);
    }
    return heard.splice(0).filter(({ clientPort }) => clientPort < FIRST_END);
  };

  await test("nothing is told before it is asked for", async () => {
    run("client", asked(HERE!, 1, SYN));
    run("client", asked(CAPABILITIES[4]!, 1, SYN));
    await elapsed(50);
    assert.deepEqual(heard, []);
  });

  await test("a flow is told of when it begins, with who serves it, and followed to its end", async () => {
    watch.tell({ flows: 1, refused: 0 });
    run("client", asked(HERE!, 4000, SYN));
    run("client", asked(HERE!, 4000, ACK, 100));
    run("agent", answered(4000, ACK, 1000));
    const [event, ...more] = await told();
    assert.deepEqual(more, []);
    const { at: _at, ...said } = event!;
    assert.deepEqual(said, {
      ...{ kind: "begun", client: CLIENT, capability: HERE, clientPort: 4000, capabilityPort: 80, protocol: 6 },
      ...{ tcpFlags: SYN, ifindex: LOOPBACK, tenantIndex: 1, nextHop: 3, length: 60 },
      ...{ verdict: "delivered", decapsulated: false },
    });
    assert.ok(Math.abs(event!.at - Number(process.hrtime.bigint() / 1_000_000n)) < 10_000);
    const amount = { packets: 2, octets: 60n + 160n, packetsBack: 1, octetsBack: 1060n };
    assert.deepEqual(watch.progress(event!), { ...amount, closed: false });
    run("client", asked(HERE!, 4000, FIN_ACK));
    run("agent", answered(4000, FIN_ACK));
    const ended = { packets: 3, octets: 280n, packetsBack: 2, octetsBack: 1120n, closed: true };
    assert.deepEqual(watch.progress(event!), ended);
  });

  await test("the tag that policy gave it is told with it", async () => {
    const policy = { use: "tenant", tenantIndex: 1, counted: false, allowed: [], tag: 7 } as const;
    dataplane.apply([{ type: "set-policy", index: 1, policy }], 2);
    ports.set(LOOPBACK, { role: "client", tenantIndex: 1, direct: false, partial: false, policy: 1 });
    const frame = Buffer.concat([ETHERNET, asked(ELSEWHERE!, 4100, SYN)]);
    native.bpf.testRun(dataplane.object.programs.get(PROGRAMS.tc)!, frame);
    const [event] = await told();
    assert.deepEqual([event!.verdict, event!.tag], ["encapsulated", 7]);
    dataplane.apply([{ type: "remove-policy", index: 1 }], 3);
  });

  await test("a flow to another router names the tunnel, and has no progress here", async () => {
    run("client", asked(ELSEWHERE!, 4001, SYN));
    run("client", asked(ELSEWHERE!, 4001, ACK));
    const events = await told();
    assert.deepEqual(
      events.map(({ verdict, nextHop }) => [verdict, nextHop]),
      [["encapsulated", 1]],
    );
    assert.equal(watch.progress(events[0]!), undefined);
  });

  await test("of refused packets one of so many, by verdict", async () => {
    watch.tell({ flows: 0, refused: 4 });
    run("client", asked(HERE!, 4002, SYN));
    for (let i = 0; i < 16; i++) run("client", asked(CAPABILITIES[4]!, 5000 + i, SYN));
    const events = await told();
    const cpus = native.bpf.possibleCpus();
    assert.ok(Math.abs(events.length - 4) <= cpus, `${events.length} of 16`);
    for (const { kind, verdict } of events) assert.deepEqual([kind, verdict], ["refused", "reject-tenant"]);
  });

  await test("about one of so many flows, the same ones each time", async () => {
    const round = async (): Promise<number[]> => {
      watch.tell({ flows: 8, refused: 0 });
      for (let i = 0; i < 400; i++) run("client", asked(ELSEWHERE!, 10_000 + i, SYN));
      return (await told()).map(({ clientPort }) => clientPort);
    };
    const first = await round();
    assert.ok(first.length > 20 && first.length < 100, `${first.length} of 400`);
    assert.deepEqual(await round(), first);
  });

  await test("what finds no room is counted, and the pass goes on", async () => {
    watch.tell({ flows: 1, refused: 0 });
    for (let i = 0; i < 6000; i++) run("client", asked(ELSEWHERE!, 20_000 + i, SYN)); // no turn for the reader
    assert.equal(dataplane.counters().verdicts.get("encapsulated")! > 6000n, true);
    const events = await told();
    assert.ok(events.length < 6000 && events.length >= 3600, String(events.length));
  });

  await test("disposed, it is silent", async () => {
    watch[Symbol.dispose]();
    run("client", asked(ELSEWHERE!, 9, SYN));
    await elapsed(50);
    assert.deepEqual(heard, []);
  });
  await dataplane.remove();
});
