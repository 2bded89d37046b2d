import type { Clock } from "../../base/index.ts";
import type { BfdMonitor } from "../../bfd/index.ts";
import type { Speaker } from "../../bgp/speaker/index.ts";
import type { DataplaneDriver } from "../../dataplane/index.ts";
import type { Directory, Registrar } from "../../directory/index.ts";
import type { Compiler } from "../../forwarding/index.ts";
import type { LogLevel } from "../../host/index.ts";
import type { AlarmBook, Provider, RouterChange } from "../../management/index.ts";
import type { PassiveHealth } from "../../registration/index.ts";
import type { Rib } from "../../rib/index.ts";
import { kernelHasTcpAo } from "../bgp.ts";
import type { BmpStations } from "../bmp.ts";
import type { Brownfield } from "../brownfield.ts";
import { probeDriver } from "../driver.ts";
import { edgePlanOf, edgeRefusal } from "../edge.ts";
import type { Origination } from "../origination.ts";
import { type Paths, pathsProvider } from "../paths.ts";
import type { RouterDrain } from "../router-drain.ts";
import { agentsProvider } from "./agents.ts";
import { atRestart } from "./at-restart.ts";
import type { Current } from "./current.ts";
import { dampingProvider } from "./damping.ts";
import { driverStart } from "./driver-start.ts";
import type { FlowRecordsSlot } from "./flow-records.ts";
import { interfacesProvider } from "./interfaces.ts";
import { neighborsProvider } from "./neighbors.ts";
import type { Operators } from "./operators.ts";
import { passiveHealthProvider } from "./passive-health.ts";
import type { Servers } from "./servers.ts";
import { alarmsProvider, currentProvider, logLevelProvider } from "./settings.ts";
import { tcpAoSupport } from "./tcp-ao.ts";
import { tenantPoliciesProvider } from "./tenant-policies.ts";
import { tunnelsProvider } from "./tunnels.ts";
import { vocabularyProviders } from "./vocabulary.ts";

export { affinitiesLacking } from "./affinity.ts";
export { staticAgent } from "./agents.ts";
export { type Current, indexes, knownCapabilities, namesOf, taxonomyOf } from "./current.ts";
export { FlowRecordsSlot } from "./flow-records.ts";
export { Operators } from "./operators.ts";
export { passiveHealthOf } from "./passive-health.ts";
export { Servers } from "./servers.ts";
export { startupFile } from "./startup-file.ts";
export { tenantPolicies, unenforced } from "./tenant-policies.ts";

export interface LiveParts {
  readonly current: Current;
  readonly rib: Rib;
  readonly directory: Directory;
  readonly registrar: Registrar;
  readonly compiler: Compiler;
  readonly driver: DataplaneDriver;
  readonly paths: Paths;
  readonly passive: PassiveHealth;
  readonly speaker: Speaker;
  readonly bfd: BfdMonitor | undefined;
  readonly bmp: BmpStations | undefined;
  readonly origination: Origination;
  readonly drain: RouterDrain;
  readonly servers: Servers;
  readonly operators: Operators;
  readonly flows: FlowRecordsSlot;
  readonly alarms: AlarmBook;
  readonly brownfield: Brownfield | undefined;
  readonly clock: Clock;
  /** Absent: the command line has set the level. */
  readonly log: { level: LogLevel } | undefined;
}

/**
 * What changes when the configuration does, in the order in which it is applied: servers are there before they hear of a
 * new taxonomy, tenants before their agents and interfaces, and nothing goes before what uses it.
 */
export function liveProviders(parts: LiveParts): readonly Provider<RouterChange>[] {
  const { current, servers, log } = parts;
  const { coming, going } = vocabularyProviders({
    ...parts,
    taxonomyChanged: (taxonomy) => servers.taxonomyChanged(taxonomy),
    edgeChanged: (configuration, taxonomy) => {
      parts.driver.setEdge?.(edgePlanOf(configuration, taxonomy));
      servers.networksChanged(configuration);
    },
    edgeRefusal: (configuration) => edgeRefusal(configuration, parts.driver),
  });
  return [
    atRestart,
    driverStart(probeDriver),
    tcpAoSupport(kernelHasTcpAo),
    ...servers.providers,
    ...parts.operators.providers,
    parts.flows,
    coming,
    interfacesProvider({ ...parts, networksChanged: (configuration) => servers.networksChanged(configuration) }),
    tenantPoliciesProvider(parts),
    tunnelsProvider(parts),
    pathsProvider(parts.paths),
    passiveHealthProvider(parts),
    dampingProvider(parts),
    neighborsProvider(parts),
    agentsProvider(parts),
    going,
    alarmsProvider(parts.alarms),
    ...(log === undefined ? [] : [logLevelProvider(log)]),
    currentProvider(current),
  ];
}
