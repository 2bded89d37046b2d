import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { loadNative } from "../../../native/index.ts";
import type { KernelDataplane } from "../../../src/dataplane/index.ts";
import { type Row, row } from "./figures.ts";
import { LiveFrames } from "./live.ts";
import { NETWORK } from "./network.ts";
import { mapOf, programOf, setClientPort, startFilled } from "./world.ts";

const CAPABILITIES = 1000;
const SETTLE_MS = 150;
const SINKS = ["first sink", "second sink"] as const;
/** Frames at each sink after which a run is under way. */
const FLOWING = 10_000;
const WITHIN_MS = 10_000;
/** More than are sent until they are stopped. */
const ENOUGH = 100_000_000;
const MILLION = 1e6;
/** Tunnel 1 ends behind the second link, tunnel 2 behind the first. */
const DEAD = 1;

interface Failure {
  readonly lost: number;
  /** From the event to the last frame at the dead next hop. */
  readonly lastMs: number;
}

/** What is lost when one of two next hops dies under full load, by who says so. */
export async function measureFailover(runs: number): Promise<Row[]> {
  const size = { capabilities: CAPABILITIES, tunnels: 2 };
  await using dataplane = await startFilled("failover", size);
  using live = await LiveFrames.start("failover", { capabilities: CAPABILITIES, flows: 10_000 }, true);
  const { bpf, sock } = loadNative();
  const arrival = sock.interfaceIndex(NETWORK.arrival)!;
  setClientPort(mapOf(dataplane.object, "ports"), arrival, "itself");
  const link = bpf.attachXdp(programOf(dataplane.object, "semr_xdp"), arrival, "native");
  const byStore: Failure[] = [];
  const byLink: Failure[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      byStore.push(await fail(live, dataplane, prepareStore));
      byLink.push(await fail(live, dataplane, prepareLink));
    }
  } finally {
    link.detach();
  }
  const lost = (failures: readonly Failure[]) => failures.map((failure) => failure.lost);
  const last = (failures: readonly Failure[]) => failures.map((failure) => failure.lastMs);
  return [
    row("setHealth: frames lost", "", lost(byStore), { most: 0 }),
    row("setHealth: last frame to the dead next hop, from the call on", "ms", last(byStore)),
    row(
      "link event: from the link's going down to the store",
      "ms",
      last(byLink),
      { most: 5 },
      "`ip monitor` stands for the event's source",
    ),
    row("link event: frames lost meanwhile", "", lost(byLink)),
  ];
}

/** A way to die, with all that takes time done before frames flow. */
interface Death {
  /** Resolves, once the data plane was told, to when it began. */
  happen(): Promise<number>;
  undo(): Promise<void>;
}

async function prepareStore(dataplane: KernelDataplane): Promise<Death> {
  return {
    happen: async () => {
      const begin = Number(process.hrtime.bigint());
      dataplane.setHealth(DEAD, "down");
      return begin;
    },
    undo: async () => {},
  };
}

/** The dead next hop's end is taken down; whoever hears of it tells the data plane. */
async function prepareLink(dataplane: KernelDataplane): Promise<Death> {
  const monitor = spawn("ip", ["monitor", "link", "dev", NETWORK.links[1]], { stdio: ["ignore", "pipe", "inherit"] });
  const setter = spawn("ip", ["-n", NETWORK.sinkNamespace, "-batch", "-"], { stdio: ["pipe", "ignore", "inherit"] });
  const set = (state: "up" | "down") => setter.stdin.write(`link set ${NETWORK.sinks[1]} ${state}\n`);
  await Promise.all([once(monitor, "spawn"), once(setter, "spawn")]);
  await wait(SETTLE_MS); // neither says when it is ready
  return {
    happen: async () => {
      const heard = new Promise<void>((resolve) => {
        monitor.stdout.on("data", (text: Buffer) => {
          if (!text.includes("NO-CARRIER")) return;
          dataplane.setHealth(DEAD, "down");
          resolve();
        });
      });
      const begin = Number(process.hrtime.bigint());
      set("down");
      await heard;
      return begin;
    },
    undo: async () => {
      monitor.kill();
      set("up");
      setter.stdin.end();
      await once(setter, "close");
      await until("the link is up again", () => isRunning(NETWORK.links[1]));
    },
  };
}

function isRunning(name: string): boolean {
  return loadNative()
    .sock.interfaceList()
    .some((link) => link.name === name && link.running);
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited ${WITHIN_MS} ms in vain until ${what}`);
    await wait(1);
  }
}

/** One next hop dies while frames flow; afterwards it lives again. */
async function fail(
  live: LiveFrames,
  dataplane: KernelDataplane,
  prepare: (dataplane: KernelDataplane) => Promise<Death>,
): Promise<Failure> {
  const death = await prepare(dataplane);
  const before = SINKS.map((sink) => live.frames(sink));
  const generated = live.frames("generated");
  const sending = live.send(ENOUGH);
  // a next hop that nobody sends to cannot fail
  await until("both sinks receive", () => SINKS.every((sink, at) => live.frames(sink) - before[at]! > FLOWING));
  const at = await death.happen();
  await wait(SETTLE_MS);
  await sending.stop();
  const received = SINKS.reduce((sum, sink, at) => sum + live.frames(sink) - before[at]!, 0);
  const last = Number(live.at("second sink").last);
  await death.undo();
  dataplane.setHealth(DEAD, "up");
  return { lost: live.frames("generated") - generated - received, lastMs: Math.max(0, (last - at) / MILLION) };
}
