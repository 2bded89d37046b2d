import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseIpv6, seconds } from "../../src/base/index.ts";
import { createNetTransport, startSpeaker } from "../../src/bgp/speaker/index.ts";
import { systemClock as clock, systemRandom as random } from "../../src/host/index.ts";
import { createRib } from "../../src/rib/index.ts";
import { daemon, OURS, PORT, peerLab, THEIRS } from "../bgp/interop/lab.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TIMEOUT = 60_000;
/** In the package as it is installed. */
const EXAMPLE = "node_modules/semrd/print-routes.mjs";

/** An empty project of somebody else's into which the packed package is installed, as npm does it. */
let project: string;

before(async () => {
  project = await mkdtemp(path.join(tmpdir(), "st-library-"));
  const packed = path.join(project, "packed");
  const { stdout } = await run(process.execPath, [path.join(ROOT, "tools/pack-library.mjs"), packed], {
    timeout: TIMEOUT,
  });
  await writeFile(path.join(project, "package.json"), JSON.stringify({ name: "consumer", private: true }));
  // What the package needs of others is theirs to install, which takes a registry: here it is what this project has.
  const offline = ["--offline", "--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...offline, stdout.trim()], { cwd: project, timeout: TIMEOUT });
  const manifest = await readFile(path.join(project, "node_modules/semrd/package.json"), "utf8");
  const { peerDependencies } = JSON.parse(manifest) as { readonly peerDependencies: Readonly<Record<string, string>> };
  await mkdir(path.join(project, "node_modules/@types"), { recursive: true });
  for (const name of [...Object.keys(peerDependencies), "@types/node"]) {
    await symlink(path.join(ROOT, "node_modules", name), path.join(project, "node_modules", name));
  }
});
after(() => rm(project, { recursive: true, force: true }));

describe("the control plane as a library", () => {
  it("the example brings up a session and prints the neighbour's routes", async () => {
    const address = "::1"; // of both, so the session is one inside an AS: the next hop stays
    const nextHop = parseIpv6("2001:db8::1")!;
    const local = { name: "peer", kind: "local", bgpIdentifier: 7, address: nextHop, autonomousSystem: 65001 } as const;
    const parts = { clock, random, log: new ListLog(), metrics: new TallyMetrics() };
    using rib = createRib({ local, tenants: [], maxRoutes: 1024 }, parts);
    const neighbour = { address, port: 179, remoteAs: 65001, passive: true, connectRetry: seconds(1) };
    await using speaker = await startSpeaker(
      {
        localAs: 65001,
        bgpIdentifier: local.bgpIdentifier,
        nextHop,
        listen: [{ address, port: 0 }],
        peers: [{ ...neighbour, holdTime: seconds(30), families: [{ family: "ipv6-unicast" }] }],
        gracefulRestart: undefined,
        start: { restarted: false, forwardingPreserved: false },
        acceptExternal: true,
      },
      { ...parts, rib, transport: createNetTransport({ clock }) },
      new AbortController().signal,
    );
    const set = { origin: "igp", asPath: [], nextHop, communities: [], extendedCommunities: [] } as const;
    for (const prefix of ["2001:db8:1::", "2001:db8:2::"]) {
      const nlri = { family: "ipv6-unicast", address: parseIpv6(prefix)!, length: 48 } as const;
      speaker.originateUnicast(nlri, { ...set, largeCommunities: [], opaque: [] });
    }
    speaker.localStateConverged();

    const { port } = speaker.listening[0]!;
    const args = [EXAMPLE, address, "65001", address, "65001", String(port)];
    const { stdout } = await run(process.execPath, args, { cwd: project, timeout: TIMEOUT });
    assert.deepEqual(stdout.trim().split("\n").sort(), [
      "2001:db8:1::/48 via 2001:db8::1",
      "2001:db8:2::/48 via 2001:db8::1",
    ]);
  });

  it("the example prints what BIRD tells", async (t) => {
    const BIRD = "/usr/sbin/bird";
    const lab = await peerLab(t, BIRD, "bird2");
    if (lab === undefined) return;
    const { ours, theirs, where } = lab;
    const prefixes = Array.from({ length: 20 }, (_, n) => `2001:db8:${(n + 1).toString(16)}::/48`);
    const routes = prefixes.map((prefix) => `route ${prefix} unreachable;`).join(" ");
    await writeFile(
      path.join(where, "bird.conf"),
      `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; ${routes} }
protocol bgp printer {
  local ${THEIRS} port ${PORT} as 65002;
  neighbor ${OURS} as 65001;
  passive on;
  ipv6 { import all; export where source = RTS_STATIC; };
}
`,
    );
    const files = ["-c", path.join(where, "bird.conf"), "-s", path.join(where, "ctl"), "-P", path.join(where, "pid")];
    daemon(t, theirs, [BIRD, "-f", ...files]);
    const args = [`--net=/run/netns/${ours}`, process.execPath, EXAMPLE, OURS, "65001", THEIRS, "65002", String(PORT)];
    const { stdout } = await run("nsenter", args, { cwd: project, timeout: TIMEOUT });
    const printed = stdout.trim().split("\n");
    assert.deepEqual(printed.sort(), prefixes.map((prefix) => `${prefix} via ${THEIRS}`).sort());
    t.diagnostic(`it prints ${printed.length} routes, the first one ${printed[0]}`);
  });

  it("has what its exports need and nothing of the sources, of the tests or of the router around it", async () => {
    const installed = path.join(project, "node_modules/semrd");
    const files = await readdir(installed, { recursive: true });
    assert.deepEqual((await readdir(installed)).sort(), [
      "LICENSE",
      "README.md",
      "dist",
      "package.json",
      "print-routes.mjs",
    ]);
    const foreign = files.filter((file) => /\.ts$/.test(file) && !file.endsWith(".d.ts"));
    assert.deepEqual(foreign, []);
    assert.deepEqual((await readdir(path.join(installed, "dist/src"))).sort(), [
      ...["base", "bgp", "directory", "forwarding", "host", "pacing", "rib", "sockets", "telemetry"],
    ]);
  });

  it("needs the Node that it says, and shows nothing that only a router does", async () => {
    const manifest = JSON.parse(await readFile(path.join(project, "node_modules/semrd/package.json"), "utf8")) as {
      readonly engines: { readonly node: string };
    };
    assert.equal(manifest.engines.node, ">=24");
    const ask = `console.log(Object.keys(await import("semrd/host")).join(" "))`;
    await writeFile(path.join(project, "ask.mjs"), ask);
    const { stdout } = await run(process.execPath, ["ask.mjs"], { cwd: project, timeout: TIMEOUT });
    assert.match(stdout, /^HostError errnoOf openLog systemClock systemRandom$/m);
    const modules = await readdir(path.join(project, "node_modules/semrd/dist/src/host"));
    assert.ok(!modules.some((name) => /store|journal/.test(name)), modules.join(" "));
  });

  it("its README names the faults that its types name, and no others", async () => {
    const installed = path.join(project, "node_modules/semrd");
    const readme = await readFile(path.join(installed, "README.md"), "utf8");
    const named = readme.split("\n").filter((line) => line.startsWith("| `"));
    const said = named.flatMap((line) => [...line.matchAll(/`((?:bgp|rib)\.[a-z-]+)`/g)].map(([, code]) => code!));
    const declared = await Promise.all(
      ["bgp/speaker/speaker-api", "bgp/speaker/transport", "rib/fault"].map((file) =>
        readFile(path.join(installed, `dist/src/${file}.d.ts`), "utf8"),
      ),
    );
    const codes = declared.flatMap((text) => [...text.matchAll(/code: "([a-z.-]+)"/g)].map(([, code]) => code!));
    assert.deepEqual([...new Set(said)].sort(), codes.sort());
  });

  it("its types reach a consumer, and refuse what is wrong", async () => {
    const consumer = path.join(project, "consumer.ts");
    const settings = {
      module: "nodenext",
      strict: true,
      noEmit: true,
      target: "es2024",
      types: ["node"],
    };
    await writeFile(
      path.join(project, "tsconfig.json"),
      JSON.stringify({ compilerOptions: settings, files: ["consumer.ts", "wrong.ts"] }),
    );
    // All exports, the types of the package checked with them.
    await writeFile(
      consumer,
      `import { parseIpv6, seconds } from "semrd/base";
import { createNetTransport, type PeerOptions, type Speaker, startSpeaker } from "semrd/bgp";
import { PolicyBook } from "semrd/bgp/policy";
import { encodeOpen, type OpenMessage } from "semrd/bgp/wire";
import { Compiler } from "semrd/forwarding";
import { openLog, systemClock as clock, systemRandom as random } from "semrd/host";
import { createRib } from "semrd/rib";
import { createMetrics } from "semrd/telemetry";

export const octets: (open: OpenMessage) => Uint8Array = encodeOpen;
export const made = [PolicyBook, Compiler];
const nextHop = parseIpv6("2001:db8::1")!;
const parts = { clock, random, log: openLog({ level: "warn", descriptor: 2 }), metrics: createMetrics() };
const local = { name: "own", kind: "local", bgpIdentifier: 7, address: nextHop, autonomousSystem: 65001 } as const;
const peer: PeerOptions = { address: "2001:db8::2", port: 179, remoteAs: 65000, passive: false, holdTime: seconds(90), connectRetry: seconds(1) };
export function start(signal: AbortSignal): Promise<Speaker> {
  const rib = createRib({ local, tenants: [], maxRoutes: 1024 }, parts);
  const start = { restarted: false, forwardingPreserved: false };
  return startSpeaker(
    { localAs: 65001, bgpIdentifier: 7, nextHop, listen: [], peers: [peer], gracefulRestart: undefined, start },
    { ...parts, rib, transport: createNetTransport({ clock }) },
    signal,
  );
}
`,
    );
    await writeFile(
      path.join(project, "wrong.ts"),
      'import type { PeerOptions } from "semrd/bgp";\nexport const as: PeerOptions["remoteAs"] = "65000";\n',
    );
    // Both at once: what is wrong is the only thing that is said.
    const checked = run(path.join(ROOT, "node_modules/.bin/tsc"), ["-p", project, "--pretty", "false"], {
      cwd: project,
      timeout: TIMEOUT,
    });
    await assert.rejects(checked, (error: { stdout?: string }) => {
      const errors = (error.stdout ?? "").split("\n").filter((line) => /\berror TS/.test(line));
      assert.deepEqual(
        errors.map((line) => line.replace(/:.*/, "")),
        ["wrong.ts(2,14)"],
        error.stdout,
      );
      assert.match(errors[0]!, /TS2322/);
      return true;
    });
  });
});
