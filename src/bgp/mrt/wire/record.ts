import { Reader, type Writer } from "../../../base/index.ts";

/** @see RFC 6396 §4; IANA "MRT Types" */
export const MrtType = { TableDumpV2: 13, Bgp4mp: 16, Bgp4mpEt: 17 } as const;

/** Seconds, type, subtype, length. @see RFC 6396 §2 */
export const MRT_HEADER_LENGTH = 12;
/** More than any record that a router of ours or another's writes: the paths of 4096 neighbours of 4 kB each. */
export const MAX_MRT_RECORD = 16 * 1024 * 1024;

/** One record. `body` is a view of what was read, borrowed until the next `next()` or `feed`. */
export interface MrtRecord {
  readonly kind: "record";
  /** Seconds since the Unix epoch. */
  readonly seconds: number;
  /** Of the extended timestamp; 0 in records without it. @see RFC 6396 §3 */
  readonly microseconds: number;
  /** `Bgp4mpEt` is answered as `Bgp4mp`. */
  readonly type: number;
  readonly subtype: number;
  readonly body: Uint8Array;
}

export type MrtFrameAnswer =
  | { readonly kind: "need-more" }
  | MrtRecord
  | { readonly kind: "malformed"; readonly reason: string; readonly at: number };

const NEED_MORE = { kind: "need-more" } as const;

/** Writes the header of a record; its length comes with {@link endRecord}. Answers where it begins. */
export function beginRecord(out: Writer, seconds: number, type: number, subtype: number): number {
  const at = out.length;
  out.u32(seconds).u16(type).u16(subtype).u32(0);
  return at;
}

/** Sets the length of the record that {@link beginRecord} began. */
export function endRecord(out: Writer, at: number): void {
  const length = out.length - at - MRT_HEADER_LENGTH;
  out.put8(at + 8, length >>> 24).put8(at + 9, length >>> 16);
  out.put8(at + 10, length >>> 8).put8(at + 11, length);
}

/**
 * Cuts a stream of octets into records. Keeps at most one unfinished record, which may have `limit` octets at most; a longer
 * one makes the stream malformed, since a length that lies cannot be told from a long record.
 */
export class MrtFramer {
  readonly #limit: number;
  #octets: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** Octets of all records that were cut, for people. */
  #passed = 0;

  constructor(limit: number = MAX_MRT_RECORD) {
    this.#limit = limit;
  }

  /** Octets that do not make a whole record yet. */
  get left(): number {
    return this.#end - this.#at;
  }

  feed(chunk: Uint8Array): void {
    const left = this.left;
    if (left === 0) {
      this.#octets = chunk;
      this.#at = 0;
      this.#end = chunk.length;
      return;
    }
    // Doubled, so that a record that comes in small pieces is not copied once for each of them.
    const room = this.#at === 0 && left + chunk.length <= this.#octets.length ? this.#octets : undefined;
    const octets = room ?? new Uint8Array(Math.max(2 * left, left + chunk.length));
    if (room === undefined) octets.set(this.#octets.subarray(this.#at, this.#end));
    octets.set(chunk, left);
    this.#octets = octets;
    this.#at = 0;
    this.#end = left + chunk.length;
  }

  /** After `malformed` the stream is of no further use: nothing says where the next record begins. */
  next(): MrtFrameAnswer {
    if (this.left < MRT_HEADER_LENGTH) return NEED_MORE;
    const header = new Reader(this.#octets, this.#at, this.#at + MRT_HEADER_LENGTH);
    const seconds = header.u32();
    const type = header.u16();
    const subtype = header.u16();
    const length = header.u32();
    if (length > this.#limit) {
      return { kind: "malformed", reason: `a record of ${length} octets, more than ${this.#limit}`, at: this.#passed };
    }
    const extended = type === MrtType.Bgp4mpEt;
    if (extended && length < 4) {
      return { kind: "malformed", reason: "an extended timestamp that is not there", at: this.#passed };
    }
    if (this.left < MRT_HEADER_LENGTH + length) return NEED_MORE;
    const body = new Reader(this.#octets, this.#at + MRT_HEADER_LENGTH, this.#at + MRT_HEADER_LENGTH + length);
    this.#at += MRT_HEADER_LENGTH + length;
    this.#passed += MRT_HEADER_LENGTH + length;
    const microseconds = extended ? body.u32() : 0;
    return {
      kind: "record",
      seconds,
      microseconds,
      type: extended ? MrtType.Bgp4mp : type,
      subtype,
      body: body.rest(),
    };
  }
}
