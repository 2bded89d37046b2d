import assert from "node:assert/strict";
import type { Site, Traffic } from "./world.ts";

/** Bars of DESIGN section 5 in milliseconds, and what a loaded machine may add. */
export const BAR = { switch: 0, link: 5, silent: 50 } as const;

export interface Account {
  readonly sent: number;
  readonly received: number;
  /** Named drops and rejects, of all routers. */
  readonly named: number;
  /** Put into a tunnel and never taken out: on the way to what is dead. */
  readonly onTheWay: number;
  /** Brought to the host of an instance where nobody listens any more, which counts them and says so. */
  readonly unheard: number;
  readonly hairPinned: number;
  /** When those were sent that did not arrive, in this order. */
  readonly lostAt: readonly number[];
}

const isRefusal = (verdict: string): boolean => verdict.startsWith("drop-") || verdict.startsWith("reject-");

/**
 * Every packet is somewhere, exactly, at each stage of its way: at the ingress it is refused under a name or put into a
 * tunnel; an egress has taken out of its tunnels what was put into them, unless its way is `dead`; what it delivered was
 * received, or counted by a host where nobody listens.
 */
export function account(traffic: Traffic, dead: readonly Site[] = []): Account {
  const { sent, arrivals, verdicts, tunnelled, unheard } = traffic;
  const numbers = new Set(arrivals.map(({ number }) => number));
  assert.equal(numbers.size, arrivals.length, "nothing arrives twice");
  const of = (router: keyof typeof verdicts, verdict: string): number => verdicts[router][verdict] ?? 0;
  const refused = (router: keyof typeof verdicts): number =>
    Object.entries(verdicts[router]).reduce((sum, [verdict, count]) => sum + (isRefusal(verdict) ? count : 0), 0);
  const text = JSON.stringify({ sent: sent.length, received: numbers.size, tunnelled, unheard, verdicts });
  const sides = refused("i1") + refused("i2");
  assert.equal(sent.length, sides + tunnelled.e1 + tunnelled.e2, `sent = refused or tunnelled at an ingress: ${text}`);
  let onTheWay = 0;
  for (const [egress, other, site] of [
    ["e1", "e2", "a1"],
    ["e2", "e1", "a2"],
  ] as const) {
    const put = tunnelled[egress] + of(other, "hair-pinned");
    const taken = of(egress, "delivered") + of(egress, "hair-pinned") + refused(egress);
    if (!dead.includes(site)) assert.equal(put, taken, `what was put into the tunnels to ${egress} came out: ${text}`);
    assert.ok(put >= taken, `no more comes out of the tunnels to ${egress} than was put in: ${text}`);
    onTheWay += put - taken;
    const received = arrivals.filter((arrival) => arrival.site === site).length;
    assert.equal(of(egress, "delivered"), received + unheard[site], `what ${egress} delivered arrived: ${text}`);
  }
  const named = sides + refused("e1") + refused("e2");
  const nobody = unheard.a1 + unheard.a2;
  assert.equal(sent.length, numbers.size + named + onTheWay + nobody, `sent = received + each named loss: ${text}`);
  return {
    ...{ sent: sent.length, received: numbers.size, named, onTheWay, unheard: nobody },
    hairPinned: of("e1", "hair-pinned") + of("e2", "hair-pinned"),
    lostAt: sent.filter((_, number) => !numbers.has(number)),
  };
}

const COLUMNS = [
  ["sent", 6],
  ["received", 9],
  ["refused", 8],
  ["on the way", 11],
  ["nobody there", 13],
  ["hair-pinned", 12],
  ["ms (bar)", 15],
] as const;

/** What was lost of what, and for how long: printed in the end. */
export class Table {
  readonly #rows: string[] = [];

  /** For how many milliseconds from `at` on packets were lost; of those that were sent until `until`. */
  row(what: string, one: Account, at: number, bar?: number, until = Number.POSITIVE_INFINITY): number {
    const took = Math.max(0, (one.lostAt.findLast((time) => time <= until) ?? at) - at);
    const numbers = [one.sent, one.received, one.named, one.onTheWay, one.unheard, one.hairPinned];
    const cells = [...numbers, `${took.toFixed(1)}${bar === undefined ? "" : ` (${bar})`}`];
    this.#rows.push(what.padEnd(62) + cells.map((cell, i) => `${cell}`.padStart(COLUMNS[i]![1])).join(""));
    return took;
  }

  toString(): string {
    return ["what dies".padEnd(62) + COLUMNS.map(([name, width]) => name.padStart(width)).join(""), ...this.#rows].join(
      "\n",
    );
  }
}

/** Sites that received something that was sent after a time. */
export const sites = ({ sent, arrivals }: Traffic, from: number): Set<Site> =>
  new Set(arrivals.filter(({ number }) => sent[number]! > from).map(({ site }) => site));

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
