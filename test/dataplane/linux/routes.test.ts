import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Log } from "../../../src/base/index.ts";
import { startLinuxDataplane } from "../../../src/dataplane/index.ts";
import { carryOut } from "../../../src/dataplane/linux/kernel.ts";
import { Ipv6Packet, TcpFlag, u16 } from "../../../src/dataplane/memory/packet.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { firstLine, killed } from "../../host/child.ts";
import { isolated } from "../kernel/isolated.ts";
import { address, tcp } from "../memory/frames.ts";
import { allSlots, CAPABILITY, CLIENT, INSTANCE, LOCAL, OPTIONS, OWN_LOCATOR, SILENT } from "../memory/story.ts";
import { LINKS_SETUP, Wire } from "../suite/links.ts";
import * as p from "../suite/packets.ts";
import { whyNoRoutes } from "./why-not.ts";

const { wrap } = p.ipv6InIpv6;

const STRANGER = address("2001:db8:f::99");
/** The instance, with the capability's address and port of its own. */
const DIRECT = {
  ...INSTANCE,
  nextHop: { ...(INSTANCE as { nextHop: object }).nextHop, port: 80, servicePort: 80 },
} as Operation;
const HERE: readonly Operation[] = [
  ...[LOCAL, DIRECT],
  { type: "set-slots", group: 2, slots: allSlots(2), backup: 0 },
  { type: "set-slots", group: 3, slots: allSlots(3), backup: 0 },
  { type: "set-node", locator: p.SITES[0] },
  p.leadsTo(2, { localGroup: 3 }),
];

await isolated(
  import.meta.filename,
  LINKS_SETUP,
  () =>
    describe("linux data plane", async () => {
      const folder = mkdtempSync(join(tmpdir(), "semr-linux-"));
      const planFile = join(folder, "plan");
      const kernelBefore = inKernel();
      const starting = (log: Log = SILENT) => startLinuxDataplane(OPTIONS, { planFile }, { log });
      let dataplane = await starting();
      let generation = 0;
      const wire = await Wire.start();
      after(async () => {
        await wire[Symbol.asyncDispose]();
        await dataplane.remove();
        rmSync(folder, { recursive: true });
        assert.equal(inKernel(), kernelBefore, "nothing is left in the kernel");
      });
      const apply = async (operations: readonly Operation[]): Promise<void> => {
        dataplane.apply(operations, ++generation);
        await dataplane.settled();
      };
      const send: Wire["send"] = (from, packets) => wire.send(from, packets);

      it("delivers to an instance that has the capability's address, from here and out of a tunnel; its answers pass", async () => {
        await apply(HERE);
        for (const arrived of [
          p.only(await send("client", [p.segment({ port: 4001 })]), "agent"),
          p.only(await send("core", [wrap(p.SITES[0], OWN_LOCATOR, p.segment({ port: 4002 }))]), "agent"),
        ]) {
          assert.equal(p.destinationOf(arrived), "fd5e::1:8001:1234:5678:0");
          assert.equal(p.sourceOf(arrived), "2001:db8:c::1");
          assert.equal(u16(arrived, 42), 80);
        }
        const flags = TcpFlag.Syn | TcpFlag.Ack;
        const answer = tcp(
          { source: CAPABILITY, destination: CLIENT },
          { sourcePort: 80, destinationPort: 4001, flags },
        );
        assert.equal(p.sourceOf(p.only(await send("agent", [answer]), "client")), "fd5e::1:8001:1234:5678:0");
      });

      it("takes nothing out of the tunnels of strangers, tunnels in tunnels, or routers that left", async () => {
        const sent = p.segment({ port: 4003 });
        const twice = wrap(p.SITES[0], OWN_LOCATOR, wrap(p.SITES[0], OWN_LOCATOR, sent));
        for (const packet of [wrap(STRANGER, OWN_LOCATOR, sent), twice])
          assert.deepEqual(
            (await send("core", [packet])).filter(({ at }) => at !== "core"),
            [],
          );
        await apply([{ type: "remove-node", locator: p.SITES[0] }]);
        assert.deepEqual(await send("core", [wrap(p.SITES[0], OWN_LOCATOR, sent)]), []);
        await apply([{ type: "set-node", locator: p.SITES[0] }]);
        p.only(await send("core", [wrap(p.SITES[0], OWN_LOCATOR, sent)]), "agent");
      });

      it("an instance on another port, or on no link of an agent port, is not used, and said", async () => {
        await apply([p.leadsTo(0), { type: "remove-group", group: 3 }, { type: "remove-next-hop", index: 3 }]);
        await apply([
          INSTANCE,
          { type: "set-slots", group: 3, slots: allSlots(3), backup: 0 },
          p.leadsTo(2, { localGroup: 3 }),
        ]);
        assert.equal(new Set(dataplane.limits).size, dataplane.limits.length, "each is said once");
        assert.match(dataplane.limits.join("\n"), /instance.* must listen on the capability's own port/);
        const sent = p.segment({ port: 4004 });
        const answer = p.only(await send("client", [sent]), "client");
        assert.deepEqual(p.icmpError(answer, sent), { type: 1, code: 0, value: 0 });
      });

      it("shares flows out among this router's instance and other sites by slots", async () => {
        await apply([p.leadsTo(0), { type: "remove-group", group: 3 }, { type: "remove-next-hop", index: 3 }]);
        await apply([...HERE, ...p.TUNNELS, p.slotsOf(1, [2, p.A, p.A, p.A]), p.leadsTo(1, { localGroup: 3 })]);
        const many = Array.from({ length: 512 }, (_, i) => p.segment({ port: 1024 + i * 7 }));
        const here = (await send("client", many)).filter(({ at }) => at === "agent").length / many.length;
        assert.ok(Math.abs(here - 0.25) < 0.08, `${here}`);
      });

      it("goes through waypoints: a segment routing header with the first segment in the destination alone (RFC 8986 §5.2)", async () => {
        const waypoints = [address("2001:db8:f::77")];
        await apply([
          { type: "set-encapsulation", index: p.A, encapsulation: { kind: "segments", waypoints } },
          p.slotsOf(1, [p.A]),
          p.leadsTo(1),
        ]);
        const outer = p.only(await send("client", [p.segment({ port: 4005 })]), "core");
        assert.equal(p.destinationOf(outer), "2001:db8:f::77");
        const { nextHeader, payload } = new Ipv6Packet(outer);
        assert.equal(nextHeader, 43);
        assert.deepEqual([...payload.subarray(0, 5)], [41, 2, 4, 1, 0], "RFC 8754 §2: one segment listed, one left");
        await apply([{ type: "set-encapsulation", index: p.A }]);
      });

      it("a link that went down and came back gets its next hops again", async () => {
        await apply([p.leadsTo(2, { localGroup: 3 })]);
        const again = Promise.withResolvers<void>();
        await dataplane[Symbol.asyncDispose]();
        const started = await starting({
          ...SILENT,
          warn: (event: string) => (event === "dataplane.linux.next-hops-gone" ? again.resolve() : undefined),
        });
        assert.equal(started.adopted, true);
        execFileSync("ip", ["link", "set", "agent0", "down"]);
        execFileSync("sh", [
          "-ec",
          "ip link set agent0 up; ip -6 address replace 2001:db8:a::ffff/64 dev agent0 nodad; ip -6 neighbour replace 2001:db8:a::7 lladdr 02:00:00:00:a0:02 dev agent0",
        ]);
        await again.promise;
        await started.settled();
        p.only(await send("client", [p.segment({ port: 4006 })]), "agent");
        await started[Symbol.asyncDispose]();
        dataplane = await starting();
      });

      it("kill -9 of the process: packets go on, and the next process finds the plan", async (t) => {
        const snapshot = dataplane.snapshot();
        await dataplane[Symbol.asyncDispose]();
        const child = spawn(process.execPath, [join(import.meta.dirname, "driver-process.ts"), planFile], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        t.after(() => child.kill("SIGKILL"));
        assert.equal(await firstLine(child), "adopted true");
        await killed(child);
        p.only(await send("client", [p.segment({ port: 4007 })]), "agent");
        dataplane = await starting();
        assert.deepEqual(dataplane.snapshot(), snapshot);
      });

      it("a plan file of another boot, or a broken one, is not believed", async () => {
        await dataplane[Symbol.asyncDispose]();
        const text = readFileSync(planFile, "utf8");
        for (const other of [text.replace(/"boot":"[^"]*"/, '"boot":"another"'), text.slice(0, text.length / 2), ""]) {
          writeFileSync(planFile, other);
          const fresh = await starting();
          assert.equal(fresh.adopted, false);
          assert.equal(fresh.snapshot().capabilities.size, 0);
          writeFileSync(planFile, "");
          await fresh[Symbol.asyncDispose]();
        }
        dataplane = await starting();
      });

      it("what the kernel refuses is said with its words", async () => {
        await assert.rejects(
          carryOut(["nexthop del id 7777", "nexthop replace id 5 dev lo", "nexthop del id 5"]),
          /ip refuses 1 lines, first "nexthop del id 7777": RTNETLINK/,
        );
      });
    }),
  whyNoRoutes,
);

/** What `ip` lists that could be left behind. */
function inKernel(): string {
  return execFileSync("sh", ["-c", "ip nexthop; ip -6 rule; ip -6 route show table all proto 83"], {
    encoding: "utf8",
  });
}
