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
      byStore.push(await fail(live, dataplane, async () => setDown(dataplane)));
      byLink.push(await fail(live, dataplane, () => linkDown(dataplane)));
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

function setDown(dataplane: KernelDataplane): number {
  const begin = process.hrtime.bigint();
  dataplane.setHealth(DEAD, "down");
  return Number(begin);
}

/** One next hop dies while frames flow; afterwards it lives again. */
async function fail(live: LiveFrames, dataplane: KernelDataplane, event: () => Promise<number>): Promise<Failure> {
  const before = live.frames("first sink", "second sink");
  const generated = live.frames("generated");
  const sending = live.send(ENOUGH);
  await wait(SETTLE_MS);
  const at = await event();
  await wait(SETTLE_MS);
  await sending.stop();
  const lost = live.frames("generated") - generated - (live.frames("first sink", "second sink") - before);
  const last = Number(live.at("second sink").last);
  dataplane.setHealth(DEAD, "up");
  return { lost, lastMs: Math.max(0, (last - at) / MILLION) };
}

/** Takes the dead next hop's end down; whoever hears of it tells the data plane. Resolves to when it began. */
async function linkDown(dataplane: KernelDataplane): Promise<number> {
  const link = NETWORK.links[1];
  const monitor = spawn("ip", ["monitor", "link", "dev", link], { stdio: ["ignore", "pipe", "inherit"] });
  // running already when it is told what to do, so that its start is not measured
  const setter = spawn("ip", ["-n", NETWORK.sinkNamespace, "-batch", "-"], { stdio: ["pipe", "ignore", "inherit"] });
  const set = (state: "up" | "down") => setter.stdin.write(`link set ${NETWORK.sinks[1]} ${state}\n`);
  try {
    await Promise.all([once(monitor, "spawn"), once(setter, "spawn")]);
    await wait(SETTLE_MS); // neither says when it is ready
    const heard = new Promise<void>((resolve) => {
      monitor.stdout.on("data", (text: Buffer) => {
        if (!/NO-CARRIER|state DOWN|M-DOWN/.test(text.toString())) return;
        dataplane.setHealth(DEAD, "down");
        resolve();
      });
    });
    const begin = Number(process.hrtime.bigint());
    set("down");
    await heard;
    return begin;
  } finally {
    monitor.kill();
    set("up");
    setter.stdin.end();
    await once(setter, "close");
  }
}
