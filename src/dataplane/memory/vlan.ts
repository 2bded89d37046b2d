import type { Outcome, PassInput, PassPort, PassState } from "./outcome.ts";
import { concatenate, ETHERNET_LENGTH, IPV6_LENGTH, u16 } from "./packet.ts";

const TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const IPV6 = 0x86dd;
const TAG_LENGTH = 4;
const MOST_TAGS = 2;
/** Octets of the two addresses. */
const MACS = 12;

/** The VLAN tags of a frame that are taken off; `undefined` for one that the pass takes as it is, or not at all. */
export function tagsOf({ acceptsTags }: PassPort, frame: Uint8Array): Uint8Array | undefined {
  if (acceptsTags !== true) return undefined;
  for (let at = MACS, count = 0; at + 2 <= frame.length; at += TAG_LENGTH, count++) {
    const type = u16(frame, at);
    if (type === IPV6) return count === 0 ? undefined : frame.subarray(MACS, at);
    if (count === MOST_TAGS || !TYPES.has(type) || at + TAG_LENGTH > frame.length) return undefined;
  }
  return undefined;
}

export function untagged(frame: Uint8Array, tags: Uint8Array): Uint8Array {
  return concatenate(frame.subarray(0, MACS), frame.subarray(MACS + tags.length));
}

/** What became of the frame without its tags; those that go on over the same link, or to the stack, have them again. */
export function retagged(state: PassState, { hook }: PassInput, outcome: Outcome, tags: Uint8Array): Outcome {
  const { action, frame } = outcome;
  if (action === "drop") return outcome;
  const at = ETHERNET_LENGTH;
  const sentByPass =
    action === "forward" && hook === "tc" && state.route(frame.subarray(at + 24, at + IPV6_LENGTH)) !== undefined;
  if (sentByPass) return outcome;
  return { ...outcome, frame: concatenate(frame.subarray(0, MACS), tags, frame.subarray(MACS)) };
}
