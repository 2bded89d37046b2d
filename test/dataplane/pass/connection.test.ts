import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { connectionName } from "../../../src/base/index.ts";
import { type Bench, HOOKS, type Hook } from "./bench.ts";
import { ethernet, IPV6_IN_IPV6, ipv6, readIpv6, UDP, udp } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import { AGENT, AGENT_TWO, address, CLIENT, LOCATOR, makeWorld, OTHER, TENANT, THIRD } from "./world.ts";

const QUIC = address("2001:db8:cab:7:1:aaaa:d:0");
/** Nobody's but its own capability's, at the same port. */
const STRANGER = address("2001:db8:a:9::3");
const INDEX = { one: 20, two: 21, stranger: 22, sites: 20, instances: 21, strangers: 22 } as const;

interface Named {
  readonly site?: readonly [Uint8Array, number];
  readonly endpoint?: readonly [Uint8Array, number];
  /** First octet of the packet, and of its connection id. */
  readonly form?: number;
  readonly first?: number;
}

/** A packet of QUIC with a short header, and a connection id of 13 octets. */
function quic(port: number, { site = [OTHER, 0], endpoint = [AGENT, 4433], form = 0x41, first = 0x0c }: Named = {}) {
  const payload = Buffer.alloc(40, 0x5a);
  payload.set([form, first]);
  payload.writeUInt32BE(connectionName(...site), 2);
  payload.writeUInt32BE(connectionName(...endpoint), 6);
  const source = port % 2 === 0 ? CLIENT : address("2001:db8:a:c::11"); // another network, also
  return udp({ source, destination: QUIC, sourcePort: port, destinationPort: 443, payload: new Uint8Array(payload) });
}

async function world(): Promise<Bench> {
  const bench = await makeWorld();
  const instance = { servicePort: 443, port: 4433, protocol: UDP };
  bench.instance(INDEX.one, { ...instance, address: AGENT });
  bench.instance(INDEX.two, { ...instance, address: AGENT_TWO });
  bench.instance(INDEX.stranger, { ...instance, address: STRANGER });
  bench.group(INDEX.sites, [1, 8]);
  bench.group(INDEX.instances, [INDEX.one, INDEX.two]);
  bench.capability(QUIC, INDEX.sites, INDEX.instances, "connection");
  return bench;
}

const PORTS = Array.from({ length: 24 }, (_, i) => 40_000 + i);

/** Destinations of what goes out: the outer header's. */
function destinations(bench: Bench, hook: Hook, packets: readonly Uint8Array[]): Set<string> {
  const seen = packets.map((packet) => {
    const done = bench.run(hook, ethernet(packet));
    assert.ok(["encapsulated", "delivered"].includes(done.verdict), done.verdict);
    return Buffer.from(readIpv6(done.packet).destination).toString("hex");
  });
  return new Set(seen);
}

const set = (...addresses: readonly Uint8Array[]) => new Set(addresses.map((one) => Buffer.from(one).toString("hex")));
const tunnelled = (packet: Uint8Array) => ipv6({ source: OTHER, destination: LOCATOR }, IPV6_IN_IPV6, packet);

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS)
    describe(`QUIC connection ids in ${hook}`, () => {
      const at = (bench: Bench, role: "client" | "core") => bench.port(1, role, role === "client" ? TENANT : 0);

      it("lead to their site, whatever addresses and ports the client has", async () => {
        using bench = await world();
        at(bench, "client");
        for (const site of [OTHER, THIRD]) {
          const packets = PORTS.map((port) => quic(port, { site: [site, 0] }));
          assert.deepEqual(destinations(bench, hook, packets), set(site));
        }
      });

      it("lead nowhere with a long header, another configuration, or a name that nobody has: the flow decides", async () => {
        using bench = await world();
        at(bench, "client");
        for (const named of [{ form: 0xc1 }, { first: 0x2c }, { site: [LOCATOR, 0] as const }])
          assert.deepEqual(
            destinations(
              bench,
              hook,
              PORTS.map((port) => quic(port, named)),
            ),
            set(OTHER, THIRD),
          );
      });

      it("lead to a site that drains, and not to one that is down", async () => {
        using bench = await world();
        at(bench, "client");
        const packets = PORTS.map((port) => quic(port, { site: [THIRD, 0] }));
        bench.state(8, "draining");
        assert.deepEqual(destinations(bench, hook, packets), set(THIRD));
        bench.state(8, "down");
        assert.deepEqual(destinations(bench, hook, packets), set(OTHER));
      });

      it("lead to their instance, whose flow it is from then on", async () => {
        using bench = await world();
        at(bench, "core");
        const to = (endpoint: Uint8Array, more: Named = {}) =>
          PORTS.map((port) => tunnelled(quic(port, { endpoint: [endpoint, 4433], ...more })));
        assert.deepEqual(destinations(bench, hook, to(AGENT_TWO, { form: 0xc1 })), set(AGENT, AGENT_TWO), "by flow");
        assert.deepEqual(destinations(bench, hook, to(AGENT_TWO)), set(AGENT_TWO));
        assert.deepEqual(destinations(bench, hook, to(AGENT_TWO, { form: 0xc1 })), set(AGENT_TWO), "remembered");
        assert.deepEqual(destinations(bench, hook, to(AGENT)), set(AGENT));
      });

      it("lead to no instance of another capability", async () => {
        using bench = await world();
        at(bench, "core");
        const packets = PORTS.map((port) => tunnelled(quic(port, { endpoint: [STRANGER, 4433] })));
        assert.deepEqual(destinations(bench, hook, packets), set(AGENT, AGENT_TWO));
      });
    });
});
