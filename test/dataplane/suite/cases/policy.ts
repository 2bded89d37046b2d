import assert from "node:assert/strict";
import { parseIpv6Prefix, toHex } from "../../../../src/base/index.ts";
import { FIRST_CAPABILITY_POLICY, type Operation } from "../../../../src/forwarding/index.ts";
import { address } from "../../memory/frames.ts";
import { CAPABILITY, CLIENT, SECOND_CAPABILITY } from "../../memory/story.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";

/** Tenant 2's, in the same family. */
const FOREIGN = address("fd5e:0:0:2:8001:1234:5678:0");

const OTHER_FOREIGN = address("fd5e:0:0:2:8001:1234:9999:0");

/** Indexes of policies. */
const OF_TENANT = 1;
const OF_CAPABILITIES = 4096;

const SOURCES = [
  { prefix: parseIpv6Prefix("2001:db8:c::/64")!, tenantIndex: 1 },
  { prefix: parseIpv6Prefix("2001:db8:c:0:2::/80")!, tenantIndex: 2 },
];

export const POLICY: CaseGroup = {
  title: "policy",
  cases: [
    {
      name: "a client does not reach another tenant's capability",
      needs: ["tunnels", "tenants"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1), p.leadsTo(1, { to: FOREIGN })]);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 1, to: FOREIGN })]), ["nowhere"]);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 1 })]), ["2001:db8:f::2"]);
      },
    },
    {
      name: "a client reaches another tenant's capability that a policy opens to its tenant, until it is closed",
      needs: ["tunnels", "tenants", "allow-lists"],
      async run(world) {
        const opened = { use: "capabilities", tenantIndex: 2, counted: false, allowed: [1] } as const;
        const entry = { address: FOREIGN, group: 1, localGroup: 0, policy: OF_CAPABILITIES };
        await world.apply([
          ...p.TUNNELS,
          p.slotsOf(1, [p.A]),
          { type: "set-policy", index: OF_CAPABILITIES, policy: opened },
        ]);
        await world.apply([{ type: "set-capability", entry }]);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 11, to: FOREIGN })]), ["2001:db8:f::2"]);
        const closed = { ...opened, allowed: [3] };
        await world.apply([{ type: "set-policy", index: OF_CAPABILITIES, policy: closed }]);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 12, to: FOREIGN })]), ["nowhere"]);
      },
    },
    {
      name: "a tenant sends its burst and no more, and so does a capability get",
      needs: ["tunnels", "rate-limits"],
      async run(world) {
        const base = { tenantIndex: 1, counted: false, allowed: [] } as const;
        const limited = { ...base, use: "tenant", packets: { perSecond: 1, burst: 3 } } as const;
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await world.apply([{ type: "set-policy", index: OF_TENANT, policy: limited }]);
        const some = (from: number) => Array.from({ length: 8 }, (_, i) => p.segment({ port: from + i }));
        const sent = async (from: number) =>
          (await p.sitesOf(world, some(from))).filter((to) => to !== "nowhere").length;
        const first = await sent(100);
        assert.ok(first >= 3 && first <= 5, `${first} of 8 passed, with a burst of 3 and one a second`);
        const each = { ...base, use: "capabilities", bits: { perSecond: 8, burst: 200 } } as const;
        await world.apply([
          { type: "remove-policy", index: OF_TENANT },
          { type: "set-policy", index: OF_CAPABILITIES, policy: each },
          { type: "set-capability", entry: { address: CAPABILITY, group: 1, localGroup: 0, policy: OF_CAPABILITIES } },
        ]);
        assert.equal(await sent(200), 3, "packets of 60 octets out of 200");
      },
    },
    {
      name: "policy gives a DSCP to the packet and its tunnel, the capability's before the tenant's",
      needs: ["tunnels", "outer-header", "dscp"],
      async run(world) {
        const marks = { use: "tenant", tenantIndex: 1, counted: false, allowed: [], dscp: 46 } as const;
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await world.apply([{ type: "set-policy", index: OF_TENANT, policy: marks }]);
        const classOf = (packet: Uint8Array) => ((packet[0]! & 15) << 4) | (packet[1]! >> 4);
        const classes = async (port: number) => {
          const out = p.only(await world.send("client", [p.segment({ port, trafficClass: 1 })]), "core");
          return [classOf(out), classOf(p.innerOf(out))];
        };
        assert.deepEqual(await classes(21), [(46 << 2) | 1, (46 << 2) | 1], "ECN stays");
        const entry = { address: CAPABILITY, group: 1, localGroup: 0, policy: OF_CAPABILITIES };
        await world.apply([
          { type: "set-policy", index: OF_CAPABILITIES, policy: { ...marks, use: "capabilities", dscp: 10 } },
          { type: "set-capability", entry },
        ]);
        assert.deepEqual(await classes(22), [(10 << 2) | 1, (10 << 2) | 1]);
        await world.apply([{ type: "set-policy", index: OF_CAPABILITIES, policy: { ...marks, use: "capabilities" } }]);
        await world.apply([{ type: "set-capability", entry: { address: CAPABILITY, group: 1, localGroup: 0 } }]);
        await world.apply([{ type: "remove-policy", index: OF_TENANT }]);
        assert.deepEqual(await classes(23), [1, 1]);
      },
    },
    {
      name: "policy gives a tag to the tunnel",
      needs: ["encapsulation", "flow-label", "tags"],
      async run(world) {
        const marks = { use: "tenant", tenantIndex: 1, counted: false, allowed: [], tag: 0xa7 } as const;
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await world.apply([{ type: "set-policy", index: OF_TENANT, policy: marks }]);
        const out = p.only(await world.send("client", [p.segment({ port: 21 })]), "core");
        assert.equal(((out[1]! & 15) << 4) | (out[2]! >> 4), 0xa7, "upper bits of the flow label");
      },
    },
    {
      name: "a capability of another tenant and one that does not exist get the same answer",
      needs: ["tenants", "unreachable"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1), p.leadsTo(1, { to: FOREIGN })]);
        const [foreign, absent] = [p.segment({ port: 2, to: FOREIGN }), p.segment({ port: 2, to: SECOND_CAPABILITY })];
        const answers = [];
        for (const sent of [foreign, absent]) {
          const answer = p.only(await world.send("client", [sent]), "client");
          assert.deepEqual(p.icmpError(answer, sent), { type: 1, code: 0, value: 0 });
          answers.push(toHex(answer.subarray(0, 40)));
        }
        assert.equal(answers[0], answers[1]);
      },
    },
    {
      name: "sources that no client can have are dropped without an answer",
      needs: ["tunnels", "source-check"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        for (const from of ["::", "::1", "ff02::1", "fe80::1", "fd5e:0:0:1:8001:1234:5678:0"])
          assert.deepEqual(await world.send("client", [p.segment({ port: 3, from: address(from) })]), [], from);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 3 })]), ["2001:db8:f::2"]);
      },
    },
    {
      name: "a tenant that a policy lets in reaches the capabilities under it, and no others, for as long",
      needs: ["tunnels", "tenants", "allow-lists"],
      async run(world) {
        const lettingIn = (allowed: readonly number[]): Operation => ({
          type: "set-policy",
          index: FIRST_CAPABILITY_POLICY,
          policy: { use: "capabilities", tenantIndex: 2, counted: false, allowed },
        });
        const entry = { address: FOREIGN, group: 1, localGroup: 0, policy: FIRST_CAPABILITY_POLICY };
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), lettingIn([1]), p.leadsTo(1, { to: OTHER_FOREIGN })]);
        await world.apply([{ type: "set-capability", entry }]);
        const [under, beside] = [p.segment({ port: 5, to: FOREIGN }), p.segment({ port: 5, to: OTHER_FOREIGN })];
        assert.deepEqual(await p.sitesOf(world, [under]), ["2001:db8:f::2"]);
        assert.deepEqual(await p.sitesOf(world, [beside]), ["nowhere"]);
        await world.apply([lettingIn([3])]);
        assert.deepEqual(await p.sitesOf(world, [under]), ["nowhere"]);
      },
    },
    {
      name: "on a port with prefixes the longest one says whose a packet is; under none it is dropped",
      needs: ["tunnels", "tenants", "source-prefixes"],
      ports: [
        { interface: "core0", role: "core", tenantIndex: 0, hook: "auto" },
        { ...{ interface: "client0", role: "client", tenantIndex: 1, hook: "auto" }, sources: SOURCES },
      ],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1), p.leadsTo(1, { to: FOREIGN })]);
        const [one, two, none] = [CLIENT, address("2001:db8:c:0:2::1"), address("2001:db8:ffff::1")];
        for (const [from, to, site] of [
          [one, CAPABILITY, "2001:db8:f::2"],
          [one, FOREIGN, "nowhere"],
          [two, FOREIGN, "2001:db8:f::2"],
          [two, CAPABILITY, "nowhere"],
        ] as const)
          assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 6, from, to })]), [site]);
        assert.deepEqual(await world.send("client", [p.segment({ port: 6, from: none })]), []);
      },
    },
  ],
};
