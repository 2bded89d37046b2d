import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BpfMap, loadNative } from "../../../native/index.ts";
import { PROGRAMS, VERDICTS } from "../../../src/dataplane/abi.ts";
import { frameOf } from "../../../src/dataplane/explain/packet.ts";
import {
  type DataplaneCounters,
  DataplaneError,
  type KernelDataplane,
  type PacketExplanation,
  type PacketQuestion,
  startKernelDataplane,
} from "../../../src/dataplane/index.ts";
import { firstTurn } from "../../../src/dataplane/kernel/pass-state.ts";
import { GROUP_SLOTS, lastLegAddress } from "../../../src/forwarding/index.ts";
import { plan } from "../differential/arbitrary-plans.ts";
import {
  AGENTS,
  CAPABILITIES,
  CLIENT_PORTS,
  CLIENTS,
  OPTIONS,
  ROUTERS,
  routeTo,
  SERVICE_PORTS,
  SETUP,
} from "../differential/pool.ts";
import { emptying } from "../kernel/emptying.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { readAll } from "../kernel/read-all.ts";
import { SILENT } from "../memory/story.ts";
import { stayOnOneProcessor } from "../one-processor.ts";

const SEED = Number(process.env.SEMR_EXPLAIN_SEED ?? Math.floor(Math.random() * 0x7fffffff));
const PORTS = [
  { interface: "st-ex-client", role: "client", tenantIndex: 1, hook: "tc" },
  { interface: "st-ex-agent", role: "agent", tenantIndex: 1, hook: "tc" },
  { interface: "st-ex-core", role: "core", tenantIndex: 0, hook: "xdp" },
] as const;

/** Of all ports: frames to another one are somebody else's. */
const MAC = "02:00:00:00:00:01";

const WITH_PORTS = [
  SETUP,
  ...PORTS.map(({ interface: name }) => `ip link add ${name} address ${MAC} type veth peer name ${name}p`),
  ...PORTS.map(({ interface: name }) => `ip link set ${name} up`),
].join("\n");

const question: fc.Arbitrary<PacketQuestion> = fc
  .record({
    port: fc.constantFrom("st-ex-client", "st-ex-client", "st-ex-agent", "st-ex-core"),
    tunnelFrom: fc.constantFrom(...ROUTERS, lastLegAddress(ROUTERS[0]!)),
    source: fc.constantFrom(...CLIENTS, AGENTS[0]!),
    destination: fc.constantFrom(...CAPABILITIES.slice(0, 4), ...CAPABILITIES, CLIENTS[0]!),
    protocol: fc.constantFrom("tcp" as const, "tcp" as const, "udp" as const, "icmpv6" as const),
    sourcePort: fc.constantFrom(...CLIENT_PORTS),
    destinationPort: fc.constantFrom(...SERVICE_PORTS),
    tcp: fc.constantFrom("syn" as const, "syn" as const, "ack" as const, "fin" as const, "rst" as const),
    hopLimit: fc.constantFrom(64, 64, 64, 1),
    length: fc.constantFrom(60, 60, 1400, 1470),
  })
  .map(({ port, tunnelFrom, ...rest }) => ({
    ...rest,
    interface: port,
    ...(port === "st-ex-core" ? { tunnelFrom } : {}),
  }));

const QUESTION: PacketQuestion = {
  interface: "st-ex-client",
  source: CLIENTS[0]!,
  destination: CAPABILITIES[0]!,
  protocol: "udp",
  sourcePort: 4000,
  destinationPort: 80,
  tcp: "syn",
  hopLimit: 64,
  length: 60,
};

function clear(map: BpfMap): void {
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey()) map.delete(key);
}

/** Sends the packet that was asked about through the pass, as it would come in at the port. */
function send(dataplane: KernelDataplane, asked: PacketQuestion): void {
  const { native, cpus } = { native: loadNative(), cpus: loadNative().bpf.possibleCpus() };
  const { maps } = dataplane.object;
  maps.get("answers")!.update(new Uint8Array(4), new Uint8Array(16 * cpus)); // a full bucket
  const turns = new Uint32Array(2 * cpus).fill(firstTurn(maps.get("turns")!)); // whichever processor it will be
  maps.get("turns")!.update(new Uint8Array(4), new Uint8Array(turns.buffer));
  dataplane.object.maps.get("beginnings")!.update(new Uint8Array(4), new Uint8Array(24 * cpus)); // likewise
  const frame = frameOf(asked, OPTIONS.locator);
  frame.set(Buffer.from(MAC.replaceAll(":", ""), "hex"));
  const { hook } = PORTS.find(({ interface: name }) => name === asked.interface)!;
  const ifindex = native.sock.interfaceIndex(asked.interface)!;
  native.bpf.testRun(dataplane.object.programs.get(PROGRAMS[hook])!, frame, { ifindex });
}

/** The verdict and the next hop that were counted between two readings. */
function difference(before: DataplaneCounters, after: DataplaneCounters) {
  const grown = (key: string) => after.verdicts.get(key)! > before.verdicts.get(key)!;
  const given = [...after.nextHops].find(
    ([index, { packets }]) => packets > (before.nextHops.get(index)?.packets ?? 0n),
  );
  const newFlow = given !== undefined && given[1].flows > before.nextHops.get(given[0])!.flows;
  return { verdict: VERDICTS.find(grown), nextHop: given?.[0], newFlow };
}

/** The one probe that was taken, of the group that had the last word. */
function lastTaken({ sites, instances, elsewhere }: PacketExplanation) {
  return (elsewhere ?? instances ?? sites)?.probes.find(({ fate }) => fate === "taken")?.index;
}

await isolated(import.meta.filename, WITH_PORTS, async () => {
  stayOnOneProcessor();
  const native = loadNative();
  const options = { ...OPTIONS, ports: PORTS };
  await using dataplane = await startKernelDataplane(options, { native, log: SILENT, objectPath: OBJECT_PATH });

  await test("what explain says of a packet is what the pass then does with it", (t) => {
    t.diagnostic(`seed ${SEED} (SEMR_EXPLAIN_SEED)`);
    const seen = new Set<string>();
    const property = fc.property(plan, fc.array(question, { minLength: 1, maxLength: 30 }), ({ operations }, asked) => {
      dataplane.apply(emptying(dataplane.snapshot()), 1);
      for (const name of ["flows", "returns", "transitions"]) clear(dataplane.object.maps.get(name)!);
      dataplane.apply(operations, 2);
      let before = readAll(dataplane.counters());
      for (const one of asked) {
        const said = dataplane.explain!(one, routeTo);
        assert.deepEqual(readAll(dataplane.counters()), before, "a question changes nothing");
        send(dataplane, one);
        const after = readAll(dataplane.counters());
        const done = difference(before, after);
        before = after;
        const about = JSON.stringify({ ...one, source: [...one.source], destination: [...one.destination], said });
        assert.equal(done.verdict, said.verdict, about);
        seen.add(said.verdict);
        if (/^(drop-(?!unanswerable)|reject-(tenant|no-route|hop-limit))/.test(said.verdict))
          assert.deepEqual([said.sites, said.instances], [undefined, undefined], about);
        assert.equal(said.flowLabel !== undefined, said.verdict === "encapsulated", about);
        if (said.aggregate !== undefined && said.verdict === "encapsulated") seen.add("below an aggregate");
        if (/takes its turn/.test(said.text)) seen.add("in turn");
        if (said.nextHop === undefined) continue;
        assert.equal(done.nextHop, said.nextHop.index, about);
        assert.equal(lastTaken(said), said.nextHop.index, about);
        if (said.verdict === "delivered") assert.equal(done.newFlow, said.newFlow, about);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: Number(process.env.SEMR_EXPLAIN_RUNS ?? 400) });
    t.diagnostic([...seen].join(" "));
    for (const verdict of [
      "encapsulated",
      "delivered",
      "hair-pinned",
      "answered-echo",
      "reject-empty-group",
      "reject-lost-state",
      "in turn",
      "below an aggregate",
    ])
      assert.ok(seen.has(verdict), `${verdict} never met`);
  });

  await test("the search for another site begins behind a slot whose own site is down", () => {
    const tunnel = { kind: "tunnel", locator: ROUTERS[0]! } as const;
    const [elsewhere, down, here] = [1, 2, 3];
    const owners = [down, down, here, down, elsewhere, here, here, here];
    const slots = Array.from({ length: GROUP_SLOTS }, (_, slot) => owners[slot % owners.length]!);
    dataplane.apply(emptying(dataplane.snapshot()), 1);
    dataplane.apply(
      [
        { type: "set-next-hop", index: elsewhere, nextHop: tunnel, state: "up" },
        { type: "set-next-hop", index: down, nextHop: { ...tunnel, locator: ROUTERS[1]! }, state: "down" },
        { type: "set-next-hop", index: here, nextHop: { kind: "local" }, state: "up" },
        {
          type: "set-slots",
          group: 1,
          slots: slots.map((current, slot) => ({ slot, current, previous: current })),
          backup: 0,
        },
        { type: "set-capability", entry: { address: CAPABILITIES[0]!, group: 1, localGroup: 0 } },
      ],
      2,
    );
    const asked = Array.from({ length: 100 }, (_, i) =>
      dataplane.explain!({ ...QUESTION, sourcePort: 4000 + i }, routeTo),
    ).filter(({ sites }) => sites!.slot % owners.length === 0);
    assert.notEqual(asked.length, 0);
    for (const { nextHop, elsewhere: sites } of asked) {
      assert.equal(nextHop?.index, elsewhere);
      assert.deepEqual(
        sites?.probes.map(({ slot, index, fate }) => [slot! % owners.length, index, fate]),
        [
          [3, down, "not usable"],
          [4, elsewhere, "taken"],
        ],
      );
    }
  });

  await test("a question about an interface that is no port names the ports", () => {
    const asked = { ...fc.sample(question, { numRuns: 1, seed: 1 })[0]!, interface: "lo" };
    assert.throws(
      () => dataplane.explain!(asked, routeTo),
      (cause: unknown) =>
        cause instanceof DataplaneError &&
        cause.code === "dataplane.no-such-port" &&
        /st-ex-client \(client\), st-ex-agent \(agent\), st-ex-core \(core\)/.test(cause.message),
    );
  });
  await dataplane.remove();
});
