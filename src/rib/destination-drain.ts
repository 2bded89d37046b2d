import { INSTANCE_LIST, identifierOf, listAt, SITE_LIST } from "./capability-key.ts";
import type { DestinationId } from "./destination-index.ts";
import { LOOKED_AHEAD, SiteWalk, type SiteWalkParts } from "./site-walk.ts";
import type { NetId } from "./types.ts";
import type { AgentSelection, CapabilitySelection, LookAhead } from "./views.ts";

/** So many numbers that stand for nothing cost as much as one decision: after the first question they are most. */
const SKIPPED = 16;

/** A destination that is told of. */
interface Place {
  readonly tenant: number;
  readonly list: number;
  readonly identifier: Uint8Array;
}

/** Decides with an object for everything. `alone`: the net that is its destination itself, 0 where there is a record. */
export interface LongWay {
  site(tenantIndex: number, identifier: Uint8Array, alone: NetId): CapabilitySelection;
  agent(tenantIndex: number, identifier: Uint8Array, alone: NetId): AgentSelection;
  /** A copy. */
  keyOf(net: NetId): Uint8Array;
}

/** Who is told; as in `CapabilityView.drainDestinations`. */
export interface DestinationVisitor {
  readonly visit: (selection: CapabilitySelection) => void;
  readonly visitAgent: ((selection: AgentSelection) => void) | undefined;
  readonly lookAhead: LookAhead | undefined;
}

/** Tells of destinations that have changed, each once. */
export class DestinationDrain {
  readonly #parts: Pick<SiteWalkParts, "store" | "destinations">;
  readonly #longWay: LongWay;
  readonly #sites: SiteWalk;
  readonly #ahead = new Int32Array(LOOKED_AHEAD);

  constructor(parts: SiteWalkParts, longWay: LongWay) {
    const { store, attributes } = parts;
    this.#parts = parts;
    this.#longWay = longWay;
    this.#sites = new SiteWalk(parts, {
      explain: ({ tenantIndex, capabilityId }) => longWay.site(tenantIndex, capabilityId, 0),
      nameOf: (set) => attributes.get(set).semantic?.name,
      learntAt: (net) => store.learntAt(net, 0),
    });
  }

  /** At most `limit` of them. */
  visit(visitor: DestinationVisitor, limit: number): void {
    const { changed } = this.#parts.destinations;
    let ahead = 0;
    for (let room = limit * SKIPPED; room > 0 && changed.size > 0; ) {
      if (ahead-- === 0) {
        ahead = LOOKED_AHEAD - 1;
        this.#sites.lookAhead(this.#ahead, changed.peek(this.#ahead), visitor.lookAhead);
      }
      room -= this.#visitNext(changed.next(), visitor) ? SKIPPED : 1;
    }
  }

  /** @param next above 0 a destination with a record, below 0 a net. False: it stands for nothing that is told */
  #visitNext(next: number, { visit, visitAgent }: DestinationVisitor): boolean {
    const decision = next > 0 ? this.#sites.ofDestination(next) : this.#sites.ofNet(-next);
    if (decision !== undefined) {
      this.#seen(next, decision.tenantIndex, decision.capabilityId, SITE_LIST);
      visit(decision);
      return true;
    }
    const place = next > 0 ? this.#placeOf(next) : this.placeOfNet(-next);
    if (place === undefined) {
      this.#skip(next);
      return false;
    }
    const { tenant, list, identifier } = place;
    this.#seen(next, tenant, identifier, list);
    if (next > 0) this.#forgetAlone(tenant, list, identifier);
    const alone = next > 0 ? 0 : -next;
    if (list === SITE_LIST) visit(this.#longWay.site(tenant, identifier, alone));
    else visitAgent?.(this.#longWay.agent(tenant, identifier, alone));
    return true;
  }

  /** What a number among the changed ones stands for; `undefined`: nothing that is told. */
  #placeOf(id: DestinationId): Place | undefined {
    const { destinations } = this.#parts;
    if (!destinations.isTold(id)) return undefined;
    return { tenant: destinations.tenant(id), list: destinations.list(id), identifier: destinations.identifier(id) };
  }

  placeOfNet(net: NetId): Place | undefined {
    const { store } = this.#parts;
    const tenant = store.tenantOfAlone(net);
    if (tenant === undefined || tenant === 0) return undefined;
    const list = listAt(store.keyOctets, store.keyStart(net));
    return list === INSTANCE_LIST ? undefined : { tenant, list, identifier: identifierOf(this.#longWay.keyOf(net)) };
  }

  /** It has not changed any more. One that was left and has a net again is among the changed ones twice. */
  #seen(next: number, tenant: number, identifier: Uint8Array, list: number): void {
    const { destinations } = this.#parts;
    this.#skip(next);
    if (next > 0 || destinations.emptyOnes === 0) return;
    const left = destinations.find(tenant, identifier, 0, list);
    if (left !== 0) this.#skip(left);
  }

  /** The same the other way round. */
  #forgetAlone(tenant: number, list: number, identifier: Uint8Array): void {
    const { destinations, store } = this.#parts;
    const net = store.withIdentifier(list, identifier, 0);
    if (net > 0 && store.tenantOfAlone(net) === tenant) destinations.changed.deleteNet(net);
  }

  /** A number among the changed ones is not one of them any more. */
  #skip(next: number): void {
    const { destinations } = this.#parts;
    if (next < 0) {
      destinations.changed.deleteNet(-next);
      return;
    }
    destinations.changed.delete(next);
    destinations.freeIfEmpty(next);
  }
}
