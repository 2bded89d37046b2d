import type { Clock, Log, Metrics, Random, Timer } from "../base/index.ts";
import { milliseconds } from "../base/index.ts";
import { AttributeStore } from "./attribute-store.ts";
import type { AttributeSet } from "./attributes.ts";
import { LONGEST_KEY, SITE_KEY_OCTETS, typedKeyLength } from "./capability-key.ts";
import { CapabilityStore } from "./capability-store.ts";
import { type CapabilityChoice, CapabilityTable } from "./capability-table.ts";
import { LeaseWatch } from "./lease-watch.ts";
import { NetStore } from "./net-store.ts";
import { NetTable, type NetTableParts } from "./net-table.ts";
import { LARGEST_PEER, LARGEST_SET_ID } from "./path-record.ts";
import { PeerBook } from "./peer-book.ts";
import { ReceivedTable } from "./received-table.ts";
import { reserve } from "./reserve.ts";
import type { PolicyFamily, Rib } from "./rib-api.ts";
import { ImportTargets, setPolicy } from "./set-policy.ts";
import type { PeerIndex, RibPeer, RouteFamily, Tenant, UnicastFamily } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";
import { LONGEST_UNICAST_KEY, unicastKeyLength } from "./unicast-key.ts";
import { UnicastTable } from "./unicast-table.ts";
import type { AttestationState } from "./views.ts";
import type { WeightSource } from "./weight.ts";

/** How large a RIB may become, and by what it decides about capability routes. */
export interface RibOptions {
  /** This router: the peer with number 0. */
  readonly local: RibPeer;
  readonly tenants: readonly Tenant[];
  /** Largest number of distinct routes of a family; address space for it is reserved, memory is taken as routes come. */
  readonly maxRoutes: number;
  /** The same for each unicast family. Default: `maxRoutes`. */
  readonly maxUnicastRoutes?: number;
  /** Further paths to the same routes. Default: three for each route. */
  readonly maxPaths?: number;
  /** Default: 2^20, or `maxRoutes` where that is less. At most 2^24 - 1. */
  readonly maxAttributeSets?: number;
  /** Paths of one net that one neighbour may have, where it sends path identifiers. Default 32. @see RFC 7911 */
  readonly maxPathsOfPeer?: number;
  /** Neighbours at a time. Default 1024, at most 65 535. */
  readonly maxPeers?: number;
  /** Critical labels that this router understands. Default: none. */
  readonly understoodLabels?: readonly string[];
  /**
   * What verifying the claim of a set came to, asked when the set is first seen and when its routes are decided.
   * Default: not found.
   */
  readonly attestation?: (set: AttributeSet) => AttestationState;
  /** Whether a route may be used whose claim nobody has verified. Default true. */
  readonly acceptUnattested?: boolean;
  /** Default: link bandwidth. */
  readonly weights?: WeightSource;
  /** How many steps of the score one class of network cost outweighs. Default 1. */
  readonly networkCostWeight?: number;
  /** Extended community of this router's own site, eight octets: whose instances are its own. */
  readonly siteOfOrigin?: Uint8Array;
}

/** What a RIB works with. Chance is for its hash, so that nobody can choose keys that collide. */
export interface RibParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
}

const PATHS_OF_PEER = 32;
const SWEPT_PER_TURN = 2048;
const MAX_MEMBERSHIPS = 1 << 16;
/** Sets are made objects of to be judged. */
const JUDGED_PER_TURN = 256;
const METRICS_INTERVAL = milliseconds(1000);

/**
 * The routing information base.
 * @throws {RibError} `rib.no-memory`
 * @throws {RangeError} for more neighbours or sets of attributes than a path has room to name
 */
export function createRib(options: RibOptions, parts: RibParts): Rib {
  return new RoutingInformationBase(options, parts);
}

class RoutingInformationBase implements Rib {
  readonly attributes: AttributeStore;
  readonly capability: CapabilityTable;
  readonly #options: RibOptions;
  readonly #parts: RibParts;
  readonly #unicast = new Map<UnicastFamily, UnicastTable>();
  readonly #received = new Map<PolicyFamily, ReceivedTable>();
  readonly #peers: PeerBook;
  readonly #clock: Clock;
  readonly #leases: LeaseWatch;
  #memberships: NetTable | undefined;
  #targets: ImportTargets;
  /** The set whose import is to be judged next; 0: all have been. */
  #judgeFrom = 0;
  #publishing: Timer | undefined;
  /** Called every second. */
  readonly #gauges: (() => void)[] = [];
  #closed = false;

  constructor(options: RibOptions, parts: RibParts) {
    const { clock, random, log } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#clock = clock;
    const peers = options.maxPeers ?? 1024;
    if (peers > LARGEST_PEER) throw new RangeError(`maxPeers ${peers} is more than ${LARGEST_PEER}`);
    this.#peers = new PeerBook(peers + 1, options.local);
    const choice = choiceOf(options);
    this.#targets = new ImportTargets(options.tenants);
    const policy = setPolicy(() => this.#targets, choice);
    const sets = options.maxAttributeSets ?? Math.max(1024, Math.min(2 ** 20, options.maxRoutes));
    if (sets > LARGEST_SET_ID) throw new RangeError(`maxAttributeSets ${sets} is more than ${LARGEST_SET_ID}`);
    this.attributes = reserve("attributes", sets, log, (limit) => new AttributeStore(limit, policy, clock, random));
    this.capability = reserve("capability", options.maxRoutes, log, (maxRoutes) => {
      const maxPaths = options.maxPaths ?? 3 * maxRoutes;
      const keyWords = (SITE_KEY_OCTETS + 3) >> 2;
      const keys = { keyWords, maxKey: LONGEST_KEY, keyLength: typedKeyLength };
      const store = new CapabilityStore({ maxRoutes, maxPaths, ...keys }, random);
      return new CapabilityTable({ ...this.#tableParts(store), store }, choice, random);
    });
    this.#leases = new LeaseWatch(this.attributes.judged, clock, () => this.capability.recheck());
    this.#watch("capability", this.capability);
    const leftOut = parts.metrics.gauge(
      "semrd_rib_prefixes_left_out",
      "Announced prefixes of names that had no room to be found",
    );
    this.#gauges.push(() => leftOut.set(this.capability.prefixesLeftOut));
    const size = parts.metrics.gauge("semrd_rib_attribute_sets", "Distinct sets of path attributes");
    this.#gauges.push(() => size.set(this.attributes.size));
    this.#publish();
  }

  #tableParts(store: NetStore): NetTableParts {
    const pathLimit = this.#options.maxPathsOfPeer ?? PATHS_OF_PEER;
    return { store, attributes: this.attributes, peers: this.#peers, clock: this.#clock, pathLimit };
  }

  table(family: RouteFamily): NetTable {
    if (family === "capability") return this.capability;
    return family === "route-target" ? this.#membershipTable() : this.unicast(family);
  }

  /** One route for each route target and AS: there are as many as tenants, not as routes. */
  #membershipTable(): NetTable {
    if (this.#memberships !== undefined) return this.#memberships;
    const made = reserve("route-target", MAX_MEMBERSHIPS, this.#parts.log, (maxRoutes) => {
      const maxKey = LONGEST_UNICAST_KEY["route-target"];
      const keys = { keyWords: (maxKey + 3) >> 2, maxKey, keyLength: unicastKeyLength };
      return new NetTable(
        this.#tableParts(new NetStore({ maxRoutes, maxPaths: 3 * maxRoutes, ...keys }, this.#parts.random)),
      );
    });
    this.#memberships = made;
    this.#watch("route-target", made);
    return made;
  }

  unicast(family: UnicastFamily): UnicastTable {
    const known = this.#unicast.get(family);
    if (known !== undefined) return known;
    const { maxRoutes: common, maxUnicastRoutes = common, maxPaths: further } = this.#options;
    const { random, log } = this.#parts;
    const made = reserve(family, maxUnicastRoutes, log, (maxRoutes) => {
      const maxKey = LONGEST_UNICAST_KEY[family];
      const keys = { keyWords: (maxKey + 3) >> 2, maxKey, keyLength: unicastKeyLength };
      const store = new NetStore({ maxRoutes, maxPaths: further ?? 3 * maxRoutes, ...keys }, random);
      return new UnicastTable(family, this.#tableParts(store));
    });
    this.#unicast.set(family, made);
    this.#watch(family, made);
    return made;
  }

  received(family: PolicyFamily): ReceivedTable {
    const known = this.#received.get(family);
    if (known !== undefined) return known;
    const { maxRoutes, maxUnicastRoutes = maxRoutes, maxPaths: further } = this.#options;
    const { random, log } = this.#parts;
    const isCapability = family === "capability";
    const room = isCapability ? maxRoutes : maxUnicastRoutes;
    const made = reserve(`received ${family}`, room, log, (limit) => {
      const maxKey = isCapability ? LONGEST_KEY : LONGEST_UNICAST_KEY[family];
      const keyWords = ((isCapability ? SITE_KEY_OCTETS : maxKey) + 3) >> 2;
      const keys = { keyWords, maxKey, keyLength: isCapability ? typedKeyLength : unicastKeyLength };
      const store = new NetStore({ maxRoutes: limit, maxPaths: further ?? 3 * limit, ...keys }, random);
      return new ReceivedTable(this.#tableParts(store));
    });
    this.#received.set(family, made);
    this.#watch(`received ${family}`, made);
    return made;
  }

  receivedIfKept(family: RouteFamily): ReceivedTable | undefined {
    return family === "route-target" ? undefined : this.#received.get(family);
  }

  setTenants(tenants: readonly Tenant[]): void {
    this.#targets = new ImportTargets(tenants);
    this.attestationsChanged();
  }

  setLocal(local: RibPeer, siteOfOrigin: Uint8Array | undefined): void {
    this.#peers.replaceLocal(local);
    this.capability.siteOfOrigin = siteOfOrigin;
    this.attestationsChanged();
  }

  attestationsChanged(): void {
    const running = this.#judgeFrom !== 0;
    this.#judgeFrom = 1;
    if (!running) this.#judgeSets();
  }

  #judgeSets(): void {
    if (this.#closed) return;
    this.#judgeFrom = this.attributes.judged.judgePolicies(this.#judgeFrom, JUDGED_PER_TURN);
    this.capability.recheck();
    if (this.#judgeFrom !== 0) this.#clock.soon(() => this.#judgeSets());
  }

  openPeer(peer: RibPeer): PeerIndex {
    return this.#peers.open(peer);
  }

  closePeer(peer: PeerIndex): void {
    if (peer === LOCAL_PEER) throw new RangeError("the local peer stays");
    if (this.#closed) return;
    // Not `every`: all tables are worked on, one after the other would take longer.
    const left = this.#tables().filter((table) => !table.sweep(peer, SWEPT_PER_TURN));
    if (left.length === 0) this.#peers.free(peer);
    else this.#clock.soon(() => this.closePeer(peer));
  }

  #tables(): readonly NetTable[] {
    const memberships = this.#memberships === undefined ? [] : [this.#memberships];
    return [this.capability, ...memberships, ...this.#unicast.values(), ...this.#received.values()];
  }

  peer(index: PeerIndex): RibPeer | undefined {
    return this.#peers.get(index);
  }

  #watch(family: RouteFamily | `received ${PolicyFamily}`, table: NetTable): void {
    const { metrics } = this.#parts;
    const routes = metrics.gauge("semrd_rib_routes", "Distinct routes", { family });
    const paths = metrics.gauge("semrd_rib_paths", "Routes from all neighbours together", { family });
    this.#gauges.push(() => {
      routes.set(table.routes);
      paths.set(table.paths);
    });
  }

  #publish(): void {
    for (const publish of this.#gauges) publish();
    this.#publishing = this.#clock.after(METRICS_INTERVAL, () => this.#publish());
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#publishing?.cancel();
    this.#leases[Symbol.dispose]();
    this.attributes.close();
    this.capability.close();
    this.#memberships?.close();
    for (const table of [...this.#unicast.values(), ...this.#received.values()]) table.close();
  }
}

function choiceOf(options: RibOptions): CapabilityChoice {
  return {
    labels: new Set(options.understoodLabels),
    attestation: options.attestation ?? (() => "not-found"),
    acceptUnattested: options.acceptUnattested ?? true,
    networkCostWeight: options.networkCostWeight ?? 1,
    siteOfOrigin: options.siteOfOrigin,
    weights: options.weights ?? "link-bandwidth",
  };
}
