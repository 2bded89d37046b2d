import assert from "node:assert/strict";
import { parseIpv6Prefix } from "../../../../src/base/index.ts";
import { FIRST_CAPABILITY_POLICY, type Operation } from "../../../../src/forwarding/index.ts";
import { address } from "../../memory/frames.ts";
import { CAPABILITY, OWN_LOCATOR } from "../../memory/story.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";

const FAMILY = parseIpv6Prefix("fd5e:0:0:1:8001::/80")!;
const TENANT = parseIpv6Prefix("fd5e:0:0:1::/64")!;
const OTHERS_FAMILY = parseIpv6Prefix("fd5e:0:0:2:8001::/80")!;

const OF_FAMILY = address("fd5e:0:0:1:8001:7777:1:0");
const OF_TENANT = address("fd5e:0:0:1:9000:7777:1:0");
const OTHERS = address("fd5e:0:0:2:8001:7777:1:0");
const OTHERS_ENTRY = address("fd5e:0:0:2:8001:7777:2:0");

const leads = (prefix: typeof FAMILY, group: number, policy?: number): Operation => ({
  type: "set-aggregate",
  aggregate: { prefix, group, ...(policy === undefined ? {} : { policy }) },
});
const groups = [p.slotsOf(1, [p.A]), p.slotsOf(2, [p.B]), p.slotsOf(3, [p.C])];
const [SITE_A, SITE_B, SITE_C] = ["2001:db8:f::2", "2001:db8:f::3", "2001:db8:f::4"];

export const AGGREGATES: CaseGroup = {
  title: "aggregates",
  cases: [
    {
      name: "a capability without an entry goes where its family is known, else where its tenant is",
      needs: ["tunnels", "aggregates"],
      async run(world) {
        await world.apply([...p.TUNNELS, ...groups, p.leadsTo(1), leads(TENANT, 2), leads(FAMILY, 3)]);
        const to = async (port: number) =>
          p.sitesOf(
            world,
            [CAPABILITY, OF_FAMILY, OF_TENANT].map((each) => p.segment({ port, to: each })),
          );
        assert.deepEqual(await to(20), [SITE_A, SITE_C, SITE_B]);
        await world.apply([leads(FAMILY, 1), { type: "remove-group", group: 3 }]);
        assert.deepEqual(await to(21), [SITE_A, SITE_A, SITE_B]);
        await world.apply([{ type: "remove-aggregate", prefix: FAMILY }]);
        assert.deepEqual(await to(22), [SITE_A, SITE_B, SITE_B]);
        await world.apply([{ type: "remove-aggregate", prefix: TENANT }]);
        assert.deepEqual(await to(23), [SITE_A, "nowhere", "nowhere"]);
      },
    },
    {
      name: "other tenants reach what is below a prefix where its policy lets them in, and no entry below that does not",
      needs: ["tunnels", "tenants", "allow-lists", "aggregates"],
      async run(world) {
        const policy = FIRST_CAPABILITY_POLICY;
        const letting = (allowed: readonly number[]): Operation => ({
          ...{ type: "set-policy", index: policy },
          policy: { use: "capabilities", tenantIndex: 2, counted: false, allowed },
        });
        const reach = async (port: number) =>
          p.sitesOf(
            world,
            [OTHERS, OTHERS_ENTRY].map((to) => p.segment({ port, to })),
          );
        await world.apply([...p.TUNNELS, ...groups, letting([1]), leads(OTHERS_FAMILY, 2)]);
        assert.deepEqual(await reach(30), ["nowhere", "nowhere"], "no policy");
        await world.apply([leads(OTHERS_FAMILY, 2, policy)]);
        assert.deepEqual(await reach(31), [SITE_B, SITE_B]);
        await world.apply([p.leadsTo(3, { to: OTHERS_ENTRY })]);
        assert.deepEqual(await reach(32), [SITE_B, "nowhere"], "the entry is its own tenant's alone");
        await world.apply([
          { type: "set-capability", entry: { address: OTHERS_ENTRY, group: 3, localGroup: 0, policy } },
        ]);
        assert.deepEqual(await reach(33), [SITE_B, SITE_C]);
        await world.apply([letting([3])]);
        assert.deepEqual(await reach(34), ["nowhere", "nowhere"]);
      },
    },
    {
      name: "what came through a tunnel goes to no aggregate: there is no loop",
      needs: ["tunnels", "decapsulation", "aggregates"],
      async run(world) {
        await world.apply([...p.TUNNELS, ...groups, { type: "set-node", locator: p.SITES[2] }, leads(FAMILY, 1)]);
        const sent = p.segment({ port: 40, to: OF_FAMILY });
        const arrivals = await world.send("core", [world.tunnel.wrap(p.SITES[2], OWN_LOCATOR, sent)]);
        assert.deepEqual(
          arrivals.filter(({ packet }) => p.isTunnelled(packet)),
          [],
        );
        assert.deepEqual(await p.sitesOf(world, [sent]), [SITE_A]);
      },
    },
  ],
};
