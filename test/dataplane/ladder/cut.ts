import assert from "node:assert/strict";
import { type Account, account, movedAt, sites } from "./account.ts";
import { address, LOCATOR, now } from "./part.ts";
import { HOP } from "./plans.ts";
import { Wire } from "./wire.ts";
import type { Ladder, Traffic } from "./world.ts";

/** Detection time, 10 ms × 3, twice: a thread that was kept from running does not count that, up to one of them. */
const DETECTION_MS = 2 * 3 * 10;
/** The least that lies between two frames: 75 % of the interval. @see RFC 5880 §6.8.7 */
const APART_MS = 7.5;
/** So many frames may a router have sent since the last that it heard, before it says that it takes the other one for dead. */
const MOST_UNANSWERED = 1 + DETECTION_MS / APART_MS;

export interface Cut {
  /** The ingress that has to notice. */
  readonly from: "i1" | "i2";
  /** The other end of the link of e1 that is cut. */
  readonly link: "core" | "i2";
  /** Who finds out, at the latest. BFD of e1: only the way there is lost, so that it is e1 that hears nothing, and says so. */
  readonly by: "own bfd" | "bfd of e1" | "heartbeats";
  readonly first?: () => Promise<unknown>;
  readonly back: () => Promise<void>;
}

/**
 * Traffic over the moment in which a link of e1 is cut. Judged by order and in counts, as on a busy machine anybody may have to
 * wait for a processor: it is noticed in so many frames or ticks of whoever notices it; the word is written before the ingress says
 * Down; and from the first packet on that has gone the other way none goes to the dead site.
 */
export async function cutting(
  ladder: Ladder,
  { from, link, by, first, back }: Cut,
): Promise<Account & { traffic: Traffic; unanswered: number }> {
  const [ingress, egress] = [address(LOCATOR[from]), address(LOCATOR.e1)];
  const [own, peer] = by === "own bfd" ? [ingress, egress] : [egress, ingress];
  const wire =
    by === "heartbeats"
      ? undefined
      : await Wire.tap(by === "own bfd" ? from : "e1", LOCATOR[by === "own bfd" ? "e1" : from]);
  let noticed = 0;
  const happens = async (): Promise<number> => {
    await (first?.() ?? ladder.sends(200));
    const at = ladder.cut("e1", link);
    await (wire?.saysDown(own, peer) ?? ladder.fallsSilent(from, HOP.e1));
    if (by === "bfd of e1") await ladder.isDown(from, HOP.e1);
    noticed = now();
    await ladder.sends(200);
    return at;
  };
  const restore = async (): Promise<void> => {
    await wire?.close();
    await back();
  };
  const traffic = await ladder.traffic(happens, restore, ["a1"]);
  const one = account(traffic);
  const { unanswered, after } = wire?.down(own, peer) ?? { unanswered: 0, after: [] };
  assert.ok(unanswered <= MOST_UNANSWERED, `${unanswered} frames of BFD unanswered`);
  const arrived = new Map(traffic.arrivals.map(({ number, site }) => [number, site]));
  const strays = by === "own bfd" ? after.filter((number) => arrived.get(number) !== "a2") : [];
  assert.deepEqual(strays, [], `of ${after.length} packets after the word was written these are not at a2`);
  for (const from of [noticed, movedAt(traffic, "a1")]) {
    assert.deepEqual(sites(traffic, from), new Set(["a2"]));
    const late = one.lostAt.filter((at) => at > from);
    assert.deepEqual(late, [], `${late.length} packets lost after ${from}, the last ${late.at(-1)! - from} ms later`);
  }
  return { ...one, traffic, unanswered };
}
