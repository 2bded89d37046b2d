import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { loadNative } from "../../native/index.ts";
import type { AlarmRow, StatusReport } from "../../src/management/index.ts";
import { isolated, OBJECT_PATH } from "../dataplane/kernel/isolated.ts";
import { waitFor } from "../host/fair-time.ts";
import { RouterFolder, type RouterProcess } from "./router-process.ts";

const SEMRCTL = fileURLToPath(new URL("../../tools/semrctl", import.meta.url));
const PINS = "/sys/fs/bpf/semrd-restored";
const PORT = "port0";

const SETUP = `
  ip link set lo up
  ip link add ${PORT} type veth peer name far0
  ip link set ${PORT} up
  ip link set far0 up
`;

const native = loadNative();

/** Detaches the link of the router's program as `bpftool link detach` does, which leaves the pin where it is. */
function takeOff(ifindex: number): void {
  const [pin, aside] = [path.join(PINS, "links", `xdp-${ifindex}`), "/sys/fs/bpf/aside"];
  renameSync(pin, aside);
  const link = native.bpf.openLink(aside);
  renameSync(aside, pin);
  link.detach();
}

/** What the leaf of the model says, the column of the table, and the alarms of the interface. */
async function seen(router: RouterProcess) {
  const words = ["config", "show", "--datastore", "operational", "interfaces"];
  const tree = JSON.stringify(await router.ctl(...words));
  const { dataplane } = (await router.ctl("show", "status")) as StatusReport;
  const alarms = (await router.ctl("show", "alarms")) as readonly AlarmRow[];
  const shown = execFileSync(SEMRCTL, ["--socket", router.socket, "show", "dataplane"], { encoding: "utf8" });
  return {
    leaf: /"restored":(\d+)/.exec(tree)?.[1],
    row: dataplane.ports[0]!.restored,
    column: /INTERFACE.*RESTORED[^\n]*\n[^\n]*port0 +\S+ +\S+(?: native| generic)? +(\d+)/.exec(shown)?.[1],
    alarms: alarms
      .filter(({ resource }) => resource.includes(PORT))
      .map(({ state, severity, text }) => ({ state, severity, text })),
  };
}

async function until(router: RouterProcess, holds: (now: Awaited<ReturnType<typeof seen>>) => boolean) {
  for (const end = performance.now() + 120_000; ; await setTimeout(100)) {
    const now = await seen(router);
    if (holds(now)) return now;
    assert.ok(performance.now() < end, `not within two minutes: ${JSON.stringify(now)}`);
  }
}

await isolated(import.meta.filename, SETUP, () => {
  it("a program that is taken off: in the model, in the table and as an alarm while something else has its place", async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), "semrd-restored-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const configuration = new RouterFolder(folder).configuration("r1", {
      "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": PINS },
      "semrd-interface:interfaces": { interface: [{ name: PORT, role: "agent", tenant: "acme", hook: "xdp" }] },
    });
    await using router = await new RouterFolder(folder).started("r1", configuration);
    assert.deepEqual(await seen(router), { leaf: "0", row: 0, column: undefined, alarms: [] });

    const ifindex = native.sock.interfaceIndex(PORT)!;
    using other = await native.bpf.load(OBJECT_PATH);
    // At once for the router, which else puts its own back in between
    router.child.kill("SIGSTOP");
    const state = () => readFileSync(`/proc/${router.child.pid}/stat`, "latin1");
    await waitFor(
      () => `it stops: ${state()}`,
      () => /\) T /.test(state()),
      { every: 1, limit: 20_000 },
    );
    takeOff(ifindex);
    const theirs = native.bpf.attachXdp(other.programs.get("semr_xdp")!, ifindex);
    router.child.kill("SIGCONT");
    const down = await until(router, ({ alarms }) => alarms.length > 0);
    assert.deepEqual([down.leaf, down.row, down.column], ["0", 0, undefined]);
    assert.equal(down.alarms.length, 1);
    const [alarm] = down.alarms;
    assert.deepEqual([alarm!.state, alarm!.severity], ["raised", "major"]);
    assert.match(alarm!.text, /^nothing is forwarded at port0: another program is on the xdp hook/);

    theirs.detach();
    const up = await until(router, ({ alarms }) => alarms.length === 0);
    assert.deepEqual([up.leaf, up.row, up.column], ["1", 1, "1"]);

    takeOff(ifindex);
    const again = await until(router, ({ row }) => row === 2);
    assert.deepEqual([again.leaf, again.column], ["2", "2"]);
    assert.equal(await router.end("SIGTERM"), 0);
  });
});
