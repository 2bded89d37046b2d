/** What a TCP stream carries, as a capture that tshark reads, and what tshark says about it. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { Writer } from "../../../src/base/index.ts";

const run = promisify(execFile);
export const TSHARK = "/usr/bin/tshark";

/** How a stream is cut into messages. */
export interface Cut {
  readonly protocol: "bmp" | "bgp";
  readonly length: (octets: DataView, at: number) => number;
}

const BMP: Cut = { protocol: "bmp", length: (octets, at) => octets.getUint32(at + 1) };
export const BGP: Cut = { protocol: "bgp", length: (octets, at) => octets.getUint16(at + 16) };

/**
 * A pcap of raw IPv4 packets with one TCP connection for each stream, from port 40000 and up to `port`; each message in a packet
 * of its own.
 */
export function capture(streams: readonly Uint8Array[], port: number, cut: Cut = BMP): Uint8Array {
  const out = new Writer(1024 + 2 * streams.reduce((sum, { length }) => sum + length, 0));
  out.u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(101);
  for (const [i, octets] of streams.entries()) connection(out, octets, 40_000 + i, port, cut);
  return out.finish();
}

function connection(out: Writer, octets: Uint8Array, from: number, port: number, cut: Cut): void {
  const packet = (flags: number, sequence: number, payload: Uint8Array): void => {
    const length = 40 + payload.length;
    out
      .u32(0)
      .u32(sequence % 1_000_000)
      .u32(length)
      .u32(length);
    out.u8(0x45).u8(0).u16(length).u32(0).u8(64).u8(6).u16(0).u32(0x0a000001).u32(0x0a000002);
    out.u16(from).u16(port).u32(sequence).u32(1).u8(0x50).u8(flags).u16(65535).u16(0).u16(0).bytes(payload);
  };
  packet(0x02, 0, new Uint8Array(0));
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  for (let at = 0; at < octets.length; at += cut.length(view, at)) {
    packet(0x18, 1 + at, octets.subarray(at, at + cut.length(view, at)));
  }
}

/** The values of fields, one line a packet, and what tshark finds malformed. Families that it does not know are none of its business. */
export async function dissect(
  file: string,
  octets: Uint8Array | readonly Uint8Array[],
  port: number,
  fields: readonly string[],
  cut: Cut = BMP,
): Promise<{ readonly rows: string[][]; readonly wrong: string }> {
  await writeFile(file, capture(octets instanceof Uint8Array ? [octets] : octets, port, cut));
  const decode = ["-r", file, "-d", `tcp.port==${port},${cut.protocol}`, "-o", "tcp.check_checksum:FALSE"];
  const options = { maxBuffer: 256 * 1024 * 1024 };
  // All at once: it takes longer to start than to read.
  const wanted = [...fields, "_ws.malformed", "frame.number", "_ws.expert.message"].flatMap((field) => ["-e", field]);
  const { stdout } = await run(TSHARK, [...decode, "-T", "fields", "-E", "occurrence=a", ...wanted], options);
  const rows: string[][] = [];
  let wrong = "";
  for (const line of stdout.split("\n").filter((line) => line !== "")) {
    const columns = line.split("\t");
    const [row, [malformed, ...told]] = [columns.slice(0, fields.length), columns.slice(fields.length)];
    if (row.some((value) => value.trim() !== "")) rows.push(row);
    if (malformed !== "") wrong += `${told.join("\t")}\n`;
  }
  return { rows, wrong };
}
