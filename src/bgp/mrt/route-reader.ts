import { Reader, ShortRead, Writer } from "../../base/index.ts";
import { AttributeCode, AttributeFlag, frameMessage, MAX_EXTENDED_MESSAGE_LENGTH, MessageType } from "../wire/index.ts";
import {
  type DumpPath,
  type DumpRoute,
  decodeBgp4mp,
  decodeTableDump,
  MrtFramer,
  MrtType,
  type PeerIndexTable,
} from "./wire/index.ts";

/** One UPDATE that a file says, as a session would carry it. */
export interface ReplayUpdate {
  /** The body of the message; borrowed until the reader goes on. */
  readonly body: Uint8Array;
  readonly asWidth: 2 | 4;
  /** Where the file has a time: seconds since the Unix epoch. */
  readonly seconds: number;
}

export interface RouteReaderCounts {
  records: number;
  updates: number;
  /** Records of types that hold no routes, or of forms that cannot be said here (ADD-PATH messages, what was sent). */
  skipped: number;
  /** Records that broke their own format. */
  malformed: number;
}

/** A file that cannot be read on: where, and why. */
export class MrtFormatError extends Error {
  readonly at: number;

  constructor(reason: string, at: number) {
    super(`not MRT at octet ${at}: ${reason}`);
    this.name = "MrtFormatError";
    this.at = at;
  }
}

export interface RouteReaderOptions {
  /** Which neighbour's path of each route of a table, by its place in the index; without it the first path of each. */
  readonly choosePeer?: (table: PeerIndexTable) => number | undefined;
}

/**
 * The routes of an MRT file, whoever wrote it, as UPDATEs: each route of TABLE_DUMP_V2 one, each received UPDATE of BGP4MP as it
 * is. A record that is wrong in itself is counted and left out.
 *
 * @throws {MrtFormatError} where a length lies, since nothing says where the next record begins, and for a file that ends in
 *   the middle of one
 */
export async function* readRoutes(
  chunks: AsyncIterable<Uint8Array>,
  counts: RouteReaderCounts,
  options: RouteReaderOptions = {},
): AsyncGenerator<ReplayUpdate, void> {
  const framer = new MrtFramer();
  let wanted: number | undefined;
  let read = 0;
  for await (const chunk of chunks) {
    framer.feed(chunk);
    read += chunk.length;
    for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
      if (answer.kind === "malformed") throw new MrtFormatError(answer.reason, answer.at);
      counts.records++;
      const { type, subtype, seconds, body } = answer;
      if (type === MrtType.TableDumpV2) {
        const dump = decodeTableDump(subtype, body);
        if (dump.kind === "peers") wanted = options.choosePeer?.(dump.table);
        const path = dump.kind === "route" ? chosen(dump.route, wanted) : undefined;
        const update = dump.kind === "route" && path !== undefined ? updateOf(dump.route, path) : undefined;
        if (update !== undefined) {
          counts.updates++;
          yield { body: update, asWidth: 4, seconds };
        } else if (dump.kind === "malformed" || (path !== undefined && update === undefined)) counts.malformed++;
        else if (dump.kind !== "peers") counts.skipped++;
      } else if (type === MrtType.Bgp4mp) {
        const record = decodeBgp4mp(subtype, body);
        if (record.kind === "malformed") counts.malformed++;
        else if (record.kind !== "message" || record.form.direction === "sent" || record.form.addPath) counts.skipped++;
        else {
          const { message, form } = record;
          const frame = frameMessage(message, 0, message.length, MAX_EXTENDED_MESSAGE_LENGTH);
          if (frame.kind !== "message") counts.malformed++;
          else if (frame.type !== MessageType.Update) counts.skipped++;
          else {
            counts.updates++;
            yield { body: message.subarray(frame.start, frame.end), asWidth: form.asWidth, seconds };
          }
        }
      } else counts.skipped++;
    }
  }
  if (framer.left > 0) throw new MrtFormatError("the file ends in the middle of a record", read - framer.left);
}

function chosen({ paths }: DumpRoute, wanted: number | undefined): DumpPath | undefined {
  return wanted === undefined ? paths[0] : paths.find(({ peer }) => peer === wanted);
}

const OPTIONAL_EXTENDED = AttributeFlag.Optional | AttributeFlag.ExtendedLength;

/**
 * The body of an UPDATE with this one route. MP_REACH_NLRI of a dump holds a next hop alone; some writers put in the whole attribute,
 * which begins with an AFI below 256, as no next hop does. `undefined`: the attributes break their format, or it would be too long.
 *
 * @see RFC 6396 §4.3.4 and its appendix on what older writers did
 */
function updateOf({ family, nlri }: DumpRoute, { attributes }: DumpPath): Uint8Array | undefined {
  const classic = family.afi === 1 && family.safi === 1;
  const rest = new Writer(attributes.length + nlri.length + 64);
  let nextHop: Uint8Array | undefined;
  const reader = new Reader(attributes);
  try {
    while (reader.left > 0) {
      const from = reader.offset;
      const flags = reader.u8();
      const code = reader.u8();
      const value = reader.within((flags & AttributeFlag.ExtendedLength) !== 0 ? reader.u16() : reader.u8());
      if (code === AttributeCode.MpUnreachNlri) continue;
      if (code !== AttributeCode.MpReachNlri) rest.bytes(attributes.subarray(from, reader.offset));
      else {
        if (value.left > 3 && value.octets[value.offset] === 0) value.skip(3);
        nextHop = value.bytes(value.u8());
      }
    }
  } catch (cause) {
    if (cause instanceof ShortRead) return undefined;
    throw cause;
  }
  const out = new Writer(attributes.length + nlri.length + 64).u16(0);
  const lengthAt = out.length;
  out.u16(0);
  if (nextHop !== undefined) {
    out.u8(OPTIONAL_EXTENDED).u8(AttributeCode.MpReachNlri);
    out.u16(5 + nextHop.length + nlri.length);
    out.u16(family.afi).u8(family.safi).u8(nextHop.length).bytes(nextHop).u8(0).bytes(nlri);
  } else if (!classic) return undefined;
  out.bytes(rest.finish());
  const length = out.length - lengthAt - 2;
  if (length + nlri.length + 4 > MAX_EXTENDED_MESSAGE_LENGTH) return undefined;
  out.put8(lengthAt, length >>> 8).put8(lengthAt + 1, length);
  if (nextHop === undefined) out.bytes(nlri);
  return out.finish();
}
