import { copyOctets, OctetView, SPARE_OCTETS } from "../base/index.ts";
import { type SetDigest, SetMark, type SetSource } from "./attributes.ts";
import type { AttributeId } from "./types.ts";
import { bandwidthAmong, bandwidthWeight } from "./weight.ts";

/** Words of a set: half a line of the processor's cache. */
const SHIFT = 3;
/** Words in front of them: memory of this size begins 16 octets behind a line, so those of a set are within one. */
const LEAD = 4;
export const FLAGS = 0;
export const LOCAL_PREFERENCE = 1;
/** AS path length 16, network cost 8, cost class 8. */
export const LENGTH_AND_CLASSES = 2;
/** What a link bandwidth comes to; 0: the set has none. */
export const BANDWIDTH_WEIGHT = 3;
export const NEXT_HOP = 4;
const NEXT_HOP_OCTETS = 16;

/** In FLAGS; the first two in the order in which they count. The score is above them. */
export const IS_DRAINING = 0x01;
export const IS_LLGR_STALE = 0x02;
export const PREFERENCE_FLAGS = IS_DRAINING | IS_LLGR_STALE;
/** Something has no room here: the set itself is to be asked. */
export const IS_UNUSUAL = 0x04;
export const HAS_NAME = 0x08;
/** The rules of its family allow it, and its lease runs, as was judged last. */
export const IS_ELIGIBLE = 0x10;
export const SCORE_SHIFT = 8;

/**
 * What the rules that choose among sites ask of a set, read once when the set comes, so that deciding makes no object of it.
 * Only whether it is eligible depends on configuration and time.
 *
 *     | flags 8, score 8 | local preference | AS path length 16, network cost 8, cost class 8 | weight | next hop, 4 words |
 */
export class SetFacts {
  readonly words: Int32Array;
  readonly #target: DataView;
  readonly #source = new OctetView();

  /** @param limit largest id; memory is taken for those that are written */
  constructor(limit: number) {
    this.words = new Int32Array(factsOf(limit + 1) + SPARE_OCTETS / 4);
    this.#target = new DataView(this.words.buffer);
  }

  write(id: AttributeId, digest: SetDigest, { set, communities, nextHop }: SetSource, isEligible: boolean): void {
    const { words } = this;
    const at = factsOf(id);
    const { semantic } = set;
    // Of a set that says nothing of itself a share is 1.
    const score = semantic?.score ?? 1;
    const networkCost = semantic?.latencyClass ?? 0;
    const costClass = semantic?.costClass ?? 0;
    const { localPref, asPathLength, marks } = digest;
    const isUsual = isOctet(score) && isOctet(networkCost) && isOctet(costClass) && asPathLength <= 0xffff;
    words[at + FLAGS] =
      (semantic?.state === "draining" ? IS_DRAINING : 0) |
      ((marks & SetMark.llgrStale) === 0 ? 0 : IS_LLGR_STALE) |
      (isUsual ? 0 : IS_UNUSUAL) |
      (semantic?.name === undefined ? 0 : HAS_NAME) |
      (isEligible ? IS_ELIGIBLE : 0) |
      (score << SCORE_SHIFT);
    words[at + LOCAL_PREFERENCE] = localPref;
    words[at + LENGTH_AND_CLASSES] = asPathLength | (networkCost << 16) | (costClass << 24);
    const bandwidth = communities === undefined ? bandwidthWeight(set) : bandwidthAmong(communities);
    words[at + BANDWIDTH_WEIGHT] = bandwidth ?? 0;
    const from = this.#source.over(nextHop?.octets ?? set.nextHop);
    copyOctets(from, nextHop?.start ?? 0, this.#target, 4 * (at + NEXT_HOP), NEXT_HOP_OCTETS);
  }

  judge(id: AttributeId, isEligible: boolean): void {
    const at = factsOf(id) + FLAGS;
    const flags = this.words[at]!;
    this.words[at] = isEligible ? flags | IS_ELIGIBLE : flags & ~IS_ELIGIBLE;
  }
}

/** Where the words of a set begin. */
export function factsOf(id: AttributeId): number {
  return (id << SHIFT) + LEAD;
}

function isOctet(value: number): boolean {
  return (value & 0xff) === value;
}
