import type { Clock } from "../base/index.ts";
import type { CapabilityPlan, Side } from "./capability-plan.ts";
import type { EntryTable } from "./entry-table.ts";
import { contentFor, type GroupContent, type GroupWish, isEmpty, NO_CONTENT, NO_WISH } from "./group-content.ts";
import type { GroupTable } from "./group-table.ts";
import type { CompilerOptions } from "./inputs.ts";
import type { InstanceBook } from "./instance-book.ts";
import { type NextHopTable, nextHopKey } from "./next-hop-table.ts";
import type { NextHop, NextHopIndex } from "./plan.ts";
import type { PolicyBook } from "./policy-book.ts";
import type { Reports } from "./reports.ts";
import { adoptedWish, instanceWish, siteWish } from "./wishes.ts";

/** The same text for the same members and backup. */
function wishKey({ members, backup }: GroupWish): string {
  let key = String(backup);
  for (const { nextHop, key: name, weight } of members) key += ` ${nextHop} ${name} ${weight}`;
  return key;
}

export interface FulfilmentParts {
  readonly hashSeed: CompilerOptions["hashSeed"];
  readonly clock: Clock;
  readonly reports: Reports;
  readonly entries: EntryTable;
  readonly groups: GroupTable;
  readonly nextHops: NextHopTable;
  readonly instances: InstanceBook;
  readonly policies: PolicyBook;
}

/** From what is known of one capability to its entries, groups and next hops. */
export class Fulfilment {
  readonly #hashSeed: CompilerOptions["hashSeed"];
  readonly #clock: Clock;
  readonly #reports: Reports;
  readonly #entries: EntryTable;
  readonly #groups: GroupTable;
  readonly #nextHops: NextHopTable;
  readonly #instances: InstanceBook;
  readonly #policies: PolicyBook;

  constructor(parts: FulfilmentParts) {
    this.#hashSeed = parts.hashSeed;
    this.#clock = parts.clock;
    this.#reports = parts.reports;
    this.#entries = parts.entries;
    this.#groups = parts.groups;
    this.#nextHops = parts.nextHops;
    this.#instances = parts.instances;
    this.#policies = parts.policies;
  }

  /**
   * Brings the data plane's plan up to what is known of the capability. False: nothing asks for it any more, and its
   * entries are removed. `adopting`: nothing is removed or emptied but what is known to be gone.
   */
  fulfil(plan: CapabilityPlan, adopting: boolean): boolean {
    const { any, own } = plan;
    if (plan.isIdle && plan.taxonomy === 0) {
      if (!adopting) {
        for (const entry of [any, own]) if (entry !== undefined) this.#entries.remove(entry);
        return false;
      }
      if (any?.installed === undefined) return true;
    }
    this.#install(plan, adopting);
    return true;
  }

  #install(plan: CapabilityPlan, adopting: boolean): void {
    const { any, own } = plan;
    const policy = this.#policies.assign(plan);
    for (const entry of [any, own]) if (entry !== undefined) Object.assign(entry, { policy, affinity: plan.affinity });
    const local = instanceWish(plan);
    if (any !== undefined) {
      this.#fill(any.site, this.#siteWish(plan), plan, adopting);
      this.#fill(any.local, local, plan, adopting);
      this.#entries.install(any);
    }
    if (own === undefined) return;
    if (plan.instances.size === 0 && !adopting) this.#entries.withdraw(own);
    else if (plan.instances.size === 0) {
      // It may share the instances' group, which the last of them has just left.
      if (own.installed !== undefined) this.#entries.install(own);
    } else {
      this.#fill(own.site, this.#ownSiteWish(), plan, adopting);
      if (own.local.entry === own) this.#fill(own.local, local, plan, adopting);
      this.#entries.install(own);
    }
  }

  #siteWish(plan: CapabilityPlan): GroupWish {
    return siteWish(
      plan,
      (nextHop) => this.#locate(nextHop),
      (nextHop) => this.#nextHops.find(nextHop),
    );
  }

  /** `C::selector` leads to this router alone. */
  #ownSiteWish(): GroupWish {
    const index = this.#locate({ kind: "local" });
    if (index === undefined) return NO_WISH;
    return { ...NO_WISH, members: [{ nextHop: index, key: 0, weight: 1 }], backup: index };
  }

  #locate(nextHop: NextHop): NextHopIndex | undefined {
    const index = this.#nextHops.obtain(nextHop, "up", this.#clock.monotonic());
    if (index === undefined) this.#reports.refuse("next-hops-full", { nextHop: nextHopKey(nextHop) });
    return index;
  }

  #fill(side: Side, wish: GroupWish, plan: CapabilityPlan, adopting: boolean): void {
    if (side.group === undefined && wish.leaving.size === 0 && !adopting) {
      this.#fillFresh(side, wish, plan);
      return;
    }
    const past = side.group === undefined ? NO_CONTENT : this.#groups.past(side.group);
    const wanted = adopting ? adoptedWish(wish, past, (index) => this.#isGone(plan, index)) : wish;
    if (wanted === undefined) return;
    const content = contentFor(wanted, past, this.#hashSeed);
    if (isEmpty(content)) this.#groups.leave(side);
    else if (!this.#groups.obtain(side, content, wanted.draining)) this.#refuse(plan);
  }

  #fillFresh(side: Side, wish: GroupWish, plan: CapabilityPlan): void {
    if (wish.members.length === 0) return;
    const make = (): GroupContent => contentFor(wish, NO_CONTENT, this.#hashSeed);
    if (!this.#groups.obtainFresh(side, wishKey(wish), make)) this.#refuse(plan);
  }

  #refuse(plan: CapabilityPlan): void {
    this.#reports.refuse("groups-full", { capability: plan.name, tenantIndex: plan.tenantIndex });
  }

  #isGone(plan: CapabilityPlan, index: NextHopIndex): boolean {
    const nextHop = this.#nextHops.get(index);
    if (nextHop === undefined) return index !== 0;
    if (nextHop.kind === "instance") return this.#instances.isGone(nextHop.instance);
    const key = nextHopKey(nextHop);
    if (plan.refused.has(key)) return true;
    if (!plan.seen.has(key)) return false;
    return ![...plan.sites, ...plan.leaving].some((site) => nextHopKey(site.nextHop) === key);
  }
}
