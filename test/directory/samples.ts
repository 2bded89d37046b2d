import { milliseconds as ms, parseCapabilityName, parseIpv6, parseIpv6Prefix } from "../../src/base/index.ts";
import {
  type AgentRequest,
  Directory,
  type DirectoryChange,
  type DirectoryLimits,
  type Offer,
  Taxonomy,
  type TaxonomyOptions,
} from "../../src/directory/index.ts";
import { TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

export const OCR = parseCapabilityName("/vision/ocr")!;
export const SPEECH = parseCapabilityName("/audio/speech")!;
export const AGENT_A = "spiffe://example.net/acme/agent/ocr-a";
export const AGENT_B = "spiffe://example.net/acme/agent/ocr-b";

export function offer(changes: Partial<Offer> & { readonly at?: string; readonly port?: number } = {}): Offer {
  const { at = "fd00:a:21::10", port = 8080, ...rest } = changes;
  return {
    capability: OCR,
    version: { major: 1, minor: 0 },
    endpoint: { address: parseIpv6(at)!, port, protocol: "tcp" },
    servicePort: 80,
    weight: 10,
    labels: [],
    ...rest,
  };
}

export const HTTP_CHECK = {
  type: "http",
  path: "/healthz",
  interval: ms(200),
  timeout: ms(500),
  fall: 2,
  rise: 1,
} as const;

export function request(changes: Partial<AgentRequest> = {}): AgentRequest {
  return { agent: AGENT_A, tenant: "acme", source: "registration", offers: [offer()], lease: ms(300_000), ...changes };
}

/** The same without a lease. */
export function configured(changes: Partial<AgentRequest> = {}): AgentRequest {
  const { lease: _, ...rest } = request(changes);
  return { ...rest, source: "configuration" };
}

export interface Bench {
  readonly clock: VirtualClock;
  readonly directory: Directory;
  readonly metrics: TallyMetrics;
  /** What listeners were told, as one line per change. */
  readonly told: string[];
}

export function bench(limits: DirectoryLimits = { perAgent: 100, perTenant: 1000 }): Bench {
  const clock = new VirtualClock();
  const metrics = new TallyMetrics();
  const directory = new Directory(limits, { clock, metrics });
  const told: string[] = [];
  directory.subscribe((changes) => told.push(...changes.map(line)));
  return { clock, directory, metrics, told };
}

export function line(change: DirectoryChange): string {
  const { agent, capability, endpoint, adminState, stale, health } = change.instance;
  const name = `${agent.split("/").at(-1)} ${capability}:${endpoint.port}`;
  if (change.type === "removed") return `removed ${name} ${change.cause}`;
  return `${change.type} ${name} ${adminState}${stale ? " stale" : ""} ${health.state}`;
}

export function taxonomyOptions(changes: Partial<TaxonomyOptions> = {}): TaxonomyOptions {
  return {
    revision: 1,
    domain: parseIpv6Prefix("fd5e:3d00:1::/48")!,
    dnsZone: "example.net",
    families: new Map([
      ["vision", 1],
      ["audio", 2],
    ]),
    capabilities: [
      { name: OCR, majorVersion: 1, servicePort: 80, protocol: "tcp" },
      { name: OCR, majorVersion: 2, servicePort: 80, protocol: "tcp" },
      { name: SPEECH, majorVersion: 1, servicePort: 80, protocol: "tcp" },
    ],
    tenants: new Map([
      ["acme", 1],
      ["globex", 2],
    ]),
    ...changes,
  };
}

export function taxonomy(changes: Partial<TaxonomyOptions> = {}): Taxonomy {
  return new Taxonomy(taxonomyOptions(changes));
}
