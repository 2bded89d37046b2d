import { type CapabilityId, type CapabilityName, compareOctets, octetsEqual, type Random } from "../base/index.ts";
import { judge, judged, type Verdict } from "./capability-decision.ts";
import {
  AGENT_LIST,
  INSTANCE_LIST,
  identifierOf,
  instanceIdOf,
  isPrefixKey,
  listAt,
  NO_LIST,
  originIdAt,
  prefixOf,
  routeTypeAt,
  SITE_LIST,
} from "./capability-key.ts";
import {
  AGENT_RULES,
  type Contender,
  INSTANCE_RULES,
  type JudgingContext,
  type SelectionRules,
  SITE_RULES,
} from "./capability-steps.ts";
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
import { PrefixIndex } from "./prefix-index.ts";
import type {
  AgentSelection,
  AttributeId,
  CapabilityCandidate,
  CapabilitySelection,
  CapabilityView,
  Destination,
  InstanceSelection,
  JudgedCandidate,
  KeyBatch,
  NetId,
  PeerIndex,
  PrefixSelection,
  RouteFilter,
  RouteRow,
  RouteSubject,
} from "./types.ts";
import { LOCAL_PEER } from "./types.ts";
import { hasLinkBandwidth, siteWeight, type WeightSource } from "./weight.ts";

/** What is chosen by, besides the routes themselves. */
export interface CapabilityChoice extends Omit<JudgingContext, "nowSeconds"> {
  readonly weights: WeightSource;
}

/** The capability family: its nets, and the destinations that they add up to. */
export class CapabilityTable extends NetTable implements CapabilityView {
  readonly #destinations: DestinationIndex;
  readonly #prefixes = new PrefixIndex();
  readonly #choice: CapabilityChoice;
  #onChanged: (() => void) | undefined;
  #told = false;
  #cursor = 1;

  constructor(parts: NetTableParts, choice: CapabilityChoice, random: Random) {
    super(parts);
    this.#destinations = new DestinationIndex(parts.store, random);
    this.#choice = choice;
  }

  override announce(peer: PeerIndex, keys: KeyBatch, attributes: AttributeId): number {
    const { size, limit } = this.#destinations;
    if (size + keys.count > limit) {
      const message = `${size} destinations wait for the forwarding compiler to look at them`;
      throw new RibError({ code: "rib.route-limit", what: "changed destinations", limit }, message);
    }
    return super.announce(peer, keys, attributes);
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
    const record = net << NET_SHIFT;
    const attributes = nets[record + ATTRIBUTES]!;
    const tenant = attributes === 0 ? undefined : this.attributes.tenant[attributes]!;
    const list = listAt(keyOctets, start);
    if (list === NO_LIST) {
      if (isPrefixKey(keyOctets, start)) this.#prefixes.put(net, tenant, this.#keyOf(net));
      return;
    }
    const now = nets[record + DESTINATION]!;
    if (now !== 0) {
      this.#note(now);
      if (this.#destinations.tenant(now) === tenant) return;
      this.#destinations.remove(net);
    }
    if (tenant !== undefined) this.#note(this.#destinations.place(net, tenant, list, start));
  }

  /** Leases are of this family only, so what they changed has been seen now. */
  protected override rechecked(): void {
    this.attributes.rejudged.fill(0, 0, this.attributes.top);
  }

  #note(destination: number): void {
    if (this.#destinations.tenant(destination) === 0 || this.#destinations.list(destination) === INSTANCE_LIST) return;
    if (this.#destinations.changed.add(destination)) this.#wake();
  }

  drainDestinations(
    visit: (selection: CapabilitySelection) => void,
    limit: number,
    visitAgent?: (selection: AgentSelection) => void,
  ): number {
    const index = this.#destinations;
    const { changed } = index;
    for (let visited = 0; visited < limit && changed.size > 0; visited++) {
      let id = changed.next(this.#cursor);
      if (id === 0) id = changed.next(1);
      this.#cursor = id + 1;
      const isAgent = index.list(id) === AGENT_LIST;
      const tenant = index.tenant(id);
      const identifier = index.identifier(id);
      const site = isAgent ? undefined : this.#decide(tenant, identifier, undefined);
      const agent = isAgent && visitAgent !== undefined ? this.selectAgent(tenant, identifier) : undefined;
      changed.delete(id);
      index.freeIfEmpty(id);
      if (site !== undefined) visit(site);
      if (agent !== undefined) visitAgent?.(agent);
    }
    if (changed.size === 0) this.#told = false;
    return changed.size;
  }

  select(tenantIndex: number, capabilityId: CapabilityId): CapabilitySelection {
    return this.#decide(tenantIndex, capabilityId, []);
  }

  selectAgent(tenantIndex: number, agentId: Uint8Array): AgentSelection {
    const contenders = this.#contenders(AGENT_LIST, tenantIndex, agentId);
    const { winner, candidates } = this.#judge(contenders, AGENT_RULES);
    return { tenantIndex, agentId, winner, candidates };
  }

  selectInstances(tenantIndex: number, capabilityId: CapabilityId): InstanceSelection {
    const contenders = this.#contenders(INSTANCE_LIST, tenantIndex, capabilityId);
    const ids = new Map(contenders.map(({ candidate, net }) => [candidate, instanceIdOf(this.#keyOf(net))]));
    const { candidates } = this.#judge(contenders, INSTANCE_RULES);
    return {
      tenantIndex,
      capabilityId,
      candidates: candidates.map(({ candidate, judgement, usable, step, reason }) => {
        return { candidate, judgement, usable, step, reason, instanceId: ids.get(candidate)! };
      }),
    };
  }

  selectPrefix(tenantIndex: number, name: CapabilityName): PrefixSelection | undefined {
    for (const prefix of this.#prefixes.covering(tenantIndex, name)) {
      const selection = this.selectExactPrefix(tenantIndex, prefix);
      if (selection.winner !== undefined) return selection;
    }
    return undefined;
  }

  selectExactPrefix(tenantIndex: number, prefix: string): PrefixSelection {
    const contenders = [
      ...Array.from(this.#prefixes.at(tenantIndex, prefix), (net) => this.#contender(net, true)),
      ...Array.from(this.#prefixes.at(0, prefix), (net) => this.#contender(net, false)),
    ];
    const { group, winner, candidates } = this.#judge(contenders, SITE_RULES);
    return { tenantIndex, prefix, group, winner, candidates };
  }

  /** Routes that the tenant imports, and those of nobody. */
  #contenders(list: number, tenantIndex: number, identifier: Uint8Array, each?: (net: NetId) => void): Contender[] {
    const contenders: Contender[] = [];
    const imported = this.#destinations.find(tenantIndex, identifier, 0, list);
    for (let net = this.#destinations.firstNet(imported); net !== 0; net = this.#next(net)) {
      contenders.push(this.#contender(net, true));
      each?.(net);
    }
    const strangers = this.#destinations.find(0, identifier, 0, list);
    for (let net = this.#destinations.firstNet(strangers); net !== 0; net = this.#next(net)) {
      contenders.push(this.#contender(net, false));
    }
    return contenders;
  }

  #judge(contenders: readonly Contender[], rules: SelectionRules): Verdict {
    const context = { ...this.#choice, nowSeconds: this.clock.wall() / 1000 };
    const verdict = judge(contenders, context, this.#byKey, rules);
    return this.#hasMixedWeights(verdict) ? judge(byScore(contenders), context, this.#byKey, rules) : verdict;
  }

  /** Bandwidths and scores cannot be compared: unless every member of the group says a bandwidth, scores are the shares. */
  #hasMixedWeights({ group }: Verdict): boolean {
    if (this.#choice.weights !== "link-bandwidth" || group.length < 2) return false;
    const saying = group.filter(({ attributes }) => hasLinkBandwidth(this.attributes.get(attributes)));
    return saying.length > 0 && saying.length < group.length;
  }

  /** `outdone`: where the further paths of each site are collected; nobody but people wants to know them. */
  #decide(
    tenantIndex: number,
    capabilityId: CapabilityId,
    outdone: JudgedCandidate[] | undefined,
  ): CapabilitySelection {
    const explain = outdone === undefined ? undefined : (net: NetId) => this.#addOutdone(net, outdone);
    const contenders = this.#contenders(SITE_LIST, tenantIndex, capabilityId, explain);
    const { group, winner, candidates } = this.#judge(contenders, SITE_RULES);
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
      weight: siteWeight(set, this.#choice.weights),
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
          ? "the same route from the same neighbour, over another session or with another path identifier"
          : `another path to the same site is better: ${lost.step.describe(lost.against)} against ${lost.step.describe(facts)}`;
      into.push(judged(candidate, "excluded", facts.eligible, lost?.step.name ?? "path-number", say));
    }
  }

  *destinations(): IterableIterator<Destination> {
    const index = this.#destinations;
    for (let id = 1; id < index.top; id++) {
      if (!index.isUsed(id) || index.tenant(id) === 0 || index.list(id) !== SITE_LIST) continue;
      const contenders = [this.#contender(index.firstNet(id), true)];
      yield {
        tenantIndex: index.tenant(id),
        capabilityId: index.identifier(id),
        name: nameOf(contenders),
        routes: index.routes(id),
      };
    }
  }

  *routesOf(filter: RouteFilter): IterableIterator<RouteRow> {
    const { capabilityId, tenantIndex } = filter;
    if (capabilityId !== undefined && tenantIndex !== undefined) {
      const nets: NetId[] = [];
      for (const list of [SITE_LIST, INSTANCE_LIST]) {
        const destination = this.#destinations.find(tenantIndex, capabilityId, 0, list);
        for (let net = this.#destinations.firstNet(destination); net !== 0; net = this.#next(net)) nets.push(net);
      }
      for (const net of nets) yield* this.#rows(net, filter);
      return;
    }
    for (let net = 1; net < this.store.netTop; net++) yield* this.#rows(net, filter);
  }

  /** All rows of a net are made before the first is handed out: the reader may take its time. */
  #rows(net: NetId, filter: RouteFilter): readonly RouteRow[] {
    const { nets, paths } = this.store;
    const record = net << NET_SHIFT;
    if (nets[record + KEY] === 0 || nets[record + ATTRIBUTES] === 0) return [];
    const key = this.#keyOf(net);
    const subject = subjectOf(key);
    if (subject === undefined || !isAbout(subject, filter.capabilityId)) return [];
    const rows: RouteRow[] = [];
    const add = (records: Int32Array, at: number, path: number): void => {
      const { originId, nextHop, attributes, peer, since, stale } = this.#candidate(records, at, originIdAt(key, 0));
      const tenant = this.attributes.tenant[attributes]!;
      if (filter.peer !== undefined && filter.peer !== peer) return;
      if (filter.tenantIndex !== undefined && filter.tenantIndex !== tenant) return;
      const tenantIndex = tenant === 0 ? undefined : tenant;
      const set = this.attributes.get(attributes);
      const best = path === 0;
      const pathId = this.marks.receivedId(net, path, peer);
      rows.push({ key, subject, tenantIndex, originId, nextHop, attributes: set, peer, pathId, since, stale, best });
    };
    add(nets, record, 0);
    for (let path = nets[record + FURTHER]!; path !== 0; path = paths[(path << PATH_SHIFT) + PATH_NEXT]!) {
      add(paths, path << PATH_SHIFT, path);
    }
    return rows;
  }
}

function nameOf(contenders: readonly Contender[]): CapabilityName | undefined {
  return contenders.find(({ set, imported }) => imported && set.semantic?.name !== undefined)?.set.semantic?.name;
}

/** The same contenders with shares by their scores. */
function byScore(contenders: readonly Contender[]): Contender[] {
  return contenders.map((contender) => {
    const candidate = { ...contender.candidate, weight: siteWeight(contender.set, "score") };
    return { ...contender, candidate };
  });
}

function subjectOf(key: Uint8Array): RouteSubject | undefined {
  const type = routeTypeAt(key, 0);
  switch (type) {
    case "site":
      return { type, capabilityId: identifierOf(key) };
    case "instance":
      return { type, capabilityId: identifierOf(key), instanceId: instanceIdOf(key) };
    case "agent":
      return { type, agentId: identifierOf(key) };
    case "prefix":
      return { type, prefix: prefixOf(key) };
    default:
      return undefined;
  }
}

function isAbout(subject: RouteSubject, capabilityId: CapabilityId | undefined): boolean {
  if (capabilityId === undefined) return true;
  return "capabilityId" in subject && octetsEqual(subject.capabilityId, capabilityId);
}
