import { type CapabilityId, type CapabilityName, compareOctets, type Random } from "../base/index.ts";
import { judge, type Verdict } from "./capability-decision.ts";
import { AGENT_LIST, INSTANCE_LIST, instanceIdOf, SITE_LIST } from "./capability-key.ts";
import { CapabilityPaths } from "./capability-paths.ts";
import {
  AGENT_RULES,
  type Contender,
  INSTANCE_RULES,
  type JudgingContext,
  type SelectionRules,
  SITE_RULES,
} from "./capability-steps.ts";
import type { CapabilityStore } from "./capability-store.ts";
import { DestinationBook } from "./destination-book.ts";
import { DestinationDrain } from "./destination-drain.ts";
import { DestinationIndex } from "./destination-index.ts";
import { RibError } from "./fault.ts";
import { NetTable, type NetTableParts } from "./net-table.ts";
import { PrefixIndex } from "./prefix-index.ts";
import type { KeyBatch } from "./route-table.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";
import type {
  AgentSelection,
  CapabilitySelection,
  CapabilityView,
  Destination,
  InstanceSelection,
  JudgedCandidate,
  LookAhead,
  PrefixSelection,
  RouteFilter,
  RouteRow,
} from "./views.ts";
import { bandwidthWeight, siteWeight, type WeightSource } from "./weight.ts";

/** What is chosen by, besides the routes themselves. */
export interface CapabilityChoice extends Omit<JudgingContext, "nowSeconds" | "hasEnded"> {
  readonly weights: WeightSource;
}

/** The capability family: its nets, and the destinations that they add up to. */
export class CapabilityTable extends NetTable implements CapabilityView {
  declare readonly store: CapabilityStore;
  readonly #destinations: DestinationIndex;
  readonly #prefixes = new PrefixIndex();
  readonly #book: DestinationBook;
  readonly #choice: CapabilityChoice;
  /** What decisions look at; its time is that of the latest. Reasons are read at once or not at all. */
  readonly #context: { -readonly [K in keyof CapabilityChoice]: CapabilityChoice[K] } & {
    nowSeconds: number;
    readonly hasEnded: JudgingContext["hasEnded"];
  };
  readonly #pathsOf: CapabilityPaths;
  readonly #drain: DestinationDrain;
  #onChanged: (() => void) | undefined;
  #told = false;

  constructor(parts: NetTableParts & { readonly store: CapabilityStore }, choice: CapabilityChoice, random: Random) {
    super(parts);
    this.#destinations = new DestinationIndex(parts.store, random);
    this.#choice = choice;
    this.#context = { ...choice, nowSeconds: 0, hasEnded: (set) => parts.attributes.judged.expired[set] === 1 };
    const { store } = parts;
    const { attributes, tags, marks, chooser } = this;
    this.#pathsOf = new CapabilityPaths({ store, attributes, tags, marks, chooser, weights: choice.weights });
    const { weights, networkCostWeight } = choice;
    const decided = { store, attributes, tags, weights, networkCostWeight, destinations: this.#destinations };
    this.#drain = new DestinationDrain(decided, {
      site: (tenantIndex, capabilityId, alone) =>
        this.#selection(tenantIndex, capabilityId, this.#contendersOf(SITE_LIST, tenantIndex, capabilityId, alone)),
      agent: (tenantIndex, agentId, alone) =>
        this.#agentSelection(tenantIndex, agentId, this.#contendersOf(AGENT_LIST, tenantIndex, agentId, alone)),
      keyOf: (net) => this.#pathsOf.keyOf(net),
    });
    this.#book = new DestinationBook({
      ...{ store, attributes, clock: parts.clock },
      ...{ destinations: this.#destinations, prefixes: this.#prefixes },
      keyOf: (net) => this.#pathsOf.keyOf(net),
      changed: () => this.#wake(),
    });
  }

  override announce(peer: PeerIndex, keys: KeyBatch, attributes: AttributeId): number {
    if (!this.hasRoom(keys.count)) {
      const { size, limit } = this.#destinations;
      const message = `${size} destinations wait for the forwarding compiler to look at them`;
      throw new RibError({ code: "rib.route-limit", what: "changed destinations", limit }, message);
    }
    return super.announce(peer, keys, attributes);
  }

  /** A destination that somebody has still to look at stays until he has, and each net may leave another one behind. */
  protected override hasRoom(nets: number): boolean {
    const { limit } = this.#destinations;
    if (this.#destinations.size + this.#book.waiting + nets > limit) this.#book.settle();
    return this.#destinations.size + nets <= limit;
  }

  /** Of this router's own site; what was decided stays until it is looked at again. */
  set siteOfOrigin(siteOfOrigin: Uint8Array | undefined) {
    this.#context.siteOfOrigin = siteOfOrigin;
  }

  /** Announcements of prefixes that had no room among those that are found by name. */
  get prefixesLeftOut(): number {
    this.#book.settle();
    return this.#prefixes.leftOut;
  }

  get onDestinationsChanged(): (() => void) | undefined {
    return this.#onChanged;
  }

  set onDestinationsChanged(listener: (() => void) | undefined) {
    this.#onChanged = listener;
    if (listener !== undefined) this.#watch();
    this.#wake();
  }

  #wake(): void {
    if (this.#told || this.#onChanged === undefined) return;
    if (this.#destinations.changed.size === 0 && this.#prefixes.changes === 0) return;
    this.#told = true;
    this.clock.soon(() => this.#onChanged?.());
  }

  protected override bestChanged(net: NetId): void {
    this.#book.put(net);
  }

  protected override allChanged(nets: Int32Array, count: number): void {
    this.#book.putAll(nets, count);
  }

  /** Leases are of this family only, so what they changed has been seen now. */
  protected override rechecked(): void {
    this.attributes.judged.rejudged.fill(0, 0, this.attributes.top);
  }

  /** Somebody asks what changes. */
  #watch(): void {
    this.#destinations.changed.watch(this.#destinations.top - 1, this.store.netTop - 1);
  }

  drainDestinations(
    visit: (selection: CapabilitySelection) => void,
    limit: number,
    visitAgent?: (selection: AgentSelection) => void,
    lookAhead?: LookAhead,
  ): number {
    this.#book.settle();
    this.#watch();
    this.#drain.visit({ visit, visitAgent, lookAhead }, limit);
    const { changed } = this.#destinations;
    if (changed.size === 0) this.#told = false;
    return changed.size;
  }

  drainPrefixes(visit: (selection: PrefixSelection) => void, limit: number): number {
    this.#book.settle();
    for (let visited = 0; visited < limit; visited++) {
      const place = this.#prefixes.takeChanged();
      if (place === undefined) break;
      visit(this.selectExactPrefix(place.tenant, place.prefix));
    }
    if (this.#destinations.changed.size === 0) this.#told = false;
    return this.#prefixes.changes;
  }

  select(tenantIndex: number, capabilityId: CapabilityId): CapabilitySelection {
    const outdone: JudgedCandidate[] = [];
    const contenders = this.#contenders(SITE_LIST, tenantIndex, capabilityId, (net) =>
      this.#pathsOf.addOutdone(net, outdone),
    );
    const selection = this.#selection(tenantIndex, capabilityId, contenders);
    return outdone.length === 0 ? selection : { ...selection, candidates: [...selection.candidates, ...outdone] };
  }

  selectAgent(tenantIndex: number, agentId: Uint8Array): AgentSelection {
    return this.#agentSelection(tenantIndex, agentId, this.#contenders(AGENT_LIST, tenantIndex, agentId));
  }

  #agentSelection(tenantIndex: number, agentId: Uint8Array, contenders: readonly Contender[]): AgentSelection {
    const { winner, candidates } = this.#judge(contenders, AGENT_RULES);
    return { tenantIndex, agentId, winner, candidates };
  }

  selectInstances(tenantIndex: number, capabilityId: CapabilityId): InstanceSelection {
    const contenders = this.#contenders(INSTANCE_LIST, tenantIndex, capabilityId);
    const ids = new Map(contenders.map(({ candidate, net }) => [candidate, instanceIdOf(this.#pathsOf.keyOf(net))]));
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
    this.#book.settle();
    for (const prefix of this.#prefixes.covering(tenantIndex, name)) {
      const selection = this.selectExactPrefix(tenantIndex, prefix);
      if (selection.winner !== undefined) return selection;
    }
    return undefined;
  }

  selectExactPrefix(tenantIndex: number, prefix: string): PrefixSelection {
    this.#book.settle();
    const contenders = [
      ...Array.from(this.#prefixes.at(tenantIndex, prefix), (net) => this.#pathsOf.contender(net, true)),
      ...Array.from(this.#prefixes.at(0, prefix), (net) => this.#pathsOf.contender(net, false)),
    ];
    const { group, winner, candidates } = this.#judge(contenders, SITE_RULES);
    return { tenantIndex, prefix, group, winner, candidates };
  }

  /** @param alone the net that is its destination itself; 0: it has a record */
  #contendersOf(list: number, tenantIndex: number, identifier: Uint8Array, alone: NetId): Contender[] {
    return alone === 0 ? this.#contenders(list, tenantIndex, identifier) : [this.#pathsOf.contender(alone, true)];
  }

  /** Routes that the tenant imports, and those of nobody. */
  #contenders(list: number, tenantIndex: number, identifier: Uint8Array, each?: (net: NetId) => void): Contender[] {
    this.#book.settle();
    const contenders: Contender[] = [];
    const index = this.#destinations;
    const found = this.store.withIdentifier(list, identifier, 0);
    if (found === 0) return contenders;
    for (let net = index.first(found, tenantIndex, identifier, 0, list); net !== 0; net = index.next(net)) {
      contenders.push(this.#pathsOf.contender(net, true));
      each?.(net);
    }
    for (let net = index.first(found, 0, identifier, 0, list); net !== 0; net = index.next(net)) {
      contenders.push(this.#pathsOf.contender(net, false));
    }
    return contenders;
  }

  #judge(contenders: readonly Contender[], rules: SelectionRules): Verdict {
    const context = this.#context;
    context.nowSeconds = this.clock.wall() / 1000;
    const verdict = judge(contenders, context, this.#byKey, rules);
    if (rules !== SITE_RULES || !this.#hasMixedWeights(verdict, contenders)) return verdict;
    return judge(byScore(contenders), { ...context }, this.#byKey, rules);
  }

  /** Bandwidths and scores cannot be compared: unless every member of the group says a bandwidth, scores are the shares. */
  #hasMixedWeights({ group }: Verdict, contenders: readonly Contender[]): boolean {
    if (this.#choice.weights !== "link-bandwidth" || group.length < 2) return false;
    const members = contenders.filter(({ candidate }) => group.includes(candidate));
    const saying = members.filter(({ set }) => bandwidthWeight(set) !== undefined);
    return saying.length > 0 && saying.length < members.length;
  }

  /** Without the further paths of each site: nobody but people wants to know them. */
  #selection(tenantIndex: number, capabilityId: CapabilityId, contenders: readonly Contender[]): CapabilitySelection {
    const { group, winner, candidates } = this.#judge(contenders, SITE_RULES);
    return { tenantIndex, capabilityId, name: nameOf(contenders), group, winner, candidates };
  }

  readonly #byKey = (a: NetId, b: NetId): number => compareOctets(this.#pathsOf.keyOf(a), this.#pathsOf.keyOf(b));

  *destinations(): IterableIterator<Destination> {
    this.#book.settle();
    const index = this.#destinations;
    // Before the others: what gets company meanwhile comes twice rather than not at all.
    for (let net = 1; net < this.store.netTop; net++) {
      const place = this.#drain.placeOfNet(net);
      if (place?.list !== SITE_LIST) continue;
      const name = nameOf([this.#pathsOf.contender(net, true)]);
      yield { tenantIndex: place.tenant, capabilityId: place.identifier, name, routes: 1 };
    }
    for (let id = 1; id < index.top; id++) {
      if (!index.isUsed(id) || index.tenant(id) === 0 || index.list(id) !== SITE_LIST) continue;
      const contenders = [this.#pathsOf.contender(index.firstNet(id), true)];
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
      this.#book.settle();
      const nets: NetId[] = [];
      const index = this.#destinations;
      for (const list of [SITE_LIST, INSTANCE_LIST]) {
        const found = this.store.withIdentifier(list, capabilityId, 0);
        let net = index.first(found, tenantIndex, capabilityId, 0, list);
        for (; net !== 0; net = index.next(net)) nets.push(net);
      }
      for (const net of nets) yield* this.#pathsOf.rows(net, filter);
      return;
    }
    for (let net = 1; net < this.store.netTop; net++) yield* this.#pathsOf.rows(net, filter);
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
