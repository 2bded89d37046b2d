import { type Ipv6Address, Reader, ShortRead, type Writer } from "../../../base/index.ts";
import { isMappedIpv4, mappedIpv4 } from "../../wire/index.ts";
import { beginRecord, endRecord, MrtType } from "./record.ts";

/** Of BGP4MP. `local`: the router that writes has sent the message. @see RFC 6396 §4.4; RFC 8050 §3 */
export const Bgp4mpSubtype = {
  StateChange: 0,
  Message: 1,
  MessageAs4: 4,
  StateChangeAs4: 5,
  MessageLocal: 6,
  MessageAs4Local: 7,
  MessageAddPath: 8,
  MessageAs4AddPath: 9,
  MessageLocalAddPath: 10,
  MessageAs4LocalAddPath: 11,
} as const;

/** The numbers of the states. @see RFC 6396 §4.4.1 */
export const MRT_STATES = ["Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"] as const;
export type MrtState = (typeof MRT_STATES)[number];

/** Between whom. Addresses of IPv4 in mapped form, both of one family. */
export interface Bgp4mpEnds {
  readonly peerAs: number;
  readonly localAs: number;
  readonly peerAddress: Ipv6Address;
  readonly localAddress: Ipv6Address;
}

export interface MessageForm {
  /** Of the AS_PATH in the message. */
  readonly asWidth: 2 | 4;
  readonly direction: "received" | "sent";
  /** NLRI have path identifiers. @see RFC 8050 §3 */
  readonly addPath: boolean;
}

/** @see RFC 6396 §4.4.2 and §4.4.3; RFC 8050 §3 */
export function encodeBgp4mpMessage(
  out: Writer,
  seconds: number,
  ends: Bgp4mpEnds,
  form: MessageForm,
  message: Uint8Array,
): void {
  const at = beginRecord(out, seconds, MrtType.Bgp4mp, messageSubtype(form));
  writeEnds(out, ends, form.asWidth);
  out.bytes(message);
  endRecord(out, at);
}

function messageSubtype({ asWidth, direction, addPath }: MessageForm): number {
  const { Message, MessageAs4, MessageLocal, MessageAs4Local, MessageAddPath } = Bgp4mpSubtype;
  if (addPath) return MessageAddPath + (asWidth === 4 ? 1 : 0) + (direction === "sent" ? 2 : 0);
  if (direction === "sent") return asWidth === 4 ? MessageAs4Local : MessageLocal;
  return asWidth === 4 ? MessageAs4 : Message;
}

/** @see RFC 6396 §4.4.4 */
export function encodeStateChange(
  out: Writer,
  seconds: number,
  ends: Bgp4mpEnds,
  change: { readonly from: MrtState; readonly to: MrtState },
): void {
  const at = beginRecord(out, seconds, MrtType.Bgp4mp, Bgp4mpSubtype.StateChangeAs4);
  writeEnds(out, ends, 4);
  out.u16(MRT_STATES.indexOf(change.from) + 1).u16(MRT_STATES.indexOf(change.to) + 1);
  endRecord(out, at);
}

/** AS numbers, interface index (0: not known), AFI, addresses. */
function writeEnds(out: Writer, ends: Bgp4mpEnds, asWidth: 2 | 4): void {
  const { peerAs, localAs, peerAddress, localAddress } = ends;
  if (asWidth === 4) out.u32(peerAs).u32(localAs);
  else out.u16(narrow(peerAs)).u16(narrow(localAs));
  const v4 = isMappedIpv4(peerAddress) && isMappedIpv4(localAddress);
  out.u16(0).u16(v4 ? 1 : 2);
  for (const address of [peerAddress, localAddress]) out.bytes(v4 ? address.subarray(12) : address);
}

const AS_TRANS = 23456;
const narrow = (autonomousSystem: number): number => (autonomousSystem > 0xffff ? AS_TRANS : autonomousSystem);

export type Bgp4mpAnswer =
  | { readonly kind: "message"; readonly ends: Bgp4mpEnds; readonly form: MessageForm; readonly message: Uint8Array }
  | { readonly kind: "state-change"; readonly ends: Bgp4mpEnds; readonly from: MrtState; readonly to: MrtState }
  | { readonly kind: "other" }
  | { readonly kind: "malformed"; readonly reason: string };

const AS4_SUBTYPES: ReadonlySet<number> = new Set([
  Bgp4mpSubtype.MessageAs4,
  Bgp4mpSubtype.StateChangeAs4,
  Bgp4mpSubtype.MessageAs4Local,
  Bgp4mpSubtype.MessageAs4AddPath,
  Bgp4mpSubtype.MessageAs4LocalAddPath,
]);
const SENT_SUBTYPES: ReadonlySet<number> = new Set([
  Bgp4mpSubtype.MessageLocal,
  Bgp4mpSubtype.MessageAs4Local,
  Bgp4mpSubtype.MessageLocalAddPath,
  Bgp4mpSubtype.MessageAs4LocalAddPath,
]);

/** Reads the body of a BGP4MP record. `message` is a view of it, header included. */
export function decodeBgp4mp(subtype: number, body: Uint8Array): Bgp4mpAnswer {
  const isChange = subtype === Bgp4mpSubtype.StateChange || subtype === Bgp4mpSubtype.StateChangeAs4;
  if (subtype > Bgp4mpSubtype.MessageAs4LocalAddPath || subtype === 2 || subtype === 3) return { kind: "other" };
  const asWidth = AS4_SUBTYPES.has(subtype) ? 4 : 2;
  const reader = new Reader(body);
  try {
    const peerAs = asWidth === 4 ? reader.u32() : reader.u16();
    const localAs = asWidth === 4 ? reader.u32() : reader.u16();
    reader.skip(2); // interface index
    const afi = reader.u16();
    if (afi !== 1 && afi !== 2) return { kind: "malformed", reason: `addresses of family ${afi}` };
    const address = (): Ipv6Address => (afi === 2 ? reader.bytes(16).slice() : mappedIpv4(reader.bytes(4)));
    const ends = { peerAs, localAs, peerAddress: address(), localAddress: address() };
    if (!isChange) {
      const direction = SENT_SUBTYPES.has(subtype) ? "sent" : "received";
      const form = { asWidth, direction, addPath: subtype >= Bgp4mpSubtype.MessageAddPath } as const;
      return { kind: "message", ends, form, message: reader.rest() };
    }
    const [from, to] = [MRT_STATES[reader.u16() - 1], MRT_STATES[reader.u16() - 1]];
    if (from === undefined || to === undefined) return { kind: "malformed", reason: "a state that does not exist" };
    return { kind: "state-change", ends, from, to };
  } catch (cause) {
    if (!(cause instanceof ShortRead)) throw cause;
    return { kind: "malformed", reason: `subtype ${subtype}: ${cause.message}` };
  }
}
