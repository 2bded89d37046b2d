import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { promisify } from "node:util";
import { startOvsDataplane } from "../../../src/dataplane/index.ts";
import { firstLine, killed } from "../../host/child.ts";
import { allSlots, INSTANCE, LOCAL, OPTIONS, SILENT } from "../memory/story.ts";
import { SWITCHED_LINKS_SETUP } from "../suite/links.ts";
import { leadsTo } from "../suite/packets.ts";
import { isolatedWithOpenVswitch, OpenVswitch } from "./open-vswitch.ts";

const run = promisify(execFile);
const PYTHON = "/usr/bin/python3";
const OCTETS = 3_000_000;
const CLIENT = `semr-ovs-c${process.pid}`;
const AGENT = `semr-ovs-a${process.pid}`;
const CAPABILITY_URL = "http://[fd5e:0:0:1:8001:1234:5678:0]/file";

/** A host behind a link of the router, in a namespace of its own, as a neighbour that is a machine would be: no offloads. */
const host = (namespace: string, link: string, address: string, router: string): string => `
  ip netns add ${namespace}
  ip link set ${link} netns ${namespace}
  ip netns exec ${namespace} sysctl -qw net.ipv6.conf.${link}.disable_ipv6=0
  ip -n ${namespace} link set lo up
  ip -n ${namespace} link set ${link} up
  ip netns exec ${namespace} ethtool -K ${link} tx off tso off gso off gro off >/dev/null 2>&1
  ip -n ${namespace} -6 address add ${address}/64 dev ${link} nodad
  ip -n ${namespace} -6 route add default via ${router}`;

await isolatedWithOpenVswitch(import.meta.filename, SWITCHED_LINKS_SETUP, () =>
  it("a client downloads through a capability from an agent, both with ordinary sockets; neighbours are found as ever", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "semr-ovs-"));
    const openVswitch = await OpenVswitch.start();
    const dataplane = await startOvsDataplane(
      OPTIONS,
      { database: openVswitch.socket, bridge: "semrd", datapathType: "netdev" },
      { log: SILENT },
    );
    after(async () => {
      await dataplane.remove();
      await openVswitch[Symbol.asyncDispose]();
      execFileSync("sh", ["-c", `ip netns del ${CLIENT}; ip netns del ${AGENT}`]);
      rmSync(folder, { recursive: true });
    });
    execFileSync("sh", [
      "-ec",
      `ip link set semrd up
      ip -6 address add 2001:db8:f::1/128 dev semrd nodad
      ip -6 address add 2001:db8:c::ffff/64 dev semrd nodad
      ip -6 address add 2001:db8:a::ffff/64 dev semrd nodad
      ${host(CLIENT, "client0-peer", "2001:db8:c::1", "2001:db8:c::ffff")}
      ${host(AGENT, "agent0-peer", "2001:db8:a::7", "2001:db8:a::ffff")}`,
    ]);
    dataplane.apply(
      [
        ...[LOCAL, INSTANCE],
        { type: "set-slots", group: 2, slots: allSlots(2), backup: 0 },
        { type: "set-slots", group: 3, slots: allSlots(3), backup: 0 },
        leadsTo(2, { localGroup: 3 }),
      ],
      1,
    );
    await dataplane.settled();
    const content = randomBytes(OCTETS);
    writeFileSync(join(folder, "file"), content);
    const words = [PYTHON, "-u", "-m", "http.server", "8080", "--bind", "2001:db8:a::7", "--directory", folder];
    const server = spawn("ip", ["netns", "exec", AGENT, ...words], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      await firstLine(server);
      const options = { encoding: "buffer", maxBuffer: 2 * OCTETS } as const;
      const curl = ["curl", "-sS", "-g", "--max-time", "20", CAPABILITY_URL];
      const { stdout } = await run("ip", ["netns", "exec", CLIENT, ...curl], options);
      assert.ok(content.equals(stdout), `${stdout.length} of ${OCTETS} octets`);
      const echo = ["ping", "-6", "-c", "1", "-W", "5", "fd5e:0:0:1:8001:1234:5678:0"];
      if (existsSync("/usr/bin/ping") || existsSync("/bin/ping")) await run("ip", ["netns", "exec", CLIENT, ...echo]);
      else t.diagnostic("no echo request: ping is not installed (Debian: iputils-ping)");
      openVswitch.tool("ovs-appctl", "revalidator/wait");
      await dataplane.count();
      assert.equal(dataplane.counters().nextHops.get(3)?.flows, 1n, "one connection");
    } finally {
      await killed(server, "SIGTERM");
    }
  }),
);
