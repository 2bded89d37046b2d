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

/** Listens on an interface of a node until it is stopped. */
export class Capture implements AsyncDisposable {
  readonly packets: CapturedPacket[] = [];
  readonly #process: LabProcess;
  #rest = "";

  private constructor(process: LabProcess) {
    this.#process = process;
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
    let said = "";
    process.stderr.setEncoding("utf8");
    const ended = process.exited.then((code) => {
      throw new Error(`tcpdump on ${node} ended with code ${code}: ${said.trim()}`);
    });
    while (!said.includes("listening on"))
      said += String((await Promise.race([once(process.stderr, "data"), ended]))[0]);
    ended.catch(() => {}); // from now on it ends when it is stopped
    process.stderr.resume();
    return capture;
  }

  /** Ends tcpdump and gives all that it saw. */
  async stop(): Promise<readonly CapturedPacket[]> {
    await this.#process.kill("SIGINT"); // it prints what it still holds
    await this.#process.exited;
    return this.packets;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
