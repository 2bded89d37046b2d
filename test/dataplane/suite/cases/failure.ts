import assert from "node:assert/strict";
import { formatIpv6 } from "../../../../src/base/index.ts";
import { CAPABILITY } from "../../memory/story.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";
import { LAST_ONE } from "./last-one.ts";

const FLOWS = Array.from({ length: 64 }, (_, i) => 30_000 + i * 5);
const [SITE_A, SITE_B, SITE_C] = p.SITES.map(formatIpv6) as [string, string, string];
const syns = FLOWS.map((port) => p.segment({ port }));
const acknowledgements = FLOWS.map((port) => p.acknowledgement({ port }));

export const DRAIN: CaseGroup = {
  title: "drain",
  cases: [
    {
      name: "a draining site gets no new flow",
      needs: ["tunnels", "health", "drain"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), p.leadsTo(1)]);
        await world.setHealth(p.A, "draining");
        assert.deepEqual(new Set(await p.sitesOf(world, syns)), new Set([SITE_B]));
      },
    },
    {
      name: "a site that drains no more gets new flows again at once",
      needs: ["tunnels", "health", "drain", "slots"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), p.leadsTo(1)]);
        await world.setHealth(p.A, "draining");
        await world.setHealth(p.A, "up");
        assert.deepEqual(new Set(await p.sitesOf(world, syns)), new Set([SITE_A, SITE_B]));
      },
    },
    {
      name: "the flows of a draining site stay while its slots are in transition, and leave when it is down",
      needs: ["tunnels", "health", "drain-keeps"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await p.sitesOf(world, syns);
        await world.apply([
          { type: "set-next-hop-state", index: p.A, state: "draining" },
          p.slotsOf(1, [p.B], { previous: [p.A] }),
        ]);
        assert.deepEqual(new Set(await p.sitesOf(world, acknowledgements)), new Set([SITE_A]));
        await world.setHealth(p.A, "down");
        assert.deepEqual(new Set(await p.sitesOf(world, acknowledgements)), new Set([SITE_B]));
      },
    },
    LAST_ONE,
  ],
};

export const FAILOVER: CaseGroup = {
  title: "failover",
  cases: [
    {
      name: "from the moment that a site is down its flows go elsewhere, the others stay; back up they return",
      needs: ["tunnels", "health", "slots"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), p.leadsTo(1)]);
        const before = await p.sitesOf(world, syns);
        await world.setHealth(p.A, "down");
        assert.deepEqual(
          await p.sitesOf(world, acknowledgements),
          before.map(() => SITE_B),
        );
        await world.setHealth(p.A, "up");
        assert.deepEqual(await p.sitesOf(world, acknowledgements), before);
      },
    },
    {
      name: "the backup serves when no owner does",
      needs: ["tunnels", "health", "backup"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B], { backup: p.C }), p.leadsTo(1)]);
        assert.ok(!(await p.sitesOf(world, syns)).includes(SITE_C));
        await world.setHealth(p.A, "down");
        await world.setHealth(p.B, "down");
        assert.deepEqual(new Set(await p.sitesOf(world, syns)), new Set([SITE_C]));
        await world.setHealth(p.B, "up");
        assert.deepEqual(new Set(await p.sitesOf(world, syns)), new Set([SITE_B]));
      },
    },
    {
      name: "a state in the plan is as good as one said by health",
      needs: ["tunnels", "health"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), p.leadsTo(1)]);
        await world.apply([{ type: "set-next-hop-state", index: p.B, state: "down" }]);
        assert.deepEqual(new Set(await p.sitesOf(world, syns)), new Set([SITE_A]));
        assert.equal(world.dataplane.snapshot().nextHops.get(p.B)?.state, "down");
      },
    },
  ],
};

export const EMPTY: CaseGroup = {
  title: "empty group",
  cases: [
    {
      name: "known but served by nobody: TCP gets a reset, UDP an ICMPv6 error, nothing is lost in silence",
      needs: ["answers"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [0]), p.leadsTo(1)]);
        const reset = p.only(await world.send("client", [p.segment({ port: 5 })]), "client");
        assert.ok(p.isReset(reset));
        assert.equal(p.sourceOf(reset), formatIpv6(CAPABILITY));
        p.assertChecksum(reset);
        const asked = p.datagram({ port: 5 });
        const error = p.only(await world.send("client", [asked]), "client");
        assert.deepEqual(p.icmpError(error, asked), { type: 1, code: 3, value: 0 });
      },
    },
    {
      name: "the last site goes down: refused; the first comes up: served",
      needs: ["tunnels", "health", "answers"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await world.setHealth(p.A, "down");
        assert.ok(p.isReset(p.only(await world.send("client", [p.segment({ port: 6 })]), "client")));
        await world.setHealth(p.A, "up");
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 6 })]), [SITE_A]);
      },
    },
    {
      name: "nothing is forwarded to a capability without owners",
      needs: ["tunnels"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [0]), p.leadsTo(1)]);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 7 }), p.datagram({ port: 7 })]), [
          "nowhere",
          "nowhere",
        ]);
      },
    },
  ],
};
