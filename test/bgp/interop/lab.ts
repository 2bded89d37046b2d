/** Two namespaces with a cable between them, a semrd speaker in one and somebody else's in the other. */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { loadNative } from "../../../native/index.ts";
import { formatIpv4, formatIpv6, seconds } from "../../../src/base/index.ts";
import { createNetTransport, type PeerOptions, type SpeakerOptions } from "../../../src/bgp/speaker/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { AttributeSet, UnicastFamily, UnicastRow } from "../../../src/rib/index.ts";
import { fairTime, waitFor } from "../../host/fair-time.ts";
import { Router } from "../speaker/router.ts";
import { setSample } from "../wire/samples.ts";

const run = promisify(execFile);
const clock = systemClock;
export const OURS = "fd5e:b6c::1";
export const THEIRS = "fd5e:b6c::2";
export const PORT = 1179;

/** Why these tests cannot run here; `undefined` when they can. */
export async function missing(program: string, debianPackage: string): Promise<string | undefined> {
  if (!existsSync(program)) return `skipped: ${program} is missing (apt-get install ${debianPackage})`;
  if (process.getuid?.() !== 0) return "skipped: network namespaces need root";
  try {
    loadNative();
  } catch {
    return "skipped: the native addon is not built";
  }
  const probe = `st-uni-p${process.pid}`;
  try {
    await run("ip", ["netns", "add", probe]);
    await run("ip", ["netns", "del", probe]);
    return undefined;
  } catch {
    return "skipped: network namespaces cannot be made here";
  }
}

let cables = 0;

/** Gone with the test. */
export async function cable(t: TestContext): Promise<{ ours: string; theirs: string }> {
  const number = `${process.pid}x${++cables}`;
  const [ours, theirs] = [`st-uni-a${number}`, `st-uni-b${number}`];
  for (const name of [ours, theirs]) {
    await run("ip", ["netns", "add", name]);
    t.after(() => run("ip", ["netns", "del", name]));
  }
  await run("ip", ["-n", ours, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", theirs]);
  for (const [name, address] of [
    [ours, OURS],
    [theirs, THEIRS],
  ] as const) {
    await run("ip", ["-n", name, "link", "set", "lo", "up"]);
    await run("ip", ["-n", name, "link", "set", "wire", "up"]);
    await run("ip", ["-n", name, "address", "add", `${address}/64`, "dev", "wire", "nodad"]);
  }
  return { ours, theirs };
}

export interface Lab {
  /** Namespaces. */
  readonly ours: string;
  readonly theirs: string;
  /** A folder for their files. */
  readonly where: string;
}

/** A cable and a folder for a test with somebody else's program; `undefined`: the test was skipped, and says why. */
export async function peerLab(t: TestContext, program: string, debianPackage: string): Promise<Lab | undefined> {
  const reason = await missing(program, debianPackage);
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  return { ...(await cable(t)), where: await folder(t) };
}

export async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "semrd-interop-"));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** A process in a namespace. */
export interface Daemon {
  /** At once, unless another signal is asked for. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** What it has written to its standard output so far. */
  readonly output: string;
}

/** What is kept of a talkative daemon. */
const MOST_OUTPUT = 1 << 20;

/** Ends with the test. */
export function daemon(t: TestContext, namespace: string, argv: readonly string[]): Daemon {
  const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
  child.once("exit", fairTime.follow(child.pid));
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  let output = "";
  child.stdout.on("data", (text) => {
    if (output.length < MOST_OUTPUT) output += text;
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = (signal: NodeJS.Signals = "SIGKILL"): Promise<void> => {
    child.kill(signal);
    return gone;
  };
  t.after(async () => {
    await kill();
    if (said !== "") t.diagnostic(`${argv[0]}: ${said.slice(0, 2000)}`);
  });
  return {
    kill,
    get output() {
      return output;
    },
  };
}

export async function ask(namespace: string, program: string, ...words: string[]): Promise<string> {
  const options = { maxBuffer: 64 * 1024 * 1024 };
  const asked = run("nsenter", [`--net=/run/netns/${namespace}`, program, ...words], options);
  asked.child.once("exit", fairTime.follow(asked.child.pid));
  return (await asked).stdout;
}

const LIMIT_MS = 45_000;

/** By the time that the test, its daemons and whoever it asks have had a processor for: how busy the machine is does not matter. */
export const until = (what: string | (() => string), done: () => boolean | Promise<boolean>): Promise<void> =>
  waitFor(what, done, { every: 50, limit: LIMIT_MS });

export interface OwnOptions {
  readonly localAs?: number;
  readonly peer?: Partial<PeerOptions>;
  readonly speaker?: Partial<SpeakerOptions>;
}

/** Our end of the cable, with IPv6 and IPv4 unicast; ends with the test. */
export async function semrd(t: TestContext, namespace: string, options: OwnOptions = {}): Promise<Router> {
  const transport = createNetTransport({ clock, sock: loadNative().sock, namespace: `/run/netns/${namespace}` });
  const peer: Partial<PeerOptions> & { address: string } = {
    address: THEIRS,
    port: PORT,
    holdTime: seconds(30),
    connectRetry: seconds(1),
    // On a busy machine the other one is there late: attempts do not wait for each other longer and longer.
    maximumBackOff: seconds(2),
    families: [{ family: "ipv6-unicast" }, { family: "ipv4-unicast" }],
    ...options.peer,
  };
  const router = await Router.start(
    {
      address: OURS,
      identifier: "10.0.0.1",
      port: PORT,
      localAs: options.localAs ?? 65000,
      peers: [peer],
      maxRoutes: 300_000,
      ...(options.speaker === undefined ? {} : { speaker: options.speaker }),
    },
    { clock, transport, seed: 1 },
  );
  t.after(() => router[Symbol.asyncDispose]());
  return router;
}

/** Prefix number `n` of IPv6 (/64) or IPv4 (/28); the first octet tells whose it is. */
export function address(family: UnicastFamily, first: number, n: number): Uint8Array {
  const octets = new Uint8Array(family === "ipv6-unicast" ? 16 : 4);
  octets[0] = first;
  new DataView(octets.buffer).setUint32(
    family === "ipv6-unicast" ? 4 : 0,
    family === "ipv6-unicast" ? n : (first << 24) + n * 16,
  );
  return octets;
}

export const LENGTH: Readonly<Record<UnicastFamily, number>> = { "ipv6-unicast": 64, "ipv4-unicast": 28 };

export function prefixText(family: UnicastFamily, first: number, n: number): string {
  const octets = address(family, first, n);
  const text = octets.length === 16 ? formatIpv6(octets) : formatIpv4(new DataView(octets.buffer).getUint32(0));
  return `${text}/${LENGTH[family]}`;
}

/** Announces prefixes `from` to `to - 1`, with the address of our end as next hop. */
export function originate(
  router: Router,
  family: UnicastFamily,
  first: number,
  from: number,
  to: number,
  changes: Partial<AttributeSet> = {},
): void {
  const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: ownAddress(), ...changes });
  for (let n = from; n < to; n++) {
    router.speaker.originateUnicast({ family, address: address(family, first, n), length: LENGTH[family] }, set);
  }
}

function ownAddress(): Uint8Array {
  return Uint8Array.of(0xfd, 0x5e, 0x0b, 0x6c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
}

/** What came from the neighbour. */
export function learnt(router: Router, family: UnicastFamily): UnicastRow[] {
  return [...router.rib.unicast(family).rowsOf({})].filter(({ peer }) => peer !== 0);
}

/** A configuration file of our end: nothing but BGP with the neighbour, on the memory data plane. */
export function semrdConfiguration(where: string, socket: string, families: readonly object[]): object {
  const neighbor = { address: THEIRS, port: PORT, "remote-as": 65000, families: { family: families } };
  return {
    "semrd-router:router": {
      name: "r1",
      "router-id": "10.0.0.1",
      "state-directory": join(where, "state"),
      management: { "control-socket": socket },
      domain: { "dns-zone": "example.net", prefix: "fd5e:3d00:1::/48" },
      site: { selector: 1, locator: OURS },
      "semrd-dataplane:dataplane": { driver: "memory" },
      "semrd-bgp:bgp": { "local-as": 65000, address: OURS, port: PORT, neighbors: { neighbor: [neighbor] } },
    },
  };
}
