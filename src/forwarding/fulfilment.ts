import type { CapabilityName, Clock } from "../base/index.ts";
import type { CapabilityBook, PlanId } from "./capability-book.ts";
import type { ChoiceBook, ChoiceId } from "./choice-book.ts";
import { ENTRY, type EntryId, type EntryRecords, type SideId } from "./entry-records.ts";
import type { EntryTable } from "./entry-table.ts";
import { contentFor, type GroupContent, type GroupWish, isEmpty, NO_CONTENT, NO_WISH } from "./group-content.ts";
import { type GroupTable, NO_FRESH } from "./group-table.ts";
import type { CompilerOptions } from "./inputs.ts";
import type { InstanceBook, InstanceMember } from "./instance-book.ts";
import { type NextHopTable, nextHopKey } from "./next-hop-table.ts";
import type { NextHop, NextHopIndex } from "./plan.ts";
import type { PolicyIndex } from "./policy.ts";
import type { PolicyBook } from "./policy-book.ts";
import type { Reports } from "./reports.ts";
import type { SiteChoice } from "./site-choice.ts";
import { adoptedWish, instanceWish, servesWhileDraining, siteWish } from "./wishes.ts";

export interface FulfilmentParts {
  readonly hashSeed: CompilerOptions["hashSeed"];
  readonly clock: Clock;
  readonly reports: Reports;
  readonly book: CapabilityBook;
  readonly choices: ChoiceBook;
  readonly records: EntryRecords;
  readonly entries: EntryTable;
  readonly groups: GroupTable;
  readonly nextHops: NextHopTable;
  readonly instances: InstanceBook;
  readonly policies: PolicyBook;
  /** Who knows names below a prefix of this one; 0: nobody. */
  readonly resolvers: (tenantIndex: number, name: CapabilityName) => ChoiceId;
}

const HERE = { kind: "local" } as const;

/** From what is known of one capability to its entries, groups and next hops. */
export class Fulfilment {
  readonly #parts: FulfilmentParts;
  /** `C::selector` leads to this router alone. */
  #here = NO_FRESH;
  /** Next hops that were in a selection since the start: when they are absent now, they are gone. During adoption. */
  readonly #seen = new Map<PlanId, Set<string>>();

  constructor(parts: FulfilmentParts) {
    this.#parts = parts;
  }

  /** During adoption, before the capability's choice becomes another one. */
  noteSeen(plan: PlanId): void {
    const sites = this.#choice(plan)?.sites ?? [];
    if (sites.length === 0) return; // as of each that is heard of for the first time
    const seen = this.#seen.get(plan) ?? new Set();
    for (const { nextHop } of sites) seen.add(nextHopKey(nextHop));
    this.#seen.set(plan, seen);
  }

  /** Adoption is over. */
  forgetSeen(): void {
    this.#seen.clear();
  }

  #choice(plan: PlanId): SiteChoice | undefined {
    return this.#parts.choices.get(this.#parts.book.choice(plan));
  }

  /**
   * Brings the data plane's plan up to what is known of the capability. False: nothing asks for it any more, and its
   * entries are removed. `adopting`: nothing is removed or emptied but what is known to be gone.
   */
  fulfil(plan: PlanId, adopting: boolean): boolean {
    const { book, choices, entries, records } = this.#parts;
    const any = book.any(plan);
    if (!choices.serves(book.choice(plan)) && book.taxonomy(plan) === 0 && book.instances(plan).size === 0) {
      if (!adopting) {
        for (const entry of [any, book.own(plan)]) if (entry !== 0) entries.remove(entry);
        return false;
      }
      if (any === 0 || !records.has(any, ENTRY.installed)) return true;
    }
    this.#install(plan, any, adopting);
    return true;
  }

  #install(plan: PlanId, any: EntryId, adopting: boolean): void {
    const { book, entries, records } = this.#parts;
    const own = book.own(plan);
    const policy = this.#policy(plan, any, own);
    // After a restart the entries keep theirs until the taxonomy has spoken of the capability.
    const isHeard = !adopting || book.taxonomy(plan) !== 0;
    const instances = book.instances(plan);
    if (any !== 0) {
      records.setPolicy(any, policy);
      if (isHeard) records.setAffinity(any, book.affinity(plan));
      this.#fillSites(records.siteSide(any), this.#sitesOf(plan), plan, adopting);
      const wish = instances.size === 0 ? NO_WISH : this.#instancesOf(plan, adopting);
      this.#fill(records.localSide(any), wish, plan, adopting);
      entries.install(any);
    }
    if (own === 0) return;
    records.setPolicy(own, policy);
    if (isHeard) records.setAffinity(own, book.affinity(plan));
    if (instances.size === 0 && !adopting) entries.withdraw(own);
    else if (instances.size === 0) {
      // It may share the instances' group, which the last of them has just left.
      if (records.has(own, ENTRY.installed)) entries.install(own);
    } else {
      this.#fillHere(records.siteSide(own), plan, adopting);
      entries.install(own);
    }
  }

  /** Of one with instances. After a restart those that drain go on as they did until it is known whether there are others, here or at other sites. */
  #instancesOf(plan: PlanId, adopting: boolean): GroupWish {
    const { book, instances, nextHops } = this.#parts;
    const members = book.instances(plan);
    const choice = this.#choice(plan);
    const did = ({ index, state }: InstanceMember): boolean => state === "draining" && nextHops.state(index) === "up";
    const isAlone = (): boolean => choice !== undefined && !this.#awaitsInstances(plan);
    const whileDraining =
      servesWhileDraining(members, choice) && (!adopting || isAlone() || members.values().some(did));
    instances.settle(plan, { whileDraining });
    return instanceWish(members, { whileDraining });
  }

  /** During adoption: the data plane holds an instance that serves the capability, and nobody has spoken of it yet. */
  #awaitsInstances(plan: PlanId): boolean {
    const { book, groups, nextHops, records } = this.#parts;
    const any = book.any(plan);
    const group = any === 0 ? 0 : groups.of(records.localSide(any));
    if (group === 0) return false;
    const heard = new Set(
      book
        .instances(plan)
        .values()
        .map(({ index }) => index),
    );
    return groups
      .past(group)
      .current.some(
        (owner) => owner !== 0 && !heard.has(owner) && nextHops.state(owner) === "up" && !this.#isGone(plan, owner),
      );
  }

  /** Where no site has a route, those are asked who know the longest prefix of the name. */
  #sitesOf(plan: PlanId): ChoiceId {
    const { book, choices, resolvers } = this.#parts;
    const choice = book.choice(plan);
    if (choices.serves(choice)) return choice;
    return resolvers(book.tenant(plan), book.name(plan)) || choice;
  }

  #policy(plan: PlanId, any: EntryId, own: EntryId): PolicyIndex {
    const { book, records, policies } = this.#parts;
    const tenantIndex = book.tenant(plan);
    if (!policies.concerns(tenantIndex)) return 0;
    const named = records.installedPolicy(any) || records.installedPolicy(own);
    return policies.assign({ tenantIndex, name: book.name(plan), key: book.key(plan), named });
  }

  /** Capabilities with the same choice and no past have one group, which is made once. */
  #fillSites(side: SideId, id: ChoiceId, plan: PlanId, adopting: boolean): void {
    const { choices, groups, records } = this.#parts;
    const hasNoPast = records.groupOf(side) === 0 && !adopting;
    const isThere = hasNoPast && id !== 0 && groups.joinFresh(side, choices.freshGroup(id), choices.freshVersion(id));
    if (!isThere) this.#fillChosen(side, id, plan, { adopting, hasNoPast });
  }

  /** Apart from the above: whoever makes a closure pays for it from the first line on. */
  #fillChosen(
    side: SideId,
    id: ChoiceId,
    plan: PlanId,
    { adopting, hasNoPast }: { readonly adopting: boolean; readonly hasNoPast: boolean },
  ): void {
    const { choices, groups, nextHops } = this.#parts;
    const choice = choices.get(id);
    if (choice === undefined) {
      this.#fill(side, NO_WISH, plan, adopting);
      return;
    }
    const wish = siteWish(
      choice,
      (nextHop) => this.#locate(nextHop),
      (nextHop) => nextHops.find(nextHop),
    );
    this.#fill(side, wish, plan, adopting);
    const isWhole = choice.leaving.length === 0 && wish.members.length === choice.sites.length;
    if (hasNoPast && isWhole) choices.setFresh(id, groups.freshOf(side));
  }

  #fillHere(side: SideId, plan: PlanId, adopting: boolean): void {
    const { groups, records } = this.#parts;
    const isFresh = records.groupOf(side) === 0 && !adopting;
    if (isFresh && groups.joinFresh(side, this.#here.group, this.#here.version)) return;
    const index = this.#locate(HERE);
    const members = index === undefined ? [] : [{ nextHop: index, key: 0, weight: 1 }];
    this.#fill(side, { ...NO_WISH, members, backup: index ?? 0 }, plan, adopting);
    if (isFresh && index !== undefined) this.#here = groups.freshOf(side);
  }

  #locate(nextHop: NextHop): NextHopIndex | undefined {
    const { nextHops, reports, clock } = this.#parts;
    const index = nextHops.obtain(nextHop, "up", clock.monotonic());
    if (index === undefined) reports.refuse("next-hops-full", { nextHop: nextHopKey(nextHop) });
    return index;
  }

  #fill(side: SideId, wish: GroupWish, plan: PlanId, adopting: boolean): void {
    const { groups, hashSeed } = this.#parts;
    const group = groups.of(side);
    if (group === 0 && wish.members.length === 0 && wish.leaving.size === 0 && !adopting) return;
    const past = group === 0 ? NO_CONTENT : groups.past(group);
    const wanted = adopting ? this.#adopted(wish, past, plan) : wish;
    if (wanted === undefined) return;
    const content = contentFor(wanted, past, hashSeed);
    if (isEmpty(content)) groups.leave(side);
    else if (!groups.obtain(side, content, wanted.draining)) this.#refuse(plan);
  }

  #adopted(wish: GroupWish, past: GroupContent, plan: PlanId): GroupWish | undefined {
    return adoptedWish(wish, past, (index) => this.#isGone(plan, index));
  }

  /** Of something that is no capability; after adoption. */
  fillOther(side: SideId, choice: ChoiceId): void {
    this.#fillSites(side, choice, 0, false);
  }

  /** @param plan 0: it is no capability */
  #refuse(plan: PlanId): void {
    const { reports, book } = this.#parts;
    if (plan === 0) reports.refuse("groups-full", { aggregate: true });
    else reports.refuse("groups-full", { capability: book.name(plan), tenantIndex: book.tenant(plan) });
  }

  #isGone(plan: PlanId, index: NextHopIndex): boolean {
    const { nextHops, instances } = this.#parts;
    const nextHop = nextHops.get(index);
    if (nextHop === undefined) return index !== 0;
    if (nextHop.kind === "instance") return instances.isGone(nextHop.instance);
    const key = nextHopKey(nextHop);
    const choice = this.#choice(plan);
    if (choice?.refused.has(key)) return true;
    if (!this.#seen.get(plan)?.has(key)) return false;
    if (choice === undefined) return true;
    return ![...choice.sites, ...choice.leaving].some((site) => nextHopKey(site.nextHop) === key);
  }
}
