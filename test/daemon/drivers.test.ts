import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { StatusReport } from "../../src/management/index.ts";
import { isolated, whyNoKernelDataplane } from "../dataplane/kernel/isolated.ts";
import { whyNoRoutes } from "../dataplane/linux/why-not.ts";
import { appears, OpenVswitch, whyNoOpenVswitch } from "../dataplane/ovs/open-vswitch.ts";
import { ended, RouterFolder } from "./router-process.ts";

const ROUTER = "semrd-router:router";
const SEMRCTL = fileURLToPath(new URL("../../tools/semrctl", import.meta.url));

/** What `ip` lists that could be left behind. */
const inKernel = (): string =>
  execFileSync("sh", ["-c", "ip nexthop; ip -6 rule; ip -6 route show table all proto 83"], { encoding: "utf8" });

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
          const text = execFileSync(SEMRCTL, ["--socket", first.socket, "show", "dataplane"], { encoding: "utf8" });
          assert.match(text, new RegExp(`driver +${driver}`));
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

    it("driver ovs without an Open vSwitch: said where it was looked for, and what to do", async () => {
      const ovs = routers.configuration("none", {
        "semrd-dataplane:dataplane": { driver: "ovs", ovs: { database: "/nowhere/db.sock" } },
      });
      const { code, err } = await ended(["--config", await routers.written("none", ovs)]);
      assert.notEqual(code, 0);
      assert.match(err, /no Open vSwitch answers at \/nowhere\/db\.sock.*start openvswitch-switch/s);
    });
  },
  () => (process.getuid?.() === 0 ? undefined : "network namespaces need root"),
);
