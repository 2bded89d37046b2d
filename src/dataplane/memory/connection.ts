import { connectionName } from "../../base/index.ts";
import { GROUP_SLOTS, type GroupIndex } from "../../forwarding/index.ts";
import { CONNECTION, CONNECTION_CONFIG } from "../abi.ts";
import { type Choice, referTo, usable } from "./choice.ts";
import type { PassState } from "./outcome.ts";
import { type Ipv6Packet, type Layer4, Protocol, UDP_LENGTH, u32 } from "./packet.ts";

const LONG_HEADER = 0x80;

/** Where a QUIC connection id leads; 0: it does not say. */
export interface Connection {
  readonly site: number;
  readonly endpoint: number;
}

/**
 * Where a whole datagram's connection id leads, if it is QUIC's with a short header.
 * @see RFC 9000 §17.3.1; draft-ietf-quic-load-balancers (server id in plain text, configuration 0)
 */
export function connectionOf(packet: Ipv6Packet, { protocol }: Layer4): Connection | undefined {
  const { size, offsets } = CONNECTION;
  const data = packet.payload.subarray(UDP_LENGTH);
  if (protocol !== Protocol.Udp || packet.fragment !== undefined || data.length < size) return undefined;
  if ((data[offsets.form]! & LONG_HEADER) !== 0 || (data[offsets.first]! & CONNECTION_CONFIG) !== 0) return undefined;
  return { site: u32(data, offsets.site), endpoint: u32(data, offsets.endpoint) };
}

/** The member of a group with this name that is not down; former owners of slots in transition are members still. */
export function namedMember(
  { plan, locator }: PassState,
  group: GroupIndex,
  slot: number,
  name: number,
): Choice | undefined {
  const slots = plan.groupEntry(group)?.slots;
  if (slots === undefined || name === 0) return undefined;
  for (let n = 0; n < GROUP_SLOTS; n++) {
    const { current, previous } = slots[(slot + n) % GROUP_SLOTS]!;
    for (const index of [current, previous]) {
      const choice = usable(plan, referTo(plan, index));
      if (choice !== undefined && nameOf(choice, locator) === name) return choice;
    }
  }
  return undefined;
}

function nameOf({ target }: Choice, own: Uint8Array): number {
  if (target.kind === "instance") return connectionName(target.address, target.port);
  return connectionName(target.kind === "tunnel" ? target.locator : own, 0);
}
