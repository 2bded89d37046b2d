import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { type BpfObject, loadNative } from "../../../native/index.ts";
import { MACS, NETWORK } from "./network.ts";
import { BUILD, PIN_ROOT } from "./places.ts";
import { hostU32, loadProgram, type Traffic } from "./programs.ts";
import { mapOf, programOf } from "./world.ts";

const PLACES = ["generated", "first sink", "second sink", "dropped", "given up"] as const;
export type Place = (typeof PLACES)[number];
const COUNT_SIZE = 24;
const PROCESSORS = 256;
/** The processor that sends, forwards and receives. */
const PROCESSOR = 0;

/** Fewer than a queue of a veth takes, which is 256. */
const WINDOW = 192;
const DRAINED_MS = 1000;

export interface LiveOptions {
  /** Each place notes when the last frame was there, and the longest time between two. */
  readonly stamps?: boolean;
  /** So many frames under way at most that no queue can overflow, however long the router waits for its processor. */
  readonly paced?: boolean;
}

/** Live frames: a generator, two sinks, and what each of them counted. */
export class LiveFrames implements Disposable {
  readonly object: BpfObject;
  readonly #counts: DataView;
  readonly #pins: string;

  private constructor(object: BpfObject, pins: string) {
    this.object = object;
    const octets = mapOf(object, ".bss").mmap();
    this.#counts = new DataView(octets.buffer, octets.byteOffset, octets.length);
    this.#pins = pins;
  }

  /** Loads the programs and puts the sinks where the links end. */
  static async start(name: string, traffic: Traffic, options: LiveOptions = {}): Promise<LiveFrames> {
    mkdirSync(PIN_ROOT, { recursive: true });
    const object = await loadProgram(
      "frames",
      { ...traffic, macs: MACS },
      {
        bench_sink_one: hostU32(sinkIndex(NETWORK.sinks[0])),
        bench_link: hostU32(loadNative().sock.interfaceIndex(NETWORK.links[0])!),
        bench_stamp: hostU32(options.stamps === true ? 1 : 0),
        bench_window: hostU32(options.paced === true ? WINDOW : 0),
      },
    );
    const pins = join(PIN_ROOT, name);
    for (const program of ["generate", "sink"]) programOf(object, program).pin(`${pins}-${program}`);
    for (const sink of NETWORK.sinks) {
      setSink(sink, "off");
      setSink(sink, "pinned", `${pins}-sink`);
    }
    return new LiveFrames(object, pins);
  }

  [Symbol.dispose](): void {
    for (const sink of NETWORK.sinks) setSink(sink, "off");
    this.object[Symbol.dispose]();
  }

  /** Frames at a place; of the sinks also when the last one came, in monotonic nanoseconds. */
  at(place: Place): { readonly frames: number; readonly last: bigint } {
    let frames = 0;
    let last = 0n;
    for (let processor = 0; processor < PROCESSORS; processor++) {
      const at = (processor * PLACES.length + PLACES.indexOf(place)) * COUNT_SIZE;
      frames += Number(this.#counts.getBigUint64(at, true));
      const here = this.#counts.getBigUint64(at + 8, true);
      if (here > last) last = here;
    }
    return { frames, last };
  }

  /** The longest time between two frames at a place since {@link forgetGaps}, in nanoseconds. */
  gap(place: Place): number {
    return Math.max(...this.#gaps(place).map((at) => Number(this.#counts.getBigUint64(at, true))));
  }

  forgetGaps(place: Place): void {
    for (const at of this.#gaps(place)) this.#counts.setBigUint64(at, 0n, true);
  }

  #gaps(place: Place): number[] {
    return Array.from({ length: PROCESSORS }, (_, processor) => {
      return (processor * PLACES.length + PLACES.indexOf(place)) * COUNT_SIZE + 16;
    });
  }

  frames(...places: readonly Place[]): number {
    return places.reduce((sum, place) => sum + this.at(place).frames, 0);
  }

  /** When all that was sent is at a sink, or nothing has come for a while; to be called when nothing is sent any more. */
  async drained(): Promise<void> {
    const sinks = () => this.frames("first sink", "second sink");
    let [seen, since] = [sinks(), performance.now()];
    while (seen < this.frames("generated") && performance.now() - since < DRAINED_MS) {
      await wait(1);
      const now = sinks();
      if (now !== seen) [seen, since] = [now, performance.now()];
    }
  }

  /** Sends until so many frames are out, or until stopped. */
  send(count: number): Sending {
    const words = [`${this.#pins}-generate`, NETWORK.generator, `${count}`, `${PROCESSOR}`];
    const namespace = `--net=/run/netns/${NETWORK.generatorNamespace}`;
    return new Sending(
      spawn("nsenter", [namespace, join(BUILD, "send-frames"), ...words], { stdio: ["ignore", "pipe", "inherit"] }),
    );
  }
}

/** Nanoseconds of a run: by the clock, and with the processor. */
export interface Took {
  readonly wall: number;
  readonly had: number;
}

/** A run of the generator. */
export class Sending {
  readonly #child: ChildProcess;
  readonly done: Promise<Took>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.done = this.#end();
  }

  async #end(): Promise<Took> {
    const [out, [code, signal]] = await Promise.all([text(this.#child.stdout!), once(this.#child, "close")]);
    if (code !== 0) throw new Error(`send-frames ended with ${code ?? signal}`);
    const [wall, had] = out.split(" ").map(Number);
    return { wall: wall!, had: had! };
  }

  stop(): Promise<Took> {
    this.#child.kill("SIGTERM");
    return this.done;
  }
}

function sinkIndex(name: string): number {
  const out = execFileSync("ip", ["-n", NETWORK.sinkNamespace, "-json", "link", "show", "dev", name], {
    encoding: "utf8",
  });
  return (JSON.parse(out) as { ifindex: number }[])[0]!.ifindex;
}

function setSink(name: string, ...program: readonly string[]): void {
  // not `ip -n`: iproute2 mounts a bpffs of its own there
  execFileSync("nsenter", [
    `--net=/run/netns/${NETWORK.sinkNamespace}`,
    "ip",
    ...["link", "set", "dev", name, "xdpdrv", ...program],
  ]);
}
