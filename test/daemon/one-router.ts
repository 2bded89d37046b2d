import type { TestContext } from "node:test";
import {
  type CapabilityName,
  capabilityAddress,
  capabilityFamily,
  capabilityId,
  formatIpv6,
  milliseconds,
  parseIpv6,
  parseIpv6Prefix,
} from "../../src/base/index.ts";
import { routeTarget } from "../../src/bgp/wire/index.ts";
import { ExecutorHealth } from "../../src/daemon/executor-health.ts";
import { feedCompiler } from "../../src/daemon/feed.ts";
import { Origination } from "../../src/daemon/origination.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { startMemoryDataplane } from "../../src/dataplane/index.ts";
import { Directory } from "../../src/directory/index.ts";
import { Compiler } from "../../src/forwarding/index.ts";
import { TENANT } from "../bgp/speaker/router.ts";
import { Scene } from "../bgp/speaker/scene.ts";
import { ethernet, tcp } from "../dataplane/memory/frames.ts";
import { SILENT } from "../dataplane/memory/story.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

export const NAMES = ["/vision/ocr", "/vision/nl", "/audio/speech"] as readonly string[] as readonly CapabilityName[];
export const TENANTS = [
  { ...TENANT, name: "acme", index: 1 },
  {
    ...{ name: "globex", index: 2, routeDistinguisher: Uint8Array.of(0, 0, 0xfd, 0xe8, 0, 0, 0, 2) },
    ...{ importTargets: [routeTarget(65000, 2)], exportTargets: [routeTarget(65000, 2)] },
  },
];
const DOMAIN = parseIpv6Prefix("fd5e:3d00:1::/48")!;
const CODES = new Map([
  ["vision", 1],
  ["audio", 2],
]);
const CLIENT = parseIpv6("2001:db8:c::1")!;
export const SYN = 0x02;
export const ACK = 0x10;

export const addressOf = (tenantIndex: number, name: CapabilityName) =>
  capabilityAddress({
    ...{ domain: DOMAIN, tenantIndex, familyCode: CODES.get(capabilityFamily(name))! },
    ...{ capabilityId: capabilityId(name, 1), selector: 0 },
  });

/** Scenes are closed by whoever made them here, and their seed decides nothing. */
const SILENT_TEST = { diagnostic() {}, after() {} } as unknown as TestContext;

/** One router as the daemon joins its directory, RIB and compiler, with the reference model as its data plane. */
export async function startRouter() {
  const scene = new Scene(SILENT_TEST);
  const { clock } = scene;
  const router = await scene.router({
    ...{ address: "2001:db8::1", identifier: "10.0.0.1", peers: [], rib: { tenants: TENANTS } },
  });
  const log = new ListLog();
  const metrics = new TallyMetrics();
  const selections = new SelectionFan();
  const directory = new Directory({ perAgent: 20, perTenant: 4000 }, { clock, metrics });
  const own = { routerId: router.originId, localAs: 65000, selector: 1, locator: router.nextHop, taxonomyRevision: 1 };
  const nameOf = () => undefined;
  const { rib, speaker: routes } = router;
  new Origination(
    { ...own, tenants: TENANTS },
    { directory, metrics, log, clock, random: new SeededRandom(1), selections, rib, routes, nameOf },
  );
  const ports = [1, 2].map((tenantIndex) => ({
    ...{ interface: `client${tenantIndex}`, role: "client" as const, tenantIndex, hook: "auto" as const },
  }));
  const sink = startMemoryDataplane(
    {
      ...{ domain: DOMAIN, locator: router.nextHop, ports, pinDirectory: "", hashSeed: 7, tunnelMtu: 1500 },
      maxCapabilities: 1000,
    },
    { log: SILENT },
  );
  const compiler = new Compiler(
    {
      ...{ domain: DOMAIN, locator: router.nextHop, selector: 1, hashSeed: 7, familyCodes: CODES },
      ...{ tenants: new Map(TENANTS.map(({ name, index }) => [name, index])) },
      ...{ transitionHold: milliseconds(30_000), quarantine: milliseconds(60_000) },
      limits: { capabilities: 1000, groups: 1000, nextHops: 8000 },
    },
    { clock, sink, log, metrics, random: new SeededRandom(1) },
  );
  compiler.taxonomy(
    TENANTS.flatMap(({ index }) => NAMES.map((name) => ({ tenantIndex: index, name, majorVersion: 1 }))),
  );
  const health = new ExecutorHealth({ driver: sink, directory, clock, random: new SeededRandom(1), log });
  feedCompiler(compiler, { directory, capability: rib.capability, clock, metrics, selections, health });
  routes.localStateConverged();
  compiler.converged();
  return { scene, clock, directory, compiler, sink };
}

export type Router = Awaited<ReturnType<typeof startRouter>>;

export interface Sent {
  /** Index of the client's tenant. */
  readonly from: number;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly flags: number;
}

/** Where a segment goes: the text of an endpoint, or nowhere. */
export function send({ sink }: Router, { from, destination, ...segment }: Sent): string | undefined {
  const packet = tcp({ source: CLIENT, destination }, { destinationPort: 80, ...segment });
  const { action, frame } = sink.process(`client${from}`, ethernet(packet));
  return action === "forward" ? endpointText(frame.subarray(38, 54), (frame[56]! << 8) | frame[57]!) : undefined;
}

export const endpointText = (address: Uint8Array, port: number): string => `${formatIpv6(address)} ${port}`;
