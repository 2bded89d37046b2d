import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { StatusReport } from "../../src/management/index.ts";
import { semrctl } from "../cli/in-process.ts";
import { isolated, whyNoKernelDataplane } from "../dataplane/kernel/isolated.ts";
import { whyNoRoutes } from "../dataplane/linux/why-not.ts";
import { appears, OpenVswitch, whyNoOpenVswitch } from "../dataplane/ovs/open-vswitch.ts";
import { ended, RouterFolder } from "./router-process.ts";

const ROUTER = "semrd-router:router";
const SEMRCTL = fileURLToPath(new URL("../../tools/semrctl", import.meta.url));

/** What `ip` lists that could be left behind. */
const inKernel = (): string =>
  execFileSync("sh", ["-c", "ip nexthop; ip -6 rule; ip -6 route show table all proto 83"], { encoding: "utf8" });

/** What the control socket answers to a request about the configuration. */
async function post(socketPath: string, action: string, body?: object): Promise<string> {
  const headers = { "content-type": "application/json" };
  const asked = request({ socketPath, method: "POST", path: `/v1/config/${action}`, headers });
  asked.end(body === undefined ? "" : JSON.stringify(body));
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return text(answer);
}

await isolated(
  import.meta.filename,
  "ip link set lo up; sysctl -qw net.ipv6.conf.all.forwarding=1",
  () => {
    const folder = mkdtempSync(path.join(tmpdir(), "semrd-drivers-"));
    after(() => rmSync(folder, { recursive: true }));
    const routers = new RouterFolder(folder);
    const dataplaneOf = async (router: { ctl(...args: string[]): Promise<unknown> }) =>
      ((await router.ctl("show", "status")) as StatusReport).dataplane;

    for (const driver of ["linux", "ovs"] as const)
      describe(`driver ${driver}`, () => {
        it("forwards across kill -9 and takes over; --remove-forwarding leaves nothing", async (t) => {
          const reason = driver === "linux" ? whyNoRoutes() : whyNoOpenVswitch();
          if (reason !== undefined) return t.skip(`skipped: ${reason}`);
          await using openVswitch = driver === "ovs" ? await OpenVswitch.start() : undefined;
          const before = inKernel();
          const ovs = openVswitch === undefined ? {} : { ovs: { database: openVswitch.socket } };
          const content = routers.configuration(driver, { "semrd-dataplane:dataplane": { driver, ...ovs } });
          const first = await routers.started(driver, content);
          const begun = await dataplaneOf(first);
          assert.deepEqual([begun.driver, begun.adopted], [driver, false]);
          assert.ok(begun.limits.length > 3, "says what it cannot do");
          const shown = execFileSync(SEMRCTL, ["--socket", first.socket, "show", "dataplane"], { encoding: "utf8" });
          assert.match(shown, new RegExp(`driver +${driver}`));
          const { [ROUTER]: router } = content as Record<string, object>;
          const other = { [ROUTER]: { ...router, name: "second", "state-directory": path.join(folder, "second") } };
          const { code: second, err: taken } = await ended(["--config", await routers.written("second", other)]);
          assert.equal(second, 69, taken);
          assert.match(taken, /another semrd works with/);
          if (driver === "linux") await appears(path.join(folder, driver), "dataplane-linux.plan");
          await first.end("SIGKILL");
          await using again = await routers.started(driver, content);
          assert.deepEqual([(await dataplaneOf(again)).driver, (await dataplaneOf(again)).adopted], [driver, true]);
          await again.end("SIGTERM");
          const { code, err } = await ended(["--remove-forwarding", "--config", path.join(folder, `${driver}.json`)]);
          assert.equal(code, 0, err);
          assert.equal(inKernel(), before);
          assert.equal(openVswitch?.tool("ovs-vsctl", "list-br") ?? "", "");
        });
      });

    it("a link that is down is named where the interface is, and why", async (t) => {
      const reason = whyNoKernelDataplane();
      if (reason !== undefined) return t.skip(`skipped: ${reason}`);
      execFileSync("sh", ["-c", "ip link add near type veth peer name far; ip link set near up; ip link set far up"]);
      const content = routers.configuration("links", {
        "semrd-interface:interfaces": { interface: [{ name: "near", role: "core" }] },
        "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": "/sys/fs/bpf/semrd-links" },
      });
      await using router = await routers.started("links", content);
      const statusText = async () => (await semrctl(["--socket", router.socket, "show", "status"])).out;
      /** What is said of it in JSON, in the model, and in the text. */
      const said = async (...words: readonly string[]) => {
        if (words.length > 0) execFileSync("ip", ["link", "set", ...words]);
        const { dataplane, warnings } = (await router.ctl("show", "status")) as StatusReport;
        const shown = ["config", "show", "--datastore", "operational", "/router/interfaces/interface[name=near]/state"];
        const state = /"oper-status":"(\w+)"/.exec(JSON.stringify(await router.ctl(...shown)))?.[1];
        return [dataplane.ports[0]!.operStatus, state, warnings.find((line) => line.includes("near is down"))];
      };
      const sentence = (why: string) => `Interface near is down, so nothing comes or goes there: ${why}.`;
      assert.deepEqual(await said(), ["up", "up", undefined]);
      assert.doesNotMatch(await statusText(), /LINK/);
      const carrier = sentence("it has no carrier: look at its cable, and at the other end");
      assert.deepEqual(await said("far", "down"), ["down", "down", carrier]);
      assert.match(await statusText(), /INTERFACE.* LINK[\s\S]*near .* down/);
      assert.deepEqual(await said("near", "down"), [
        "down",
        "down",
        sentence("it is switched off: ip link set near up"),
      ]);
      execFileSync("ip", ["link", "set", "far", "up"]);
      assert.deepEqual(await said("near", "up"), ["up", "up", undefined]);
      await router.end("SIGTERM");
      await ended(["--remove-forwarding", "--config", path.join(folder, "links.json")]);
    });

    it("another driver at a restart: the one before is removed when the new one has its tables", async (t) => {
      const reason = whyNoRoutes() ?? whyNoKernelDataplane();
      if (reason !== undefined) return t.skip(`skipped: ${reason}`);
      const pins = "/sys/fs/bpf/semrd-former";
      const before = inKernel();
      const other = (driver: string) =>
        routers.configuration("former", { "semrd-dataplane:dataplane": { driver, "pin-directory": pins } });
      for (const [driver, was] of [
        ["linux", undefined],
        ["kernel", "linux"],
        ["linux", "kernel"],
      ] as const) {
        await using router = await routers.started("former", other(driver));
        assert.equal((await dataplaneOf(router)).driver, driver);
        if (was !== undefined)
          while (!router.log.includes('"dataplane.former-removed"'))
            await setTimeout(20, undefined, { signal: t.signal });
        assert.equal(existsSync(pins), driver === "kernel");
        assert.equal(inKernel() === before, driver === "kernel");
        await router.end("SIGTERM");
      }
    });

    it("driver auto without the right to load BPF programs: routes of the kernel, loudly", async (t) => {
      const reason = whyNoRoutes();
      if (reason !== undefined) return t.skip(`skipped: ${reason}`);
      const strip = ["setpriv", "--bounding-set", "-bpf,-perfmon,-sys_admin"];
      const auto = routers.configuration("auto", { "semrd-dataplane:dataplane": { driver: "auto" } });
      await using router = await routers.started("auto", auto, strip);
      assert.equal((await dataplaneOf(router)).driver, "linux");
      assert.match(router.log, /"level":"error".*CAP_.*dataplane\.linux-instead-of-kernel/);
      await router.end("SIGTERM");
    });

    it("another driver is removed by --remove-forwarding too, when the router never ran with the one of now", async (t) => {
      const reason = whyNoRoutes() ?? whyNoKernelDataplane();
      if (reason !== undefined) return t.skip(`skipped: ${reason}`);
      const pins = "/sys/fs/bpf/semrd-removed";
      const other = (driver: string) =>
        routers.configuration("removed", { "semrd-dataplane:dataplane": { driver, "pin-directory": pins } });
      await using router = await routers.started("removed", other("kernel"));
      await router.end("SIGTERM");
      assert.ok(existsSync(pins));
      const { code, err } = await ended([
        "--remove-forwarding",
        "--config",
        await routers.written("removed", other("linux")),
      ]);
      assert.equal(code, 0, err);
      assert.equal(existsSync(pins), false);
      assert.doesNotMatch(inKernel(), /proto 83/);
    });

    it("a commit of a driver that cannot start is refused with what is missing; a restart says how to get out", async (t) => {
      const reason = whyNoOpenVswitch();
      if (reason !== undefined) return t.skip(`skipped: ${reason}`);
      await using openVswitch = await OpenVswitch.start();
      const content = routers.configuration("probe", { "semrd-dataplane:dataplane": { driver: "memory" } });
      await using router = await routers.started("probe", content, ["setpriv", "--bounding-set", "-net_admin,-bpf"]);
      /** What the router says to a data plane in the candidate; over the socket, as a process for each would take long. */
      const why = async (dataplane: object, command: string): Promise<string> => {
        await post(router.socket, "discard");
        await post(router.socket, "edit", { [ROUTER]: { "semrd-dataplane:dataplane": dataplane } });
        return post(router.socket, command, command === "commit" ? {} : undefined);
      };
      const ovs = { database: openVswitch.socket, bridge: "br-probe" };
      const nowhere = { driver: "ovs", ovs: { ...ovs, database: "/nowhere/db.sock" } };
      for (const command of ["validate", "commit"])
        assert.match(
          await why(nowhere, command),
          /dataplane\/driver.*could not start on this host.*no Open vSwitch answers at \/nowhere\/db\.sock/,
        );
      assert.match(await why({ driver: "linux" }, "commit"), /CAP_NET_ADMIN.*dataplane\.no-rights/s);
      assert.match(await why({ driver: "kernel" }, "commit"), /CAP_.*dataplane\.no-rights/s);
      const system = { driver: "ovs", ovs: { ...ovs, "datapath-type": "system" } };
      assert.match(await why(system, "commit"), /no datapath of the type system \(it has [a-z, ]*netdev/);
      openVswitch.tool("ovs-vsctl", "add-br", "br-probe");
      assert.match(await why({ driver: "ovs", ovs }, "commit"), /has a bridge br-probe that semrd did not make/);
      openVswitch.tool("ovs-vsctl", "del-br", "br-probe");
      await openVswitch.killSwitch();
      assert.match(await why({ driver: "ovs", ovs }, "commit"), /no ovs-vswitchd works with it/);
      await openVswitch.startSwitch();
      assert.match(await why({ driver: "ovs", ovs }, "commit"), /"commit":2/);
      await router.end("SIGTERM");
      await openVswitch[Symbol.asyncDispose]();
      const file = path.join(folder, "probe.json");
      const { code, err } = await ended(["--config", file]);
      assert.equal(code, 69, err);
      assert.match(err, /no Open vSwitch answers at/);
      assert.match(
        err,
        /asked for by commit 2 \(.*probe\/configuration\/2\.json\), not by .*probe\.json.*driver is memory/,
      );
      await routers.written("probe", `${JSON.stringify(content)}\n`);
      await using again = await routers.restarted("probe");
      assert.equal((await dataplaneOf(again)).driver, "memory");
    });

    it("driver ovs without an Open vSwitch: said where it was looked for, and what to do", async () => {
      const ovs = routers.configuration("none", {
        "semrd-dataplane:dataplane": { driver: "ovs", ovs: { database: "/nowhere/db.sock" } },
      });
      const { code, err } = await ended(["--config", await routers.written("none", ovs)]);
      assert.notEqual(code, 0);
      assert.match(err, /no Open vSwitch answers at \/nowhere\/db\.sock.*start openvswitch-switch/s);
      assert.match(err, /asked for by .*none\.json: put right what is missing, or set .*dataplane\/driver there/);
    });
  },
  () => (process.getuid?.() === 0 ? undefined : "network namespaces need root"),
);
