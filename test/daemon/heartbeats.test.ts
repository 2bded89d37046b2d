import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { it } from "node:test";
import type { Paths as NativePaths, PathThread } from "../../native/index.ts";
import { Paths } from "../../src/daemon/paths.ts";
import type { DataplaneDriver } from "../../src/dataplane/index.ts";
import { isolated } from "../dataplane/kernel/isolated.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { RouterFolder } from "./router-process.ts";

/** This router's locator is ::1, those of two others are here too, so that the test hears what they would. */
const SETUP = `
  mount --make-rprivate /
  mount -t bpf st-beats /mnt
  ip link set lo up
  sysctl -qw net.ipv6.conf.all.forwarding=1
  for n in 1 2 3; do ip address add fd00:ffff::$n/128 dev lo nodad; done
`;

/** The heartbeats at a locator: for how long each vouches, in milliseconds. */
async function heardAt(address: string): Promise<{ holds: number[]; socket: dgram.Socket }> {
  const socket = dgram.createSocket("udp6");
  const holds: number[] = [];
  socket.on("message", (octets, from) => {
    assert.deepEqual([from.address, octets.length], ["fd00:ffff::1", 24]);
    holds.push(octets.readUInt16BE(6));
  });
  socket.bind(21330, address);
  await once(socket, "listening");
  return { holds, socket };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

await isolated(import.meta.filename, SETUP, () => {
  it("heartbeats go to the routers of the domain as the configuration says, also while it changes, and end with the process", {
    timeout: 120_000,
  }, async (t) => {
    const folder = new RouterFolder(await mkdtemp(path.join(os.tmpdir(), "semrd-beats-")));
    t.after(() => rm(folder.path, { recursive: true }));
    const configuration = (dataplane: object, nodes: readonly number[]) =>
      folder.configuration("r1", {
        nodes: { node: nodes.map((n) => ({ locator: `fd00:ffff::${n}` })) },
        "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": "/mnt/semrd", ...dataplane },
      });
    const second = await heardAt("fd00:ffff::2");
    const third = await heardAt("fd00:ffff::3");
    t.after(() => {
      for (const { socket } of [second, third]) socket.close();
    });
    const silence = async (): Promise<void> => {
      let [before, quiet] = [-1, 0];
      await until("no more for a tenth of a second", () => {
        const now = second.holds.length + third.holds.length;
        quiet = now === before ? quiet + 1 : 0;
        before = now;
        return quiet >= 10;
      });
    };
    await using router = await folder.started("r1", configuration({ heartbeat: {} }, [2]));
    await until("the second router hears", () => second.holds.length > 10);
    assert.deepEqual([new Set(second.holds), third.holds.length], [new Set([40]), 0]);

    await folder.written("r1", configuration({ heartbeat: { interval: 20, multiplier: 10 } }, [2, 3]));
    router.child.kill("SIGHUP");
    await until("the third hears, and both the new hold", () => third.holds.length > 3 && second.holds.at(-1) === 200);
    assert.deepEqual(new Set(third.holds), new Set([200]));

    await folder.written("r1", configuration({}, [2, 3]));
    router.child.kill("SIGHUP");
    await silence();

    await folder.written("r1", configuration({ heartbeat: {}, "passive-health": { failures: 3 } }, [2]));
    router.child.kill("SIGHUP");
    const from = second.holds.length;
    await until("again", () => second.holds.length > from + 5);
    await router.end("SIGKILL");
    // They end with the process; what it had sent before may still wait here to be read
    await silence();
  });

  it("a way that is back: the log says for how long it was lost, where this process has seen that", () => {
    const log = new ListLog();
    let change: Parameters<NativePaths["start"]>[0]["change"] | undefined;
    const thread = { bind() {}, [Symbol.dispose]() {} } as unknown as PathThread;
    const driver = { tunnelTo: () => undefined } as unknown as DataplaneDriver;
    const start: NativePaths["start"] = (options) => {
      change = options.change;
      return thread;
    };
    using _ = new Paths({ driver, log, metrics: new TallyMetrics(), bfd: () => undefined, start });
    const to = "fd00:ffff::2";
    change!({ to, lost: false, stored: true, at: 1_000 });
    change!({ to, lost: true, stored: true, at: 2_000.25 });
    change!({ to: "fd00:ffff::3", lost: true, stored: true, at: 2_500 });
    change!({ to, lost: false, stored: true, at: 5_000 });
    change!({ to, lost: false, stored: true, at: 6_000 });
    assert.deepEqual(
      log.lines.flatMap(({ event, fields }) => (event === "path.back" ? [fields] : [])),
      [
        { router: to, stored: true },
        { router: to, stored: true, lostMilliseconds: 3_000 },
        { router: to, stored: true },
      ],
    );
  });
});
