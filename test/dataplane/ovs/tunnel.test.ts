import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { after, describe, it } from "node:test";
import { toHex } from "../../../src/base/index.ts";
import { DataplaneError, startOvsDataplane } from "../../../src/dataplane/index.ts";
import { Ipv6Packet, TcpFlag, u16, u32 } from "../../../src/dataplane/memory/packet.ts";
import { TABLE } from "../../../src/dataplane/ovs/tables.ts";
import { FIRST_CAPABILITY_POLICY, lastLegAddress, type Operation, type Policy } from "../../../src/forwarding/index.ts";
import { firstLine, killed } from "../../host/child.ts";
import { address, icmpv6, tcp } from "../memory/frames.ts";
import { AGENT, allSlots, CAPABILITY, CLIENT, INSTANCE, LOCAL, OPTIONS, SILENT } from "../memory/story.ts";
import { NEXT_ROUTER, STATIONS, SWITCHED_LINKS_SETUP, switchedAddresses, Wire } from "../suite/links.ts";
import * as p from "../suite/packets.ts";
import type { Side } from "../suite/world.ts";
import { answered, isolatedWithOpenVswitch, OpenVswitch } from "./open-vswitch.ts";
import { inVxlan, inVxlanFrom, VXLAN } from "./vxlan-plan.ts";

const BRIDGE = "semrd";
const STRANGER = address("2001:db8:f::99");
const TO_SITE = [...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)];
const HERE: readonly Operation[] = [
  LOCAL,
  INSTANCE,
  { type: "set-slots", group: 2, slots: allSlots(2), backup: 0 },
  { type: "set-slots", group: 3, slots: allSlots(3), backup: 0 },
  { type: "set-node", locator: p.SITES[0] },
  p.leadsTo(2, { localGroup: 3 }),
];

await isolatedWithOpenVswitch(import.meta.filename, SWITCHED_LINKS_SETUP, () =>
  describe("ovs data plane", async () => {
    const openVswitch = await OpenVswitch.start();
    const options = { database: openVswitch.socket, bridge: BRIDGE, datapathType: "netdev" } as const;
    let replayed = (): void => undefined;
    const log = { ...SILENT, info: (event: string) => (event === "dataplane.ovs.replayed" ? replayed() : undefined) };
    const dataplane = await startOvsDataplane(OPTIONS, options, { log });
    const wire = await Wire.start();
    let isDriven = true;
    const send = (from: Side, packets: readonly Uint8Array[]) =>
      wire.send(from, packets, async () => (isDriven ? answered(dataplane) : undefined));
    let generation = 0;
    after(async () => {
      await wire[Symbol.asyncDispose]();
      await dataplane.remove();
      assert.equal(openVswitch.tool("ovs-vsctl", "list-br"), "", "the bridge is gone");
      await openVswitch[Symbol.asyncDispose]();
    });

    const configure = async (): Promise<void> => {
      execFileSync("sh", ["-ec", switchedAddresses(BRIDGE)]);
      await hear();
    };
    const hear = async (): Promise<void> => {
      openVswitch.tool("ovs-appctl", "tnl/neigh/set", BRIDGE, ...NEXT_ROUTER);
      await wire.opens(STATIONS);
    };
    const apply = async (operations: readonly Operation[]): Promise<void> => {
      dataplane.apply(operations.map(inVxlan), ++generation);
      await dataplane.settled();
      openVswitch.tool("ovs-appctl", "revalidator/wait");
    };
    await configure();

    it("sends to other sites in VXLAN: outer header from the locator, network identifier and Ethernet addresses of the plan", async () => {
      await apply(TO_SITE);
      const sent = p.segment({ port: 4001, data: Uint8Array.from({ length: 99 }, (_, i) => i), trafficClass: 0xb8 });
      const outer = p.only(await send("client", [sent]), "core");
      assert.equal(p.sourceOf(outer), "2001:db8:f::1");
      assert.equal(p.destinationOf(outer), "2001:db8:f::2");
      assert.equal((u32(outer, 0) >>> 20) & 0xff, 0xb8, "traffic class copied");
      p.assertChecksum(outer);
      const { payload } = new Ipv6Packet(outer);
      assert.equal(u16(payload, 2), 4789);
      assert.equal(u32(payload, 8), 0x08000000, "RFC 7348 §5: I flag");
      assert.equal(u32(payload, 12), VXLAN.vni * 256);
      assert.equal(toHex(payload.subarray(16, 30)), `${toHex(VXLAN.destination)}${toHex(VXLAN.source)}86dd`);
      assert.equal(toHex(p.innerOf(outer)), toHex(p.hopsFurther(sent, 1)));
    });

    it("what leaves through a tunnel has left the one it came by: no sender's address goes along, which Open vSwitch 3.5 would route by", async () => {
      await apply(TO_SITE);
      const sending = openVswitch.tool("ovs-ofctl", "--no-names", "dump-flows", BRIDGE, `table=${TABLE.send}`);
      const outputs = sending.split("\n").filter((line) => line.includes("output:"));
      assert.equal(
        outputs.length,
        3 * p.TUNNELS.length,
        "to a site at once, again, and of its own clients when nobody is here",
      );
      for (const line of outputs) assert.match(line, /set_field:::->tun_ipv6_src,output:\d+$/);
    });

    it("answers what does not fit with 70 octets more: packet too big, with what fits", async () => {
      const sized = (length: number, port: number): Uint8Array =>
        p.datagram({ port, data: new Uint8Array(length - 48) });
      assert.equal(p.only(await send("client", [sized(1430, 8)]), "core").length, 1500);
      const sent = sized(1431, 9);
      const answer = p.only(await send("client", [sent]), "client");
      assert.deepEqual(p.icmpError(answer, sent), { type: 2, code: 0, value: 1430 });
    });

    it("delivers what comes in VXLAN from a known router to the instance, and answers from the capability", async () => {
      await apply([...HERE]);
      const sent = p.segment({ port: 4003, data: Uint8Array.of(1, 2, 3) });
      const there = p.only(await send("core", [inVxlanFrom(p.SITES[0], sent)]), "agent");
      assert.equal(p.sourceOf(there), "2001:db8:c::1");
      assert.equal(p.destinationOf(there), "2001:db8:a::7");
      assert.equal(u16(there, 42), 8080);
      p.assertChecksum(there);
      const ends = { source: AGENT, destination: CLIENT };
      const flags = TcpFlag.Syn | TcpFlag.Ack;
      const back = p.only(
        await send("agent", [tcp(ends, { sourcePort: 8080, destinationPort: 4003, flags, acknowledgement: 1004 })]),
        "client",
      );
      assert.equal(p.sourceOf(back), "fd5e::1:8001:1234:5678:0");
      assert.equal(u16(back, 40), 80);
      p.assertChecksum(back);
    });

    it("takes nothing from strangers, of another network, or to elsewhere; what another site sent on is not sent on again", async () => {
      const sent = p.segment({ port: 4006 });
      const elsewhere = p.segment({ port: 4006, to: address("2001:db8:a::7") });
      for (const packet of [
        inVxlanFrom(STRANGER, sent),
        inVxlanFrom(p.SITES[0], sent, VXLAN.vni + 1),
        inVxlanFrom(p.SITES[0], elsewhere),
      ])
        assert.deepEqual(await send("core", [packet]), []);
      await apply([p.leadsTo(1)]);
      const refused = await send("core", [inVxlanFrom(lastLegAddress(p.SITES[0]), p.segment({ port: 4008 }))]);
      assert.deepEqual(
        refused.map(({ at }) => at),
        ["client"],
        "the answer to the client, nothing to the core",
      );
      assert.ok(p.isReset(refused[0]!.packet));
      openVswitch.tool("ovs-appctl", "revalidator/wait");
      await dataplane.count();
      const { verdicts } = dataplane.counters();
      for (const verdict of ["drop-unknown-node", "drop-vni", "drop-not-capability"])
        assert.equal(verdicts.get(verdict), 1n, verdict);
    });

    it("a connection that goes on to another site is followed by its next packet, whatever the switch has cached for its SYN", async () => {
      await apply([...TO_SITE, { type: "set-node", locator: p.SITES[1] }]);
      const from = async (packet: Uint8Array) =>
        p.firstTunnelled(await send("core", [inVxlanFrom(p.SITES[1], packet)]));
      openVswitch.tool("ovs-appctl", "revalidator/pause");
      try {
        for (const port of [4108, 4109]) {
          assert.equal(p.destinationOf(await from(p.segment({ port }))), "2001:db8:f::2");
          const next = await from(p.acknowledgement({ port }));
          assert.equal(p.destinationOf(next), "2001:db8:f::2");
          assert.equal(toHex(p.innerOf(next)), toHex(p.hopsFurther(p.acknowledgement({ port }), 1)));
        }
      } finally {
        openVswitch.tool("ovs-appctl", "revalidator/resume");
      }
      const stray = await send("core", [inVxlanFrom(p.SITES[1], p.acknowledgement({ port: 4110 }))]);
      assert.ok(p.isReset(p.only(stray, "client")), "one that nobody has begun is refused");
    });

    it("frames with VLAN tags are the stack's, untouched: no capability is reached by them", () => {
      const number = openVswitch.tool("ovs-vsctl", "get", "Interface", "client0", "ofport").trim();
      const trace = (tag: string): string => {
        const ends = "ipv6_src=2001:db8:c::1,ipv6_dst=fd5e::1:8001:1234:5678:0,tp_dst=80,nw_ttl=64";
        const flow = `tcp6,in_port=${number},${tag}${ends}`;
        return openVswitch.tool("ovs-appctl", "ofproto/trace", BRIDGE, flow).replaceAll(/\s+/g, " ");
      };
      assert.match(trace(""), /resubmit\(,1\)/, "without a tag it is looked at");
      const tagged = trace("dl_vlan=7,");
      assert.ok(!tagged.includes("resubmit(,1)"), tagged);
      assert.match(tagged, /output:LOCAL|LOCAL/);
    });

    it("answers echo requests for a capability that is served here", async () => {
      await apply([p.leadsTo(2, { localGroup: 3 })]);
      const body = Uint8Array.of(0, 7, 0, 1, 1, 2, 3, 4);
      const asked = icmpv6({ source: CLIENT, destination: CAPABILITY }, { type: 128, body });
      const answer = p.only(await send("client", [asked]), "client");
      assert.equal(p.sourceOf(answer), "fd5e::1:8001:1234:5678:0");
      assert.equal(p.destinationOf(answer), "2001:db8:c::1");
      assert.equal(answer[40], 129);
      p.assertChecksum(answer);
    });

    it("a connection of an instance that went down gets a reset; one that drains goes on", async () => {
      await apply([p.leadsTo(2, { localGroup: 3 })]);
      const syn = p.only(await send("client", [p.segment({ port: 4010 })]), "agent");
      assert.equal(p.destinationOf(syn), "2001:db8:a::7");
      dataplane.setHealth(3, "draining");
      await dataplane.settled();
      openVswitch.tool("ovs-appctl", "revalidator/wait");
      p.only(await send("client", [p.acknowledgement({ port: 4010 })]), "agent");
      assert.ok(p.isReset(p.only(await send("client", [p.segment({ port: 4011 })]), "client")), "no new flow");
      dataplane.setHealth(3, "down");
      await dataplane.settled();
      openVswitch.tool("ovs-appctl", "revalidator/wait");
      const reset = p.only(await send("client", [p.acknowledgement({ port: 4010 })]), "client");
      assert.ok(p.isReset(reset));
      assert.equal(p.sourceOf(reset), "fd5e::1:8001:1234:5678:0");
      dataplane.setHealth(3, "up");
    });

    it("a plan in another encapsulation is not used, and said", async () => {
      dataplane.apply([{ type: "set-encapsulation", index: p.A }, p.leadsTo(1)], ++generation);
      await dataplane.settled();
      openVswitch.tool("ovs-appctl", "revalidator/wait");
      assert.ok(p.isReset(p.only(await send("client", [p.segment({ port: 4020 })]), "client")));
      assert.match(dataplane.limits.join("\n"), /another encapsulation/);
      dataplane.apply([{ type: "set-encapsulation", index: p.A, encapsulation: VXLAN }], ++generation);
      await dataplane.settled();
      openVswitch.tool("ovs-appctl", "revalidator/wait");
      assert.deepEqual(await p.sitesOf({ send }, [p.segment({ port: 4021 })]), ["2001:db8:f::2"]);
    });

    it("a port that is no port any more reaches no capability; back, it does", async () => {
      await dataplane.changePorts(OPTIONS.ports.filter(({ role }) => role !== "client"));
      const there = await wire.sendBeside("client", p.segment({ port: 4030 }), "agent", () => answered(dataplane));
      assert.deepEqual(there, []);
      await dataplane.changePorts(OPTIONS.ports);
      await hear();
      p.only(await send("client", [p.segment({ port: 4031 })]), "core");
    });

    it("an Open vSwitch that was killed and started again gets everything again", async () => {
      // Neighbours and connections are learnt by the switch itself
      const flows = (): readonly string[] =>
        openVswitch
          .tool("ovs-ofctl", "--no-stats", "dump-flows", BRIDGE)
          .split("\n")
          .filter((line) => !/table=(18|42)/.test(line))
          .toSorted();
      const limit: Policy = {
        use: "capabilities",
        tenantIndex: 1,
        counted: true,
        allowed: [],
        packets: { perSecond: 1, burst: 2 },
      };
      await apply([
        { type: "set-policy", index: FIRST_CAPABILITY_POLICY, policy: limit },
        {
          type: "set-policy",
          index: 1,
          policy: { ...limit, use: "tenant", bits: { perSecond: 9_000_000, burst: 125_000 } },
        },
        {
          type: "set-capability",
          entry: { address: CAPABILITY, group: 1, localGroup: 0, policy: FIRST_CAPABILITY_POLICY },
        },
        { type: "remove-policy", index: 1 },
      ]);
      const meters = (): readonly string[] =>
        Array.from(
          openVswitch.tool("ovs-ofctl", "dump-meters", BRIDGE).matchAll(/meter=(\d+)/g),
          ([, meter]) => meter!,
        );
      assert.equal(meters().length, 2, "that of answers, and the policy's");
      const before = flows();
      await openVswitch.killSwitch();
      const again = Promise.withResolvers<void>();
      replayed = again.resolve;
      await openVswitch.startSwitch();
      await again.promise;
      await dataplane.settled();
      assert.deepEqual(flows(), before);
      assert.equal(meters().length, 2);
      await hear();
      const burst = Array.from({ length: 6 }, (_, i) => p.segment({ port: 4060 + i }));
      const passed = (await send("client", burst)).length;
      assert.ok(passed >= 2 && passed <= 3, `${passed} of 6 passed, with a burst of 2`);
      openVswitch.tool("ovs-appctl", "revalidator/wait");
      await dataplane.count();
      const counted = dataplane.counters();
      assert.deepEqual(counted.policies!.get(FIRST_CAPABILITY_POLICY), {
        ...{ packets: BigInt(passed), bytes: BigInt(60 * passed), limited: BigInt(6 - passed) },
      });
      assert.equal(counted.verdicts.get("drop-capability-rate"), BigInt(6 - passed));
      await apply([p.leadsTo(1), { type: "remove-policy", index: FIRST_CAPABILITY_POLICY }]);
      assert.equal(meters().length, 1);
      p.only(await send("client", [p.segment({ port: 4040 })]), "core");
    });

    it("a bridge that somebody else made is not touched", async () => {
      openVswitch.tool(
        "ovs-vsctl",
        "--no-wait",
        "add-br",
        "foreign",
        "--",
        "set",
        "bridge",
        "foreign",
        "datapath_type=netdev",
      );
      await assert.rejects(
        startOvsDataplane({ ...OPTIONS, ports: [] }, { ...options, bridge: "foreign" }, { log: SILENT }),
        (cause) => cause instanceof DataplaneError && cause.code === "dataplane.foreign-bridge",
      );
      openVswitch.tool("ovs-vsctl", "--no-wait", "del-br", "foreign");
      await assert.rejects(
        startOvsDataplane(OPTIONS, { ...options, database: "/nowhere/db.sock" }, { log: SILENT }),
        (cause) => cause instanceof DataplaneError && cause.code === "dataplane.no-switch",
      );
    });

    it("kill -9 of the process: packets go on as before", async (t) => {
      const script = `${import.meta.dirname}/driver-process.ts`;
      await dataplane[Symbol.asyncDispose]();
      isDriven = false;
      let touched = false;
      replayed = () => {
        touched = true;
      };
      const durations = (): readonly number[] =>
        Array.from(
          openVswitch.tool("ovs-ofctl", "dump-flows", BRIDGE, "table=3").matchAll(/duration=([\d.]+)s/g),
          ([, each]) => Number(each),
        );
      const before = durations();
      const next = await startOvsDataplane(OPTIONS, options, { log });
      assert.equal(next.adopted, true);
      await next[Symbol.asyncDispose]();
      assert.equal(touched, false, "what is there is taken over and not written again");
      assert.ok(
        durations().every((each, i) => each >= before[i]!),
        "the flows are those of before",
      );
      const child = spawn(process.execPath, [script, openVswitch.socket, BRIDGE], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      t.after(() => child.kill("SIGKILL"));
      assert.equal(await firstLine(child), "adopted true");
      await killed(child);
      p.only(await send("client", [p.segment({ port: 4050 }), p.acknowledgement({ port: 4050 })].slice(0, 1)), "core");
    });
  }),
);
