import { type ListenRange, mayCome, optionsFromRange, rangeAround, UNKNOWN_AS } from "./listen-ranges.ts";
import type { PeerOptions } from "./options.ts";
import { type PeerChange, planPeerChange } from "./peer-change.ts";

/** What other ranges mean for a neighbour that came from one by itself. */
export type GuestChange =
  /** Nobody of its AS may come from its address any more. */
  | { readonly type: "leave" }
  /** It may stay: `change` says whether its session does. */
  | { readonly type: "change"; readonly peer: PeerOptions; readonly change: PeerChange };

/** Pure. @param ranges those of then */
export function planGuest(guest: PeerOptions, ranges: readonly ListenRange[], localAs: number): GuestChange {
  const { address, remoteAs } = guest;
  const range = rangeAround(ranges, address);
  if (range === undefined || !(remoteAs === UNKNOWN_AS || mayCome(range, remoteAs, localAs))) return { type: "leave" };
  const peer = { ...optionsFromRange(address, range), remoteAs };
  return { type: "change", peer, change: planPeerChange(guest, peer) };
}

/** The same for one of which only its address and AS are known: it has what the range gave it. */
export function planGuestOf(
  { address, remoteAs }: Pick<PeerOptions, "address" | "remoteAs">,
  before: readonly ListenRange[],
  after: readonly ListenRange[],
  localAs: number,
): GuestChange {
  const range = rangeAround(before, address);
  return range === undefined
    ? { type: "leave" }
    : planGuest({ ...optionsFromRange(address, range), remoteAs }, after, localAs);
}
