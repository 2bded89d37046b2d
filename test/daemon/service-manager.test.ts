import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { milliseconds } from "../../src/base/index.ts";
import { type ServiceEnvironment, ServiceManager } from "../../src/daemon/service-manager.ts";
import { ListLog } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { RouterFolder } from "./router-process.ts";

const SOCKET = "/run/systemd/notify";

function managed(environment: ServiceEnvironment, send?: () => void) {
  const [clock, log, sent] = [new VirtualClock(), new ListLog(), [] as string[]];
  const tell = (socket: string, text: string): void => {
    send?.();
    assert.equal(socket, environment.NOTIFY_SOCKET);
    sent.push(text);
  };
  const manager = new ServiceManager({ environment, pid: 42, send: tell, clock, log });
  return { manager, clock, log, sent };
}

describe("what a service manager is told (sd_notify(3))", () => {
  it("nothing where there is none", () => {
    const { manager, sent, clock } = managed({ NOTIFY_SOCKET: "", WATCHDOG_USEC: "1000" });
    manager.ready("r1 runs");
    clock.advance(milliseconds(10));
    manager.stopping();
    assert.deepEqual(sent, []);
  });

  it("that it runs, restarts in its own place, and ends", () => {
    const { manager, sent } = managed({ NOTIFY_SOCKET: SOCKET });
    manager.ready("r1 runs");
    manager.restarting();
    manager.stopping();
    assert.deepEqual(
      sent.map((text) => text.split("\n")[0]),
      ["READY=1", "RELOADING=1", "STOPPING=1"],
    );
    assert.match(sent[0]!, /^STATUS=r1 runs$/m);
  });

  it("that its event loop turns, twice in the time that is allowed, from when it runs until it is disposed", () => {
    const { manager, sent, clock } = managed({ NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: "20000000", WATCHDOG_PID: "42" });
    const beats = (): number => sent.filter((text) => text === "WATCHDOG=1").length;
    clock.advance(milliseconds(60_000));
    assert.equal(beats(), 0);
    manager.ready("r1 runs");
    clock.advance(milliseconds(60_000));
    assert.equal(beats(), 6);
    manager[Symbol.dispose]();
    clock.advance(milliseconds(60_000));
    assert.equal(beats(), 6);
  });

  for (const watchdog of [{ WATCHDOG_PID: "41" }, { WATCHDOG_USEC: "0" }, { WATCHDOG_USEC: "often" }]) {
    it(`no beats with ${JSON.stringify(watchdog)}`, () => {
      const { manager, sent, clock } = managed({ NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: "1000", ...watchdog });
      manager.ready("r1 runs");
      clock.advance(milliseconds(60_000));
      assert.equal(sent.length, 1);
    });
  }

  it("one that does not listen is said once, until it does", () => {
    let isDeaf = true;
    const { manager, log, clock, sent } = managed({ NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: "2000000" }, () => {
      if (isDeaf) throw new Error("ECONNREFUSED");
    });
    manager.ready("r1 runs");
    clock.advance(milliseconds(5_000));
    assert.deepEqual(log.events(), ["service-manager.unheard"]);
    isDeaf = false;
    clock.advance(milliseconds(1_000));
    isDeaf = true;
    clock.advance(milliseconds(1_000));
    assert.deepEqual([log.events().length, sent], [2, ["WATCHDOG=1"]]);
  });
});

/** As systemd listens: prints each datagram as a line of JSON. Reads its address, with @ for an abstract one. */
const LISTENER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0" + sys.argv[1][1:] if sys.argv[1].startswith("@") else sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`;

describe("a router that a service manager started", { concurrency: true }, () => {
  for (const kind of ["path", "abstract"] as const) {
    it(`by a socket of kind ${kind}: ready when it runs, beats, and stopping`, { timeout: 60_000 }, async (t) => {
      const folder = await mkdtemp(path.join(tmpdir(), "semrd-notify-"));
      t.after(() => rm(folder, { recursive: true, force: true }));
      const routers = new RouterFolder(folder);
      const socket = kind === "path" ? path.join(folder, "notify") : `@semrd-test-${process.pid}-notify`;
      const listener = spawn("/usr/bin/python3", ["-c", LISTENER, socket], { stdio: ["ignore", "pipe", "inherit"] });
      t.after(() => listener.kill("SIGKILL"));
      const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]();
      const next = async (): Promise<string> => JSON.parse((await lines.next()).value as string);
      assert.equal(await next(), "listening");
      const through = ["env", `NOTIFY_SOCKET=${socket}`, "WATCHDOG_USEC=200000"];
      await using router = await routers.started("r1", routers.configuration("r1"), through);
      assert.equal(await next(), "READY=1\nSTATUS=r1 runs");
      assert.deepEqual([await next(), await next()], ["WATCHDOG=1", "WATCHDOG=1"]);
      const exited = once(router.child, "exit");
      router.child.kill("SIGTERM");
      let last = await next();
      while (last === "WATCHDOG=1") last = await next();
      assert.match(last, /^STOPPING=1\n/);
      assert.deepEqual(await exited, [0, null]);
    });
  }

  it("runs on where nobody listens", { timeout: 60_000 }, async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), "semrd-notify-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const routers = new RouterFolder(folder);
    const through = ["env", `NOTIFY_SOCKET=${path.join(folder, "nobody")}`];
    await using router = await routers.started("r1", routers.configuration("r1"), through);
    assert.match(await router.logged(/service-manager\.unheard/), /ENOENT.*nobody/);
    assert.equal(await router.end("SIGTERM"), 0);
  });
});
