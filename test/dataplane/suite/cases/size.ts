import assert from "node:assert/strict";
import { address } from "../../memory/frames.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";

const sized = (length: number, port: number): Uint8Array => p.datagram({ port, data: new Uint8Array(length - 48) });

export const SIZE: CaseGroup = {
  title: "too big",
  cases: [
    {
      name: "what does not fit with the tunnel's headers is answered: packet too big, with what fits",
      needs: ["tunnels", "too-big"],
      async run(world) {
        const fits = 1500 - world.tunnel.overhead;
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        assert.deepEqual(await p.sitesOf(world, [sized(fits, 8)]), ["2001:db8:f::2"], `${fits} octets fit 1500`);
        const sent = sized(fits + 1, 9);
        const answer = p.only(await world.send("client", [sent]), "client");
        assert.deepEqual(p.icmpError(answer, sent), { type: 2, code: 0, value: fits });
        assert.notEqual(p.sourceOf(answer), p.destinationOf(sent), "the router speaks for itself");
      },
    },
    {
      name: "a connection through a tunnel is told a maximum segment that it carries, where a port is told to",
      needs: ["tunnels", "mss-clamp"],
      ports: [
        { interface: "core0", role: "core", tenantIndex: 0, hook: "auto" },
        { interface: "client0", role: "client", tenantIndex: 1, hook: "auto", clampMss: true },
      ],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        const told = async (port: number, value: number) => {
          const sent = p.withMaximumSegment(p.segment({ port }), value);
          const arrived = p.innerOf(p.only(await world.send("client", [sent]), "core"));
          p.assertChecksum(arrived);
          return (arrived[62]! << 8) | arrived[63]!;
        };
        const fits = 1500 - world.tunnel.overhead - 60;
        assert.deepEqual([await told(12, 8940), await told(13, 1200)], [fits, 1200]);
      },
    },
    {
      name: "the hop limit ends here: time exceeded",
      needs: ["tunnels", "hop-limit"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        const sent = p.datagram({ port: 10, hopLimit: 1 });
        const answer = p.only(await world.send("client", [sent]), "client");
        assert.deepEqual(p.icmpError(answer, sent), { type: 3, code: 0, value: 0 });
        const last = p.only(await world.send("client", [p.datagram({ port: 10, hopLimit: 2 })]), "core");
        assert.equal(p.innerOf(last)[7], 1);
      },
    },
    {
      name: "no error is sent about an error",
      needs: ["answers"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [0]), p.leadsTo(1)]);
        const reset = p.segment({ port: 11, flags: 0x04 });
        assert.deepEqual(await world.send("client", [reset]), []);
        const unknown = p.segment({ port: 11, flags: 0x04, to: address("fd5e:0:0:1:8001:7777:7777:0") });
        assert.deepEqual(await world.send("client", [unknown]), []);
      },
    },
  ],
};
