import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv6, parseIpv4, parseIpv6, parseIpv6Prefix } from "../../src/base/index.ts";
import { type PacketSources, packetReport } from "../../src/daemon/explain-packet.ts";
import { packetPolicy, tenantBySource } from "../../src/daemon/packet-policy.ts";
import type { PacketQuestion } from "../../src/dataplane/index.ts";
import { ControlRefusal, type RouterConfiguration } from "../../src/management/index.ts";

type Policies = RouterConfiguration["tenantPolicies"];

const at = (text: string) => parseIpv6(text)!;
const prefix = (text: string) => parseIpv6Prefix(text)!;
const names = {
  tenant: (index: number | undefined) => (index === undefined ? undefined : [undefined, "acme", "beta"][index]),
};

const POLICIES = [
  {
    tenant: "acme",
    clients: { packets: { perSecond: 400, burst: 10 }, dscp: 10, tag: 7 },
    rules: [],
    capabilities: [],
  },
  {
    tenant: "beta",
    clients: {},
    rules: [
      { name: "others", names: ["/audio/stt"], prefixes: [], from: ["acme"] },
      { name: "reads", names: [], prefixes: ["/vision"], from: ["acme"] },
    ],
    capabilities: [{ name: "seen", names: [], prefixes: ["/"], bits: { perSecond: 8000, burst: 1500 }, counted: true }],
  },
] as unknown as Policies;

const PORT = {
  role: "client",
  tenantIndex: 1,
  sources: [
    { prefix: prefix("fd00:c::/32"), tenantIndex: 1 },
    { prefix: prefix("fd00:c:2::/48"), tenantIndex: 2 },
  ],
} as const;

const ask = (source: string, called?: { capability: string; tenant: string }, port: object = PORT) =>
  packetPolicy(POLICIES, port as typeof PORT, { source: at(source), called }, names as never);

describe("what policy says about a packet", () => {
  it("whose it is: the longest prefix of its source, the port's where it has none, nobody's", () => {
    assert.equal(tenantBySource(PORT, at("fd00:c:2::1")), 2);
    assert.equal(tenantBySource(PORT, at("fd00:c:1::1")), 1);
    assert.equal(tenantBySource(PORT, at("fd00:d::1")), undefined);
    assert.equal(tenantBySource({ tenantIndex: 2 }, at("fd00:d::1")), 2);
    assert.match(ask("fd00:d::1")!.text!, /nobody with this source is behind the port/);
    assert.equal(ask("fd00:d::1", undefined, { role: "core", tenantIndex: 0 }), undefined);
  });

  it("the rule that lets it call, and its limits and marks", () => {
    const { tenant, rule, ruleOwner, text } = ask("fd00:c:1::1", { capability: "/vision/ocr", tenant: "beta" })!;
    assert.deepEqual([tenant, rule, ruleOwner], ["acme", "reads", "beta"]);
    assert.equal(
      text,
      "the rule reads of beta lets acme call /vision/ocr; clients of acme: at most 400 packets/s, DSCP 10, tag 7; seen of beta: at most 8000 bit/s",
    );
  });

  it("no rule; the own tenant needs none", () => {
    const refused = ask("fd00:c:1::1", { capability: "/text/sum", tenant: "beta" })!;
    assert.deepEqual(refused, { tenant: "acme", text: "no rule of beta lets acme call /text/sum" });
    assert.deepEqual(ask("fd00:c:2::1", { capability: "/text/sum", tenant: "beta" }), {
      tenant: "beta",
      text: "seen of beta: at most 8000 bit/s",
    });
    assert.deepEqual(packetPolicy([], PORT, { source: at("fd00:c:1::1"), called: undefined }, names as never), {
      tenant: "acme",
    });
  });
});

describe("a packet of IPv4, as the edge translates it", () => {
  const CAPABILITY = at("fd5e:3d00:1:1::1");
  const asked: PacketQuestion[] = [];
  const sources = (ipv4: object | undefined): PacketSources =>
    ({
      driver: {
        name: "memory",
        ports: [{ interface: "c0", tenantIndex: 1, hook: "tcx" }],
        explain(question: PacketQuestion) {
          asked.push(question);
          return { verdict: "reject-no-route", text: "t", action: "drop", newFlow: false };
        },
      },
      names: { address: () => undefined, ...names },
      taxonomy: {
        capabilities: [{ name: "/vision/ocr", majorVersion: 1 }],
        ipv4Address: () => parseIpv4("198.51.100.5"),
        address: () => CAPABILITY,
      },
      configuration: {
        ipv4,
        tenantPolicies: [],
        dataplane: {},
        interfaces: [
          { name: "c0", role: "client", tenantIndex: 1, hook: "tc", permittedSources: [], tenantSources: [] },
        ],
        domain: { prefix: prefix("fd5e:3d00:1::/48") },
      },
    }) as unknown as PacketSources;
  const IPV4 = { prefix: prefix("64:ff9b::/96"), pools: [{ tenant: "acme" }] };
  const inquiry = {
    source: parseIpv4("192.0.2.10")!,
    destination: parseIpv4("198.51.100.5")!,
    interface: "c0",
  } as const;

  it("is asked about by its addresses of IPv6, and told of by both", async () => {
    const report = await packetReport(sources(IPV4), inquiry);
    assert.deepEqual([asked.at(-1)!.source, asked.at(-1)!.destination].map(formatIpv6), [
      "64:ff9b::c000:20a",
      formatIpv6(CAPABILITY),
    ]);
    assert.deepEqual(report.ipv4, { source: "192.0.2.10", destination: "198.51.100.5" });
    assert.deepEqual(report.policy, { tenant: "acme" });
  });

  it("is refused where there is no IPv4, and for an address of no capability", async () => {
    const code = (wanted: string) => (cause: unknown) => cause instanceof ControlRefusal && cause.code === wanted;
    await assert.rejects(packetReport(sources(undefined), inquiry), code("control.no-ipv4"));
    const nowhere = { ...inquiry, destination: parseIpv4("198.51.100.6")! };
    await assert.rejects(packetReport(sources(IPV4), nowhere), code("control.no-such-capability"));
  });
});
