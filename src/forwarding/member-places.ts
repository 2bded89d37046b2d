import type { NextHopIndex } from "./plan.ts";
import type { GroupMember } from "./slot-claims.ts";

const NEXT_HOPS = 65_536;

/** Where in a list of members a next hop is; one list at a time, and nothing is allocated for it. */
export class MemberPlaces {
  /** By next hop. What other lists left behind is told by what stands at the place. */
  readonly #places = new Int32Array(NEXT_HOPS);
  #members: readonly GroupMember[] = [];

  /** From now on it is about these. Kept as long. */
  take(members: readonly GroupMember[]): void {
    this.#members = members;
    for (let place = 0; place < members.length; place++) this.#places[members[place]!.nextHop] = place;
  }

  /** -1: it is no member. */
  of(nextHop: NextHopIndex): number {
    const place = this.#places[nextHop]!;
    return place < this.#members.length && this.#members[place]!.nextHop === nextHop ? place : -1;
  }
}
