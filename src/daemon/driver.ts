import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadNative, type Native } from "../../native/index.ts";
import { formatIpv6Prefix, type Ipv6Prefix, type Log, type Metrics, messageOf } from "../base/index.ts";
import {
  type DataplaneDriver,
  DataplaneError,
  type DataplaneOptions,
  probeFibService,
  probeKernel,
  probeLinux,
  probeOvs,
  type SourcePrefix,
  startFibServiceDataplane,
  startKernelDataplane,
  startLinuxDataplane,
  startMemoryDataplane,
  startOvsDataplane,
} from "../dataplane/index.ts";
import { claimName, systemClock, systemRandom } from "../host/index.ts";
import type { InterfaceConfiguration, RouterConfiguration } from "../management/index.ts";
import { createMetrics } from "../telemetry/index.ts";

const OBJECT = fileURLToPath(new URL("../../build/dataplane/semr.bpf.o", import.meta.url));

/** What this host cannot do, rather than what somebody got wrong: reasons to go on without the kernel when allowed. */
const CANNOT: ReadonlySet<string> = new Set(["dataplane.no-rights", "dataplane.unsupported-kernel"]);

/** The interfaces as the data plane wants them. */
export function portsOf({ interfaces, dataplane }: RouterConfiguration): DataplaneOptions["ports"] {
  return interfaces.map((configured) => {
    const { name, role, tenantIndex, hook, acceptTags } = configured;
    const sources = sourcesOf(configured);
    const port = {
      ...{ interface: name, tenantIndex, ...(dataplane.clampMss ? { clampMss: true } : {}) },
      ...(acceptTags ? { acceptTags } : {}),
      ...(sources === undefined ? {} : { sources }),
    };
    // What comes from our own stack is from a router: ICMPv6 errors about any capability too.
    return role === "own" ? { ...port, role: "core", hook: "tc", own: true } : { ...port, role, hook };
  });
}

/** Every source that may be there; where only those of other tenants are named, all else is the interface's own. */
function sourcesOf({
  tenantIndex,
  permittedSources,
  tenantSources,
}: InterfaceConfiguration): readonly SourcePrefix[] | undefined {
  if (permittedSources.length === 0 && tenantSources.length === 0) return undefined;
  const own = permittedSources.length === 0 ? [EVERYWHERE] : permittedSources;
  const others = new Set(tenantSources.map(({ prefix }) => formatIpv6Prefix(prefix)));
  return [
    ...own.filter((prefix) => !others.has(formatIpv6Prefix(prefix))).map((prefix) => ({ prefix, tenantIndex })),
    ...tenantSources.map(({ prefix, tenantIndex: other }) => ({ prefix, tenantIndex: other })),
  ];
}

const EVERYWHERE: Ipv6Prefix = { address: new Uint8Array(16), length: 0 };

function dataplaneOptions(configuration: RouterConfiguration): DataplaneOptions {
  const { domain, site, dataplane } = configuration;
  return {
    domain: domain.prefix,
    locator: site.locator,
    ports: portsOf(configuration),
    pinDirectory: dataplane.pinDirectory,
    hashSeed: dataplane.hashSeed,
    tunnelMtu: dataplane.tunnelMtu,
    maxCapabilities: dataplane.maxCapabilities,
  };
}

/**
 * The data plane that the configuration asks for. With `auto`, a host without the rights or the kernel for BPF gets routes of the
 * kernel, and one that cannot have those the memory data plane, loudly.
 * @throws {DataplaneError} as the drivers
 */
export async function startDriver(
  configuration: RouterConfiguration,
  log: Log,
  metrics: Metrics,
): Promise<DataplaneDriver> {
  const options = dataplaneOptions(configuration);
  const { driver, executor, openVswitch } = configuration.dataplane;
  if (driver === "fib-service" && executor !== undefined) {
    const parts = { clock: systemClock, random: systemRandom, log, metrics };
    return startFibServiceDataplane({ ...options, executor, router: configuration.name }, parts);
  }
  if (driver === "ovs" && openVswitch !== undefined) return startOvsDataplane(options, openVswitch, { log });
  if (driver === "memory") return startMemoryDataplane(options, { log });
  if (driver === "linux") return startLinux(configuration, log);
  try {
    return await startKernel(options, loadNative(), log);
  } catch (cause) {
    if (driver === "kernel" || !isIncapable(cause)) throw cause;
    return startWithoutBpf(configuration, log, messageOf(cause));
  }
}

async function startWithoutBpf(configuration: RouterConfiguration, log: Log, reason: string): Promise<DataplaneDriver> {
  try {
    const driver = await startLinux(configuration, log);
    log.error("dataplane.linux-instead-of-kernel", {
      reason,
      effect:
        "routes of the kernel forward; they translate, answer and count nothing: semrctl show dataplane says what is missing",
    });
    return driver;
  } catch (cause) {
    if (!isIncapable(cause)) throw cause;
    log.error("dataplane.memory-instead-of-kernel", {
      reason,
      routes: messageOf(cause),
      effect: "no packet of this host is forwarded; routes, DNS, registration and management work",
    });
    return startMemoryDataplane(dataplaneOptions(configuration), { log });
  }
}

/**
 * Looks whether the data plane that the configuration asks for could be started on this host, now; changes nothing.
 * @throws {DataplaneError} as the drivers
 * @throws {Error} for certificates that cannot be used
 */
export async function probeDriver({ dataplane }: RouterConfiguration): Promise<void> {
  const { driver, executor, openVswitch, pinDirectory } = dataplane;
  if (driver === "fib-service" && executor !== undefined) await probeFibService(executor);
  if (driver === "ovs" && openVswitch !== undefined) await probeOvs(openVswitch);
  if (driver === "linux") await probeLinux();
  if (driver === "kernel") probeKernel(pinDirectory, { native: loadNative(), objectPath: OBJECT });
}

const isIncapable = (cause: unknown): boolean => cause instanceof DataplaneError && CANNOT.has(cause.code);

function startLinux(configuration: RouterConfiguration, log: Log): Promise<DataplaneDriver> {
  const planFile = join(configuration.stateDirectory, "dataplane-linux.plan");
  return startLinuxDataplane(dataplaneOptions(configuration), { planFile }, { log });
}

function startKernel(options: DataplaneOptions, native: Native, log: Log): Promise<DataplaneDriver> {
  return startKernelDataplane(options, { native, log, objectPath: OBJECT });
}

/**
 * Holds the tables of `pinDirectory`, or the executor, for this process, as two that write them would undo each other's work. Held
 * before the driver is started, and until after it is closed.
 * @throws {HostError} host.name-in-use
 */
export function claimTables({ dataplane, name }: RouterConfiguration): Promise<AsyncDisposable> {
  const { pinDirectory, driver, executor, openVswitch } = dataplane;
  if (driver === "fib-service" && executor !== undefined) {
    const where = `${executor.host} port ${executor.port}`;
    return claimName(`dataplane ${where}`, `another semrd works with the executor at ${where}: stop it`);
  }
  if (driver === "ovs" && openVswitch !== undefined) {
    const where = `the bridge ${openVswitch.bridge} of ${openVswitch.database}`;
    return claimName(`dataplane ${where}`, `another semrd works with ${where}: stop it, or choose another bridge`);
  }
  if (driver === "linux")
    return claimName("dataplane routes", "another semrd works with the routes of this network namespace: stop it");
  const advice =
    `another semrd forwards here with the tables below ${pinDirectory}: stop it, ` +
    `or give the router ${name} a pin-directory and interfaces of its own`;
  return claimName(`dataplane ${pinDirectory}`, advice);
}

/** The data plane whose tables outlive the process, to be removed. @throws {DataplaneError} as the drivers */
export async function startRemovable(configuration: RouterConfiguration, log: Log): Promise<DataplaneDriver> {
  const { driver } = configuration.dataplane;
  if (driver === "fib-service" || driver === "ovs" || driver === "linux")
    return startDriver(configuration, log, createMetrics());
  try {
    return await startKernel(dataplaneOptions(configuration), loadNative(), log);
  } catch (cause) {
    if (driver === "kernel" || !isIncapable(cause)) throw cause;
    return startLinux(configuration, log);
  }
}
