import {
  type Clock,
  type Log,
  type Metrics,
  messageOf,
  Places,
  type PreparedPlaces,
  Scope,
  SourceRates,
} from "../base/index.ts";
import type { Taxonomy } from "../directory/index.ts";
import { type DnsReply, type ResponderParts, respond, type Transport, truncated } from "./dns-response.ts";
import { listenTcp } from "./tcp-listener.ts";
import { listenUdp } from "./udp-listener.ts";
import { CapabilityZones, type ZoneOptions } from "./zone.ts";

export interface DnsListen {
  readonly address: string;
  /** 0: any free one, the same for UDP and TCP. */
  readonly port: number;
}

export interface DnsServerOptions extends ZoneOptions {
  /** One address each, never a wildcard where a machine has several: the reply must come from the address that was asked. */
  readonly listen: readonly DnsListen[];
  /** UDP responses per second to one source (IPv4 address or IPv6 /64) before it is told to use TCP. */
  readonly responsesPerSecond?: number;
}

export interface DnsServerParts {
  readonly taxonomy: Taxonomy;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface DnsServer extends AsyncDisposable {
  /** Where it really listens. */
  readonly listen: readonly DnsListen[];
  /** Answers from `taxonomy` from now on. */
  setTaxonomy(taxonomy: Taxonomy): void;
  /**
   * To be as `options` say; the address that stays is not touched.
   * @throws {DiscoveryError} discovery.listen-failed; nothing has changed
   */
  prepare(options: Omit<DnsServerOptions, "responsesPerSecond">): Promise<PreparedPlaces>;
}

interface DnsListener extends AsyncDisposable {
  readonly at: DnsListen;
}

const RESPONSES_PER_SECOND = 2_000;
/** Of the replies that the limit holds back, every second one goes out empty with TC, so nobody honest is shut out. */
const SLIP = 2;

/**
 * Serves the capability zones over UDP and TCP.
 * @throws {DiscoveryError} discovery.listen-failed
 * @see RFC 1035, RFC 7766 (TCP), RFC 6891 (EDNS)
 */
export async function startDnsServer(
  options: DnsServerOptions,
  parts: DnsServerParts,
  signal: AbortSignal,
): Promise<DnsServer> {
  const { metrics, clock, log } = parts;
  const scope = new Scope(signal);
  let [taxonomy, zone]: [Taxonomy, ZoneOptions] = [parts.taxonomy, options];
  let responder = responderOf(taxonomy, zone);
  const goBy = (nextTaxonomy: Taxonomy, nextZone: ZoneOptions): void => {
    [taxonomy, zone] = [nextTaxonomy, nextZone];
    responder = responderOf(taxonomy, zone);
  };
  const perSecond = options.responsesPerSecond ?? RESPONSES_PER_SECOND;
  const rates = new SourceRates({ perSecond, burst: 2 * perSecond }, clock);
  let held = 0;

  const dropped = (reason: string) =>
    metrics.counter("semrd_dns_dropped_total", "DNS messages without a reply, by reason", { reason });
  const count = (transport: Transport, reply: DnsReply): void => {
    metrics.counter("semrd_dns_queries_total", "DNS messages received", { transport }).add();
    if ("octets" in reply) {
      metrics.counter("semrd_dns_responses_total", "DNS replies by code", { rcode: reply.rcode }).add();
    } else dropped(reply.reason).add();
  };

  const answer = (octets: Uint8Array, transport: Transport): Uint8Array | undefined => {
    const reply = respond(octets, transport, responder);
    count(transport, reply);
    return "octets" in reply ? reply.octets : undefined;
  };
  const answerUdp = (octets: Uint8Array, source: string): Uint8Array | undefined => {
    if (rates.take(source)) return answer(octets, "udp");
    dropped("rate-limit").add();
    return held++ % SLIP === 0 ? truncated(octets) : undefined;
  };

  async function listen(wanted: DnsListen): Promise<DnsListener> {
    const both = new Scope();
    try {
      // TCP first: its ports are scarcer, and UDP then takes the same number.
      const tcp = both.own(await listenTcp(wanted, { answer: (octets) => answer(octets, "tcp"), clock, log, metrics }));
      const at = { address: wanted.address, port: tcp.port };
      both.own(await listenUdp(at, { answer: answerUdp, sendFailed: dropped("send"), log }));
      log.info("discovery.dns.listening", { ...at });
      return { at, [Symbol.asyncDispose]: () => both[Symbol.asyncDispose]() };
    } catch (cause) {
      throw await both.abandon(cause);
    }
  }

  const places = new Places<DnsListen, DnsListener>({
    listen,
    left: (place) => log.info("discovery.dns.listening-ended", { ...place }),
  });
  scope.defer(() => places.leaveAll());

  async function prepare(next: Omit<DnsServerOptions, "responsesPerSecond">): Promise<PreparedPlaces> {
    const before = zone;
    const listening = await places.prepare(next.listen.map(({ address, port }) => ({ address, port })));
    return {
      ...listening,
      async apply() {
        await listening.apply();
        goBy(taxonomy, next);
      },
      async revert() {
        await listening.revert();
        goBy(taxonomy, before);
      },
    };
  }

  try {
    await (await prepare(options)).apply();
    return {
      get listen() {
        return places.listeners.map(({ at }) => at);
      },
      setTaxonomy: (next) => goBy(next, zone),
      prepare,
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (cause) {
    log.error("discovery.dns.start-failed", { reason: messageOf(cause) });
    throw await scope.abandon(cause);
  }
}

function responderOf(taxonomy: Taxonomy, options: ZoneOptions): ResponderParts {
  return { zones: new CapabilityZones(taxonomy), serial: taxonomy.revision >>> 0, options };
}
