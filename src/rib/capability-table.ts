import { type CapabilityId, type CapabilityName, compareOctets, type Random } from "../base/index.ts";
import { type Contender, judge, judged } from "./capability-decision.ts";
import { CAPABILITY_ID_AT, isSiteKey, originIdAt } from "./capability-key.ts";
import { DestinationIndex } from "./destination-index.ts";
import { RibError } from "./fault.ts";
import { losingStep, type PathFacts } from "./net-decision.ts";
import {
  ATTRIBUTES,
  DESTINATION,
  FURTHER,
  KEY,
  NET_SHIFT,
  NEXT,
  PATH_NEXT,
  PATH_SHIFT,
  SINCE,
  TAG,
} from "./net-store.ts";
import { NetTable, type NetTableParts } from "./net-table.ts";
import type {
  AttributeId,
  CapabilityCandidate,
  CapabilitySelection,
  CapabilityView,
  Destination,
  JudgedCandidate,
  KeyBatch,
  NetId,
  PeerIndex,
  RouteFilter,
  RouteRow,
} from "./types.ts";
import { LOCAL_PEER } from "./types.ts";
import { siteWeight } from "./weight.ts";

/** The capability family: its nets, and the destinations that they add up to. */
export class CapabilityTable extends NetTable implements CapabilityView {
  readonly #destinations: DestinationIndex;
  readonly #labels: ReadonlySet<string>;
  #onChanged: (() => void) | undefined;
  #told = false;
  #cursor = 1;

  constructor(parts: NetTableParts, labels: ReadonlySet<string>, random: Random) {
    super(parts);
    this.#destinations = new DestinationIndex(parts.store, random);
    this.#labels = labels;
  }

  override announce(peer: PeerIndex, keys: KeyBatch, attributes: AttributeId): void {
    const { size, limit } = this.#destinations;
    if (size + keys.count > limit) {
      const message = `${size} destinations wait for the forwarding compiler to look at them`;
      throw new RibError({ code: "rib.route-limit", what: "changed destinations", limit }, message);
    }
    super.announce(peer, keys, attributes);
  }

  get onDestinationsChanged(): (() => void) | undefined {
    return this.#onChanged;
  }

  set onDestinationsChanged(listener: (() => void) | undefined) {
    this.#onChanged = listener;
    this.#wake();
  }

  #wake(): void {
    if (this.#told || this.#onChanged === undefined || this.#destinations.changed.size === 0) return;
    this.#told = true;
    this.clock.soon(() => this.#onChanged?.());
  }

  protected override touch(nets: Int32Array, count: number): void {
    this.chainNext[0] = this.#destinations.touch(nets, count, this.attributes.tenant);
  }

  protected override bestChanged(net: NetId): void {
    const { nets, keyOctets } = this.store;
    const start = this.store.keyStart(net);
    if (!isSiteKey(keyOctets, start)) return;
    const record = net << NET_SHIFT;
    const attributes = nets[record + ATTRIBUTES]!;
    const now = nets[record + DESTINATION]!;
    const tenant = attributes === 0 ? undefined : this.attributes.tenant[attributes]!;
    if (now !== 0) {
      this.#note(now);
      if (this.#destinations.tenant(now) === tenant) return;
      this.#destinations.remove(net);
    }
    if (tenant !== undefined) this.#note(this.#destinations.place(net, tenant, start));
  }

  /** Leases are of this family only, so what they changed has been seen now. */
  protected override rechecked(): void {
    this.attributes.rejudged.fill(0, 0, this.attributes.top);
  }

  #note(destination: number): void {
    if (this.#destinations.tenant(destination) === 0) return;
    if (this.#destinations.changed.add(destination)) this.#wake();
  }

  drainDestinations(visit: (selection: CapabilitySelection) => void, limit: number): number {
    const { changed } = this.#destinations;
    for (let visited = 0; visited < limit && changed.size > 0; visited++) {
      let id = changed.next(this.#cursor);
      if (id === 0) id = changed.next(1);
      this.#cursor = id + 1;
      const selection = this.#decide(this.#destinations.tenant(id), this.#destinations.capabilityId(id), undefined);
      changed.delete(id);
      this.#destinations.freeIfEmpty(id);
      visit(selection);
    }
    if (changed.size === 0) this.#told = false;
    return changed.size;
  }

  select(tenantIndex: number, capabilityId: CapabilityId): CapabilitySelection {
    return this.#decide(tenantIndex, capabilityId, []);
  }

  /** `outdone`: where the further paths of each site are collected; nobody but people wants to know them. */
  #decide(
    tenantIndex: number,
    capabilityId: CapabilityId,
    outdone: JudgedCandidate[] | undefined,
  ): CapabilitySelection {
    const contenders: Contender[] = [];
    const imported = this.#destinations.find(tenantIndex, capabilityId, 0);
    for (let net = this.#destinations.firstNet(imported); net !== 0; net = this.#next(net)) {
      contenders.push(this.#contender(net, true));
      if (outdone !== undefined) this.#addOutdone(net, outdone);
    }
    const strangers = this.#destinations.find(0, capabilityId, 0);
    for (let net = this.#destinations.firstNet(strangers); net !== 0; net = this.#next(net)) {
      contenders.push(this.#contender(net, false));
    }
    const context = { nowSeconds: this.clock.wall() / 1000, labels: this.#labels };
    const { group, winner, candidates } = judge(contenders, context, this.#byKey);
    return {
      tenantIndex,
      capabilityId,
      name: nameOf(contenders),
      group,
      winner,
      candidates: outdone === undefined || outdone.length === 0 ? candidates : [...candidates, ...outdone],
    };
  }

  readonly #byKey = (a: NetId, b: NetId): number => compareOctets(this.#keyOf(a), this.#keyOf(b));

  #keyOf(net: NetId): Uint8Array {
    const start = this.store.keyStart(net);
    return this.store.keyOctets.slice(start, start + this.store.keyLength(net));
  }

  #next(net: NetId): NetId {
    return this.store.nets[(net << NET_SHIFT) + NEXT]!;
  }

  #contender(net: NetId, imported: boolean): Contender {
    const { keyOctets } = this.store;
    const start = this.store.keyStart(net);
    const record = net << NET_SHIFT;
    const candidate = this.#candidate(this.store.nets, record, originIdAt(keyOctets, start));
    return { candidate, set: this.attributes.get(candidate.attributes), net, imported };
  }

  #candidate(records: Int32Array, record: number, originId: number): CapabilityCandidate {
    const attributes = records[record + ATTRIBUTES]!;
    const set = this.attributes.get(attributes);
    const tag = records[record + TAG]!;
    return {
      originId,
      nextHop: set.nextHop,
      local: (tag & 0xffff) === LOCAL_PEER,
      peer: tag & 0xffff,
      attributes,
      weight: siteWeight(set),
      stale: this.tags.isStale(tag),
      since: ((records[record + SINCE]! >>> 0) * 1000) as CapabilityCandidate["since"],
    };
  }

  /** Further paths of one net: the same site, heard about from somebody else. */
  #addOutdone(net: NetId, into: JudgedCandidate[]): void {
    const { nets, paths, keyOctets } = this.store;
    const record = net << NET_SHIFT;
    if (nets[record + FURTHER] === 0) return;
    const winner = this.chooser.facts(nets[record + ATTRIBUTES]!, nets[record + TAG]!);
    const all: PathFacts[] = [winner];
    const losers: { readonly facts: PathFacts; readonly candidate: CapabilityCandidate }[] = [];
    for (let path = nets[record + FURTHER]!; path !== 0; path = paths[(path << PATH_SHIFT) + PATH_NEXT]!) {
      const at = path << PATH_SHIFT;
      const facts = this.chooser.facts(paths[at + ATTRIBUTES]!, paths[at + TAG]!);
      all.push(facts);
      losers.push({ facts, candidate: this.#candidate(paths, at, originIdAt(keyOctets, this.store.keyStart(net))) });
    }
    for (const { facts, candidate } of losers) {
      const lost = losingStep(winner, facts, all);
      const say = () =>
        lost === undefined
          ? "the same route from the same neighbour over another session"
          : `another path to the same site is better: ${lost.step.describe(lost.against)} against ${lost.step.describe(facts)}`;
      into.push(judged(candidate, "excluded", facts.eligible, lost?.step.name ?? "peer-number", say));
    }
  }

  *destinations(): IterableIterator<Destination> {
    const index = this.#destinations;
    for (let id = 1; id < index.top; id++) {
      if (!index.isUsed(id) || index.tenant(id) === 0) continue;
      const contenders = [this.#contender(index.firstNet(id), true)];
      yield {
        tenantIndex: index.tenant(id),
        capabilityId: index.capabilityId(id),
        name: nameOf(contenders),
        routes: index.routes(id),
      };
    }
  }

  *routesOf(filter: RouteFilter): IterableIterator<RouteRow> {
    const { capabilityId, tenantIndex } = filter;
    if (capabilityId !== undefined && tenantIndex !== undefined) {
      const nets: NetId[] = [];
      const destination = this.#destinations.find(tenantIndex, capabilityId, 0);
      for (let net = this.#destinations.firstNet(destination); net !== 0; net = this.#next(net)) nets.push(net);
      for (const net of nets) yield* this.#rows(net, filter);
      return;
    }
    for (let net = 1; net < this.store.netTop; net++) yield* this.#rows(net, filter);
  }

  /** All rows of a net are made before the first is handed out: the reader may take its time. */
  #rows(net: NetId, filter: RouteFilter): readonly RouteRow[] {
    const { nets, paths, keyOctets } = this.store;
    const record = net << NET_SHIFT;
    if (nets[record + KEY] === 0 || nets[record + ATTRIBUTES] === 0) return [];
    const start = this.store.keyStart(net);
    if (!isSiteKey(keyOctets, start)) return [];
    const key = this.#keyOf(net);
    const capabilityId = key.slice(CAPABILITY_ID_AT, CAPABILITY_ID_AT + 16);
    if (filter.capabilityId?.some((octet, i) => octet !== capabilityId[i])) return [];
    const rows: RouteRow[] = [];
    const add = (records: Int32Array, at: number, best: boolean): void => {
      const { originId, nextHop, attributes, peer, since, stale } = this.#candidate(records, at, originIdAt(key, 0));
      const tenant = this.attributes.tenant[attributes]!;
      if (filter.peer !== undefined && filter.peer !== peer) return;
      if (filter.tenantIndex !== undefined && filter.tenantIndex !== tenant) return;
      const tenantIndex = tenant === 0 ? undefined : tenant;
      const set = this.attributes.get(attributes);
      rows.push({ key, tenantIndex, capabilityId, originId, nextHop, attributes: set, peer, since, stale, best });
    };
    add(nets, record, true);
    for (let path = nets[record + FURTHER]!; path !== 0; path = paths[(path << PATH_SHIFT) + PATH_NEXT]!) {
      add(paths, path << PATH_SHIFT, false);
    }
    return rows;
  }
}

function nameOf(contenders: readonly Contender[]): CapabilityName | undefined {
  return contenders.find(({ set, imported }) => imported && set.semantic?.name !== undefined)?.set.semantic?.name;
}
