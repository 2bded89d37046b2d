import type { Clock, Log, Metrics, Random, Timer } from "../base/index.ts";
import { milliseconds, octetsEqual } from "../base/index.ts";
import { AttributeStore, type SetPolicy } from "./attribute-store.ts";
import type { AttributeSet } from "./attributes.ts";
import { LONGEST_KEY, SITE_KEY_OCTETS, typedKeyLength } from "./capability-key.ts";
import { CapabilityTable } from "./capability-table.ts";
import { LeaseWatch } from "./lease-watch.ts";
import { NetStore } from "./net-store.ts";
import { PeerBook } from "./peer-book.ts";
import { reserve } from "./reserve.ts";
import type { PeerIndex, Rib, RibPeer, Tenant } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";

export interface RibOptions {
  /** This router: the peer with number 0. */
  readonly local: RibPeer;
  readonly tenants: readonly Tenant[];
  /** Largest number of distinct routes of a family; address space for it is reserved, memory is taken as routes come. */
  readonly maxRoutes: number;
  /** Further paths to the same routes. Default: three for each route. */
  readonly maxPaths?: number;
  /** Default: 2^20, or `maxRoutes` where that is less. */
  readonly maxAttributeSets?: number;
  /** Neighbours at a time. Default 1024. */
  readonly maxPeers?: number;
  /** Critical labels that this router understands. Default: none. */
  readonly understoodLabels?: readonly string[];
}

export interface RibParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
}

const SWEPT_PER_TURN = 8192;
const METRICS_INTERVAL = milliseconds(1000);

/**
 * The routing information base.
 * @throws {RibError} `rib.no-memory`
 */
export function createRib(options: RibOptions, parts: RibParts): Rib {
  return new RoutingInformationBase(options, parts);
}

class RoutingInformationBase implements Rib {
  readonly attributes: AttributeStore;
  readonly capability: CapabilityTable;
  readonly #peers: PeerBook;
  readonly #clock: Clock;
  readonly #leases: LeaseWatch;
  #publishing: Timer | undefined;
  #closed = false;

  constructor(options: RibOptions, parts: RibParts) {
    const { clock, random, log } = parts;
    this.#clock = clock;
    this.#peers = new PeerBook((options.maxPeers ?? 1024) + 1, options.local);
    const policy = setPolicy(options.tenants, new Set(options.understoodLabels));
    const sets = options.maxAttributeSets ?? Math.max(1024, Math.min(2 ** 20, options.maxRoutes));
    this.attributes = reserve("attributes", sets, log, (limit) => new AttributeStore(limit, policy, clock, random));
    this.capability = reserve("capability", options.maxRoutes, log, (maxRoutes) => {
      const maxPaths = options.maxPaths ?? 3 * maxRoutes;
      const keyWords = (SITE_KEY_OCTETS + 3) >> 2;
      const keys = { keyWords, maxKey: LONGEST_KEY, keyLength: typedKeyLength };
      const store = new NetStore({ maxRoutes, maxPaths, ...keys }, random);
      const table = { store, attributes: this.attributes, attributeLimit: sets, peers: this.#peers, clock };
      return new CapabilityTable(table, new Set(options.understoodLabels), random);
    });
    this.#leases = new LeaseWatch(this.attributes, clock, () => this.capability.recheck());
    this.#publish(parts.metrics);
  }

  openPeer(peer: RibPeer): PeerIndex {
    return this.#peers.open(peer);
  }

  closePeer(peer: PeerIndex): void {
    if (peer === LOCAL_PEER) throw new RangeError("the local peer stays");
    if (this.#closed) return;
    if (this.capability.sweep(peer, SWEPT_PER_TURN)) this.#peers.free(peer);
    else this.#clock.soon(() => this.closePeer(peer));
  }

  peer(index: PeerIndex): RibPeer | undefined {
    return this.#peers.get(index);
  }

  #publish(metrics: Metrics): void {
    const family = { family: "capability" };
    const routes = metrics.gauge("semrd_rib_routes", "Distinct routes", family);
    const paths = metrics.gauge("semrd_rib_paths", "Routes from all neighbours together", family);
    const sets = metrics.gauge("semrd_rib_attribute_sets", "Distinct sets of path attributes");
    const publish = (): void => {
      routes.set(this.capability.routes);
      paths.set(this.capability.paths);
      sets.set(this.attributes.size);
      this.#publishing = this.#clock.after(METRICS_INTERVAL, publish);
    };
    publish();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#publishing?.cancel();
    this.#leases[Symbol.dispose]();
    this.attributes.close();
    this.capability.close();
  }
}

/** The tenant with the lowest index among those that import one of the set's route targets. @see RFC 4364 §4.3.1 */
function setPolicy(tenants: readonly Tenant[], labels: ReadonlySet<string>): (set: AttributeSet) => SetPolicy {
  const byIndex = [...tenants].sort((a, b) => a.index - b.index);
  return (set) => {
    const tenant = byIndex.find(({ importTargets }) =>
      importTargets.some((target) => set.extendedCommunities.some((community) => octetsEqual(community, target))),
    );
    const { semantic } = set;
    const understood = semantic?.labels.every(({ critical, text }) => !critical || labels.has(text)) === true;
    return {
      tenantIndex: tenant?.index ?? 0,
      eligible: tenant !== undefined && understood && semantic?.state !== "down",
    };
  };
}
