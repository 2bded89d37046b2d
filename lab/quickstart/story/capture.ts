import { once } from "node:events";
import type { Lab, LabProcess } from "../../runner/index.ts";

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

/** What tcpdump tells at SIGUSR1, and goes on. Those that were dropped had been received. */
const COUNTS = /(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped by kernel/;

/** Listens on an interface of a node until it is stopped. */
export class Capture implements AsyncDisposable {
  readonly packets: CapturedPacket[] = [];
  readonly #process: LabProcess;
  #rest = "";
  /** What it has told of itself. */
  #said = "";

  private constructor(process: LabProcess) {
    this.#process = process;
    process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
    process.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      this.packets.push(...lines.map(parsePacket).filter((packet) => packet !== undefined));
    });
  }

  /** Resolves when tcpdump is listening. */
  static async start(lab: Lab, node: string, device: string, filter: string): Promise<Capture> {
    const argv = ["tcpdump", "-Z", "root", "--immediate-mode", "-l", "-n", "-n", "-q", "-t", "-i", device, filter];
    const process = lab.spawn(node, argv);
    const capture = new Capture(process);
    const ended = process.exited.then((code) => {
      throw new Error(`tcpdump on ${node} ended with code ${code}: ${capture.#said.trim()}`);
    });
    ended.catch(() => {}); // later it ends when it is stopped
    while (!capture.#said.includes("listening on")) await Promise.race([once(process.stderr, "data"), ended]);
    return capture;
  }

  /** Ends tcpdump and gives all packets until now. */
  async stop(): Promise<readonly CapturedPacket[]> {
    // What waits for tcpdump in the kernel is lost when it ends, which it does at once.
    while (!(await this.#hasReadAll()));
    await this.#process.kill("SIGINT"); // it prints what it still holds
    await this.#process.exited;
    return this.packets;
  }

  /** Asks tcpdump how many packets came for it, and how many it has read. An answer that has begun may come in parts. */
  async #hasReadAll(): Promise<boolean> {
    const from = this.#said.length;
    const ended = this.#process.exited.then(() => true);
    const isOver = () => Promise.race([once(this.#process.stderr, "data").then(() => false), ended]);
    await this.#process.kill("SIGUSR1");
    for (;;) {
      const [read, came, dropped] = (COUNTS.exec(this.#said.slice(from)) ?? []).slice(1).map(Number);
      if (dropped !== undefined) return read! + dropped >= came!;
      if (await isOver()) return true;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
