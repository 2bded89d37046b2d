import { Reader, ShortRead } from "../../base/index.ts";
import {
  CeaseSubcode,
  ErrorCode,
  HEADER_LENGTH,
  HeaderSubcode,
  MAX_MESSAGE_LENGTH,
  MessageType,
  RefreshSubcode,
  RefreshSubtype,
} from "./constants.ts";
import type { Family } from "./family.ts";
import { type Decoded, decoded, type NotificationMessage, notification, refused } from "./fault.ts";
import type { Frame } from "./framer.ts";
import { decodeOpen, type OpenMessage } from "./open.ts";

/** Every message but UPDATE, which has a decoder that is kept for the session. */
export type ControlMessage =
  | { readonly type: "open"; readonly open: OpenMessage }
  | { readonly type: "keepalive" }
  | { readonly type: "notification"; readonly notification: NotificationMessage }
  | { readonly type: "route-refresh"; readonly family: Family; readonly subtype: number }
  /** A mark of a refresh of another length: `fault` where such marks were agreed on, otherwise `plain`. @see RFC 7313 §5 */
  | { readonly type: "bad-refresh"; readonly fault: NotificationMessage; readonly plain: NotificationMessage };

/** The octets of one message: the header is put in front of `body`. @throws {RangeError} beyond 4096 octets. */
export function encodeMessage(type: number, body: Uint8Array): Uint8Array {
  const length = HEADER_LENGTH + body.length;
  if (length > MAX_MESSAGE_LENGTH) throw new RangeError(`a BGP message of ${length} octets`);
  const message = new Uint8Array(length);
  writeHeader(new DataView(message.buffer), length, type);
  message.set(body, HEADER_LENGTH);
  return message;
}

/** @see RFC 4271 §4.1 */
export function writeHeader(view: DataView, length: number, type: number, at = 0): void {
  for (let i = at; i < at + 16; i += 4) view.setInt32(i, -1);
  view.setUint16(at + 16, length);
  view.setUint8(at + 18, type);
}

const KEEPALIVE = encodeMessage(MessageType.Keepalive, new Uint8Array(0));

/** @see RFC 4271 §4.4 */
export function encodeKeepalive(): Uint8Array {
  return KEEPALIVE.slice();
}

/** Data beyond what fits the message is cut off. @see RFC 4271 §4.5 */
export function encodeNotification(message: NotificationMessage): Uint8Array {
  const data = message.data.subarray(0, MAX_MESSAGE_LENGTH - HEADER_LENGTH - 2);
  const body = new Uint8Array(2 + data.length);
  body[0] = message.code;
  body[1] = message.subcode;
  body.set(data, 2);
  return encodeMessage(MessageType.Notification, body);
}

/** @param subtype a request, or a mark of what is sent in answer. @see RFC 2918 §3; RFC 7313 §3.2 */
export function encodeRouteRefresh(family: Family, subtype: number = RefreshSubtype.Request): Uint8Array {
  const { afi, safi } = family;
  return encodeMessage(MessageType.RouteRefresh, Uint8Array.of(afi >>> 8, afi & 0xff, subtype, safi));
}

const REFRESH_LENGTH = 4;
const KNOWN_SUBTYPES: readonly number[] = Object.values(RefreshSubtype);

/** @see RFC 2918 §3; RFC 7313 §5 */
function decodeRouteRefresh({ octets, start, end }: Frame, body: Reader): Decoded<ControlMessage> {
  const afi = body.u16();
  const subtype = body.u8();
  if (end - start === REFRESH_LENGTH)
    return decoded({ type: "route-refresh", family: { afi, safi: body.u8() }, subtype });
  // What is of no known kind is ignored, whatever its length.
  if (!KNOWN_SUBTYPES.includes(subtype)) return decoded({ type: "route-refresh", family: { afi, safi: 0 }, subtype });
  const length = HEADER_LENGTH + end - start;
  const plain = notification(
    ErrorCode.MessageHeader,
    HeaderSubcode.BadMessageLength,
    Uint8Array.of(length >>> 8, length & 0xff),
  );
  if (subtype === RefreshSubtype.Request) return { ok: false, fault: plain };
  const whole = encodeMessage(MessageType.RouteRefresh, octets.subarray(start, end));
  const fault = notification(ErrorCode.RouteRefreshMessage, RefreshSubcode.InvalidMessageLength, whole);
  return decoded({ type: "bad-refresh", fault, plain });
}

/**
 * Decodes the body of a framed message other than UPDATE. The answer holds copies only.
 * This is the one place where a {@link ShortRead} of a control message becomes a fault.
 * @see RFC 4271 §6
 */
export function decodeControl(frame: Frame): Decoded<ControlMessage> {
  const body = new Reader(frame.octets, frame.start, frame.end);
  try {
    switch (frame.type) {
      case MessageType.Open: {
        const open = decodeOpen(body);
        return open.ok ? decoded({ type: "open", open: open.value }) : open;
      }
      case MessageType.Keepalive:
        return decoded({ type: "keepalive" });
      case MessageType.Notification:
        return decoded({
          type: "notification",
          notification: { code: body.u8(), subcode: body.u8(), data: body.rest().slice() },
        });
      case MessageType.RouteRefresh:
        return decodeRouteRefresh(frame, body);
      default:
        return refused(ErrorCode.MessageHeader, HeaderSubcode.BadMessageType, Uint8Array.of(frame.type));
    }
  } catch (cause) {
    if (!(cause instanceof ShortRead)) throw cause;
    return frame.type === MessageType.Open
      ? refused(ErrorCode.OpenMessage)
      : refused(ErrorCode.MessageHeader, HeaderSubcode.BadMessageLength);
  }
}

const MAX_SHUTDOWN_TEXT = 255;

/** Cease with a text for the other operator, cut at 255 octets on a character's border. @see RFC 9003 §2 */
export function shutdownData(text: string): Uint8Array {
  const octets = new TextEncoder().encode(text);
  let length = Math.min(octets.length, MAX_SHUTDOWN_TEXT);
  while (length > 0 && length < octets.length && (octets[length]! & 0xc0) === 0x80) length--;
  const data = new Uint8Array(1 + length);
  data[0] = length;
  data.set(octets.subarray(0, length), 1);
  return data;
}

/**
 * What the other operator wrote into a Cease, control characters replaced; `undefined` when there is nothing readable.
 * A peer's text: for people only, never a label or a log event.
 * @see RFC 9003 §2
 */
export function shutdownText(message: NotificationMessage): string | undefined {
  const { code, subcode, data } = message;
  const carries = subcode === CeaseSubcode.AdministrativeShutdown || subcode === CeaseSubcode.AdministrativeReset;
  if (code !== ErrorCode.Cease || !carries || data.length === 0 || data[0] === 0) return undefined;
  if (data[0]! > data.length - 1) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(data.subarray(1, 1 + data[0]!));
    return text.replace(/\p{Cc}/gu, "\u{fffd}");
  } catch {
    return undefined; // not UTF-8: there is nothing to show, and nothing depends on it
  }
}
