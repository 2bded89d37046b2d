import { readFileSync } from "node:fs";
import {
  type CapabilityId,
  type CapabilityName,
  type Log,
  type Metrics,
  messageOf,
  milliseconds,
  Scope,
  toHex,
} from "../base/index.ts";
import type { BfdMonitor } from "../bfd/index.ts";
import type { PolicyBook } from "../bgp/policy/index.ts";
import {
  type PathFailure,
  type SessionChange,
  type Speaker,
  type SpeakerObserver,
  startSpeaker,
} from "../bgp/speaker/index.ts";
import { type DataplaneDriver, tableSizes } from "../dataplane/index.ts";
import { applyStaticAgents, Directory, Registrar, type StaticAgent, Taxonomy } from "../directory/index.ts";
import { startDnsServer } from "../discovery/index.ts";
import { Compiler } from "../forwarding/index.ts";
import { openDirectoryStore, openStateDirectory, systemClock, systemRandom } from "../host/index.ts";
import { type RouterConfiguration, startControlServer } from "../management/index.ts";
import { createTokenVerifier, startHealthChecker, startRegistrationServer } from "../registration/index.ts";
import { createRib, type Rib } from "../rib/index.ts";
import { createMetrics, startMetricsServer } from "../telemetry/index.ts";
import { startBfd, tellMonitor, tunnelMoves } from "./bfd.ts";
import { domainNodes, ownSite, speakerOptions, speakerParts } from "./bgp.ts";
import { Brownfield, hasBrownfield } from "./brownfield.ts";
import { controlHandlers } from "./control.ts";
import { ribDiscovery } from "./discovery.ts";
import { claimTables, startDriver } from "./driver.ts";
import { agentNetworks } from "./endpoints.ts";
import { feedCompiler } from "./feed.ts";
import { type MrtFiles, startMrt } from "./mrt.ts";
import { Names } from "./names.ts";
import { joinObservers } from "./observers.ts";
import { Origination } from "./origination.ts";
import { policyBook } from "./policy.ts";
import { RouterDrain } from "./router-drain.ts";
import type { RowSources } from "./rows.ts";
import { type OriginWatch, startRpki } from "./rpki.ts";
import { SelectionFan } from "./selection-fan.ts";

export { removeForwarding } from "./driver.ts";
export { type Replay, type ReplayOptions, startReplay } from "./mrt-replay.ts";

const VERSION: string = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;

const DIRECTORY_LIMITS = { perAgent: 256, perTenant: 100_000 };
/** Address space is reserved for so many routes; memory is taken as they come. */
const MAX_ROUTES = 1 << 20;
/** The same for each of IPv6 and IPv4 unicast, where a neighbour has it. */
const MAX_UNICAST_ROUTES = 1 << 22;
/** Flows that stay with an alive former owner of their slot do so for this long. */
const TRANSITION_HOLD = milliseconds(60_000);
const INDEX_QUARANTINE = milliseconds(120_000);
/** A restarted router goes on without the verdict of a health check that does not come. */
const FIRST_VERDICTS_TIMEOUT = milliseconds(10_000);

/**
 * Starts the router that `configuration` describes; it serves when this resolves.
 *
 * Disposing it closes what it opened and leaves the kernel forwarding. On failure everything is closed again and the
 * cause is thrown: the part's own `FaultError` or a system error, with what to do about it in its message.
 */
export async function startDaemon(
  configuration: RouterConfiguration,
  log: Log,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const scope = new Scope(signal);
  try {
    await new Daemon(configuration, log, scope).start();
    return { [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

class Daemon {
  readonly #configuration: RouterConfiguration;
  readonly #log: Log;
  readonly #scope: Scope;
  readonly #metrics = createMetrics({ process: "included" });
  readonly #shared: { readonly clock: typeof systemClock; readonly log: Log; readonly metrics: Metrics };
  /** Those who act on what the RIB decides, besides the compiler. */
  readonly #selections = new SelectionFan();
  #phase: "starting" | "running" | "stopping" = "starting";
  #generation = 0;
  /** Absent before the speaker is started, and without BGP. */
  #bfd: BfdMonitor | undefined;
  #movesTunnels: ReturnType<typeof tunnelMoves> | undefined;
  /** Absent where no neighbour has it. */
  #brownfield: Brownfield | undefined;

  constructor(configuration: RouterConfiguration, log: Log, scope: Scope) {
    this.#configuration = configuration;
    this.#log = log;
    this.#scope = scope;
    this.#shared = { clock: systemClock, log, metrics: this.#metrics };
  }

  async start(): Promise<void> {
    const { stateDirectory } = this.#configuration;
    this.#scope.own(await openStateDirectory(stateDirectory));
    const store = this.#scope.own(await openDirectoryStore(stateDirectory, { log: this.#log, metrics: this.#metrics }));
    if (this.#configuration.dataplane.driver !== "memory") this.#scope.own(await claimTables(this.#configuration));
    const driver = this.#scope.own(await startDriver(this.#configuration, this.#log));
    this.#movesTunnels = tunnelMoves(driver);
    const rib = this.#scope.own(this.#createRib());
    const taxonomy = this.#taxonomy();
    const directory = this.#scope.own(new Directory(DIRECTORY_LIMITS, this.#shared));
    const registrar = new Registrar({ directory, store, clock: systemClock, log: this.#log });
    applyStaticAgents(directory, this.#configuration.agents.map(staticAgent), systemClock);
    registrar.restore(
      (tenant, { capability, version }) =>
        taxonomy.tenants.has(tenant) && taxonomy.find(capability, version.major) !== undefined,
    );

    const compiler = this.#startCompiler(driver, rib, directory);
    const rpki = startRpki(this.#configuration, { ...this.#shared, rib });
    if (rpki !== undefined) this.#scope.own(rpki);
    const policies = policyBook(this.#configuration, undefined, rpki?.origins);
    if (hasBrownfield(this.#configuration)) {
      this.#brownfield = this.#scope.own(new Brownfield(this.#configuration, { ...this.#shared, rib }));
    }
    const mrt = this.#scope.own(startMrt(this.#configuration.mrt, { ...this.#shared, rib }));
    const speaker = await this.#startSpeaker(
      rib,
      driver,
      policies,
      joinObservers([...mrt.observers, ...(rpki === undefined ? [] : [rpki.observer])]),
    );
    rpki?.watch(speaker);
    const health = startHealthChecker({}, { ...this.#shared, directory, random: systemRandom }, this.#scope.signal);
    this.#scope.own(health);
    // Ends first: the neighbours hear that BFD ends on purpose before their sessions do.
    this.#scope.defer(() => this.#bfd?.[Symbol.dispose]());
    const sources = this.#rowSources(rib, directory, taxonomy);
    const drain = new RouterDrain(speaker, this.#scope.own(this.#originate(sources, speaker)));
    await this.#startControl(sources, { driver, compiler, registrar, speaker, policies, drain, mrt, rpki });
    await this.#startServers(sources, registrar);
    this.#phase = "running";
    this.#scope.signal.addEventListener("abort", () => {
      this.#phase = "stopping";
    });
    this.#log.info("router.running", {
      name: this.#configuration.name,
      version: VERSION,
      dataplane: driver.name,
      adopted: driver.adopted,
      ports: driver.ports.map(({ interface: name, hook }) => `${name} ${hook}`),
    });
    const converging = this.#converge(health.settled, speaker, compiler);
    this.#scope.defer(() => converging);
  }

  #createRib(): Rib {
    const { name, routerId, site, bgp, tenants, routeChoice, advertisement } = this.#configuration;
    const local = {
      name,
      kind: "local",
      bgpIdentifier: routerId,
      address: site.locator,
      autonomousSystem: bgp?.localAs ?? 0,
    } as const;
    return createRib(
      {
        ...{ local, tenants, maxRoutes: MAX_ROUTES, maxUnicastRoutes: MAX_UNICAST_ROUTES },
        ...routeChoice,
        ...(advertisement.instances ? { siteOfOrigin: ownSite(this.#configuration) } : {}),
      },
      { ...this.#shared, random: systemRandom },
    );
  }

  #taxonomy(): Taxonomy {
    const { taxonomy, domain, tenants } = this.#configuration;
    return new Taxonomy({
      revision: taxonomy.revision,
      domain: domain.prefix,
      dnsZone: domain.dnsZone,
      families: taxonomy.familyCodes,
      capabilities: taxonomy.capabilities,
      tenants: new Map(tenants.map(({ name, index }) => [name, index])),
    });
  }

  #startCompiler(driver: DataplaneDriver, rib: Rib, directory: Directory): Compiler {
    const { domain, site, dataplane, tenants, taxonomy } = this.#configuration;
    // Index 0 of groups and next hops means none.
    const room = tableSizes(dataplane.maxCapabilities);
    const compiler = new Compiler(
      {
        domain: domain.prefix,
        locator: site.locator,
        selector: site.selector,
        hashSeed: dataplane.hashSeed,
        tenants: new Map(tenants.map(({ name, index }) => [name, index])),
        familyCodes: taxonomy.familyCodes,
        transitionHold: TRANSITION_HOLD,
        quarantine: INDEX_QUARANTINE,
        limits: { capabilities: dataplane.maxCapabilities, groups: room.groups - 1, nextHops: room.nextHops - 1 },
      },
      { ...this.#shared, sink: { apply: (operations, generation) => this.#apply(driver, operations, generation) } },
    );
    this.#scope.own(compiler);
    if (driver.adopted) {
      const snapshot = driver.snapshot();
      compiler.adopt(snapshot);
      this.#generation = snapshot.generation;
    }
    compiler.taxonomy(
      tenants.flatMap(({ index }) =>
        taxonomy.capabilities.map(({ name, majorVersion }) => ({ tenantIndex: index, name, majorVersion })),
      ),
    );
    compiler.nodes(domainNodes(this.#configuration).map(({ locator }) => locator));
    const selections = this.#selections;
    this.#scope.own(feedCompiler(compiler, { ...this.#shared, directory, capability: rib.capability, selections }));
    return compiler;
  }

  #apply(driver: DataplaneDriver, operations: Parameters<DataplaneDriver["apply"]>[0], generation: number): void {
    driver.apply(operations, generation);
    if (this.#movesTunnels?.(operations)) this.#bfd?.rebind();
    this.#generation = generation;
  }

  async #startSpeaker(
    rib: Rib,
    driver: DataplaneDriver,
    policies: PolicyBook,
    observer: SpeakerObserver | undefined,
  ): Promise<Speaker> {
    const { bgp } = this.#configuration;
    let running: Speaker | undefined;
    if (bgp !== undefined) {
      const sessions = {
        pathFailed: (peer: string, failure: PathFailure) => void running?.pathFailed(peer, failure),
        pathRecovered: (peer: string) => void running?.pathRecovered(peer),
      };
      this.#bfd = this.#scope.own(startBfd(bgp, { ...this.#shared, driver, sessions }));
    }
    const sessionChanged = (change: SessionChange): void => this.#bfd && tellMonitor(this.#bfd, change);
    const speaker = await startSpeaker(
      speakerOptions(this.#configuration, policies, driver),
      {
        ...speakerParts(this.#configuration, { ...this.#shared, rib, random: systemRandom, sessionChanged }),
        ...(observer === undefined ? {} : { observer }),
        looped: (peer, set) => this.#brownfield?.looped(peer, set),
      },
      this.#scope.signal,
    );
    running = speaker;
    const restart = this.#configuration.bgp?.gracefulRestart !== undefined;
    this.#scope.defer(() => speaker.stop({ restart }));
    return speaker;
  }

  #originate({ rib, directory, names }: RowSources, speaker: Speaker): Origination {
    const { routerId, bgp, site, taxonomy, tenants, advertisement } = this.#configuration;
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
    const nameOf = (id: CapabilityId): CapabilityName | undefined => names.capability(id);
    const selections = this.#selections;
    const routes = this.#brownfield?.origin(speaker) ?? speaker;
    return new Origination(options, { ...this.#shared, rib, directory, selections, nameOf, routes });
  }

  #rowSources(rib: Rib, directory: Directory, taxonomy: Taxonomy): RowSources {
    const { name, site } = this.#configuration;
    const routers = new Map([[toHex(site.locator), name]]);
    for (const { locator, name: called } of domainNodes(this.#configuration)) {
      if (called !== undefined) routers.set(toHex(locator), called);
    }
    return { rib, directory, taxonomy, names: new Names(taxonomy, routers, site.selector) };
  }

  async #startControl(
    sources: RowSources,
    parts: {
      readonly driver: DataplaneDriver;
      readonly compiler: Compiler;
      readonly registrar: Registrar;
      readonly speaker: Speaker;
      readonly policies: PolicyBook;
      readonly drain: RouterDrain;
      readonly mrt: MrtFiles;
      readonly rpki: OriginWatch | undefined;
    },
  ): Promise<void> {
    const handlers = controlHandlers({
      ...sources,
      ...parts,
      configuration: this.#configuration,
      bfd: this.#bfd,
      brownfield: this.#brownfield,
      clock: systemClock,
      version: VERSION,
      state: () => ({ phase: this.#phase, generation: this.#generation }),
    });
    const path = this.#configuration.management.controlSocket;
    this.#scope.own(await startControlServer({ path }, handlers, this.#shared, this.#scope.signal));
  }

  async #startServers(sources: RowSources, registrar: Registrar): Promise<void> {
    const { registration, discovery, telemetry, domain, name } = this.#configuration;
    const { signal } = this.#scope;
    if (telemetry.prometheus !== undefined) {
      const parts = { registry: this.#metrics, log: this.#log };
      this.#scope.own(await startMetricsServer(telemetry.prometheus, parts, signal));
    }
    if (discovery.dns.listen.length > 0) {
      const options = { ...discovery.dns, nameServer: `${name}.${domain.dnsZone}` };
      this.#scope.own(await startDnsServer(options, { ...this.#shared, taxonomy: sources.taxonomy }, signal));
    }
    if (registration.listen.length > 0 && registration.tls !== undefined) {
      const verifier = await createTokenVerifier(registration.issuers, this.#shared);
      const { listen, tls, lease } = registration;
      const options = { listen, tls, lease, endpoints: agentNetworks(this.#configuration) };
      const parts = { ...this.#shared, ...sources, registrar, verifier, discovery: ribDiscovery(sources) };
      this.#scope.own(await startRegistrationServer(options, parts, signal));
    }
  }

  /** After a start: first the own instances, then what the neighbours know; only then may anything found be taken away. */
  async #converge(settled: Promise<void>, speaker: Speaker, compiler: Compiler): Promise<void> {
    const { signal } = this.#scope;
    try {
      await Promise.race([settled, elapsed(FIRST_VERDICTS_TIMEOUT, signal)]);
      if (signal.aborted) return;
      speaker.localStateConverged();
      await Promise.race([speaker.selectionSettled, aborted(signal)]);
      if (signal.aborted) return;
      compiler.converged();
      this.#log.info("router.converged");
    } catch (cause) {
      this.#log.error("router.convergence-failed", { reason: messageOf(cause) });
    }
  }
}

function staticAgent(agent: RouterConfiguration["agents"][number]): StaticAgent {
  return { agent: agent.id, tenant: agent.tenant, offers: agent.instances };
}

function elapsed(delay: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = systemClock.after(milliseconds(delay), resolve);
  signal.addEventListener("abort", () => {
    timer.cancel();
    resolve();
  });
  return promise;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
