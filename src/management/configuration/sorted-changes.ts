import { type Clock, Slices } from "../../base/index.ts";
import { localName, type TreeChange } from "../datastore/index.ts";

/** The containers at the top that a configuration is read from. */
export const ROUTER = "semrd-router:router";
export const NACM = "ietf-netconf-acm:nacm";
export const ALARMS = "ietf-alarms:alarms";

/** So many are sorted without giving up the turn first. */
const FEW = 128;

/** What changes are about. */
export interface SortedChanges {
  /** Those of the router's own container. */
  readonly changes: readonly TreeChange[];
  /** Names of its nodes, by their local names. */
  readonly sections: ReadonlyMap<string, string>;
  /** The router's container itself has come or gone. */
  readonly isAll: boolean;
  readonly isRuled: boolean;
  readonly isAlarmed: boolean;
}

/** Sorts changes by what they are about: once for who begins with them and who goes on. */
export class SortingOfChanges {
  readonly #clock: Clock;
  readonly #known = new WeakMap<readonly TreeChange[], Promise<SortedChanges>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(all: readonly TreeChange[]): Promise<SortedChanges> {
    const known = this.#known.get(all);
    if (known !== undefined) return known;
    const sorted = this.#sort(all);
    this.#known.set(all, sorted);
    return sorted;
  }

  /** In slices: there may be very many. */
  async #sort(all: readonly TreeChange[]): Promise<SortedChanges> {
    const changes: TreeChange[] = [];
    const sections = new Map<string, string>();
    let [isAll, isRuled, isAlarmed] = [false, false, false];
    let last: string | undefined;
    const slices = new Slices(this.#clock);
    if (all.length > FEW) await slices.next();
    for (const change of all) {
      if (slices.isOver) await slices.next();
      const [top, section] = change.path;
      if (top === undefined) continue;
      isRuled ||= top.name === NACM;
      isAlarmed ||= top.name === ALARMS;
      if (top.name !== ROUTER && localName(top) !== "router") continue;
      changes.push(change);
      if (section === undefined) isAll = true;
      else if (section.name !== last) sections.set(localName(section), section.name);
      last = section?.name;
    }
    return { changes, sections, isAll, isRuled, isAlarmed };
  }
}
