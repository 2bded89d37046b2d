import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { type BfdFields, decode } from "../../native/bfd-peer.ts";
import { SERVICE_PORT, until } from "./part.ts";

const MULTIHOP_PORT = 4784;
/** Octets of the headers of IPv6 and UDP. */
const HEADERS = 48;

/** `at`: when the kernel saw it, in seconds. Addresses are in hex. */
type Frame = { readonly at: number } & (
  | { readonly source: string; readonly destination: string; readonly bfd: BfdFields }
  | { readonly number: number }
);

const hexOf = (locator: Uint8Array): string => Buffer.from(locator).toString("hex");

/**
 * Frames of BFD and datagrams of the client, as the kernel of a place saw them come and go, in its order: nobody who waits for a
 * processor is asked. A datagram is seen before the pass gets it.
 */
export class Wire {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  /** What was not understood yet. */
  #text = "";
  readonly #frames: Frame[] = [];
  #said = "";

  private constructor(place: string, host: string) {
    const words = "-i any -l --immediate-mode -B 16384 -s 128 -nn -tt -x".split(" ");
    const filter = [`(udp port ${MULTIHOP_PORT} and host ${host}) or udp dst port ${SERVICE_PORT}`];
    this.#child = spawn("nsenter", [`--net=/run/netns/${place}`, "tcpdump", ...words, ...filter], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout.setEncoding("latin1").on("data", (part: string) => {
      this.#text += part;
      this.#read();
    });
    this.#child.stderr.setEncoding("latin1").on("data", (part: string) => {
      this.#said += part;
    });
  }

  /** At a router, of its session with one host. */
  static async tap(place: string, host: string): Promise<Wire> {
    const wire = new Wire(place, host);
    await wire.#until(() => wire.#said.includes("listening on"), "it listens");
    return wire;
  }

  /** Waits until a router has told another one that it takes it for dead. */
  async saysDown(own: Uint8Array, peer: Uint8Array): Promise<void> {
    await this.#until(() => this.down(own, peer) !== undefined, "Down");
  }

  /**
   * The first frame in state Down after the last in state Up that a router sent to another one. `unanswered`: how many it had sent
   * before since the last that came from there, which is time as the thread itself had it: a machine that keeps it waiting
   * does not make more of them. `after`: numbers of the datagrams that came after it.
   */
  down(
    own: Uint8Array,
    peer: Uint8Array,
  ): { readonly unanswered: number; readonly after: readonly number[] } | undefined {
    const [here, there] = [hexOf(own), hexOf(peer)];
    const frames = this.#frames.toSorted((a, b) => a.at - b.at);
    const isFrom = (frame: Frame, one: string, other: string) =>
      "bfd" in frame && frame.source === one && frame.destination === other ? frame.bfd.state : undefined;
    const lastUp = frames.findLastIndex((frame) => isFrom(frame, here, there) === "Up");
    const down = frames.findIndex((frame, i) => i > lastUp && isFrom(frame, here, there) === "Down");
    if (lastUp < 0 || down < 0) return undefined;
    const heard = frames.findLastIndex((frame, i) => i < down && isFrom(frame, there, here) !== undefined);
    return {
      unanswered: frames.slice(heard + 1, down).filter((frame) => isFrom(frame, here, there) !== undefined).length,
      after: frames.slice(down).flatMap((frame) => ("number" in frame ? [frame.number] : [])),
    };
  }

  /** Ends it. All that went by was seen. */
  async close(): Promise<void> {
    if (!this.#child.kill("SIGINT")) throw new Error(`tcpdump had ended: ${this.#said}`);
    await once(this.#child, "close");
    this.#read(/^(\d+\.\d+) .*\n((?:\t0x.*\n)+)/gm);
    if (!this.#said.includes("\n0 packets dropped by kernel")) throw new Error(`tcpdump missed frames: ${this.#said}`);
  }

  /** A frame is whole once the next one begins. */
  #read(whole = /^(\d+\.\d+) .*\n((?:\t0x.*\n)+)(?=\d)/gm): void {
    let read = 0;
    for (const { 1: seconds, 2: dump, index, 0: text } of this.#text.matchAll(whole)) {
      read = index + text.length;
      const at = Number(seconds);
      const octets = Buffer.from(dump!.replaceAll(/^\t0x[0-9a-f]+:|\s/gm, ""), "hex");
      const body = octets.subarray(HEADERS);
      const [source, destination] = [octets.toString("hex", 8, 24), octets.toString("hex", 24, 40)];
      const isBfd = octets.readUInt16BE(42) === MULTIHOP_PORT;
      this.#frames.push(isBfd ? { at, source, destination, bfd: decode(body) } : { at, number: body.readUInt32BE(0) });
    }
    this.#text = this.#text.slice(read);
  }

  #until(holds: () => boolean, what: string): Promise<void> {
    const isOver = (): boolean => {
      if (this.#child.exitCode !== null) throw new Error(`tcpdump has ended: ${this.#said}`);
      return holds();
    };
    const last = (): string =>
      this.#frames
        .filter((frame) => "bfd" in frame)
        .slice(-20)
        .map(({ at, source, bfd: { state, diagnostic, poll, final, yours } }) =>
          [at.toFixed(6), source.slice(-4), state, diagnostic, poll ? "P" : "", final ? "F" : "", yours].join(" "),
        )
        .join("\n");
    return until(
      isOver,
      () => `"${what}" among ${this.#frames.length} frames; the last of BFD:\n${last()}\n${this.#said}`,
    );
  }
}
