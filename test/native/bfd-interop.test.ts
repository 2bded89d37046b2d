/** The addon's end against daemons that others wrote. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { makeNamespace, runInside, whyNoNamespaces } from "./namespaces.ts";

/** Two namespaces with a link between them: ours has fd00:b::1 and fd00:c::1, theirs ::2 of both. */
function linkOrSkip(t: TestContext, program: string, debianPackage: string): readonly [string, string] | undefined {
  const reason = existsSync(program) ? whyNoNamespaces() : `${program} is missing: apt-get install ${debianPackage}`;
  if (reason !== undefined) {
    t.skip(`skipped: ${reason}`);
    return undefined;
  }
  const [ours, theirs] = [makeNamespace(t), makeNamespace(t)];
  execFileSync("ip", ["-n", ours, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", theirs]);
  for (const [namespace, host] of [
    [ours, 1],
    [theirs, 2],
  ] as const) {
    const ip = (...words: string[]) => execFileSync("ip", ["-n", namespace, ...words]);
    ip("link", "set", "eth0", "up");
    ip("address", "add", `fd00:b::${host}/64`, "dev", "eth0", "nodad");
    ip("address", "add", `fd00:c::${host}/64`, "dev", "eth0", "nodad");
  }
  return [ours, theirs];
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "st-bfd-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A daemon in a namespace until the test ends. */
function run(t: TestContext, namespace: string, argv: readonly string[]): void {
  const words = ["-n", "-19", "nsenter", `--net=/run/netns/${namespace}`, ...argv];
  const child = spawn("nice", words, { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
}

/** BIRD sends multihop packets with a hop limit of 64. Single hop and multihop come up, survive, change their intervals by Polls, and notice the end in time. */
function interoperate(namespace: string, theirs: string, tell: readonly string[]): void {
  runInside(
    namespace,
    async ({ BfdEnd, execFileSync: exec }, far, words) => {
      const end = new BfdEnd();
      const times = { desiredMinTx: 100_000, requiredMinRx: 100_000, detectMultiplier: 6 };
      using single = end.open({ local: "fd00:b::1", remote: "fd00:b::2", ...times });
      using multi = end.open({ local: "fd00:c::1", remote: "fd00:c::2", multihop: true, minimumTtl: 64, ...times });
      for (const session of [single, multi]) {
        await end.until(
          () => session.status.state === "Up",
          () => `Up: ${JSON.stringify(session.status)}`,
          15_000, // a daemon that starts on a busy machine
        );
        await end.until(() => !session.status.polling, "the peer answers our Poll");
      }
      const told = exec("nsenter", [`--net=/run/netns/${far}`, ...(JSON.parse(words!) as string[])], {
        encoding: "utf8",
      });
      assert.match(told, /up/i);
      console.log(told);
      for (const session of [single, multi]) {
        session.setTimes({ desiredMinTx: 200_000, requiredMinRx: 150_000, detectMultiplier: 6 });
        await end.until(
          () => !session.status.polling && session.status.transmitInterval === 200_000,
          "changed by a Poll",
        );
      }
      for (const session of [single, multi]) {
        assert.deepEqual([session.status.state, session.status.downs], ["Up", 0]);
        assert.deepEqual(session.status.discarded, {});
      }
      exec("nsenter", [`--net=/run/netns/${far}`, "ip", "link", "set", "eth0", "down"]);
      const cut = Number(process.hrtime.bigint()) / 1e6;
      for (const { session } of [single, multi]) {
        const down = await end.change((change) => change.session === session && change.before === "Up");
        assert.ok(down.failed);
        const took = down.at - cut; // by the clock of who noticed it: this process may be late to hear of it
        console.log(`noticed after ${took.toFixed(0)} ms`);
        assert.ok(took < 1500, `noticed after ${took} ms`);
      }
      end.thread[Symbol.dispose]();
    },
    theirs,
    JSON.stringify(tell),
  );
}

it("BIRD 2", (t) => {
  const link = linkOrSkip(t, "/usr/sbin/bird", "bird2");
  if (link === undefined) return;
  const [ours, theirs] = link;
  const folder = folderFor(t);
  writeFileSync(
    join(folder, "bird.conf"),
    `router id 10.0.0.2;
protocol device { }
protocol bfd {
  interface "eth0" { min rx interval 50 ms; min tx interval 50 ms; multiplier 6; };
  multihop { min rx interval 50 ms; min tx interval 50 ms; multiplier 6; };
  neighbor fd00:b::1 dev "eth0";
  neighbor fd00:c::1 local fd00:c::2 multihop yes;
}
`,
  );
  run(t, theirs, ["/usr/sbin/bird", "-f", "-c", join(folder, "bird.conf"), "-s", join(folder, "bird.ctl")]);
  interoperate(ours, theirs, ["birdc", "-s", join(folder, "bird.ctl"), "show", "bfd", "sessions"]);
});

it("FRR's bfdd", async (t) => {
  const link = linkOrSkip(t, "/usr/lib/frr/bfdd", "frr");
  if (link === undefined) return;
  const [ours, theirs] = link;
  const folder = folderFor(t);
  // FRR gives up its rights and then wants its own folders.
  spawnSync("chown", ["frr:frr", folder]);
  const common = ["-i", join(folder, "pid"), "--vty_socket", folder, "-z", join(folder, "zserv"), "-P", "0"];
  run(t, theirs, ["/usr/lib/frr/zebra", ...common.with(1, join(folder, "zebra.pid"))]);
  // bfdd looks for zebra once, and then after ten seconds.
  const deadline = performance.now() + 10_000;
  while (!existsSync(join(folder, "zserv"))) {
    assert.ok(performance.now() < deadline, "zebra does not start");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  writeFileSync(
    join(folder, "bfdd.conf"),
    `bfd
 peer fd00:b::1 local-address fd00:b::2 interface eth0
  detect-multiplier 6
  receive-interval 50
  transmit-interval 50
 !
 peer fd00:c::1 multihop local-address fd00:c::2
  detect-multiplier 6
  receive-interval 50
  transmit-interval 50
 !
!
`,
  );
  // Gone in FRR 10.
  const hasControl = spawnSync("/usr/lib/frr/bfdd", ["--help"], { encoding: "utf8" }).stdout.includes("--bfdctl");
  const control = hasControl ? ["--bfdctl", join(folder, "bfdd.sock")] : [];
  run(t, theirs, ["/usr/lib/frr/bfdd", ...common, ...control, "-f", join(folder, "bfdd.conf")]);
  interoperate(ours, theirs, ["vtysh", "--vty_socket", folder, "-c", "show bfd peers brief"]);
});
