import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { whyNoPass } from "./bench.ts";
import { AT, Lab, type LabOptions, UDP_EQUAL, UDP_ONCE } from "./lab.ts";
import { download } from "./lab-agent.ts";

const PYTHON = "/usr/bin/python3";
const FIVE_MEGABYTES = 5 * 1024 * 1024;

let known: { readonly reason: string | undefined } | undefined;

/** What five namespaces and real traffic need beyond the pass itself; asked once. */
function whyNoLab(): string | undefined {
  known ??= { reason: whatIsMissing() };
  return known.reason;
}

function whatIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const tool of ["ip", "nsenter", "curl", "tcpdump", PYTHON])
    if (spawnSync(tool, ["-V"]).error) return `${tool} is not installed`;
  return whyNoPass();
}

const sha256 = (octets: Uint8Array | string) => createHash("sha256").update(octets).digest("hex");

/** PUTs octets to a capability over a connection of which every packet has extension headers. */
const WITH_OPTIONS = `
import http.client, socket, sys
pad = bytes([0, 0, 1, 4, 0, 0, 0, 0])
connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=20)
connection.sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
for option in (54, 59):  # IPV6_HOPOPTS, IPV6_DSTOPTS
    connection.sock.setsockopt(socket.IPPROTO_IPV6, option, pad)
connection.sock.settimeout(20)
connection.sock.connect((sys.argv[1], 80))
connection.request("PUT", "/", bytes([7]) * int(sys.argv[2]))
sys.stdout.write(connection.getresponse().read().decode())
`;

const VARIANTS: readonly LabOptions[] = [
  { coreMtu: 1600, coreHook: "xdp", edgeHook: "tc" },
  { coreMtu: 1500, coreHook: "xdp", edgeHook: "tc" },
  { coreMtu: 1600, coreHook: "tc", edgeHook: "tc" },
  { coreMtu: 1500, coreHook: "tc", edgeHook: "tc" },
  { coreMtu: 1500, coreHook: "xdp", edgeHook: "xdp" },
  { coreMtu: 1500, coreHook: "tc", edgeHook: "tc", clamp: true },
];

for (const options of VARIANTS)
  test(`through veth: core MTU ${options.coreMtu}, ${options.coreHook} on the core, ${options.edgeHook} at the edge${options.clamp ? ", MSS clamped" : ""}`, async (t) => {
    const reason = whyNoLab();
    if (reason !== undefined) {
      t.skip(`skipped: ${reason}`);
      return;
    }
    await using lab = await Lab.start(options);
    const folder = mkdtempSync(join(tmpdir(), "st-dp-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const capture = lab.launch("core", "tcpdump", "-i", "r1", "-n", "-l", "--immediate-mode", "-s", "128", "ip6");
    let seen = "";
    capture.stdout!.setEncoding("utf8").on("data", (text: string) => {
      if (seen.length < 1 << 20) seen += text;
    });
    await once(capture.stderr!, "data");

    const curl = (...words: string[]) =>
      lab.run("client", "curl", "-g", "-sS", "--fail", "--max-time", "30", "--noproxy", "*", ...words);

    for (const [whose, capability] of [
      ["the far side", AT.web],
      ["the client's own router", AT.here],
    ] as const) {
      await t.test(`5 MB down from ${whose}`, async () => {
        const file = join(folder, "down");
        const url = `http://[${capability}]/${FIVE_MEGABYTES}`;
        const done = await curl("-o", file, "-w", "%{size_download} %{time_total}", url);
        assert.equal(done.code, 0, done.stderr);
        t.diagnostic(`down: ${done.stdout}`);
        const got = spawnSync("sha256sum", [file], { encoding: "utf8" }).stdout.split(" ")[0];
        assert.equal(got, sha256(download(FIVE_MEGABYTES)));
      });

      await t.test(`5 MB up to ${whose}; the agent sees the client's own address`, async () => {
        const file = join(folder, "up");
        const octets = download(FIVE_MEGABYTES);
        writeFileSync(file, octets);
        const upload = ["-w", "\n%{time_total}", "-H", "Expect:", "--data-binary", `@${file}`];
        const done = await curl(...upload, `http://[${capability}]/`);
        assert.equal(done.code, 0, done.stderr);
        const [answer, seconds] = done.stdout.split("\n");
        t.diagnostic(`up: ${seconds}`);
        assert.equal(answer, `${sha256(octets)} ${AT.client}`);
      });
    }

    await t.test("a client with hop-by-hop and destination options", async () => {
      for (const capability of [AT.web, AT.here]) {
        const done = await lab.run("client", PYTHON, "-c", WITH_OPTIONS, capability, "1000000");
        assert.equal(done.code, 0, done.stderr);
        assert.equal(done.stdout, `${sha256(new Uint8Array(1_000_000).fill(7))} ${AT.client}`);
      }
    });

    await t.test("UDP request and answer", async () => {
      const asked = await lab.run("client", process.execPath, "--eval", UDP_ONCE, AT.dns, "53", "100");
      assert.equal(asked.stdout.trim(), `100 from ${AT.client} by ${AT.dns} 53`, asked.stderr);
    });

    await t.test("datagrams in turn: either router's agent answers, and the client knows no difference", async () => {
      const before = [await lab.verdicts("r1"), await lab.verdicts("r2")];
      const done = await lab.run("client", process.execPath, "--eval", UDP_EQUAL, AT.turn, "8", "100");
      assert.equal(done.stdout.trim(), "8 of 8 equal", done.stderr);
      const after = [await lab.verdicts("r1"), await lab.verdicts("r2")];
      for (const [i, { delivered }] of after.entries())
        assert.ok(delivered - before[i]!.delivered >= 2, `r${i + 1} delivered ${delivered - before[i]!.delivered}`);
    });

    await t.test("datagrams of 9 kB, in fragments there and back", async (t) => {
      if (options.clamp) return t.skip("the same as without: MSS is TCP's");
      for (const capability of [AT.large, AT.largeHere]) {
        const words = ["--eval", UDP_EQUAL, capability, "8", "9000"];
        const done = await lab.run("client", process.execPath, ...words);
        assert.equal(done.stdout.trim(), "8 of 8 equal", done.stderr);
      }
      const refused = await lab.run("client", process.execPath, "--eval", UDP_ONCE, AT.dns, "53", "9000");
      assert.match(refused.stdout, /EACCES/, "not where the capability does not say so");
    });

    for (const [what, url, router, verdict] of [
      ["an empty group refuses at once", `http://[${AT.empty}]/`, "r1", "reject-empty-group"],
      ["a port that nobody serves refuses at once, from the far side", `http://[${AT.web}]:81/`, "r2", "reject-port"],
    ] as const)
      await t.test(what, async () => {
        const before = await lab.synsAgain("client");
        const done = await curl("-v", url);
        assert.equal(done.code, 7, done.stderr);
        assert.match(done.stderr, /Connection refused/);
        assert.equal(await lab.synsAgain("client"), before, "curl waited for a second SYN");
        assert.equal((await lab.verdicts(router))[verdict], 1);
      });

    await t.test("counters and capture: IPv6 in IPv6 one way, plain the other", async () => {
      const r1 = await lab.verdicts("r1");
      const r2 = await lab.verdicts("r2");
      t.diagnostic(`r1 ${JSON.stringify(r1)}`);
      t.diagnostic(`r2 ${JSON.stringify(r2)}`);
      assert.ok(r1.encapsulated > 100 && r2.delivered > 100 && r2.returned > 100);
      assert.ok(r1.delivered > 100 && r1.returned > 100);
      assert.equal(r1["reject-lost-state"] + r2["reject-lost-state"], 0);
      const { stdout: route } = await lab.run("client", "ip", "-6", "route", "get", AT.web);
      if (options.coreMtu === 1500 && options.clamp !== true) {
        assert.ok(r1["reject-too-big"] > 0, "the client was told what fits the tunnel");
        assert.match(route, /mtu 1460/, "the client believed it");
      } else {
        assert.equal(r1["reject-too-big"], 0);
        assert.doesNotMatch(route, /mtu/);
      }
      assert.ok(seen.includes(`IP6 ${AT.r1} > ${AT.r2}: IP6 ${AT.client}.`), seen.slice(0, 1000));
      assert.ok(seen.includes(`IP6 ${AT.web}.80 > ${AT.client}.`), seen.slice(0, 1000));
      assert.ok(!seen.includes(AT.agent), "the agent's own address was seen on core");
    });
  });
