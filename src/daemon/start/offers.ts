import type { CapabilityId, CapabilityName } from "../../base/index.ts";
import type { DataplaneDriver } from "../../dataplane/index.ts";
import type { Directory } from "../../directory/index.ts";
import { systemRandom } from "../../host/index.ts";
import {
  type HealthChecker,
  networkProbe,
  type PassiveHealth,
  type Probe,
  startHealthChecker,
  startPassiveHealth,
} from "../../registration/index.ts";
import type { Rib } from "../../rib/index.ts";
import { probeHost } from "../endpoints.ts";
import { type Current, passiveHealthOf, Servers } from "../live/index.ts";
import { Origination } from "../origination.ts";
import { RouterDrain } from "../router-drain.ts";
import type { RowSources } from "../rows.ts";
import type { Beginning } from "./beginning.ts";
import type { Decisions } from "./decisions.ts";
import type { Neighbors } from "./neighbors.ts";
import type { Tables } from "./tables.ts";

/** Whether the own instances are alive, what the neighbours are told of them, and where agents and clients ask. */
export interface Offers {
  readonly health: HealthChecker;
  readonly passive: PassiveHealth;
  /** What rows, events and servers are made from. */
  readonly sources: RowSources;
  readonly origination: Origination;
  readonly drain: RouterDrain;
  /** Silent until they are started. */
  readonly servers: Servers;
}

export function startOffers(
  begun: Beginning,
  { driver }: Tables,
  { rib, directory, registrar }: Decisions,
  neighbors: Neighbors,
): Offers {
  const { configuration, current, scope, shared, metrics, life } = begun;
  const { speaker } = neighbors;
  const probe: Probe = (endpoint, check, signal) =>
    networkProbe(endpoint, check, signal, probeHost(current.configuration, endpoint.address));
  const health = scope.own(startHealthChecker({}, { ...shared, directory, random: systemRandom, probe }, scope.signal));
  const outcomes = (): ReturnType<NonNullable<DataplaneDriver["outcomes"]>> =>
    driver.outcomes?.() ?? new Map().entries();
  const passive = scope.own(startPassiveHealth({ ...shared, directory, outcomes }));
  passive.follow(passiveHealthOf(configuration));
  // Ends first: the neighbours hear that BFD ends on purpose before their sessions do.
  scope.defer(() => life.bfd?.[Symbol.dispose]());
  const sources = rowSources(rib, directory, current);
  const { routerId, bgp, site, taxonomy, tenants, advertisement } = configuration;
  const options = {
    routerId,
    localAs: bgp?.localAs ?? 0,
    ...site,
    taxonomyRevision: taxonomy.revision,
    tenants,
    draining: bgp?.gracefulShutdown ?? false,
    damping: advertisement.damping,
    advertiseInstances: advertisement.instances,
    prefixes: advertisement.prefixes.map(({ name }) => name),
  };
  const nameOf = (id: CapabilityId): CapabilityName | undefined => sources.names.capability(id);
  const routes = neighbors.brownfield?.origin(speaker) ?? speaker;
  const origination = scope.own(
    new Origination(options, {
      ...shared,
      rib,
      directory,
      selections: begun.selections,
      nameOf,
      random: systemRandom,
      routes,
      first: "in-slices",
    }),
  );
  const drain = new RouterDrain(speaker, origination);
  const servers = scope.own(new Servers({ ...shared, registry: metrics, sources, registrar }, scope.signal));
  return { health, passive, sources, origination, drain, servers };
}

/** Taxonomy and names are asked for each time, as they change. */
function rowSources(rib: Rib, directory: Directory, current: Current): RowSources {
  return {
    rib,
    directory,
    get taxonomy() {
      return current.taxonomy;
    },
    get names() {
      return current.names;
    },
    get tenantPolicies() {
      return current.configuration.tenantPolicies;
    },
  };
}
