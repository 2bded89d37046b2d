import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchFamily, type Daemon, DEVICE, type Neighbour, type Role } from "./daemons.ts";
import { treeOf, usageOf } from "./process-tree.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const SOURCES = join(import.meta.dirname, "generator");
const GENERATOR = join(ROOT, "build", "bench", "bgp-load");
const NAMESPACE = "generator";
const FIRST: Readonly<Record<Role, string>> = {
  sender: "fd5e:b6f::100",
  sink: "fd5e:b6f::200",
  idle: "fd5e:b6f::1000",
};
const FIRST_AS: Readonly<Record<Role, number>> = { sender: 4_200_000_100, sink: 4_200_000_900, idle: 4_200_001_000 };
const MOST: Readonly<Record<Role, number>> = { sender: 16, sink: 4, idle: 128 };

/** Makes two namespaces with a cable; they go with the processes of the bench. This one is the device's. */
export function setUpNetwork(): void {
  const addresses = (["sender", "sink", "idle"] as const).flatMap((role) =>
    Array.from({ length: MOST[role] }, (_, i) => `address add ${addressOf(role, i)}/64 dev far nodad`),
  );
  const commands = `
    mkdir -p /run/netns
    mount -t tmpfs tmpfs /run/netns
    ip netns add ${NAMESPACE}
    ip link set lo up
    ip link add near type veth peer name far netns ${NAMESPACE}
    ip link set near up
    ip -6 address add ${DEVICE}/64 dev near nodad
    ip -n ${NAMESPACE} link set lo up
    ip -n ${NAMESPACE} link set far up
    printf '%s\\n' "$ADDRESSES" | ip -n ${NAMESPACE} -6 -batch -
  `;
  execFileSync("sh", ["-ec", commands], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ADDRESSES: addresses.join("\n") },
  });
}

/** Compiles the generator where its sources are newer. */
export function buildGenerator(): void {
  const sources = readdirSync(SOURCES).map((name) => join(SOURCES, name));
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(GENERATOR) && statSync(GENERATOR).mtimeMs > newest) return;
  mkdirSync(join(ROOT, "build", "bench"), { recursive: true });
  const units = sources.filter((path) => path.endsWith(".c"));
  execFileSync("cc", ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-o", GENERATOR, ...units, "-lm"], { stdio: "inherit" });
}

function addressOf(role: Role, number: number): string {
  const [prefix, first] = [FIRST[role].replace(/[^:]*$/, ""), FIRST[role].replace(/^.*:/, "")];
  return `${prefix}${(Number.parseInt(first, 16) + number).toString(16)}`;
}

export interface Scenario {
  readonly family: BenchFamily;
  readonly routes: number;
  readonly sets: number;
  readonly senders: number;
  readonly idle: number;
  /** Lines for the generator, in order. */
  readonly commands: readonly string[];
  readonly turns?: boolean;
}

/** What one command came to. */
export interface Measured {
  readonly phase: string;
  /** Processor seconds of the router until it was quiet again. */
  readonly cpu: number;
  /** Largest resident memory so far, in MB. */
  readonly peak: number;
  readonly resident: number;
  /** From the first octet sent to the last route seen. */
  readonly seconds: number;
  readonly first?: number;
  readonly updates?: number;
  readonly routes?: number;
  readonly flaps?: number;
  readonly p50?: number;
  readonly p99?: number;
}

export interface Run {
  readonly measured: readonly Measured[];
  /** Resident memory before the first route, in MB. */
  readonly idle: number;
  /** Processor milliseconds of the longest turn of the event loop, where they were looked at. */
  readonly longestTurn?: number;
}

/** Starts a router and its neighbours, goes through the commands and ends all of it. */
export async function runScenario(daemon: Daemon, scenario: Scenario): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "semrd-bench-"));
  const dump = scenario.commands.includes("dump") ? 1 : 0;
  const count: Readonly<Record<Role, number>> = { sender: scenario.senders, sink: 1 + dump, idle: scenario.idle };
  const neighbours = (["sender", "sink", "idle"] as const).flatMap((role) =>
    Array.from(
      { length: count[role] },
      (_, i): Neighbour => ({ address: addressOf(role, i), remoteAs: FIRST_AS[role] + i, role }),
    ),
  );
  const { family, turns = false } = scenario;
  const command = daemon.command({ neighbours, family, folder, turns });
  const device = spawn(command[0]!, command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: folder,
    env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, "build", "compile-cache") },
  });
  let said = "";
  device.stdout!.on("data", (text: Buffer) => {
    said += text.toString();
  });
  let complaints = "";
  device.stderr!.on("data", (text: Buffer) => {
    complaints = (complaints + text.toString()).slice(-2000);
  });
  const words = [DEVICE, FIRST.sender, FIRST.sink, FIRST.idle, scenario.senders, 1, scenario.idle, family];
  const load = [GENERATOR, ...words, scenario.routes, scenario.sets].map(String);
  let generator: ChildProcess | undefined;
  try {
    await sleep(1500); // routers that say nothing when they are ready
    generator = spawn("ip", ["netns", "exec", NAMESPACE, ...load], { stdio: ["pipe", "pipe", "inherit"] });
    const measured = await converse(generator, device, scenario.commands);
    const idle = measured.shift()!.resident;
    await end(generator);
    await end(device);
    const longest = /"longestTurn":([\d.]+)/.exec(said)?.[1];
    return { measured, idle, ...(longest === undefined ? {} : { longestTurn: Number(longest) }) };
  } catch (cause) {
    console.error(complaints);
    throw cause;
  } finally {
    if (generator !== undefined) await end(generator);
    await end(device);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first entry is the state before all commands. */
async function converse(
  generator: ChildProcess,
  device: ChildProcess,
  commands: readonly string[],
): Promise<Measured[]> {
  const answers = createInterface({ input: generator.stdout! })[Symbol.asyncIterator]();
  const next = async (what: string): Promise<Record<string, number>> => {
    const { done, value } = await answers.next();
    if (done === true) throw new Error(`the generator gave up at "${what}"; its reason stands above`);
    return JSON.parse(value);
  };
  await next("sessions");
  const { cpu, ...memory } = await quiet(device.pid!);
  const measured: Measured[] = [{ phase: "idle", seconds: 0, cpu: 0, ...memory }];
  let before = cpu;
  for (const command of commands) {
    generator.stdin!.write(`${command}\n`);
    const answer = await next(command);
    const usage = await quiet(device.pid!);
    measured.push({ ...(answer as unknown as Measured), ...usage, cpu: usage.cpu - before });
    before = usage.cpu;
  }
  return measured;
}

/** Usage once the router does nothing more, or after a while. */
async function quiet(pid: number): ReturnType<typeof sampled> {
  let last = usageOf(pid);
  for (let looks = 0; looks < 40; looks++) {
    await sleep(250);
    const now = usageOf(pid);
    if (now.cpu - last.cpu < 0.015) return now;
    last = now;
  }
  return last;
}

async function sampled(): Promise<ReturnType<typeof usageOf>> {
  return usageOf(process.pid);
}

/** By their numbers, the children first known. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const tree = treeOf(child.pid);
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of tree) {
      try {
        process.kill(pid, name);
      } catch {
        // It has ended already.
      }
    }
  };
  signal("SIGTERM");
  const late = setTimeout(() => signal("SIGKILL"), 5000);
  await gone;
  clearTimeout(late);
}
