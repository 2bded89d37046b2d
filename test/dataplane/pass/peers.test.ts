import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { killed } from "../../host/child.ts";
import { WHOLE_PACKETS } from "../../host/tcpdump.ts";
import { whyNoPass } from "./bench.ts";
import { AT, Lab, type LabOptions, UDP_ONCE } from "./lab.ts";
import { download } from "./lab-agent.ts";

const MEGABYTES = 3 * 1024 * 1024;
const LATEST_MS = 20_000;
/**
 * Of a request, with its headers in one segment: the link to the core takes it as it is, with timestamps (RFC 7323), and not with any
 * tunnel's headers where its MTU is 1500.
 */
const LONE_SEGMENT = 1500 - 40 - 32;
/** Of a request without its user agent. */
const REQUEST_OCTETS = `GET /100 HTTP/1.1\r\nHost: [${AT.web}]\r\nUser-Agent: \r\nAccept: */*\r\n\r\n`.length;
const MAC = [2, 0, 0, 0, 0, 9];
/** A vxlan device is a link: a router would join the group of routers on it; with an address of its own it would look for others. */
const silentVxlan = (ends: string): readonly string[] => [
  "sysctl -qw net.ipv6.conf.default.forwarding=0",
  `link add vx type vxlan id 7 dstport 4789 nolearning udp6zerocsumtx udp6zerocsumrx ${ends}`,
  "link set vx addrgenmode none",
];
const SEGMENTS = { segments: [AT.waypoint] };
const NETWORK = { vni: 7, destination: MAC };

interface Variant extends LabOptions {
  readonly name: string;
  /** Stacks of protocols as tshark names them, of TCP and UDP on the way there. */
  readonly stacks: readonly string[];
}

const common = { coreMtu: 1600, edgeHook: "tc" } as const;
const inIpv6 = ["eth:ethertype:ipv6:ipv6:tcp", "eth:ethertype:ipv6:ipv6:udp"];
const behindSegments = inIpv6.map((stack) => stack.replace("ipv6:ipv6", "ipv6:ipv6.routing:ipv6"));
const inVxlan = inIpv6.map((stack) => stack.replace("ipv6:ipv6", "ipv6:udp:vxlan:eth:ethertype:ipv6"));

const VARIANTS: readonly Variant[] = [
  { name: "ours to ours, IPv6-in-IPv6", ...common, coreHook: "tc", stacks: inIpv6 },
  {
    name: "ours over the kernel's End to ours",
    ...common,
    coreHook: "xdp",
    wrapping: SEGMENTS,
    stacks: behindSegments,
  },
  {
    name: "the same, tc on the core, MTU 1500",
    ...common,
    coreMtu: 1500,
    coreHook: "tc",
    wrapping: SEGMENTS,
    stacks: behindSegments,
  },
  { name: "ours to ours in VXLAN", ...common, coreHook: "xdp", wrapping: NETWORK, stacks: inVxlan },
  {
    name: "the same, tc on the core, MTU 1500",
    ...common,
    coreMtu: 1500,
    coreHook: "tc",
    wrapping: NETWORK,
    stacks: inVxlan,
  },
  {
    name: "ours over the kernel's End to the kernel's End.DT6",
    ...common,
    coreHook: "tc",
    wrapping: SEGMENTS,
    stacks: behindSegments,
    kernel: {
      router: "r2",
      setUp: [
        `address del ${AT.r2}/128 dev lo`,
        `route add ${AT.r2}/128 encap seg6local action End.DT6 table 255 dev core`,
        ...[AT.web, AT.dns].map((capability) => `address add ${capability}/128 dev lo`),
      ],
    },
  },
  {
    name: "ours to the kernel's vxlan device",
    ...common,
    coreHook: "tc",
    wrapping: NETWORK,
    stacks: inVxlan,
    kernel: {
      router: "r2",
      setUp: [
        ...silentVxlan(`local ${AT.r2} remote ${AT.r1}`),
        `link set vx address ${MAC.map((octet) => octet.toString(16).padStart(2, "0")).join(":")} up`,
        ...[AT.web, AT.dns].map((capability) => `address add ${capability}/128 dev lo`),
      ],
    },
  },
  {
    name: "the kernel's H.Encaps over End to ours",
    ...common,
    coreHook: "tc",
    stacks: behindSegments,
    kernel: {
      router: "r1",
      setUp: [
        `sr tunsrc set ${AT.r1}`,
        ...[AT.web, AT.dns].map(
          (capability) => `route add ${capability}/128 encap seg6 mode encap segs ${AT.waypoint},${AT.r2} dev core`,
        ),
      ],
    },
  },
  {
    name: "the kernel's H.Encaps.Red straight to ours",
    ...common,
    coreHook: "xdp",
    stacks: inIpv6,
    kernel: {
      router: "r1",
      setUp: [
        `sr tunsrc set ${AT.r1}`,
        ...[AT.web, AT.dns].map(
          (capability) => `route add ${capability}/128 encap seg6 mode encap.red segs ${AT.r2} dev core`,
        ),
      ],
    },
  },
  {
    name: "the kernel's vxlan device to ours",
    ...common,
    coreHook: "tc",
    wrapping: NETWORK,
    stacks: inVxlan,
    kernel: {
      router: "r1",
      setUp: [
        ...silentVxlan(`local ${AT.r1} remote ${AT.r2}`),
        "link set vx up",
        "neighbour add fe80::99 lladdr 02:00:00:00:00:0b dev vx",
        ...[AT.web, AT.dns].map((capability) => `route add ${capability}/128 via fe80::99 dev vx`),
      ],
    },
  },
];

/** Asked once: the programs of others take longer to say their version than what they are there for. */
let known: { readonly reason: string | undefined } | undefined;

function whyNoPeers(): string | undefined {
  known ??= { reason: whatIsMissing() };
  return known.reason;
}

function whatIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const tool of ["ip", "nsenter", "curl", "tcpdump", "tshark"])
    if (spawnSync(tool, ["--version"]).error) return `${tool} is not installed`;
  return whyNoPass();
}

function tshark(file: string, ...words: string[]): string[] {
  // what goes to port 53 here is no question to a name server; a tunnel's UDP may have no checksum (RFC 6935)
  const args = ["-n", "--disable-protocol", "dns", "-o", "udp.ignore_ipv6_zero_checksum:TRUE", "-r", file, ...words];
  return execFileSync("tshark", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 26 })
    .split("\n")
    .filter((line) => line !== "");
}

const ERROR_SEVERITY = 8_388_608;
const FIELDS = ["frame.protocols", "_ws.malformed", "_ws.expert.severity", "_ws.col.Info"];

/** Every frame has its place in the protocols that tshark knows, and none is malformed. */
function readBack(t: TestContext, file: string, stacks: readonly string[]): void {
  const frames = tshark(file, "-T", "fields", ...FIELDS.flatMap((field) => ["-e", field])).map((line) => {
    const [protocols = "", malformed, severities = "", info = ""] = line.split("\t");
    return {
      protocols,
      isBad: malformed !== "" || severities.split(",").some((s) => Number(s) >= ERROR_SEVERITY),
      info,
    };
  });
  assert.deepEqual(
    frames.filter(({ isBad }) => isBad),
    [],
  );
  for (const stack of stacks)
    assert.ok(
      frames.some(({ protocols }) => protocols.startsWith(stack)),
      `${stack} among ${[...new Set(frames.map(({ protocols }) => protocols))]}`,
    );
  for (const { protocols, info } of frames.filter(({ info }) => /\[SYN|→ 53 /.test(info)).slice(0, 3))
    t.diagnostic(`${protocols} ${info}`);
}

for (const variant of VARIANTS)
  test(`${variant.name}: a small exchange read back by tshark, large ones whole`, async (t) => {
    const reason = whyNoPeers();
    if (reason !== undefined) {
      t.skip(`skipped: ${reason}`);
      return;
    }
    await using lab = await Lab.start(variant);
    const folder = mkdtempSync(join(tmpdir(), "st-dp-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "core.pcap");
    const capture = lab.launch("core", "tcpdump", "-i", "r1", "-n", "-U", ...WHOLE_PACKETS, "-w", file, "ip6");
    await once(capture.stderr!, "data");

    const curl = (...words: string[]) =>
      lab.run("client", "curl", "-g", "-sS", "--fail", "--max-time", "30", "--noproxy", "*", ...words);
    const url = `http://[${AT.web}]`;
    const small = await curl(`${url}/100`);
    assert.equal(small.code, 0, small.stderr);
    const asked = await lab.run("client", process.execPath, "--eval", UDP_ONCE, AT.dns, "53", "100");
    assert.equal(asked.stdout.trim(), `100 from ${AT.client} by ${AT.dns} 53`, asked.stderr);
    // Its answer is the last packet, and what was not read from the kernel when it ends is lost.
    const answer = `100 from ${AT.client}`;
    for (const late = performance.now() + LATEST_MS; !readFileSync(file).includes(answer); ) {
      assert.ok(performance.now() < late, `the capture lacks "${answer}"`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await killed(capture, "SIGINT");
    readBack(t, file, variant.stacks);

    const octets = download(MEGABYTES);
    const up = join(folder, "up");
    const down = join(folder, "down");
    writeFileSync(up, octets);
    const sum = createHash("sha256").update(octets).digest("hex");
    const sent = await curl("-w", " %{time_total}", "-H", "Expect:", "--data-binary", `@${up}`, `${url}/`);
    assert.equal(sent.code, 0, sent.stderr);
    assert.ok(sent.stdout.startsWith(`${sum} ${AT.client}`), sent.stdout);
    const got = await curl("-o", down, "-w", "%{time_total}", `${url}/${MEGABYTES}`);
    assert.equal(got.code, 0, got.stderr);
    assert.equal(spawnSync("sha256sum", [down], { encoding: "utf8" }).stdout.split(" ")[0], sum);
    // Super-packets are cut smaller: a segment on its own, as long as the client's link takes it, is what may be told to be shorter.
    const alone = await curl("-A", "x".repeat(LONE_SEGMENT - REQUEST_OCTETS), `${url}/100`);
    assert.equal(alone.code, 0, alone.stderr);
    t.diagnostic(`3 MB up ${sent.stdout.split(" ").at(-1)} s, down ${got.stdout} s`);

    for (const router of ["r1", "r2"] as const) {
      if (variant.kernel?.router === router) continue;
      const counts = await lab.verdicts(router);
      const seen = Object.entries(counts).filter(([, count]) => count > 0);
      t.diagnostic(`${router} ${JSON.stringify(Object.fromEntries(seen))}`);
      const dropped = seen.filter(([name]) => name.startsWith("drop-"));
      assert.deepEqual(dropped, []);
      if (router === "r1" && variant.kernel === undefined)
        assert.equal(counts["reject-too-big"] > 0, variant.coreMtu === 1500);
    }
  });
