import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { parseIpv4, parseIpv6 } from "../../../base/index.ts";
import type { OpenStream } from "../calls.ts";
import { GnmiError } from "../status.ts";
import type { PingRequest, PingResponse } from "./messages.ts";
import { PingOutput } from "./ping-output.ts";

export type PingCall = ServerWritableStream<PingRequest, PingResponse>;

const DEFAULT_COUNT = 5;
const DEFAULT_INTERVAL = 1_000_000_000n;
/** What ping gives to those who are not root as well. */
const SHORTEST_INTERVAL = 200_000_000n;
const LONGEST = 3_600_000_000_000n;
/** Of an IPv4 packet, without its headers. */
const LARGEST = 65_507;
const HOST = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63})*\.?$/;
const ZONE = /%[A-Za-z0-9._-]{1,15}$/;
/** What of its complaints is told. */
const LONGEST_COMPLAINT = 500;

const invalid = (message: string): GnmiError => new GnmiError("INVALID_ARGUMENT", message);

const isAddress = (text: string): boolean =>
  parseIpv4(text) !== undefined || parseIpv6(text.replace(ZONE, "")) !== undefined;

/** Arguments of the program `ping`. @throws {GnmiError} for what is not carried out */
export function pingArguments(request: PingRequest): readonly string[] {
  const { destination, source, count, size, l3protocol } = request;
  if (!isAddress(destination) && !HOST.test(destination)) {
    throw invalid("destination is an address or a host's name");
  }
  if (source !== "" && !isAddress(source)) throw invalid("source is an address of this router");
  if (request.network_instance !== "") {
    throw new GnmiError(
      "UNIMPLEMENTED",
      "network_instance: the router sends from the one that it runs in; leave it out",
    );
  }
  if (count < -1) throw invalid("count is the number of packets, or -1 until the call ends");
  if (size < 0 || size > LARGEST) throw invalid(`size is from 0 to ${LARGEST} octets`);
  const interval = BigInt(request.interval) === 0n ? DEFAULT_INTERVAL : BigInt(request.interval);
  if (interval === -1n) throw new GnmiError("UNIMPLEMENTED", "interval -1: the router does not flood");
  if (interval < SHORTEST_INTERVAL || interval > LONGEST) throw invalid("interval is from 200 ms to an hour, or 0");
  const wait = BigInt(request.wait);
  if (wait < 0n || wait > LONGEST) throw invalid("wait is at most an hour");
  const seconds = (nanoseconds: bigint): string => String(Number(nanoseconds) / 1e9);
  const family = l3protocol === "IPV4" ? ["-4"] : l3protocol === "IPV6" ? ["-6"] : [];
  return [
    ...["-n", ...family, "-i", seconds(interval)],
    ...(count === -1 ? [] : ["-c", String(count === 0 ? DEFAULT_COUNT : count)]),
    ...(wait === 0n ? [] : ["-W", seconds(wait)]),
    ...(size === 0 ? [] : ["-s", String(size)]),
    ...(source === "" ? [] : ["-I", source]),
    ...(request.do_not_fragment ? ["-M", "do"] : []),
    ...["--", destination],
  ];
}

/** One run of the program ping, as long as its call lasts. */
export class PingStream implements OpenStream {
  readonly #call: PingCall;
  #child: ChildProcessByStdio<null, Readable, Readable> | undefined;
  #error: GnmiError | undefined;

  constructor(call: PingCall) {
    this.#call = call;
  }

  async serve(): Promise<void> {
    const call = this.#call;
    const child = spawn("ping", pingArguments(call.request), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    });
    this.#child = child;
    call.on("cancelled", () => child.kill("SIGKILL"));
    call.on("error", () => child.kill("SIGKILL"));
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(0, LONGEST_COMPLAINT);
    });
    const output = new PingOutput();
    const closed = once(child, "close").catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === "ENOENT"
        ? new GnmiError("FAILED_PRECONDITION", "this host has no program ping: install iputils-ping")
        : cause;
    });
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      const answer = output.line(line);
      if (answer === undefined || call.cancelled || this.#error !== undefined || call.write(answer)) return;
      // The program waits at its pipe for as long as its reader does.
      lines.pause();
      call.once("drain", () => lines.resume());
    });
    await closed;
    if (call.cancelled) return;
    if (this.#error !== undefined) throw this.#error;
    const { summary } = output;
    if (summary === undefined) {
      const [why = "it ended without a word"] = complaint.trim().split("\n");
      throw new GnmiError("UNAVAILABLE", why.replace(/^ping: /, "ping: "));
    }
    call.write(summary);
    call.end();
  }

  fail(error: GnmiError): void {
    this.#error ??= error;
    this.#child?.kill("SIGKILL");
  }
}
