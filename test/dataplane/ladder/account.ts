import assert from "node:assert/strict";
import type { Site, Traffic } from "./world.ts";

/** Bars of DESIGN section 5 in milliseconds: for the reader, as a loaded machine adds to them. */
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

/** What each stage of the way says, where it comes from. */
export interface Stages {
  readonly verdicts: Traffic["verdicts"];
  readonly tunnelled: Traffic["tunnelled"];
  readonly unheard: Traffic["unheard"];
  readonly arrivals: readonly Pick<Traffic["arrivals"][number], "site">[];
}

const WAYS = [
  ["e1", "e2", "a1"],
  ["e2", "e1", "a2"],
] as const;

/** Sums of an account. */
function sums({ verdicts, tunnelled, unheard, arrivals }: Stages) {
  const of = (router: keyof typeof verdicts, verdict: string): number => verdicts[router][verdict] ?? 0;
  const refused = (router: keyof typeof verdicts): number =>
    Object.entries(verdicts[router]).reduce((sum, [verdict, count]) => sum + (isRefusal(verdict) ? count : 0), 0);
  const ways = WAYS.map(([egress, other, site]) => ({
    ...{
      egress,
      site,
      refused: refused(egress),
      hairPinned: of(egress, "hair-pinned"),
      delivered: of(egress, "delivered"),
    },
    put: tunnelled[egress] + of(other, "hair-pinned"),
    taken: of(egress, "delivered") + of(egress, "hair-pinned") + refused(egress),
    arrived: arrivals.filter((arrival) => arrival.site === site).length + unheard[site],
  }));
  return { sides: refused("i1") + refused("i2"), ways };
}

/** Whether all of so many are where they go no further; on a way that is `dead` they may be anywhere. */
export function isSettled(sent: number, stages: Stages, dead: readonly Site[]): boolean {
  const { sides, ways } = sums(stages);
  const { e1, e2 } = stages.tunnelled;
  return (
    sides + e1 + e2 >= sent &&
    ways.every(
      ({ site, put, taken, delivered, arrived }) => (dead.includes(site) || taken >= put) && arrived >= delivered,
    )
  );
}

/**
 * Every packet is somewhere, exactly, at each stage of its way: at the ingress it is refused under a name or put into a
 * tunnel; an egress has taken out of its tunnels what was put into them, unless its way is `dead`; what it delivered was
 * received, or counted by a host where nobody listens.
 */
export function account(traffic: Traffic): Account {
  const { sent, arrivals, verdicts, tunnelled, unheard, dead } = traffic;
  const numbers = new Set(arrivals.map(({ number }) => number));
  assert.equal(numbers.size, arrivals.length, "nothing arrives twice");
  const text = JSON.stringify({ sent: sent.length, received: numbers.size, tunnelled, unheard, verdicts });
  const { sides, ways } = sums(traffic);
  assert.equal(sent.length, sides + tunnelled.e1 + tunnelled.e2, `sent = refused or tunnelled at an ingress: ${text}`);
  let [onTheWay, named, hairPinned] = [0, sides, 0];
  for (const way of ways) {
    const { egress, site, put, taken } = way;
    if (!dead.includes(site)) assert.equal(put, taken, `what was put into the tunnels to ${egress} came out: ${text}`);
    assert.ok(put >= taken, `no more comes out of the tunnels to ${egress} than was put in: ${text}`);
    assert.equal(way.delivered, way.arrived, `what ${egress} delivered arrived: ${text}`);
    onTheWay += put - taken;
    named += way.refused;
    hairPinned += way.hairPinned;
  }
  const nobody = unheard.a1 + unheard.a2;
  assert.equal(sent.length, numbers.size + named + onTheWay + nobody, `sent = received + each named loss: ${text}`);
  return {
    ...{ sent: sent.length, received: numbers.size, named, onTheWay, unheard: nobody, hairPinned },
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

  /** For how many milliseconds packets were lost: from `at` on, or from the first of them. */
  row(what: string, one: Account, at = one.lostAt[0] ?? 0, bar?: number): number {
    const took = Math.max(0, (one.lostAt.at(-1) ?? at) - at);
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

/**
 * When the first packet after the event came to the other site that is of a flow of the dead one. Whatever was sent after that
 * is at the other site: causes before effects, however late anybody was to see them.
 */
export function movedAt(traffic: Traffic & { readonly event: number }, dead: Site): number {
  const { arrivals, sent, event } = traffic;
  const flows = new Set(arrivals.filter(({ site }) => site === dead).map(({ flow }) => flow));
  const moved = arrivals.filter(({ site, flow, number }) => site !== dead && flows.has(flow) && sent[number]! > event);
  assert.ok(moved.length > 0, `no flow of ${dead} has gone on at the other site`);
  return Math.min(...moved.map(({ at }) => at));
}

/** Sites that received something that was sent after a time. */
export const sites = ({ sent, arrivals }: Traffic, from: number): Set<Site> =>
  new Set(arrivals.filter(({ number }) => sent[number]! > from).map(({ site }) => site));
