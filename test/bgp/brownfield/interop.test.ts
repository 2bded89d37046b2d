import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { loadNative } from "../../../native/index.ts";
import { type CapabilityName, formatIpv6, parseIpv6, seconds, toHex } from "../../../src/base/index.ts";
import { CapabilityBook, isSiteWord } from "../../../src/bgp/brownfield/index.ts";
import { NO_EXPORT } from "../../../src/bgp/policy/index.ts";
import { createNetTransport } from "../../../src/bgp/speaker/index.ts";
import { decodeCapability } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { AttributeSet, RouteRow, SemanticAttribute } from "../../../src/rib/index.ts";
import { untilAllRead, WHOLE_PACKETS } from "../../host/tcpdump.ts";
import { cable, daemon, folder, missing, OURS, PORT, THEIRS, until } from "../interop/lab.ts";
import { Router, type RouterOptions } from "../speaker/router.ts";
import { Member, type World } from "./over-others.ts";
import { domain, FAMILIES, LOCATOR, siteSet, VALID_UNTIL } from "./samples.ts";

const run = promisify(execFile);
const clock = systemClock;
const SECOND = "fd5e:b6c::3";
const PAYLOAD = 220;
const COUNT = 100;

const NAMES = Array.from({ length: COUNT }, (_, n) => `/vision/kind-${n}` as CapabilityName);
const CAPABILITIES = new CapabilityBook(
  NAMES.map((name) => ({ name, majorVersion: 1 })),
  FAMILIES,
);

type Role = "reflector" | "transit";

interface Foreign {
  readonly program: string;
  readonly debianPackage: string;
  readonly file: string;
  configuration(role: Role): string;
  argv(where: string): readonly string[];
}

const asOf = (role: Role, n: number): number => (role === "reflector" ? 65000 : 65000 + n);
const OWN = [OURS, SECOND] as const;

const PROGRAMS: Readonly<Record<string, Foreign>> = {
  FRR: {
    program: "/usr/lib/frr/bgpd",
    debianPackage: "frr",
    file: "bgpd.conf",
    configuration: (role) => {
      const each = (line: (address: string, n: number) => string): string =>
        OWN.map((address, i) => line(address, i + 1)).join("\n");
      return `hostname x
router bgp ${asOf(role, 9)}
 bgp router-id 10.0.0.9
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
${each((address, n) => ` neighbor ${address} remote-as ${asOf(role, n)}\n neighbor ${address} port ${PORT}\n neighbor ${address} passive`)}
 address-family ipv6 unicast
${each((address) => `  neighbor ${address} activate${role === "reflector" ? `\n  neighbor ${address} route-reflector-client` : ""}`)}
 exit-address-family
`;
    },
    argv: (where) => [
      ...["/usr/lib/frr/bgpd", "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")],
      ...["--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS],
    ],
  },
  BIRD: {
    program: "/usr/sbin/bird",
    debianPackage: "bird2",
    file: "bird.conf",
    configuration: (role) => `router id 10.0.0.9;
protocol device { }
protocol static { ipv6; route ${formatted(LOCATOR)}/128 via ${OURS}; }
${OWN.map(
  (address, i) => `protocol bgp p${i} {
  local ${THEIRS} port ${PORT} as ${asOf(role, 9)};
  neighbor ${address} as ${asOf(role, i + 1)};
  passive;
  ${role === "reflector" ? "rr client;" : ""}
  ipv6 { import all; export where source = RTS_BGP; };
}`,
).join("\n")}
`,
    argv: (where) => [
      ...["/usr/sbin/bird", "-f", "-c", join(where, "bird.conf")],
      ...["-s", join(where, "bird.ctl"), "-P", join(where, "bird.pid")],
    ],
  },
  GoBGP: {
    program: "/usr/bin/gobgpd",
    debianPackage: "gobgpd",
    file: "gobgpd.toml",
    configuration: (role) => `[global.config]
as = ${asOf(role, 9)}
router-id = "10.0.0.9"
port = ${PORT}
local-address-list = ["${THEIRS}"]
${OWN.map(
  (address, i) => `[[neighbors]]
[neighbors.config]
neighbor-address = "${address}"
peer-as = ${asOf(role, i + 1)}
[neighbors.transport.config]
local-address = "${THEIRS}"
passive-mode = true
${role === "reflector" ? '[neighbors.route-reflector.config]\nroute-reflector-client = true\nroute-reflector-cluster-id = "10.0.0.9"' : ""}
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv6-unicast"`,
).join("\n")}
`,
    argv: (where) => [
      ...["/usr/bin/gobgpd", "-f", join(where, "gobgpd.toml"), "-l", "warn"],
      ...["--api-hosts", "127.0.0.1:50051", "--pprof-disable"],
    ],
  },
};

function formatted(address: Uint8Array): string {
  return (toHex(address).match(/.{4}/g) ?? []).join(":");
}

/** Our speakers, in one namespace. */
function world(t: TestContext, namespace: string): World {
  const transport = createNetTransport({ clock, sock: loadNative().sock, namespace: `/run/netns/${namespace}` });
  return {
    clock,
    async router(options: RouterOptions) {
      const router = await Router.start(options, { clock, transport, seed: 1 });
      t.after(() => router[Symbol.asyncDispose]());
      return router;
    },
  };
}

/** Everything that communities carry. */
const WORDS: Partial<SemanticAttribute> = {
  version: { major: 1, minor: 7, compatibleMajor: 1 },
  score: 9,
  state: "degraded",
  latencyClass: 2,
  costClass: 14,
  labels: ["gdpr", "eu", "gpu"].map((text) => ({ text, critical: false })),
  aggregate: { count: 17, minimum: 9, mean: 9, maximum: 9 },
};
/** What they do not. */
const MORE: Partial<SemanticAttribute> = {
  access: { protocol: "tcp", port: 443, alpn: "h2" },
  capacity: { maximum: 100, remaining: 40 },
  lease: { sequence: 5n, validUntil: seconds(VALID_UNTIL + 7), renew: seconds(900) },
  taxonomyRevision: 3,
  attestation: Uint8Array.from({ length: 300 }, (_, i) => i),
};
const OTHERS: Partial<AttributeSet> = {
  communities: [0xfde80001],
  largeCommunities: [{ globalAdministrator: 64500, data1: 1, data2: 2 }],
};

const RUNS = [
  ["reflector", false],
  ["transit", false],
  ["transit", true],
] as const;

for (const [name, foreign] of Object.entries(PROGRAMS)) {
  for (const [role, payload] of RUNS) {
    const how = payload ? "communities and payload" : "communities";
    it(`${name} as ${role}, ${how}: what arrives is what was sent`, { timeout: 90_000 }, async (t) => {
      const reason = await missing(foreign.program, foreign.debianPackage);
      if (reason !== undefined) return t.skip(reason);
      const { ours, theirs } = await cable(t);
      await run("ip", ["-n", ours, "address", "add", `${SECOND}/64`, "dev", "wire", "nodad"]);
      const where = await folder(t);
      await writeFile(join(where, foreign.file), foreign.configuration(role));
      const capture = await captured(t, ours, join(where, "wire.pcap"));
      daemon(t, theirs, foreign.argv(where));

      const here = world(t, ours);
      const of = domain({ capabilities: CAPABILITIES, payloadCode: PAYLOAD });
      // On a busy machine the other one is there late: attempts do not wait for each other longer and longer.
      const retries = { connectRetry: seconds(1), maximumBackOff: seconds(2) };
      const through = { address: THEIRS, port: PORT, remoteAs: asOf(role, 9), ...retries };
      const member = (address: string, n: number) =>
        Member.start(here, {
          ...{ address, port: PORT, identifier: `10.0.0.${n}`, localAs: asOf(role, n), domain: of, through },
          session: { noExport: role === "reflector", payload },
        });
      const a = await member(OURS, 1);
      const b = await member(SECOND, 2);
      const sent = siteSet(OTHERS, payload ? { ...WORDS, ...MORE } : WORDS);
      for (const name of NAMES) {
        const nlri = a.nlri({ capabilityId: CAPABILITIES.identify(name, 1).capabilityId });
        a.say(sent, nlri);
      }
      const rows = (): RouteRow[] => [...b.router.rib.capability.routesOf({})];
      await until(
        () => `${rows().length} of ${2 * COUNT} routes; ${a.router.peer().state}, ${b.router.peer().state}`,
        () => rows().length === 2 * COUNT,
      );
      const status = b.imported.status(formatIpv6(parseIpv6(THEIRS)!));
      assert.deepEqual([status!.learnt, status!.mismatched, [...status!.lost]], [2 * COUNT, 0, []]);

      for (const { attributes, key, originId, nextHop } of rows()) {
        const nlri = decodeCapability(key);
        assert.ok(nlri?.type === "site");
        const known = CAPABILITIES.byId(nlri.capabilityId)!;
        assert.deepEqual(attributes.semantic, { ...sent.semantic, name: known.name });
        assert.deepEqual(nextHop, LOCATOR);
        assert.equal(originId, a.router.originId);
        const communities = role === "reflector" ? [0xfde80001, NO_EXPORT] : [0xfde80001];
        assert.deepEqual(attributes.communities.toSorted(), communities.toSorted());
        const others = attributes.largeCommunities.filter((word) => !isSiteWord(word));
        assert.deepEqual(others, OTHERS.largeCommunities);
        assert.deepEqual(attributes.opaque, []);
      }
      const weights = new Set(
        NAMES.map((name) => {
          const { capabilityId } = CAPABILITIES.identify(name, 1);
          return b.router.rib.capability.select(1, capabilityId).winner?.weight;
        }),
      );
      assert.deepEqual([...weights], [30], "whatever became of link bandwidth");

      // Nothing was said in the family that this router does not know, and it had no reason to complain.
      for (const { router } of [a, b]) {
        assert.deepEqual([router.peer().families, router.peer().flaps], [["ipv6/unicast"], 0]);
        assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
      }
      const withdrawn = a.nlri({ capabilityId: CAPABILITIES.identify(NAMES[0]!, 1).capabilityId });
      a.unsay(undefined, withdrawn);
      await until("one of them is gone", () => rows().length === 2 * COUNT - 2);
      // tshark decodes what was on the wire without finding a fault, and no message is longer than 3.9 kB.
      const decoded = await capture?.();
      if (decoded === undefined) t.diagnostic("tcpdump or tshark is missing: the wire was not looked at");
      else {
        assert.deepEqual(decoded.malformed, []);
        assert.ok(decoded.updates.length >= COUNT, `${decoded.updates.length} messages`);
        assert.ok(Math.max(...decoded.updates) <= 3900);
      }
      return undefined;
    });
  }
}

interface Decoded {
  /** Lengths of the messages that one of ours sent in packets with an UPDATE. */
  readonly updates: readonly number[];
  /** What tshark cannot make sense of, of anybody. */
  readonly malformed: readonly string[];
}

/** Captures BGP in a namespace until the answer is called, which gives every message as tshark reads it. */
async function captured(
  t: TestContext,
  namespace: string,
  file: string,
): Promise<(() => Promise<Decoded>) | undefined> {
  for (const program of ["/usr/bin/tcpdump", "/usr/bin/tshark"]) if (!existsSync(program)) return undefined;
  const argv = [`--net=/run/netns/${namespace}`, "/usr/bin/tcpdump", "-i", "wire", "-w", file];
  const child = spawn("nsenter", [...argv, "-U", ...WHOLE_PACKETS], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  let said = "";
  child.stderr.setEncoding("utf8");
  while (!said.includes("listening on")) {
    const [text] = await Promise.race([once(child.stderr, "data"), ended]);
    assert.equal(typeof text, "string", `tcpdump ended (${child.exitCode ?? child.signalCode}): ${said}`);
    said += text;
  }
  child.stderr.resume();
  return async () => {
    await untilAllRead(child);
    child.kill("SIGINT"); // it writes what it still holds
    await ended;
    // All at once: it takes longer to start than to read.
    const ours = `bgp.type == 2 && ipv6.src == ${OURS}`;
    const fields = ["_ws.malformed", "ipv6.src", "bgp.type", "bgp.length", "frame.number", "_ws.expert.message"];
    const shown = fields.flatMap((field) => ["-e", field]);
    const filter = ["-Y", `_ws.malformed || (${ours})`, "-T", "fields"];
    const options = ["-r", file, "-d", `tcp.port==${PORT},bgp`, ...filter, ...shown];
    const { stdout } = await run("tshark", options, { maxBuffer: 64 * 1024 * 1024 });
    const updates: number[] = [];
    const malformed: string[] = [];
    for (const line of stdout.split("\n").filter((line) => line !== "")) {
      const [wrong, source, types, lengths, ...told] = line.split("\t");
      if (wrong !== "") malformed.push(told.join("\t"));
      if (source === OURS && types!.split(",").includes("2")) updates.push(...lengths!.split(",").map(Number));
    }
    return { updates, malformed };
  };
}
