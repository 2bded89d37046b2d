import type { Affinity } from "../../forwarding/index.ts";
import type { Verdict } from "../abi.ts";
import { pseudoHeaderSum } from "./checksum.ts";
import type { Connection } from "./connection.ts";
import type { Flow } from "./flow-key.ts";
import type { Effect, Outcome, PassInput, PassPort, PassState } from "./outcome.ts";
import { concatenate, type Ipv6Packet, type Layer4, Protocol, u16 } from "./packet.ts";

/** One packet on its way through the pass: where it came in, and what is left of it now. */
export interface Walk {
  readonly state: PassState;
  readonly port: PassPort;
  readonly input: PassInput;
  readonly ethernet: Uint8Array;
  /** All octets from the header of `packet` to the end of the frame. */
  readonly found: Uint8Array;
  /** The packet as it came; the inner one after decapsulation. */
  readonly packet: Ipv6Packet;
  /** Came out of a tunnel: goes into another at most once more. */
  readonly decapsulated: boolean;
  /** Came out of a second tunnel: is delivered here or nowhere. */
  readonly lastLeg: boolean;
  /** What it carries as far as its egress; 0: none. */
  readonly tag: number;
  /** What policy gave it. Absent: it stays as it is. */
  readonly dscp?: number;
}

/** A walk to a capability, with its layer-4 header found whole. */
export interface FlowWalk extends Walk {
  /** Of an ICMPv6 error: the header it quotes, with the ports of the flow that it belongs to. */
  readonly layer4: Layer4;
  readonly flow: Flow;
  /** An ICMPv6 error about a packet of the flow. */
  readonly quoted: boolean;
  /** Of the capability, if this is a datagram. Absent: by flow. */
  readonly affinity?: Affinity;
  /** With affinity `connection`: where it says that it leads. */
  readonly connection?: Connection | undefined;
}

export function pass(frame: Uint8Array): Outcome {
  return { verdict: "passed", action: "pass", frame, effects: [] };
}

export function drop(verdict: Verdict, frame: Uint8Array): Outcome {
  return { verdict, action: "drop", frame, effects: [] };
}

export function forward(walk: Walk, verdict: Verdict, packet: Ipv6Packet, effects: readonly Effect[]): Outcome {
  const padding = walk.found.subarray(walk.packet.octets.length);
  return { verdict, action: "forward", frame: concatenate(walk.ethernet, packet.octets, padding), effects };
}

/** An answer: tc sends it back to the station that the packet came from, behind XDP the stack routes it. */
export function reply(walk: Walk, verdict: Verdict, answer: Ipv6Packet, effects: readonly Effect[]): Outcome {
  const { ethernet, input } = walk;
  const swapped = concatenate(ethernet.subarray(6, 12), ethernet.subarray(0, 6), ethernet.subarray(12));
  const header = input.hook === "tc" ? swapped : ethernet;
  return { verdict, action: "reply", frame: concatenate(header, answer.octets), effects };
}

/** True when the packet's TCP or UDP checksum holds the pseudo-header's sum only. */
export function isUnfinished({ input, port, packet }: Walk): boolean {
  if (packet.nextHeader !== Protocol.Tcp && packet.nextHeader !== Protocol.Udp) return false;
  if (packet.fragment !== undefined) return false;
  if (input.hook === "tc") return input.unfinishedChecksum === true;
  if (!port.partialChecksums) return false;
  const { source, destination, payload, nextHeader } = packet;
  const checksum = u16(payload, nextHeader === Protocol.Udp ? 6 : 16);
  return checksum === pseudoHeaderSum(source, destination, payload.length, nextHeader);
}
