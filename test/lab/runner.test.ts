import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { deployLab, destroyLab, LabInUse } from "../../lab/runner/index.ts";
import { leftovers, whyNoNamespaces } from "./namespaces.ts";

const skip = whyNoNamespaces();
const folder = mkdtempSync(path.join(tmpdir(), "st-lab-"));
after(() => rmSync(folder, { recursive: true }));

const MAIN = path.join(import.meta.dirname, "../../lab/runner/main.ts");

/** Of labs of this process: others may run these tests meanwhile. */
const OWN = `st-lab-${process.pid}-`;
const named = (name: string): string => OWN + name;
/** An end on this machine. */
const HOST_LINK = `stlab${process.pid}`;

/** A lab of two nodes with one link, under a name of its own. */
function labFile(
  name: string,
  more: { readonly a?: string; readonly b?: string; readonly links?: string } = {},
): string {
  const file = path.join(folder, `${name}.clab.yml`);
  writeFileSync(
    file,
    `name: ${name}
topology:
  defaults:
    sysctls: { net.ipv6.conf.default.accept_dad: 0 }
  nodes:
    a:
      exec: [ip address add fd00:1::a/64 dev eth1 nodad]
${more.a ?? ""}
    b:
      exec: [ip address add fd00:1::b/64 dev eth1 nodad]
${more.b ?? ""}
  links:
    - { endpoints: ["a:eth1", "b:eth1"], mtu: 1400 }
${more.links ?? ""}
`,
  );
  return file;
}

async function waitUntil(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 10) {
    assert.ok(waited < 10_000, "still not after 10 s");
    await setTimeout(10);
  }
}

/** Other tests have namespaces, and mount in temporary folders, meanwhile: of these, those of labs here. */
const OF_OTHERS = ` (/run/netns|${tmpdir()})/(?!.*${OWN})`;

/** Links, namespaces and mounts of this machine. */
const machine = (): string =>
  execFileSync(
    "sh",
    [
      "-c",
      `ip -o link | grep -vP 'stlab(?!${process.pid}\\b)'; ip netns list | grep ${OWN}; grep -vP '${OF_OTHERS}' /proc/self/mounts; ls /etc /opt /var/lib`,
    ],
    {
      encoding: "utf8",
    },
  );

describe("a lab of two nodes", { skip }, () => {
  it("is there, and then nothing of it is", async () => {
    writeFileSync(path.join(folder, "motd"), "from the lab");
    const before = machine();
    const lab = await deployLab(
      labFile(named("pair"), {
        a: `      cmd: sh -c 'echo started; exec sleep 1000'
      env: { COLOUR: blue }
      dns: { servers: ["fd00:1::b"], search: [example.net] }
      binds: ["motd:/etc/st-lab/motd:ro", "__clabNodeDir__/data:/var/lib/st-lab", "motd:/run/x/motd"]`,
      }),
    );
    try {
      const say = async (line: string): Promise<string> => (await lab.exec("a", ["sh", "-c", line])).stdout.trim();
      assert.equal(await say("hostname"), "a");
      assert.equal(await say("echo $COLOUR"), "blue");
      assert.equal(await say("cat /etc/resolv.conf"), "nameserver fd00:1::b\nsearch example.net");
      assert.equal(await say("cat /etc/st-lab/motd /run/x/motd"), "from the labfrom the lab");
      assert.equal(await say("echo x > /etc/st-lab/motd || echo refused"), "refused");
      assert.equal(await say("touch /var/lib/st-lab/kept /etc/st-lab-new && ls /sys/class/net"), "eth1\nlo");
      assert.ok(existsSync(path.join(lab.directory, "a/data/kept")));
      assert.equal(await say("cat /sys/class/net/eth1/mtu"), "1400");
      assert.equal(await say("stat -f -c %T /sys/fs/bpf"), "bpf_fs");
      assert.equal(await say("cat /proc/1/comm"), "init.sh");

      // The nodes reach each other: b answers with a reset, which curl reports as 7.
      const refused = await lab.exec("a", ["curl", "--silent", "--max-time", "5", "http://[fd00:1::b]:9/"]);
      assert.equal(refused.code, 7);
      assert.match(readFileSync(lab.node("a").logFile, "utf8"), /started/);
      assert.notEqual(lab.node("a").pid, lab.node("b").pid);
    } finally {
      await lab[Symbol.asyncDispose]();
    }
    assert.deepEqual(leftovers(named("pair")), []);
    assert.equal(machine(), before);
  });

  it("exec: standard input, exit codes, signals and time limits", async () => {
    await using lab = await deployLab(labFile(named("exec")));
    const echoed = await lab.exec("a", ["cat"], { stdin: Buffer.from([0, 255, 10]) });
    assert.deepEqual([...echoed.octets], [0, 255, 10]);
    assert.equal((await lab.exec("a", ["sh", "-c", "echo oops >&2; exit 3"])).code, 3);
    assert.equal((await lab.exec("a", ["sh", "-c", "kill -9 $$"])).code, 137);
    const late = await lab.exec("a", ["sleep", "1000"], { timeout: 200 });
    assert.equal(late.code, 137);
    assert.match(late.stderr, /killed after 200 ms/);
    // At any moment of its beginning.
    for (let timeout = 0; timeout < 40; timeout++)
      assert.equal((await lab.exec("a", ["sleep", "1000"], { timeout })).code, 137);
    assert.throws(() => lab.node("c"), RangeError);

    const running = lab.spawn("a", [
      "sh",
      "-c",
      "trap 'echo got it; exit 5' INT; echo ready; while :; do sleep 0.05; done",
    ]);
    let text = "";
    running.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    await once(running.stdout, "data");
    await running.kill("SIGINT");
    assert.equal(await running.exited, 5);
    assert.equal(text, "ready\ngot it\n");
    const list = await lab.exec("a", ["sh", "-c", "grep -l 'sleep.100[0]' /proc/[0-9]*/cmdline"]);
    assert.equal(list.stdout, ""); // the one that was too late is gone
  });

  it("PID 1 reaps what others leave, and outlives the node's command", async () => {
    // In the file of a lab $$ stands for $.
    const orphan = "(echo $$$$ >/run/parent; sleep 0.05 & echo $$! >/run/orphan); exit 7";
    await using lab = await deployLab(labFile(named("reap"), { a: `      cmd: sh -c '${orphan}'` }));
    // A zombie still has its folder: that of the orphan, and of the command, goes when PID 1 has reaped it.
    const reaped = "[ -s /run/orphan ] && for n in orphan parent; do [ ! -e /proc/$(cat /run/$n) ] || exit 1; done";
    const limit = 10_000;
    for (const late = AbortSignal.timeout(limit); (await lab.exec("a", ["sh", "-c", reaped])).code !== 0; )
      assert.ok(!late.aborted, `not within ${limit} ms: ${(await lab.exec("a", ["ps", "-ef"])).stdout}`);
    assert.equal((await lab.exec("a", ["true"])).code, 0);
  });

  it("a node without privileges has only its capabilities", async () => {
    await using lab = await deployLab(
      labFile(named("caps"), { a: "      privileged: false\n      cap-add: [NET_ADMIN]" }),
    );
    const mounted = await lab.exec("a", ["mount", "-t", "tmpfs", "x", "/mnt"]);
    assert.notEqual(mounted.code, 0);
    assert.equal((await lab.exec("b", ["mount", "-n", "-t", "tmpfs", "x", "/mnt"])).code, 0);
  });

  it("waits for health, in the order of wait-for", async () => {
    const file = labFile(named("wait"), {
      a: `      stages: { create: { wait-for: [{ node: b, stage: healthy }] } }
      cmd: touch /run/started`,
      b: `      cmd: sh -c 'sleep 0.3; touch /run/up; sleep 1000'
      healthcheck: { test: [CMD-SHELL, "test -e /run/up"], start-period: 20, interval: 1 }`,
    });
    await using lab = await deployLab(file);
    await lab.healthy("b");
    assert.equal((await lab.exec("b", ["test", "-e", "/run/up"])).code, 0);
    const made = async (node: string, name: string): Promise<number> => {
      const line = `until [ -e ${name} ]; do :; done; stat -c %.9Y ${name}`;
      return Number((await lab.exec(node, ["sh", "-c", line])).stdout);
    };
    const [up, started] = [await made("b", "/run/up"), await made("a", "/run/started")];
    assert.ok(up > 0 && started >= up, `b was healthy at ${up}, and a was started at ${started}`);
  });

  it("a health check that keeps failing is told", async () => {
    const file = labFile(named("sick"), { a: `      healthcheck: { test: [CMD, "false"], retries: 2, interval: 1 }` });
    await using lab = await deployLab(file);
    await assert.rejects(lab.healthy("a"), /node a is unhealthy after 2 checks/);
  });

  it("two labs of the same file stand side by side; the same lab twice does not", async () => {
    const file = labFile(named("one"));
    await using one = await deployLab(file);
    await using other = await deployLab(file, { name: named("other") });
    assert.notEqual(one.node("a").pid, other.node("a").pid);
    await assert.rejects(deployLab(file), LabInUse);
    assert.equal((await one.exec("a", ["true"])).code, 0);
  });

  it("bridge nodes and ends on this machine", async () => {
    const file = path.join(folder, "bridge.clab.yml");
    writeFileSync(
      file,
      `name: ${named("bridge")}
topology:
  defaults: { sysctls: { net.ipv6.conf.default.accept_dad: 0 } }
  nodes:
    br: { kind: bridge }
    a: { exec: [ip address add fd00:1::a/64 dev eth1 nodad] }
    b: { exec: [ip address add fd00:1::b/64 dev eth1 nodad] }
  links:
    - endpoints: ["a:eth1", "br:p1"]
    - endpoints: ["b:eth1", "br:p2"]
    - { type: host, endpoint: { node: a, interface: eth2 }, host-interface: ${HOST_LINK} }
`,
    );
    const lab = await deployLab(file);
    try {
      assert.equal((await lab.exec("a", ["curl", "--silent", "--max-time", "5", "http://[fd00:1::b]:9/"])).code, 7);
      assert.ok(existsSync(`/sys/class/net/${HOST_LINK}`));
    } finally {
      await lab[Symbol.asyncDispose]();
    }
    assert.deepEqual(leftovers(named("bridge")), []);
  });
});

describe("a lab that fails to come up leaves nothing and says why", { skip }, () => {
  const VECTORS: [string, Parameters<typeof labFile>[1], RegExp][] = [
    ["a missing bind", { a: `      binds: ["no-such-file:/etc/x"]` }, /node a did not start: .*no-such-file/],
    ["a new folder in /", { a: `      binds: ["/tmp:/st-lab-new"]` }, /nothing is made in \/ itself/],
    ["a wrong sysctl", { a: "      sysctls: { net.ipv6.no_such: 1 }" }, /cannot set net\/ipv6\/no_such to 1/],
    ["an unknown capability", { a: "      privileged: false\n      cap-add: [FLY]" }, /no capability fly/],
  ];
  for (const [name, more, want] of VECTORS) {
    it(name, async () => {
      await assert.rejects(deployLab(labFile(named("fail"), more)), want);
      assert.deepEqual(leftovers(named("fail")), []);
    });
  }

  it("exec fails", async () => {
    const file = labFile(named("fail"));
    writeFileSync(file, readFileSync(file, "utf8").replace("fd00:1::b/64", "fd00:1::b/999"));
    await assert.rejects(deployLab(file), /node b: ip address add fd00:1::b\/999 .*exit code/);
    assert.deepEqual(leftovers(named("fail")), []);
  });

  it("aborted while nodes wait", async () => {
    const stop = new AbortController();
    const file = labFile(named("abort"), { a: "      startup-delay: 600" });
    const deploying = deployLab(
      file,
      { progress: (text) => text === "1 links" && stop.abort(new Error("enough")) },
      stop.signal,
    );
    await assert.rejects(deploying, /enough|abort/i);
    assert.deepEqual(leftovers(named("abort")), []);
  });
});

describe("a lab whose runner is gone", { skip }, () => {
  const start = (file: string, line: string) => {
    const code = `const { deployLab } = await import(${JSON.stringify(path.join(import.meta.dirname, "../../lab/runner/index.ts"))});
      ${line}; console.log("deployed"); setInterval(() => {}, 1000);`;
    return spawn(process.execPath, ["--input-type=module", "-e", code, file], { stdio: ["ignore", "pipe", "inherit"] });
  };

  it("killed with -9 after deployment: destroy finds and ends everything", async () => {
    const file = labFile(named("kill"), { a: "      cmd: sleep 1000" });
    const child = start(file, `globalThis.lab = await deployLab(${JSON.stringify(file)})`);
    await once(child.stdout!, "data");
    child.kill("SIGKILL");
    await once(child, "close");
    assert.notDeepEqual(leftovers(named("kill")), []);
    assert.equal(await destroyLab(named("kill")), true);
    assert.deepEqual(leftovers(named("kill")), []);
    assert.equal(await destroyLab(named("kill")), false);
  });

  it("killed with -9 before its nodes were started: they end by themselves, and the name is free again", async () => {
    const delay = "      startup-delay: 600";
    const file = labFile(named("early"), { a: delay, b: delay });
    const child = start(file, `await deployLab(${JSON.stringify(file)}, { progress: (text) => console.log(text) })`);
    let text = "";
    child.stdout!.setEncoding("utf8");
    for await (const part of child.stdout!) {
      text += part;
      if (text.includes("links")) break;
    }
    const { nodes } = JSON.parse(readFileSync(`/run/semrd-lab/${named("early")}/state.json`, "utf8"));
    assert.equal(nodes.length, 2);
    child.kill("SIGKILL");
    await once(child, "close");
    await waitUntil(() => nodes.every((node: { init: { pid: number } }) => !existsSync(`/proc/${node.init.pid}`)));
    await using lab = await deployLab(labFile(named("early")));
    assert.equal((await lab.exec("a", ["true"])).code, 0);
  });
});

describe("the command line", { skip }, () => {
  const cli = (...args: string[]) =>
    execFileSync(process.execPath, [MAIN, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

  it("deploy, inspect, exec, destroy", () => {
    const file = labFile(named("cli"));
    try {
      assert.match(cli("deploy", "-t", file), new RegExp(`lab ${named("cli")}: 2 nodes, 1 links`));
      const shown = JSON.parse(cli("inspect", "-t", file, "-f", "json"));
      assert.deepEqual(
        shown[named("cli")].map((node: Record<string, string>) => [node.name, node.kind, node.state]),
        [
          [`clab-${named("cli")}-a`, "linux", "running"],
          [`clab-${named("cli")}-b`, "linux", "running"],
        ],
      );
      assert.match(
        cli("inspect", "-n", named("cli")),
        new RegExp(`clab-${named("cli")}-a\\s+linux\\s+running\\s+\\d+\\s+eth1 fd00:1::a/64`),
      );
      assert.equal(cli("exec", "-n", named("cli"), "b", "hostname", "-s"), "b\n");
      assert.match(cli("graph", "-t", file), /^graph LR/);
    } finally {
      assert.match(cli("destroy", "-n", named("cli")), /is gone|no lab/);
    }
    assert.deepEqual(leftovers(named("cli")), []);
    assert.throws(() => cli("exec", "-n", named("cli"), "b", "true"), new RegExp(`there is no lab ${named("cli")}`));
  });
});
