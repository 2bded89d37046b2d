import assert from "node:assert/strict";
import { connectionName, formatIpv6 } from "../../../../src/base/index.ts";
import type { Affinity, Operation } from "../../../../src/forwarding/index.ts";
import { CAPABILITY } from "../../memory/story.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";

const FLOWS = Array.from({ length: 128 }, (_, i) => 20_000 + i * 7);
const [SITE_A, SITE_B, SITE_C] = p.SITES.map(formatIpv6) as [string, string, string];
const syns = FLOWS.map((port) => p.segment({ port }));
const acknowledgements = FLOWS.map((port) => p.acknowledgement({ port }));

const by = (affinity: Affinity): Operation => ({
  type: "set-capability",
  entry: { address: CAPABILITY, group: 1, localGroup: 0, affinity },
});

const share = (sites: readonly string[], site: string): number =>
  sites.filter((each) => each === site).length / sites.length;

export const AFFINITY: CaseGroup = {
  title: "affinity",
  cases: [
    {
      name: "all packets of a flow go the same way",
      needs: ["tunnels"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), p.leadsTo(1)]);
        const first = await p.sitesOf(world, syns);
        assert.deepEqual(new Set(first), new Set([SITE_A, SITE_B]), "both sites get flows");
        assert.deepEqual(await p.sitesOf(world, acknowledgements), first);
        assert.deepEqual(await p.sitesOf(world, acknowledgements.toReversed()), first.toReversed());
      },
    },
    {
      name: "flows are shared out by slots: 48 of 64 get about three quarters",
      needs: ["tunnels", "weights"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.A, p.A, p.B]), p.leadsTo(1)]);
        const many = Array.from({ length: 1024 }, (_, i) => p.segment({ port: 1024 + i * 3 }));
        const got = share(await p.sitesOf(world, many), SITE_A);
        // Standard deviation of a share of 1024: 1.4 %
        assert.ok(Math.abs(got - 0.75) < 0.07, `${(got * 100).toFixed(1)} % instead of 75 %`);
      },
    },
    {
      name: "when a few slots move, only their flows move",
      needs: ["tunnels", "slots"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), p.leadsTo(1)]);
        const before = await p.sitesOf(world, syns);
        const moved = Array.from({ length: 8 }, (_, i) => ({ slot: i * 8, current: p.C, previous: p.C }));
        await world.apply([{ type: "set-slots", group: 1, slots: moved, backup: 0 }]);
        const after = await p.sitesOf(world, syns);
        for (const [i, site] of after.entries()) assert.ok(site === before[i] || site === SITE_C, `${site}`);
        assert.ok(Math.abs(share(after, SITE_C) - 8 / 64) < 0.12, `${share(after, SITE_C)}`);
        assert.ok(share(after, SITE_C) > 0);
      },
    },
    {
      name: "other capabilities, groups and next hops come and go without moving a flow",
      needs: ["tunnels"],
      async run(world) {
        await world.apply([...p.TUNNELS.slice(0, 2), p.slotsOf(1, [p.A, p.B]), p.leadsTo(1)]);
        const before = await p.sitesOf(world, syns);
        await world.apply([p.TUNNELS[2]!, p.slotsOf(5, [p.C, p.A]), p.leadsTo(5, { to: OTHER })]);
        assert.deepEqual(await p.sitesOf(world, acknowledgements), before);
        await world.apply([
          { type: "remove-capability", address: OTHER },
          { type: "remove-group", group: 5 },
          { type: "remove-next-hop", index: p.C },
        ]);
        assert.deepEqual(await p.sitesOf(world, acknowledgements), before);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 1, to: OTHER })]), ["nowhere"]);
      },
    },
    {
      name: "datagrams between two addresses stay together where the capability says so, fragments among them",
      needs: ["tunnels", "address-affinity"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), by("address")]);
        const datagrams = FLOWS.slice(0, 16).map((port) => p.datagram({ port }));
        const fragments = [1, 9, 0x100].flatMap((offset, i) => [p.fragment(datagrams[i]!, offset)]);
        const [one, ...others] = new Set(await p.sitesOf(world, [...datagrams, ...fragments]));
        assert.ok(one === SITE_A || one === SITE_B, one);
        assert.deepEqual(others, []);
        await world.apply([p.leadsTo(1)]);
        const apart = await p.sitesOf(world, [...datagrams, ...fragments]);
        assert.deepEqual(new Set(apart.slice(0, 16)), new Set([SITE_A, SITE_B]), "by flow again");
        assert.deepEqual(new Set(apart.slice(16)), new Set(["nowhere"]));
      },
    },
    {
      name: "QUIC packets go to the site that their connection id names, where the capability says so",
      needs: ["tunnels", "connection-affinity"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), by("connection")]);
        const named = (site: Uint8Array) => {
          const data = Buffer.alloc(24, 0x40);
          data[1] = 0x0c;
          data.writeUInt32BE(connectionName(site, 0), 2);
          return FLOWS.slice(0, 16).map((port) => p.datagram({ port, data: new Uint8Array(data) }));
        };
        assert.deepEqual(new Set(await p.sitesOf(world, named(p.SITES[0]))), new Set([SITE_A]));
        assert.deepEqual(new Set(await p.sitesOf(world, named(p.SITES[1]))), new Set([SITE_B]));
        const stranger = await p.sitesOf(world, named(p.SITES[2]));
        assert.deepEqual(new Set(stranger), new Set([SITE_A, SITE_B]), "by flow: it does not serve the capability");
      },
    },
    {
      name: "datagrams of one flow go to all sites where the capability says so, segments to one",
      needs: ["tunnels", "no-affinity"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A, p.B]), by("none")]);
        const arrivals = await world.send("client", Array(128).fill(p.datagram({ port: FLOWS[0]! })));
        const sites = arrivals.map(({ packet }) => p.destinationOf(packet));
        assert.equal(sites.length, 128);
        assert.ok(Math.abs(share(sites, SITE_A) - 0.5) < 0.2, `${share(sites, SITE_A)}`);
        const segments = await world.send("client", Array(8).fill(acknowledgements[0]!));
        assert.equal(new Set(segments.map(({ packet }) => p.destinationOf(packet))).size, 1);
      },
    },
    {
      name: "on slots in transition known flows stay and new ones go to the new owner",
      needs: ["tunnels", "transitions"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        await p.sitesOf(world, syns);
        await world.apply([p.slotsOf(1, [p.B], { previous: [p.A] })]);
        assert.deepEqual(new Set(await p.sitesOf(world, acknowledgements)), new Set([SITE_A]));
        const fresh = FLOWS.map((port) => p.segment({ port: port + 3 }));
        assert.deepEqual(new Set(await p.sitesOf(world, fresh)), new Set([SITE_B]));
        const theirs = FLOWS.map((port) => p.acknowledgement({ port: port + 3 }));
        assert.deepEqual(new Set(await p.sitesOf(world, theirs)), new Set([SITE_B]), "new ones stay where they began");
        assert.deepEqual(new Set(await p.sitesOf(world, acknowledgements)), new Set([SITE_A]));
      },
    },
  ],
};

const OTHER = Uint8Array.from([0xfd, 0x5e, 0, 0, 0, 0, 0, 1, 0x80, 1, 9, 9, 9, 9, 0, 0]);
