import { once } from "node:events";
import type { Lab, LabProcess } from "../../runner/index.ts";
import { StoryError } from "./check.ts";

/** One packet as tcpdump describes it. */
export interface CapturedPacket {
  readonly line: string;
  /** Outer addresses, without ports. */
  readonly source: string;
  readonly destination: string;
  /** Addresses of the packet inside, for IPv6-in-IPv6. */
  readonly inner?: { readonly source: string; readonly destination: string };
}

const PACKET = /IP6 (?:\([^)]*\) )?([0-9a-f:]+)(?:\.(\d+))? > ([0-9a-f:]+)(?:\.(\d+))?: /g;

/** Reads one line of `tcpdump -nn`; `undefined` for lines that are no IPv6 packet. */
export function parsePacket(line: string): CapturedPacket | undefined {
  const [outer, inner] = [...line.matchAll(PACKET)];
  if (outer === undefined) return undefined;
  const packet = { line, source: outer[1]!, destination: outer[3]! };
  return inner === undefined ? packet : { ...packet, inner: { source: inner[1]!, destination: inner[3]! } };
}

/** Whether there is a packet inside. */
export const isTunnelled = (packet: CapturedPacket): boolean => packet.inner !== undefined;

const COUNTS = /(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped by kernel/g;

/**
 * What tcpdump told last at SIGUSR1, after which it goes on: whether it has read all that came for it. Those that were dropped had
 * been received. `undefined`: it has told nothing yet.
 */
export function countsIn(said: string): { readonly text: string; readonly isAll: boolean } | undefined {
  const [text, ...counts] = [...said.matchAll(COUNTS)].at(-1) ?? [];
  const [read, came, dropped] = counts.map(Number);
  return text === undefined ? undefined : { text, isAll: read! + dropped! >= came! };
}

/**
 * What waits in the kernel for a tcpdump that waits for a processor: 16 MiB of the headers. Where whole packets are asked for,
 * on a link that puts segments together, eight of them fill what is usual, and the next ones are dropped.
 */
const ROOM = ["-s", "256", "-B", "16384"];

/** Milliseconds for what waits in the kernel; reading it takes few. */
const READ_ALL_MS = 20_000;

/**
 * Listens on an interface of a node until it is stopped. What is not wanted is left out here and not by tcpdump: what came
 * before its filter was in place would be received but never captured, and its counts would never be the same.
 */
export class Capture implements AsyncDisposable {
  readonly packets: CapturedPacket[] = [];
  readonly #process: LabProcess;
  readonly #node: string;
  #rest = "";
  /** What it has told of itself. */
  #said = "";

  private constructor(process: LabProcess, node: string, wanted: (packet: CapturedPacket) => boolean) {
    this.#process = process;
    this.#node = node;
    process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
    process.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      this.packets.push(
        ...lines
          .map(parsePacket)
          .filter((packet) => packet !== undefined)
          .filter(wanted),
      );
    });
  }

  /**
   * Resolves when tcpdump is listening.
   *
   * @param wanted which IPv6 packets are kept; all without
   */
  static async start(
    lab: Lab,
    node: string,
    device: string,
    wanted: (packet: CapturedPacket) => boolean = () => true,
  ): Promise<Capture> {
    const argv = ["tcpdump", "-Z", "root", "--immediate-mode", ...ROOM, "-l", "-n", "-n", "-q", "-t", "-i", device];
    const process = lab.spawn(node, argv);
    const capture = new Capture(process, node, wanted);
    const ended = process.exited.then((code) => {
      throw new Error(`tcpdump on ${node} ended with code ${code}: ${capture.#said.trim()}`);
    });
    ended.catch(() => {}); // later it ends when it is stopped
    while (!capture.#said.includes("listening on")) await Promise.race([once(process.stderr, "data"), ended]);
    return capture;
  }

  /**
   * Ends tcpdump and gives all packets until now.
   *
   * @throws {StoryError} when tcpdump has not read all that came for it within 20 s
   */
  async stop(): Promise<readonly CapturedPacket[]> {
    // What waits for tcpdump in the kernel is lost when it ends, which it does at once.
    const limit = AbortSignal.timeout(READ_ALL_MS);
    const late = once(limit, "abort").then(() => limit.throwIfAborted());
    late.catch(() => {}); // heard below, if it matters
    try {
      while (!(await this.#hasReadAll(limit)));
      await this.#process.kill("SIGINT"); // it prints what it still holds
      await Promise.race([this.#process.exited, late]);
    } catch (cause) {
      if (!limit.aborted) throw cause;
      const last = countsIn(this.#said)?.text ?? "no count";
      throw new StoryError(`tcpdump on ${this.#node}`, `all packets read within ${READ_ALL_MS / 1000} s`, last);
    }
    return this.packets;
  }

  /** Asks tcpdump how many packets came for it, and how many it has read. An answer that has begun may come in parts. */
  async #hasReadAll(limit: AbortSignal): Promise<boolean> {
    limit.throwIfAborted();
    const from = this.#said.length;
    const ended = this.#process.exited.then(() => true);
    const more = () => once(this.#process.stderr, "data", { signal: limit }).then(() => false);
    await this.#process.kill("SIGUSR1");
    for (;;) {
      const told = countsIn(this.#said.slice(from));
      if (told !== undefined) return told.isAll;
      if (await Promise.race([more(), ended])) return true;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
