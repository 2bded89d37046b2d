import type { Verdict } from "../abi.ts";
import { echoReply, icmpv6Error, mayBeAnswered, tcpReset } from "./answer.ts";
import type { Outcome } from "./outcome.ts";
import { concatenate, firstFragment, Ipv6Packet, Protocol } from "./packet.ts";
import { drop, type FlowWalk, isUnfinished, reply, type Walk } from "./walk.ts";

/** Codes of ICMPv6 type 1. @see RFC 4443 §3.1 */
export const UNREACHABLE = { noRoute: 0, prohibited: 1, address: 3, port: 4 } as const;

/** Any link takes this much. @see RFC 8200 §5 */
export const LEAST_MTU = 1280;

/** Octets of the packet that an ICMPv6 error quotes at most: the whole answer stays within 1280. @see RFC 4443 §2.4 (c) */
const LARGEST_QUOTE = LEAST_MTU - 40 - 8;

/** Refuses with an ICMPv6 error, if one may be sent and the token bucket lets it. */
export function rejectWithError(walk: Walk, verdict: Verdict, error: ErrorText): Outcome {
  const said = errorAbout(walk, error);
  if (typeof said === "string") return drop(said, walk.input.frame);
  return reply(walk, verdict, said, [{ type: "take-token" }]);
}

export interface ErrorText {
  readonly type: number;
  readonly code: number;
  readonly value?: number;
}

/** The ICMPv6 error for a packet's sender, or the verdict on one that gets none. */
export function errorAbout(walk: Walk, error: ErrorText): Ipv6Packet | "drop-unanswerable" | "drop-rate-limited" {
  const { state, packet } = walk;
  if (!mayBeAnswered(packet)) return "drop-unanswerable";
  if (!state.mayAnswer) return "drop-rate-limited";
  return icmpv6Error(state.locator, packet, LARGEST_QUOTE, { value: 0, unfinished: isUnfinished(walk), ...error });
}

/** Refuses a flow: TCP without extension headers gets a reset, anything else an ICMPv6 error. */
export function rejectFlow(walk: FlowWalk, verdict: Verdict, code: keyof typeof UNREACHABLE): Outcome {
  if (walk.layer4.protocol !== Protocol.Tcp || walk.packet.extensions !== undefined)
    return rejectWithError(walk, verdict, { type: 1, code: UNREACHABLE[code] });
  if (!mayBeAnswered(walk.packet)) return drop("drop-unanswerable", walk.input.frame);
  return reply(walk, verdict, tcpReset(walk.packet, { unfinished: isUnfinished(walk) }), []);
}

export function answerEcho(walk: FlowWalk): Outcome {
  const padding = walk.found.subarray(walk.packet.octets.length);
  const { octets } = echoReply(walk.packet);
  return reply(walk, "answered-echo", new Ipv6Packet(concatenate(octets, padding)), []);
}

/** Of a capability whose datagrams do not stay together by addresses. */
export function isRefusedFragment({ packet, affinity }: FlowWalk): boolean {
  return packet.fragment !== undefined && affinity !== "address";
}

/** Drops a fragment; of the first one of TCP or UDP the sender is told. */
export function dropFragment(walk: Walk): Outcome {
  const { packet, input } = walk;
  const isTold = packet.fragment === undefined ? firstFragment(packet) !== undefined : packet.fragment.isFirst;
  return isTold ? refuseFragment(walk) : drop("drop-fragment", input.frame);
}

/** Drops a first fragment and says so. */
export function refuseFragment(walk: Walk): Outcome {
  return rejectWithError(walk, "drop-fragment", { type: 1, code: UNREACHABLE.prohibited });
}

/** Refuses a packet of which `fits` octets would get through. */
export function rejectTooBig(walk: Walk, fits: number): Outcome {
  return rejectWithError(walk, "reject-too-big", tooBig(fits));
}

export function tooBig(fits: number): ErrorText {
  return { type: 2, code: 0, value: Math.max(fits, LEAST_MTU) };
}

/** The answer to a packet that the link towards `destination` does not take with `added` octets more. */
export function refuseSize(walk: Walk, destination: Uint8Array, added: number): Outcome | undefined {
  const { state, packet, input } = walk;
  const size = packet.octets.length + added;
  if (input.superPacket === true || (input.hook === "xdp" && size <= LEAST_MTU)) return undefined;
  const link = state.route(destination);
  return link !== undefined && size > link.mtu ? rejectTooBig(walk, link.mtu - added) : undefined;
}
