import { readFileSync } from "node:fs";
import path from "node:path";
import {
  type CapabilityId,
  type CapabilityName,
  type Log,
  type Metrics,
  messageOf,
  milliseconds,
  Scope,
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
import { applyStaticAgents, Directory, Registrar } from "../directory/index.ts";
import { Compiler, FIRST_CAPABILITY_POLICY } from "../forwarding/index.ts";
import {
  type LogLevel,
  openDirectoryStore,
  openFolder,
  openStateDirectory,
  systemClock,
  systemRandom,
} from "../host/index.ts";
import {
  AlarmBook,
  alarmOperations,
  alarmState,
  type ControlHandlers,
  EventLog,
  logConfigurationEvents,
  openRouterManagement,
  type RestartControl,
  type RouterConfiguration,
  type RouterManagement,
  startControlServer,
} from "../management/index.ts";
import {
  networkProbe,
  type PassiveHealth,
  type Probe,
  startHealthChecker,
  startPassiveHealth,
} from "../registration/index.ts";
import { createRib, type Rib } from "../rib/index.ts";
import { createMetrics } from "../telemetry/index.ts";
import { ALARM_TYPES, Alarms, persistFailure, UnservedCapabilities } from "./alarms/index.ts";
import { startBfd, tellMonitor, tunnelMoves } from "./bfd.ts";
import { domainNodes, importTargetsOf, localPeer, speakerOptions, speakerParts, toldSite } from "./bgp.ts";
import { type BmpStations, startBmp } from "./bmp.ts";
import { Brownfield } from "./brownfield.ts";
import { type ControlParts, controlHandlers } from "./control.ts";
import { CounterBook } from "./counter-book.ts";
import { claimTables, startDriver } from "./driver.ts";
import { startEdge } from "./edge.ts";
import { probeHost } from "./endpoints.ts";
import {
  agentEvents,
  CapabilityEvents,
  CapacityEvents,
  PolicyViolations,
  type Publish,
  publisher,
  SessionEvents,
} from "./events/index.ts";
import { ExecutorHealth } from "./executor-health.ts";
import { feedCompiler } from "./feed.ts";
import { FormerDataplanes } from "./former-dataplanes.ts";
import { commitsFolder } from "./live/in-force.ts";
import {
  affinitiesLacking,
  type Current,
  FlowRecordsSlot,
  indexes,
  knownCapabilities,
  liveProviders,
  namesOf,
  Operators,
  passiveHealthOf,
  Servers,
  startupFile,
  staticAgent,
  taxonomyOf,
  tenantPolicies,
  unenforced,
} from "./live/index.ts";
import { reload } from "./live/reload.ts";
import { type MrtFiles, startMrt } from "./mrt.ts";
import { joinObservers } from "./observers.ts";
import { remoteOperations } from "./operations.ts";
import { Origination } from "./origination.ts";
import { Paths } from "./paths.ts";
import { policyBook } from "./policy.ts";
import { PolicyMetrics } from "./policy-counters.ts";
import type { HeardRefused } from "./refused-watch.ts";
import { againstRestart, Restarter, type RestarterParts } from "./restart.ts";
import { RouterDrain } from "./router-drain.ts";
import type { RowSources } from "./rows.ts";
import { type OriginWatch, startRpki } from "./rpki.ts";
import { SelectionFan } from "./selection-fan.ts";
import { SessionWatch, stateSources } from "./state/index.ts";
import { tunnelsOf } from "./tunnels.ts";
import { type Origin, withWayOut } from "./way-out.ts";

export { type ConformanceCommand, fibConformance } from "./fib-conformance.ts";
export { type Replay, type ReplayOptions, startReplay } from "./mrt-replay.ts";
export { removeForwarding } from "./remove-forwarding.ts";
export type { RestartRecord } from "./restart.ts";

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
/** How often it is looked whether the first plan is there as a whole. */
const COMPILED_CHECK = milliseconds(50);

/** What a router is started with. */
export interface DaemonOptions {
  /** Path of the startup file. */
  readonly file: string;
  /** What it says: where the state is, and what to run without any. */
  readonly startup: RouterConfiguration;
  /** Absent: that of the configuration. */
  readonly logLevel?: LogLevel;
  /** How operators restart it. */
  readonly restart: Pick<RestarterParts, "before" | "restart">;
}

/** A router that runs. */
export interface RunningRouter extends AsyncDisposable {
  /** Takes the startup file over, or changes nothing; the log says which. */
  reload(): Promise<void>;
}

/**
 * Starts a router, with the last commit where there is one and the startup file is still the same; it serves when this
 * resolves.
 *
 * Disposing it closes what it opened and leaves the kernel forwarding. On failure everything is closed again and the
 * cause is thrown: the part's own `FaultError` or a system error, with what to do about it in its message.
 */
export async function startDaemon(
  { file, startup, logLevel, restart }: DaemonOptions,
  log: Log & { level: LogLevel },
  signal: AbortSignal,
): Promise<RunningRouter> {
  const scope = new Scope(signal);
  try {
    scope.own(await openStateDirectory(startup.stateDirectory));
    const alarms = new AlarmBook(Object.values(ALARM_TYPES), systemClock);
    const folder = commitsFolder(startup.stateDirectory);
    const management = scope.own(
      await openRouterManagement({
        durable: (failure) => alarms.reconcile(ALARM_TYPES.persist.id, persistFailure(folder, failure)),
        startup: startupFile(file),
        folder: path.dirname(path.resolve(file)),
        commits: await openFolder(folder),
        ...{ clock: systemClock, random: systemRandom, log },
      }),
    );
    const configuration = management.engine.initial.inUse;
    if (logLevel === undefined) log.level = configuration.telemetry.logLevel;
    const origin = (): Origin => ({
      ...{ file, startup, folder },
      commit: management.engine.log(1)[0]?.id ?? 0,
    });
    const check = (): Promise<string | undefined> => againstRestart(file, management.engine);
    const restarter = scope.own(new Restarter({ ...restart, check, clock: systemClock, log }));
    const fixedLevel = logLevel !== undefined;
    await new Daemon(configuration, management, alarms, log, scope).start({ fixedLevel, origin, restart: restarter });
    return {
      reload: () => reload(management, file, log),
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

class Daemon {
  /** What the router was started with. */
  readonly #configuration: RouterConfiguration;
  readonly #management: RouterManagement;
  readonly #alarms: AlarmBook;
  /** What it goes by now. */
  readonly #current: Current;
  readonly #log: Log & { level: LogLevel };
  readonly #scope: Scope;
  readonly #metrics = createMetrics({ process: "included" });
  readonly #shared: { readonly clock: typeof systemClock; readonly log: Log; readonly metrics: Metrics };
  /** Those who act on what the RIB decides, besides the compiler. */
  readonly #selections = new SelectionFan();
  readonly #sessions = new SessionWatch(systemClock);
  /** Absent until somebody can be told. */
  #tablesChanged: (() => void) | undefined;
  /** Before it is there nobody can ask for it. */
  #control: ControlHandlers | undefined;
  #capabilityEvents: CapabilityEvents | undefined;
  #phase: "starting" | "running" | "stopping" = "starting";
  #generation = 0;
  /** Absent before the speaker is started, and without BGP. */
  #bfd: BfdMonitor | undefined;
  /** Absent before the data plane is started. */
  #paths: Paths | undefined;
  #counters: CounterBook | undefined;
  #movesTunnels: ReturnType<typeof tunnelMoves> | undefined;
  /** Absent without BGP. */
  #brownfield: Brownfield | undefined;

  constructor(
    configuration: RouterConfiguration,
    management: RouterManagement,
    alarms: AlarmBook,
    log: Log & { level: LogLevel },
    scope: Scope,
  ) {
    const taxonomy = taxonomyOf(configuration);
    const names = namesOf(configuration, taxonomy);
    this.#configuration = configuration;
    this.#current = { configuration, taxonomy, names, policies: policyBook(configuration) };
    this.#management = management;
    this.#alarms = alarms;
    alarms.follow(configuration.alarms);
    this.#log = log;
    this.#scope = scope;
    this.#shared = { clock: systemClock, log, metrics: this.#metrics };
  }

  async start(options: {
    readonly fixedLevel: boolean;
    readonly origin: () => Origin;
    readonly restart: RestartControl;
  }): Promise<void> {
    const { fixedLevel, origin, restart } = options;
    const { stateDirectory } = this.#configuration;
    const store = this.#scope.own(await openDirectoryStore(stateDirectory, { log: this.#log, metrics: this.#metrics }));
    if (this.#configuration.dataplane.driver !== "memory") this.#scope.own(await claimTables(this.#configuration));
    const starting = startDriver(this.#configuration, this.#log, this.#metrics).catch((cause: unknown) => {
      throw withWayOut(cause, this.#configuration, origin());
    });
    const driver = this.#scope.own(await starting);
    const formers = await FormerDataplanes.note(this.#configuration, driver, this.#log);
    this.#movesTunnels = tunnelMoves(driver);
    this.#counters = new CounterBook(driver, systemClock);
    const paths = this.#scope.own(new Paths({ ...this.#shared, driver, bfd: () => this.#bfd }));
    this.#paths = paths;
    paths.follow(this.#configuration);
    const rib = this.#scope.own(this.#createRib());
    const { taxonomy } = this.#current;
    startEdge(this.#configuration, taxonomy, driver, this.#log);
    const directory = this.#scope.own(new Directory(DIRECTORY_LIMITS, this.#shared));
    const registrar = new Registrar({ directory, store, clock: systemClock, log: this.#log });
    applyStaticAgents(directory, this.#configuration.agents.map(staticAgent), systemClock);
    registrar.restore(
      (tenant, { capability, version }) =>
        taxonomy.tenants.has(tenant) && taxonomy.find(capability, version.major) !== undefined,
    );

    const compiler = this.#startCompiler(driver, rib, directory);
    const rpki = startRpki({ ...this.#shared, rib, inUse: () => this.#current.configuration });
    if (rpki !== undefined) this.#scope.own(rpki);
    const policies = policyBook(this.#configuration, undefined, rpki?.origins);
    this.#current.policies = policies;
    if (this.#configuration.bgp !== undefined) {
      this.#brownfield = this.#scope.own(
        new Brownfield(this.#configuration, { ...this.#shared, rib, selections: this.#selections }),
      );
    }
    const bmp = startBmp(this.#configuration, { ...this.#shared, rib, version: VERSION });
    if (bmp !== undefined) this.#scope.own(bmp);
    const mrt = this.#scope.own(startMrt(this.#configuration.mrt, { ...this.#shared, rib }));
    const speaker = await this.#startSpeaker(
      rib,
      driver,
      policies,
      joinObservers([
        this.#sessions.observer,
        ...mrt.observers,
        ...(rpki === undefined ? [] : [rpki.observer]),
        ...(bmp === undefined ? [] : [bmp.observer]),
      ]),
    );
    rpki?.watch(speaker);
    bmp?.watch(speaker);
    const probe: Probe = (endpoint, check, signal) =>
      networkProbe(endpoint, check, signal, probeHost(this.#current.configuration, endpoint.address));
    const watched = { ...this.#shared, directory, random: systemRandom, probe };
    const health = startHealthChecker({}, watched, this.#scope.signal);
    this.#scope.own(health);
    const passive = this.#scope.own(this.#watchOutcomes(driver, directory));
    // Ends first: the neighbours hear that BFD ends on purpose before their sessions do.
    this.#scope.defer(() => this.#bfd?.[Symbol.dispose]());
    const sources = this.#rowSources(rib, directory);
    const origination = this.#scope.own(this.#originate(sources, speaker));
    const drain = new RouterDrain(speaker, origination);
    const servers = this.#scope.own(
      new Servers({ ...this.#shared, registry: this.#metrics, sources, registrar }, this.#scope.signal),
    );
    const refused: HeardRefused = (event, packets) => violations.sampled(event, packets);
    const flows = this.#scope.own(new FlowRecordsSlot({ ...this.#shared, driver, sources, refused }));
    const { engine, state, access } = this.#management;
    const events = new EventLog(systemClock);
    this.#scope.own(logConfigurationEvents(engine, events));
    const publish = publisher(events);
    const names = () => this.#current.names;
    const violations = this.#scope.own(
      new PolicyViolations(driver, { names, clock: systemClock, told: () => flows.round() }, publish),
    );
    const unserved = new UnservedCapabilities(sources);
    this.#capabilityEvents = this.#scope.own(
      new CapabilityEvents(
        this.#selections,
        () => this.#current.names,
        publish,
        (selection, isReachable) => unserved.changed(selection, isReachable),
      ),
    );
    this.#scope.own(agentEvents(directory, publish));
    const lastError = (peer: string) => speaker.peer(peer)?.lastError?.text;
    this.#scope.own(new SessionEvents(this.#sessions, { clock: systemClock, lastError }, publish));
    this.#watchCapacity(compiler, publish);
    const alarms = this.#scope.own(
      new Alarms({
        ...{ ...this.#shared, book: this.#alarms, events, driver, compiler, speaker, sources, unserved },
        ...{ sessions: this.#sessions, configuration: () => this.#current.configuration, maxRoutes: MAX_ROUTES },
      }),
    );
    this.#metrics.beforeExpose(() => alarms.refreshMetrics());
    this.#scope.own(state.add(...alarmState(this.#alarms)));
    this.#scope.own(this.#management.operations.add(alarmOperations(this.#alarms, systemClock)));
    const operators = this.#scope.own(
      new Operators({
        ...{ ...this.#shared, management: engine, access, events, stateDirectory, state, restart },
        control: { version: VERSION, handlers: () => this.#control! },
      }),
    );
    engine.attach(
      liveProviders({
        ...{
          current: this.#current,
          rib,
          registrar,
          directory,
          compiler,
          driver,
          paths,
          passive,
          speaker,
          origination,
          drain,
          servers,
          operators,
          flows,
          alarms: this.#alarms,
        },
        ...{ bfd: this.#bfd, bmp, brownfield: this.#brownfield, clock: systemClock },
        log: fixedLevel ? undefined : this.#log,
      }),
    );
    await this.#startControl(sources, {
      driver,
      counters: this.#counters!,
      compiler,
      registrar,
      speaker,
      drain,
      mrt,
      rpki,
      bmp,
      flows,
      events,
      operators,
    });
    flows.start(this.#configuration);
    await servers.start(this.#configuration);
    await operators.start(this.#configuration);
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
    const converging = this.#converge(health.settled, speaker, compiler, driver, formers);
    this.#scope.defer(() => converging);
  }

  #watchOutcomes(driver: DataplaneDriver, directory: Directory): PassiveHealth {
    const outcomes = (): ReturnType<NonNullable<DataplaneDriver["outcomes"]>> =>
      driver.outcomes?.() ?? new Map().entries();
    const passive = startPassiveHealth({ ...this.#shared, directory, outcomes });
    passive.follow(passiveHealthOf(this.#configuration));
    return passive;
  }

  #createRib(): Rib {
    const { tenants, routeChoice } = this.#configuration;
    const [local, siteOfOrigin] = [localPeer(this.#configuration), toldSite(this.#configuration)];
    return createRib(
      {
        ...{ local, tenants, maxRoutes: MAX_ROUTES, maxUnicastRoutes: MAX_UNICAST_ROUTES },
        ...routeChoice,
        ...(siteOfOrigin === undefined ? {} : { siteOfOrigin }),
      },
      { ...this.#shared, random: systemRandom },
    );
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
      {
        ...this.#shared,
        random: systemRandom,
        sink: {
          apply: (operations, generation) => this.#apply(driver, operations, generation),
          ...(driver.fill && {
            fill: (batch, generation) => this.#carriedOut(generation, () => driver.fill!(batch, generation)),
          }),
          ...(driver.setGroups && {
            setGroups: (run, generation) => this.#carriedOut(generation, () => driver.setGroups!(run, generation)),
          }),
          get isFull() {
            return driver.isFull === true;
          },
          whenRoom: (resume) => driver.whenRoom?.(resume),
        },
      },
    );
    this.#scope.own(compiler);
    if (driver.adopted) {
      const snapshot = driver.snapshot();
      compiler.adopt(snapshot);
      this.#generation = snapshot.generation;
    }
    compiler.policies(tenantPolicies(this.#configuration));
    for (const reason of unenforced(this.#configuration, driver)) this.#log.error("policy.not-enforced", { reason });
    for (const reason of affinitiesLacking(this.#configuration, driver))
      this.#log.error("taxonomy.affinity-not-possible", { reason });
    compiler.taxonomy(knownCapabilities(this.#configuration));
    compiler.tunnels(tunnelsOf(this.#configuration));
    compiler.nodes(domainNodes(this.#configuration).map(({ locator }) => locator));
    const selections = this.#selections;
    const executorHealth = this.#scope.own(new ExecutorHealth({ ...this.#shared, driver, directory }));
    const sources = { directory, capability: rib.capability, selections, health: executorHealth };
    this.#scope.own(feedCompiler(compiler, { ...this.#shared, ...sources }));
    return compiler;
  }

  #apply(driver: DataplaneDriver, operations: Parameters<DataplaneDriver["apply"]>[0], generation: number): void {
    driver.apply(operations, generation);
    this.#counters?.carriedOut(operations);
    if (this.#movesTunnels?.(operations)) {
      this.#bfd?.rebind();
      this.#paths?.rebind();
    }
    this.#generation = generation;
    this.#tablesChanged?.();
  }

  /** What moves no tunnel and frees no index. */
  #carriedOut(generation: number, carryOut: () => void): void {
    carryOut();
    this.#generation = generation;
    this.#tablesChanged?.();
  }

  /** Tables are looked at whenever they have changed. */
  #watchCapacity(compiler: Compiler, publish: Publish): void {
    const { maxCapabilities } = this.#configuration.dataplane;
    const room = tableSizes(maxCapabilities);
    const sizes = { capabilities: maxCapabilities, groups: room.groups - 1, "next-hops": room.nextHops - 1 };
    const events = new CapacityEvents(sizes, publish);
    this.#tablesChanged = () => {
      const { capabilities, groups, nextHops } = compiler.sizes;
      events.used("capabilities", capabilities);
      events.used("groups", groups);
      events.used("next-hops", nextHops);
    };
    this.#tablesChanged();
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
        pathFailed: (peer: string, failure: PathFailure) => {
          running?.pathFailed(peer, failure);
          this.#sessions.pathChanged(peer, "dead");
        },
        pathRecovered: (peer: string) => {
          running?.pathRecovered(peer);
          this.#sessions.pathChanged(peer, "alive");
        },
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
    speaker.importTargets(importTargetsOf(this.#configuration.tenants));
    this.#scope.defer(() => speaker.stop({ restart: this.#current.configuration.bgp?.gracefulRestart !== undefined }));
    return speaker;
  }

  #originate(sources: RowSources, speaker: Speaker): Origination {
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
    const nameOf = (id: CapabilityId): CapabilityName | undefined => sources.names.capability(id);
    const { rib, directory } = sources;
    const selections = this.#selections;
    const routes = this.#brownfield?.origin(speaker) ?? speaker;
    return new Origination(options, { ...this.#shared, rib, directory, selections, nameOf, routes });
  }

  /** Taxonomy and names are asked for each time, as they change. */
  #rowSources(rib: Rib, directory: Directory): RowSources {
    const current = this.#current;
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

  async #startControl(
    sources: RowSources,
    parts: {
      readonly driver: DataplaneDriver;
      readonly counters: CounterBook;
      readonly events: EventLog;
      readonly compiler: Compiler;
      readonly registrar: Registrar;
      readonly speaker: Speaker;
      readonly drain: RouterDrain;
      readonly mrt: MrtFiles;
      readonly rpki: OriginWatch | undefined;
      readonly bmp: BmpStations | undefined;
      readonly flows: FlowRecordsSlot;
      readonly operators: Operators;
    },
  ): Promise<void> {
    const current = this.#current;
    const policyMetrics = new PolicyMetrics(this.#metrics, systemClock);
    this.#metrics.beforeExpose(() => policyMetrics.refresh(parts.driver, { taxonomy: current.taxonomy }));
    const control: ControlParts = {
      ...parts,
      rib: sources.rib,
      directory: sources.directory,
      get taxonomy() {
        return current.taxonomy;
      },
      get names() {
        return current.names;
      },
      get configuration() {
        return current.configuration;
      },
      get policies() {
        return current.policies;
      },
      management: this.#management.engine,
      schema: (of) => this.#management.schema(of),
      bfd: this.#bfd,
      brownfield: this.#brownfield,
      alarms: this.#alarms,
      heartbeats: () => this.#paths?.heartbeats,
      clock: systemClock,
      version: VERSION,
      state: () => ({ phase: this.#phase, generation: this.#generation }),
    };
    const watches = { selections: this.#selections, sessions: this.#sessions };
    this.#scope.own(this.#management.state.add(...stateSources(control, watches)));
    const handlers = controlHandlers(control);
    this.#control = handlers;
    this.#scope.own(this.#management.operations.add(remoteOperations(control, handlers)));
    const { controlSocket } = this.#configuration.management;
    const { connectLocal: connectGrpc } = parts.operators;
    const shared = { ...this.#shared, access: this.#management.access, connectGrpc };
    this.#scope.own(await startControlServer({ path: controlSocket }, handlers, shared, this.#scope.signal));
  }

  /** After a start: first the own instances, then what the neighbours know; only then may anything found be taken away. */
  async #converge(
    settled: Promise<void>,
    speaker: Speaker,
    compiler: Compiler,
    driver: DataplaneDriver,
    formers: FormerDataplanes,
  ): Promise<void> {
    const { signal } = this.#scope;
    try {
      await Promise.race([settled, elapsed(FIRST_VERDICTS_TIMEOUT, signal)]);
      if (signal.aborted) return;
      speaker.localStateConverged();
      await Promise.race([speaker.selectionSettled, aborted(signal)]);
      if (signal.aborted) return;
      compiler.converged();
      this.#paths?.judge();
      this.#capabilityEvents?.converged();
      this.#log.info("router.converged");
      while (compiler.pending > 0 && !signal.aborted) await elapsed(COMPILED_CHECK, signal);
      driver.converged?.();
      if (!signal.aborted) await formers.remove();
    } catch (cause) {
      this.#log.error("router.convergence-failed", { reason: messageOf(cause) });
    }
  }
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
