import assert from "node:assert/strict";
import { formatIpv6 } from "../../../../src/base/index.ts";
import { comparable } from "../../../contract/dataplane/expected.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";

const FLOWS = Array.from({ length: 64 }, (_, i) => 40_000 + i * 3);
const syns = FLOWS.map((port) => p.segment({ port }));
const acknowledgements = FLOWS.map((port) => p.acknowledgement({ port }));
const [, , SITE_C] = p.SITES.map(formatIpv6);

export const RESTART: CaseGroup = {
  title: "restart",
  cases: [
    {
      name: "packets go on while the process is away, and where they went before",
      needs: ["tunnels", "survives"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), p.leadsTo(1)]);
        const before = await p.sitesOf(world, syns);
        await world.stop();
        assert.deepEqual(await p.sitesOf(world, acknowledgements), before);
        await world.start();
        assert.deepEqual(await p.sitesOf(world, acknowledgements), before);
      },
    },
    {
      name: "a new process finds what was carried out, and goes on from there",
      needs: ["tunnels", "adoption"],
      async run(world) {
        assert.equal(world.dataplane.adopted, false);
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B], { backup: p.C }), p.leadsTo(1)]);
        await world.setHealth(p.B, "down");
        const before = comparable(world.dataplane.snapshot());
        await world.stop();
        await world.start();
        assert.equal(world.dataplane.adopted, true);
        assert.deepEqual(comparable(world.dataplane.snapshot()), before);
        await world.apply([p.slotsOf(1, [p.C])]);
        assert.deepEqual(new Set(await p.sitesOf(world, syns)), new Set([SITE_C]));
      },
    },
  ],
};

export const COUNTERS: CaseGroup = {
  title: "counters",
  cases: [
    {
      name: "packets and octets by next hop",
      needs: ["tunnels", "next-hop-counters"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await p.sitesOf(world, [...syns, ...acknowledgements]);
        const { nextHops } = await world.counters();
        const count = BigInt(2 * FLOWS.length);
        assert.equal(nextHops.get(p.A)?.packets, count);
        assert.equal(nextHops.get(p.A)?.bytes, 60n * count);
        assert.equal(nextHops.get(p.B)?.packets, 0n);
      },
    },
    {
      name: "flows by next hop",
      needs: ["tunnels", "flow-counters"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await p.sitesOf(world, [...syns, ...acknowledgements]);
        const { nextHops } = await world.counters();
        assert.equal(nextHops.get(p.A)?.flows, BigInt(FLOWS.length));
        assert.equal(nextHops.get(p.B)?.flows, 0n);
      },
    },
    {
      name: "every packet under the name of what became of it",
      needs: ["tunnels", "verdicts", "answers"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await world.send("client", [...syns, p.segment({ port: 1, to: Uint8Array.from(OTHER) })]);
        const { verdicts } = await world.counters();
        assert.equal(verdicts.get("encapsulated"), BigInt(FLOWS.length));
        assert.equal(verdicts.get("reject-no-route"), 1n);
      },
    },
  ],
};

const OTHER = [0xfd, 0x5e, 0, 0, 0, 0, 0, 1, 0x80, 1, 9, 9, 9, 9, 0, 0];
