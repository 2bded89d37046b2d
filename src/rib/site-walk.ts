import { LITTLE_ENDIAN } from "../base/index.ts";
import { ID_AT, ID_OCTETS, listAt, SITE_KEY_OCTETS, SITE_LIST } from "./capability-key.ts";
import type { CapabilityStore } from "./capability-store.ts";
import type { DestinationId, DestinationIndex } from "./destination-index.ts";
import { KEY, recordOf, setIn } from "./path-record.ts";
import { factsOf } from "./set-facts.ts";
import { DECIDING_STEPS, SiteChooser, type SiteChooserParts } from "./site-chooser.ts";
import { type DecisionReader, SiteDecision } from "./site-decision.ts";
import type { NetId } from "./types.ts";
import { DESTINATION_WORDS, type LookAhead } from "./views.ts";

/** Destinations whose cache misses overlap. */
export const LOOKED_AHEAD = 32;
const ID_WORDS = ID_OCTETS / 4;
/** Routes of each that are looked at ahead. */
const DEPTH = 4;

/** Destinations with more routes than this are decided the long way. */
const MOST_ROUTES = 256;

export interface SiteWalkParts extends SiteChooserParts {
  readonly store: CapabilityStore;
  readonly destinations: DestinationIndex;
}

/** Decides destination after destination of sites, all into the same memory. */
export class SiteWalk {
  readonly #parts: SiteWalkParts;
  readonly #chooser: SiteChooser;
  readonly #decision: SiteDecision;
  readonly #nets = new Int32Array(MOST_ROUTES);
  #count = 0;
  readonly #ahead = new Int32Array(LOOKED_AHEAD);
  readonly #keys = new Int32Array(LOOKED_AHEAD);
  readonly #sets = new Int32Array(LOOKED_AHEAD);
  readonly #told = new Int32Array(DESTINATION_WORDS * LOOKED_AHEAD);

  constructor(parts: SiteWalkParts, reader: DecisionReader) {
    this.#parts = parts;
    this.#chooser = new SiteChooser(parts);
    this.#decision = new SiteDecision(reader, DECIDING_STEPS);
  }

  /**
   * Touches what the decisions about these destinations will ask for, so that cache misses overlap.
   * @param tell is told which they are
   */
  lookAhead(ids: Int32Array, count: number, tell: LookAhead | undefined): void {
    const { store, destinations, attributes } = this.#parts;
    const { nets, keyOctets } = store;
    const { words } = attributes.judged.facts;
    const [ahead, keys, sets] = [this.#ahead, this.#keys, this.#sets];
    for (let i = 0; i < count; i++) ahead[i] = destinations.isUsed(ids[i]!) ? destinations.firstNet(ids[i]!) : 0;
    let touched = 0;
    // The shorter a loop, the more of its loads are under way at a time
    for (let depth = 0, left = count; depth < DEPTH && left > 0; depth++) {
      left = 0;
      for (let i = 0; i < count; i++) {
        const net = ahead[i]!;
        keys[i] = net === 0 ? 0 : nets[recordOf(net) + KEY]!;
        sets[i] = net === 0 ? 0 : setIn(nets, recordOf(net));
      }
      for (let i = 0; i < count; i++) {
        const next = ahead[i] === 0 ? 0 : destinations.next(ahead[i]!);
        ahead[i] = next;
        left |= next;
      }
      for (let i = 0; i < count; i++) {
        const key = 4 * keys[i]!;
        touched ^= keyOctets[key + ID_AT]! ^ keyOctets[key + SITE_KEY_OCTETS - 1]!;
      }
      for (let i = 0; i < count; i++) touched ^= words[factsOf(sets[i]!)]!;
    }
    ahead[0] = touched; // keeps the loads from being optimised away
    if (tell !== undefined) tell(this.#told, this.#tell(ids, count));
  }

  #tell(ids: Int32Array, count: number): number {
    const { store, destinations } = this.#parts;
    let told = 0;
    for (let i = 0; i < count; i++) {
      if (!destinations.isUsed(ids[i]!) || destinations.list(ids[i]!) !== SITE_LIST) continue;
      const first = destinations.firstNet(ids[i]!);
      const at = store.keyStart(first) + ID_AT;
      for (let word = 0; word < ID_WORDS; word++)
        this.#told[told++] = store.keyView.getInt32(at + 4 * word, LITTLE_ENDIAN);
      this.#told[told++] = destinations.tenant(ids[i]!);
    }
    return told / DESTINATION_WORDS;
  }

  /** `undefined`: it is not one of sites, it has no route of its own any more, or it has to be decided the long way. */
  ofDestination(id: DestinationId): SiteDecision | undefined {
    const { destinations, store } = this.#parts;
    const first = destinations.firstNet(id);
    if (first === 0 || destinations.list(id) !== SITE_LIST || !destinations.isTold(id)) return undefined;
    this.#count = 0;
    let isAll = this.#add(first);
    const imported = this.#count;
    if (isAll && destinations.ofNobody > 0) {
      const at = store.keyStart(first) + ID_AT;
      const found = store.withIdentifier(SITE_LIST, store.keyOctets, at);
      isAll = this.#add(destinations.first(found, 0, store.keyOctets, at, SITE_LIST));
    }
    return isAll ? this.#decide(destinations.tenant(id), imported) : undefined;
  }

  /** The same of a net that is its destination itself. */
  ofNet(net: NetId): SiteDecision | undefined {
    const { store } = this.#parts;
    const tenant = store.tenantOfAlone(net);
    if (tenant === undefined || tenant === 0) return undefined;
    if (listAt(store.keyOctets, store.keyStart(net)) !== SITE_LIST) return undefined;
    this.#nets[0] = net;
    this.#count = 1;
    return this.#decide(tenant, 1);
  }

  /** False where there is no room for all. */
  #add(first: NetId): boolean {
    const { destinations } = this.#parts;
    for (let net = first; net !== 0; net = destinations.next(net)) {
      if (this.#count === MOST_ROUTES) return false;
      this.#nets[this.#count++] = net;
    }
    return true;
  }

  #decide(tenant: number, imported: number): SiteDecision | undefined {
    const { store } = this.#parts;
    const decision = this.#decision;
    decision.tenantIndex = tenant;
    const at = store.keyStart(this.#nets[0]!) + ID_AT;
    for (let i = 0; i < ID_WORDS; i++) decision.idWords[i] = store.keyView.getInt32(at + 4 * i, LITTLE_ENDIAN);
    return this.#chooser.choose(decision, this.#nets, this.#count, imported) ? decision : undefined;
  }
}
