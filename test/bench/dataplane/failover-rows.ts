import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6 } from "../../../src/base/index.ts";
import { BEAT, BEAT_PAYLOAD, BEAT_PORT } from "../../../src/dataplane/abi.ts";
import type { KernelDataplane } from "../../../src/dataplane/index.ts";
import { type Row, row } from "./figures.ts";
import { LiveFrames } from "./live.ts";
import { NETWORK } from "./network.ts";
import { LOCATOR, mapOf, programOf, setClientPort, setCorePort, startFilled, tunnelLocator } from "./world.ts";

const CAPABILITIES = 1000;
const SETTLE_MS = 150;
const SINKS = ["first sink", "second sink"] as const;
/** Frames at each sink after which a run is under way. */
const FLOWING = 10_000;
const WITHIN_MS = 10_000;
/** More than are sent until they are stopped. */
const ENOUGH = 100_000_000;
const MILLION = 1e6;
/** What a router that sends heartbeats each 10 ms has them vouch for. */
const HOLD_MS = 40;
/** Tunnel 1 ends behind the second link, tunnel 2 behind the first. */
const DEAD = 1;

interface Failure {
  readonly lost: number;
  /** From the event to the last frame at the dead next hop. */
  readonly lastMs: number;
  /** Frames that the dead next hop got after the event, in the time that they take while all goes well. */
  readonly meantMs: number;
  /** The longest time for which nothing was sent meanwhile, which would make the others too short. */
  readonly pauseMs: number;
}

/** What is lost when one of two next hops dies under full load, by who says so. */
export async function measureFailover(runs: number): Promise<Row[]> {
  const size = { capabilities: CAPABILITIES, tunnels: 2 };
  await using dataplane = await startFilled("failover", size);
  using live = await LiveFrames.start("failover", { capabilities: CAPABILITIES, flows: 10_000 }, { stamps: true });
  const { bpf, sock } = loadNative();
  const arrival = sock.interfaceIndex(NETWORK.arrival)!;
  setClientPort(mapOf(dataplane.object, "ports"), arrival, "itself");
  const link = bpf.attachXdp(programOf(dataplane.object, "semr_xdp"), arrival, "native");
  // the thread that watches links, as the daemon has it
  const { map, noWay, up, tunnels } = dataplane.tunnelWords!();
  let told = (): void => {};
  using paths = loadNative().paths.start({ change: ({ lost }) => lost && told() });
  paths.bind({ map, noWay, up, paths: tunnels.map((words) => ({ ...words, to: formatIpv6(words.locator) })) });
  const heard = (): Promise<void> => new Promise((resolve) => (told = resolve));
  for (const { locator } of tunnels) dataplane.apply([{ type: "set-node", locator }], 2);
  const byStore: Failure[] = [];
  const byLink: Failure[] = [];
  const bySilence: Failure[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      byStore.push(await fail(live, dataplane, prepareStore));
      byLink.push(await fail(live, dataplane, () => prepareLink(heard)));
      bySilence.push(await fail(live, dataplane, prepareSilence, 2));
    }
  } finally {
    link.detach();
  }
  const lost = (failures: readonly Failure[]) => failures.map((failure) => failure.lost);
  const last = (failures: readonly Failure[]) => failures.map((failure) => failure.lastMs);
  return [
    row("setHealth: frames lost", "", lost(byStore), { most: 0 }),
    row("setHealth: last frame to the dead next hop, from the call on", "ms", last(byStore)),
    row("link event: from the link's going down to the last frame to it", "ms", last(byLink), { most: 5 }),
    row("link event: frames lost meanwhile", "", lost(byLink)),
    row(
      "silent hop: frames to it since its last heartbeat, in the usual time between two",
      "ms",
      bySilence.map(({ meantMs }) => meantMs),
      { most: 50 },
      "heartbeats vouch for 40 ms; nobody is there but the pass",
    ),
    row("silent hop: from its last heartbeat to the last frame to it", "ms", last(bySilence)),
    row(
      "silent hop: longest pause of the senders",
      "ms",
      bySilence.map(({ pauseMs }) => pauseMs),
    ),
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

/** The dead next hop's end is taken down. */
async function prepareLink(heard: () => Promise<void>): Promise<Death> {
  const setter = spawn("ip", ["-n", NETWORK.sinkNamespace, "-batch", "-"], { stdio: ["pipe", "ignore", "inherit"] });
  const set = (state: "up" | "down") => setter.stdin.write(`link set ${NETWORK.sinks[1]} ${state}\n`);
  await once(setter, "spawn");
  await wait(SETTLE_MS); // it does not say when it is ready
  return {
    happen: async () => {
      const lost = heard();
      const begin = Number(process.hrtime.bigint());
      set("down");
      await lost;
      return begin;
    },
    undo: async () => {
      set("up");
      setter.stdin.end();
      await once(setter, "close");
      await until("the link is up again", () => isRunning(NETWORK.links[1]));
    },
  };
}

/** It was heard until now, and never will be again; no control plane is there to judge. */
async function prepareSilence(dataplane: KernelDataplane): Promise<Death> {
  const { bpf, sock } = loadNative();
  const ifindex = sock.interfaceIndex(NETWORK.links[1])!;
  setCorePort(mapOf(dataplane.object, "ports"), ifindex);
  const program = programOf(dataplane.object, "semr_xdp");
  const hear = (hold: number) => bpf.testRun(program, heartbeat(hold), { ifindex });
  hear(60_000);
  return {
    happen: async () => {
      const begin = Number(process.hrtime.bigint());
      hear(HOLD_MS);
      await wait(3 * HOLD_MS);
      return begin;
    },
    undo: async () => {
      hear(60_000);
    },
  };
}

/** A frame with a heartbeat of the next hop that dies. */
function heartbeat(hold: number): Uint8Array {
  const frame = new Uint8Array(14 + 40 + 8 + BEAT_PAYLOAD.size);
  const view = new DataView(frame.buffer);
  view.setUint16(12, 0x86dd);
  view.setUint32(14, 0x60000000);
  view.setUint16(18, 8 + BEAT_PAYLOAD.size);
  frame.set([17, 64], 20);
  frame.set(tunnelLocator(DEAD), 22);
  frame.set(LOCATOR, 38);
  view.setUint16(56, BEAT_PORT);
  view.setUint16(58, 8 + BEAT_PAYLOAD.size);
  view.setUint32(62 + BEAT_PAYLOAD.offsets.magic, BEAT.magic);
  view.setUint8(62 + BEAT_PAYLOAD.offsets.version, BEAT.version);
  view.setUint16(62 + BEAT_PAYLOAD.offsets.hold, hold);
  return frame;
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

/**
 * One next hop dies while frames flow; afterwards it lives again. With two senders one sends while the call of the other waits
 * for the kernel (RCU), so that there are no pauses; they leave nothing of their processor to the kernel's link events.
 */
async function fail(
  live: LiveFrames,
  dataplane: KernelDataplane,
  prepare: (dataplane: KernelDataplane) => Promise<Death>,
  senders = 1,
): Promise<Failure> {
  const death = await prepare(dataplane);
  const before = SINKS.map((sink) => live.frames(sink));
  const generated = live.frames("generated");
  const sending = Array.from({ length: senders }, () => live.send(ENOUGH));
  // a next hop that nobody sends to cannot fail
  await until("both sinks receive", () => SINKS.every((sink, at) => live.frames(sink) - before[at]! > FLOWING));
  const usual = await rateOf(live);
  live.forgetGaps("generated");
  const beforeIt = live.frames("second sink");
  const at = await death.happen();
  await wait(SETTLE_MS);
  const pauseMs = live.gap("generated") / MILLION;
  await Promise.all(sending.map((one) => one.stop()));
  const received = SINKS.reduce((sum, sink, at) => sum + live.frames(sink) - before[at]!, 0);
  const { frames, last } = live.at("second sink");
  await death.undo();
  dataplane.setHealth(DEAD, "up");
  return {
    lost: live.frames("generated") - generated - received,
    lastMs: Math.max(0, (Number(last) - at) / MILLION),
    meantMs: (frames - beforeIt) / usual,
    pauseMs,
  };
}

/** Frames a millisecond at the next hop that will die. */
async function rateOf(live: LiveFrames): Promise<number> {
  const [begin, frames] = [performance.now(), live.frames("second sink")];
  await wait(SETTLE_MS);
  return (live.frames("second sink") - frames) / (performance.now() - begin);
}
