import { milliseconds, Slices } from "../../base/index.ts";
import { type DataplaneDriver, tableSizes } from "../../dataplane/index.ts";
import { applyStaticAgents, Directory, Registrar } from "../../directory/index.ts";
import { Compiler, FIRST_CAPABILITY_POLICY } from "../../forwarding/index.ts";
import { systemClock, systemRandom } from "../../host/index.ts";
import { createRib, type Rib } from "../../rib/index.ts";
import { domainNodes, localPeer, toldSite } from "../bgp.ts";
import { startEdge } from "../edge.ts";
import { ExecutorHealth } from "../executor-health.ts";
import { type CompilerFeed, feedCompiler } from "../feed.ts";
import {
  affinitiesLacking,
  indexes,
  knownCapabilities,
  staticAgent,
  tenantPolicies,
  unenforced,
} from "../live/index.ts";
import type { PlanSink } from "../plan-sink.ts";
import { tunnelsLacking, tunnelsOf } from "../tunnels.ts";
import { type Beginning, MAX_ROUTES } from "./beginning.ts";
import type { Tables } from "./tables.ts";

const DIRECTORY_LIMITS = { perAgent: 256, perTenant: 100_000 };
/** As `MAX_ROUTES`, for each of IPv6 and IPv4 unicast, where a neighbour has it. */
const MAX_UNICAST_ROUTES = 1 << 22;
/** Flows that stay with an alive former owner of their slot do so for this long. */
const TRANSITION_HOLD = milliseconds(60_000);
const INDEX_QUARANTINE = milliseconds(120_000);

/** Who is here, which route is chosen, and the plan that follows from both. */
export interface Decisions {
  readonly rib: Rib;
  readonly directory: Directory;
  readonly registrar: Registrar;
  readonly compiler: Compiler;
  /** What the RIB decides, on its way to the compiler. */
  readonly feed: CompilerFeed;
}

/** The directory is as it was before the router stopped, and the compiler goes on from the plan in the tables. */
export async function startDecisions(begun: Beginning, { store, driver, sink }: Tables): Promise<Decisions> {
  const { configuration, scope, shared, log } = begun;
  const { taxonomy } = begun.current;
  const rib = scope.own(routes(begun));
  startEdge(configuration, taxonomy, driver, log);
  const directory = scope.own(new Directory(DIRECTORY_LIMITS, shared));
  const registrar = new Registrar({ directory, store, clock: systemClock, log });
  await applyStaticAgents(directory, configuration.agents.map(staticAgent), systemClock);
  await registrar.restore(
    (tenant, { capability, version }) =>
      taxonomy.tenants.has(tenant) && taxonomy.find(capability, version.major) !== undefined,
  );

  const compiler = scope.own(compilerOf(begun, driver, sink));
  if (driver.adopted) sink.generation = await adopt(compiler, driver, scope.signal);
  compiler.policies(tenantPolicies(configuration));
  for (const reason of unenforced(configuration, driver)) log.error("policy.not-enforced", { reason });
  for (const reason of affinitiesLacking(configuration, driver))
    log.error("taxonomy.affinity-not-possible", { reason });
  for (const lack of tunnelsLacking(configuration, driver)) log.error("dataplane.tunnel-not-possible", lack);
  compiler.taxonomy(knownCapabilities(configuration));
  compiler.tunnels(tunnelsOf(configuration));
  compiler.nodes(domainNodes(configuration).map(({ locator }) => locator));
  const health = scope.own(new ExecutorHealth({ ...shared, random: systemRandom, driver, directory }));
  const { capability } = rib;
  const { selections } = begun;
  const feed = scope.own(feedCompiler(compiler, { ...shared, directory, capability, selections, health }));
  return { rib, directory, registrar, compiler, feed };
}

/**
 * The plan that an earlier process left, in slices: the data plane goes on by it meanwhile, and nobody tells the compiler anything yet.
 * The answer is its generation.
 */
async function adopt(compiler: Compiler, driver: DataplaneDriver, signal: AbortSignal): Promise<number> {
  const held = driver.held();
  const slices = new Slices(systemClock, { stepsPerLook: 1 });
  await slices.next(); // building all the rest was a turn already
  for (const _ of compiler.adopt(held)) {
    if (!slices.isOver) continue;
    await slices.next();
    signal.throwIfAborted();
  }
  return held.generation;
}

function routes({ configuration, shared }: Beginning): Rib {
  const { tenants, routeChoice } = configuration;
  const [local, siteOfOrigin] = [localPeer(configuration), toldSite(configuration)];
  return createRib(
    {
      ...{ local, tenants, maxRoutes: MAX_ROUTES, maxUnicastRoutes: MAX_UNICAST_ROUTES },
      ...routeChoice,
      ...(siteOfOrigin === undefined ? {} : { siteOfOrigin }),
    },
    { ...shared, random: systemRandom },
  );
}

function compilerOf({ configuration, shared }: Beginning, driver: DataplaneDriver, sink: PlanSink): Compiler {
  const { domain, site, dataplane, tenants, taxonomy } = configuration;
  // Index 0 of groups and next hops means none.
  const room = tableSizes(dataplane.maxCapabilities);
  return new Compiler(
    {
      domain: domain.prefix,
      locator: site.locator,
      selector: site.selector,
      hashSeed: dataplane.hashSeed,
      tenants: indexes(tenants),
      familyCodes: taxonomy.familyCodes,
      transitionHold: TRANSITION_HOLD,
      quarantine: INDEX_QUARANTINE,
      limits: {
        ...{ capabilities: dataplane.maxCapabilities, groups: room.groups - 1, nextHops: room.nextHops - 1 },
        ...{ policies: room.policies - FIRST_CAPABILITY_POLICY, allowed: room.allowed },
        aggregates: driver.aggregates ?? 0,
      },
    },
    { ...shared, random: systemRandom, sink },
  );
}
