import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { type Client, credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { loadNative } from "../../native/index.ts";
import { MAPS } from "../../src/dataplane/abi.ts";
import { loadProto } from "../../src/management/gnmi/service.ts";
import type { PeerRow } from "../../src/management/index.ts";
import { gnmiPath, type Message, Stream } from "../management/gnmi/gnmi-router.ts";
import type { RawClient } from "../management/netconf/raw-client.ts";
import type { RouterProcess } from "./router-process.ts";

const run = promisify(execFile);
const BIRD = "/usr/sbin/bird";
const PORT = 1179;
/** On the loopback of a namespace: of r1, r2 and BIRD. */
export const [R1, R2, THEIRS] = ["fd5e:b6e::1", "fd5e:b6e::2", "fd5e:b6e::3"];
export const LOOPBACK = [
  "ip link set lo up",
  ...[R1, R2, THEIRS].map((address) => `ip address add ${address}/128 dev lo`),
].join("\n");

/** The container `bgp` with these neighbours. */
export const bgp = (address: string, ...neighbors: readonly (readonly [address: string, family: string])[]) => ({
  "semrd-bgp:bgp": {
    ...{ "local-as": 65000, address, port: PORT, "connect-retry": 1 },
    neighbors: {
      neighbor: neighbors.map(([to, family]) => ({
        ...{ address: to, port: PORT, "remote-as": 65000 },
        families: { family: [{ name: family }] },
      })),
    },
  },
});

/** BIRD as a neighbour of r1, gone with the test; says what `birdc` does. Undefined where it is not installed. */
export async function startBird(
  t: TestContext,
  folder: string,
): Promise<((...words: string[]) => Promise<string>) | undefined> {
  if (!existsSync(BIRD)) {
    t.diagnostic(`without BIRD: ${BIRD} is missing (apt-get install bird2)`);
    return undefined;
  }
  const [file, control] = [path.join(folder, "bird.conf"), path.join(folder, "bird.ctl")];
  await writeFile(
    file,
    `router id 10.0.0.9;
protocol device { }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${R1} port ${PORT} as 65000;
  strict bind yes;
  multihop;
  connect delay time 1;
  connect retry time 1;
  ipv6 { import all; export none; };
}
`,
  );
  const child = spawn(BIRD, ["-f", "-c", file, "-s", control, "-P", path.join(folder, "pid")], { stdio: "ignore" });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  });
  return async (...words) => (await run("birdc", ["-s", control, ...words])).stdout;
}

const TABLES = ["capabilities", "groups", "next_hops", "encapsulations", "policies"] as const;
/** Entries that are compared at once. */
const BLOCK = 256;

/** The tables of a plan as the kernel has them, octet for octet. */
export type Tables = Readonly<Record<(typeof TABLES)[number], Buffer>>;

export async function kernelTables(pinDirectory: string): Promise<Tables> {
  const [layout] = (await readdir(pinDirectory)).filter((name) => name.startsWith("v"));
  const octetsOf = (name: (typeof TABLES)[number]): Buffer => {
    using map = loadNative().bpf.openMap(path.join(pinDirectory, layout!, name));
    return Buffer.from(map.mmap());
  };
  return Object.fromEntries(TABLES.map((name) => [name, octetsOf(name)])) as unknown as Tables;
}

/** How many entries of each table are others than before. */
export function written(before: Tables, after: Tables): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of TABLES) {
    const size = Math.ceil(MAPS[name].value / 8) * 8;
    const differ = (at: number, length: number): boolean =>
      !after[name].subarray(at, at + length).equals(before[name].subarray(at, at + length));
    let count = 0;
    for (let block = 0; block < after[name].length; block += BLOCK * size) {
      if (!differ(block, BLOCK * size)) continue;
      for (let at = block; at < Math.min(block + BLOCK * size, after[name].length); at += size)
        // In the place of group 0 stands the generation of the plan.
        if (differ(at, size) && !(name === "groups" && at === 0)) count++;
    }
    if (count > 0) counts[name] = count;
  }
  return counts;
}

/** Streams of gNMI at the control socket, each over a connection of its own. */
export async function openStreams(
  t: TestContext,
  socket: string,
  paths: readonly string[],
): Promise<readonly Stream[]> {
  const { gnmi } = loadPackageDefinition(loadProto()) as Message;
  const streams = paths.map((wanted, i) => {
    const client = new gnmi.gNMI(`unix:${socket}`, credentials.createInsecure(), { "semrd.test": i });
    t.after(() => (client as Client).close());
    const stream = new Stream(client.Subscribe());
    const subscription = [{ path: gnmiPath(wanted), mode: "ON_CHANGE" }];
    stream.call.write({ subscribe: { mode: "STREAM", encoding: "JSON_IETF", subscription, updates_only: true } });
    return stream;
  });
  await Promise.all(streams.map((stream) => stream.synced()));
  return streams;
}

/** What stays the same as long as no session is reset, as both ends of BGP and NETCONF count it. */
export async function sessionCounts(r1: RouterProcess, r2: RouterProcess, netconf: RawClient): Promise<object> {
  const peers = async (router: RouterProcess) =>
    ((await router.ctl("show", "peers")) as readonly PeerRow[]).map((row) => ({
      ...{ address: row.address, state: row.state, ends: [row.local, row.remote] },
      ...{ established: row.establishedTransitions, flaps: row.flaps, refused: row.refusedConnections },
    }));
  const said = await netconf.rpc(
    '<get><filter><netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><statistics/></netconf-state></filter></get>',
  );
  const statistics = ["in-sessions", "dropped-sessions", "in-bad-hellos"].map((name) => {
    const [, count] = new RegExp(`<${name}>(\\d+)</${name}>`).exec(said) ?? assert.fail(said);
    return [name, count];
  });
  return { r1: await peers(r1), r2: await peers(r2), netconf: statistics };
}
