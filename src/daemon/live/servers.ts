import { type Clock, type Log, type Metrics, messageOf, sameValue } from "../../base/index.ts";
import type { Registrar, Taxonomy } from "../../directory/index.ts";
import { type DnsServer, type DnsServerOptions, startDnsServer } from "../../discovery/index.ts";
import type { Provider, RegistrationConfiguration, RouterChange, RouterConfiguration } from "../../management/index.ts";
import {
  createTokenVerifier,
  type RegistrationServer,
  readCertificate,
  startRegistrationServer,
} from "../../registration/index.ts";
import { type MetricsServer, startMetricsServer } from "../../telemetry/index.ts";
import { ribDiscovery } from "../discovery.ts";
import { agentIpv4Prefix, agentNetworks } from "../endpoints.ts";
import type { RowSources } from "../rows.ts";
import { ServerSlot } from "./server.ts";

export interface ServersParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly registry: Parameters<typeof startMetricsServer>[1]["registry"];
  readonly sources: RowSources;
  readonly registrar: Registrar;
}

const AT = "/semrd-router:router";

type MetricsOptions = Parameters<typeof startMetricsServer>[0];
type Registration = RegistrationConfiguration & { readonly tls: NonNullable<RegistrationConfiguration["tls"]> };

/** Where agents of this router may listen. */
function endpointsOf(configuration: RouterConfiguration) {
  const ipv4Prefix = agentIpv4Prefix(configuration);
  return { endpoints: agentNetworks(configuration), ...(ipv4Prefix === undefined ? {} : { ipv4Prefix }) };
}

/** The servers that the configuration can ask for: metrics, DNS, registration. */
export class Servers implements AsyncDisposable {
  readonly #parts: ServersParts;
  readonly #metrics: ServerSlot<MetricsOptions, MetricsServer>;
  readonly #dns: ServerSlot<DnsServerOptions, DnsServer>;
  readonly #registration: ServerSlot<Registration, RegistrationServer>;

  constructor(parts: ServersParts, signal: AbortSignal) {
    const { clock, log, metrics, registry, sources, registrar } = parts;
    const shared = { clock, log, metrics };
    const verifyingBy = async (issuers: Registration["issuers"]) => ({
      issuers,
      verifier: await createTokenVerifier(issuers, shared),
    });
    /** What it goes by is kept where the issuers are: it knows which proofs have been shown. */
    let verifying: Awaited<ReturnType<typeof verifyingBy>> | undefined;
    this.#parts = parts;
    this.#metrics = new ServerSlot({
      name: "the metrics server",
      path: `${AT}/semrd-telemetry:telemetry/prometheus`,
      wanted: ({ telemetry }) => telemetry.prometheus,
      start: (options) => startMetricsServer(options, { registry, clock, log }, signal),
      change: (server, next) => server.prepare(next),
    });
    this.#dns = new ServerSlot({
      name: "the DNS server",
      path: `${AT}/semrd-discovery:discovery/dns`,
      wanted: ({ discovery, name, domain }) => {
        if (discovery.dns.listen.length === 0) return undefined;
        return { ...discovery.dns, nameServer: `${name}.${domain.dnsZone}` };
      },
      start: (options) => startDnsServer(options, { ...shared, taxonomy: sources.taxonomy }, signal),
      change: (server, next) => server.prepare(next),
    });
    this.#registration = new ServerSlot({
      name: "the registration server",
      path: `${AT}/semrd-registration:registration`,
      wanted: ({ registration }) => {
        const { tls, listen } = registration;
        return tls === undefined || listen.length === 0 ? undefined : { ...registration, tls };
      },
      async start({ listen, tls, lease, issuers }, configuration) {
        verifying = await verifyingBy(issuers);
        const { verifier } = verifying;
        const { locator } = configuration.site;
        const options = { listen, tls, lease, locator, ...endpointsOf(configuration) };
        const { taxonomy, directory } = sources;
        const own = { ...shared, taxonomy, directory, registrar, verifier, discovery: ribDiscovery(sources) };
        return startRegistrationServer(options, own, signal);
      },
      async change(server, { listen, tls, lease, issuers }) {
        const before = verifying;
        const next = sameValue(before?.issuers, issuers) ? before! : await verifyingBy(issuers);
        const prepared = await server.prepare({ listen, tls, lease, verifier: next.verifier });
        return {
          ...prepared,
          async apply() {
            verifying = next;
            await prepared.apply();
          },
          async revert() {
            verifying = before;
            await prepared.revert();
          },
        };
      },
      async check({ tls, issuers }) {
        await createTokenVerifier(issuers, shared);
        await readCertificate(tls);
      },
    });
  }

  get providers(): readonly Provider<RouterChange>[] {
    return [this.#metrics, this.#dns, this.#registration];
  }

  /** @throws the servers' own errors */
  async start(configuration: RouterConfiguration): Promise<void> {
    await this.#metrics.start(configuration);
    await this.#dns.start(configuration);
    await this.#registration.start(configuration);
  }

  taxonomyChanged(taxonomy: Taxonomy): void {
    this.#dns.server?.setTaxonomy(taxonomy);
    this.#registration.server?.setTaxonomy(taxonomy);
  }

  /** Agents may listen in other networks than before. */
  networksChanged(configuration: RouterConfiguration): void {
    this.#registration.server?.setEndpoints(endpointsOf(configuration));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const slot of [this.#registration, this.#dns, this.#metrics]) {
      try {
        await slot[Symbol.asyncDispose]();
      } catch (cause) {
        this.#parts.log.error("server.close-failed", { server: slot.name, reason: messageOf(cause) });
      }
    }
  }
}
