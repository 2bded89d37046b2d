import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import {
  type Clock,
  type Ipv6Address,
  type Ipv6Prefix,
  type Log,
  type Metrics,
  messageOf,
  Places,
  type PreparedPlaces,
  Scope,
  SourceRates,
  sameValue,
} from "../base/index.ts";
import type { Directory, DiscoverySource, Registrar, Taxonomy } from "../directory/index.ts";
import type { PacedSocket } from "../pacing/index.ts";
import { type ApiParts, type ApiResponse, type LeaseOptions, perform } from "./api.ts";
import type { OfferRules } from "./body.ts";
import { type Certificate, type CertificateOptions, readCertificate, watchCertificate } from "./certificate.ts";
import { type Matched, readJson, route } from "./http.ts";
import { type ListenAddress, type Listener, listenHttps } from "./listener.ts";
import {
  PROBLEMS,
  type ProblemCode,
  problemDocument,
  problemFields,
  problemType,
  RegistrationError,
  refuse,
} from "./problems.ts";
import type { Principal, TokenVerifier } from "./token-verifier.ts";

export interface RegistrationOptions {
  readonly listen: readonly ListenAddress[];
  readonly tls: CertificateOptions;
  readonly lease: LeaseOptions;
  /** Of this router. */
  readonly locator: Ipv6Address;
  /** Where agents of this router may listen, so that none registers somebody else's address; empty: anywhere. */
  readonly endpoints: readonly Ipv6Prefix[];
  /** A /96 in which an agent that knows IPv4 only has its address; absent: there are none. */
  readonly ipv4Prefix?: Ipv6Prefix;
}

export interface RegistrationParts {
  readonly directory: Directory;
  readonly registrar: Registrar;
  readonly taxonomy: Taxonomy;
  readonly verifier: TokenVerifier;
  readonly discovery: DiscoverySource;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface RegistrationServer extends AsyncDisposable {
  /** Where it really listens. */
  readonly listen: readonly ListenAddress[];
  setTaxonomy(taxonomy: Taxonomy): void;
  setEndpoints(rules: Pick<RegistrationOptions, "endpoints" | "ipv4Prefix">): void;
  /**
   * To be as `next` says: connections and requests that there are go on, and addresses that stay are not touched.
   * @throws {RegistrationStartError} registration.certificate-unusable, registration.listen-failed; nothing has changed
   */
  prepare(next: RegistrationChange): Promise<PreparedPlaces>;
  /** Looks at the certificate's files now rather than within a minute. */
  reloadCertificate(): Promise<void>;
}

/** What may change while it runs. */
export type RegistrationChange = Pick<RegistrationOptions, "listen" | "tls" | "lease"> &
  Pick<RegistrationParts, "verifier">;

function endpointRules({ endpoints, ipv4Prefix }: Pick<RegistrationOptions, "endpoints" | "ipv4Prefix">) {
  return { endpoints, ...(ipv4Prefix === undefined ? {} : { ipv4Prefix }) };
}

/** Refused tokens of one address: twenty at once, then one every two seconds. Others are not affected. */
const REFUSED_TOKENS = { perSecond: 0.5, burst: 20, ipv6: "address" } as const;
/** Refusals without a principal that are logged at `info`, of all addresses together. */
const STRANGERS_LOGGED = { perSecond: 1, burst: 30, ipv6: "address" } as const;

/**
 * Serves the registration interface (`/v1/…`, README) over HTTPS.
 * @throws {RegistrationStartError} registration.certificate-unusable, registration.listen-failed
 */
export async function startRegistrationServer(
  options: RegistrationOptions,
  parts: RegistrationParts,
  signal: AbortSignal,
): Promise<RegistrationServer> {
  const { clock, log, metrics } = parts;
  const scope = new Scope(signal);
  let rules: OfferRules = { taxonomy: parts.taxonomy, ...endpointRules(options) };
  let settings = { lease: options.lease, verifier: parts.verifier };
  const exchange = new Exchange({ ...parts, locator: options.locator, settings: () => settings, rules: () => rules });
  try {
    let tls = options.tls;
    let certificate = await readCertificate(tls);
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      exchange.answer(request, response).catch((cause: unknown) => {
        log.error("registration.response-failed", { reason: messageOf(cause) });
        response.destroy();
      });
    };
    const places = new Places<ListenAddress, Listener>({
      async listen(at) {
        const listener = await listenHttps(at, certificate, { clock, metrics, log, handle });
        log.info("registration.listening", { address: at.address, port: listener.port });
        return listener;
      },
      left: (place) => log.info("registration.listening-ended", { ...place }),
    });
    scope.defer(() => places.leaveAll());
    const goBy = (next: Certificate): void => {
      certificate = next;
      for (const listener of places.listeners) listener.useCertificate(next);
    };
    const watched = () => watchCertificate(tls, certificate.version, goBy, parts);
    let watch = watched();
    scope.defer(() => watch[Symbol.dispose]());

    const prepare = async (next: RegistrationChange): Promise<PreparedPlaces> => {
      const before = { tls, certificate, settings };
      const shown = sameValue(tls, next.tls) ? certificate : await readCertificate(next.tls);
      const listening = await places.prepare(next.listen.map(({ address, port }) => ({ address, port })));
      return {
        ...listening,
        async apply() {
          await listening.apply();
          settings = { lease: next.lease, verifier: next.verifier };
          tls = next.tls;
          goBy(shown);
        },
        async revert() {
          await listening.revert();
          ({ tls, settings } = before);
          goBy(before.certificate);
        },
        async finish() {
          watch[Symbol.dispose]();
          watch = watched();
          await listening.finish();
        },
      };
    };
    await (await prepare({ ...options, verifier: parts.verifier })).apply();
    return {
      get listen() {
        return places.listeners.map(({ address, port }) => ({ address, port }));
      },
      setTaxonomy: (taxonomy) => {
        rules = { ...rules, taxonomy };
      },
      setEndpoints: (next) => {
        rules = { taxonomy: rules.taxonomy, ...endpointRules(next) };
      },
      prepare,
      reloadCertificate: () => watch.look(),
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

/** What the audit trail says about one request. */
interface Decision {
  readonly matched: Matched;
  readonly source: string;
  principal?: Principal;
  response?: ApiResponse;
}

interface ExchangeParts extends Omit<ApiParts & RegistrationParts, "lease" | "verifier"> {
  /** Asked on every request: they may change while the server runs. */
  readonly settings: () => Pick<ApiParts & RegistrationParts, "lease" | "verifier">;
}

/** One request after the other: route, verify, read, act, answer, record. */
class Exchange {
  readonly #parts: ExchangeParts;
  readonly #refusedTokens: SourceRates;
  readonly #strangersLogged: SourceRates;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#refusedTokens = new SourceRates(REFUSED_TOKENS, parts.clock);
    this.#strangersLogged = new SourceRates(STRANGERS_LOGGED, parts.clock);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = this.#parts.clock.monotonic();
    const [path = "", search = ""] = (request.url ?? "").split(/\?(.*)/s, 2);
    const open = request.method === "GET" ? openResource(path) : undefined;
    if (open !== undefined) return send(response, { status: 200, document: open });
    const source = request.socket.remoteAddress ?? "";
    let decision: Decision | undefined;
    try {
      decision = { matched: route(request.method ?? "", path), source };
      decision.response = await this.#decide(request, path, search, decision);
      this.#record(decision, decision.response.status, undefined);
      send(response, decision.response);
    } catch (cause) {
      if (request.destroyed && !request.complete) return this.#count("aborted", decision); // nobody is left to answer
      const error = cause instanceof RegistrationError ? cause : this.#internal(cause);
      this.#record(decision ?? { source }, PROBLEMS[error.code].status, error.code);
      sendProblem(request, response, error);
    } finally {
      const took = (this.#parts.clock.monotonic() - began) / 1000;
      this.#parts.metrics.histogram("semrd_registration_request_seconds", "Time to answer a request").observe(took);
    }
  }

  async #decide(request: IncomingMessage, path: string, search: string, decision: Decision): Promise<ApiResponse> {
    const { action, agent } = decision.matched;
    decision.principal = await this.#authenticate(request, path, decision.source);
    const body = request.method === "GET" ? undefined : await readJson(request);
    const query = new URLSearchParams(search);
    return perform(
      action,
      { principal: decision.principal, agent, query, body },
      { ...this.#parts, ...this.#parts.settings() },
    );
  }

  async #authenticate(request: IncomingMessage, path: string, source: string): Promise<Principal> {
    if (!this.#refusedTokens.has(source)) {
      const wait = Math.ceil(1 / REFUSED_TOKENS.perSecond);
      throw refuse("registration.rate-limited", "too many tokens from this address were refused", {
        retryAfterSeconds: wait,
      });
    }
    const { authorization, host = "", dpop } = request.headers;
    try {
      return await this.#parts.settings().verifier.verify({
        authorization,
        dpop: typeof dpop === "string" ? dpop : undefined,
        method: request.method ?? "",
        uri: `https://${host}${path}`,
        certificate: certificateDigest(request),
      });
    } catch (cause) {
      if (cause instanceof RegistrationError) this.#refusedTokens.take(source);
      throw cause;
    }
  }

  #internal(cause: unknown): RegistrationError {
    this.#parts.log.error("registration.failed", { cause: cause instanceof Error ? cause : String(cause) });
    return refuse("registration.internal", "the request could not be answered");
  }

  /**
   * One event per decision, with who, what and why; never a token. Renewals and questions are `debug`: there are many. So are
   * refusals of whoever has shown no token, above a rate: a flood of them fills no disk, and the counter has them all.
   */
  #record(
    decision: Partial<Decision> & { readonly source: string },
    status: number,
    code: ProblemCode | undefined,
  ): void {
    const { matched, principal, response, source } = decision;
    const fields = {
      action: matched?.action ?? "none",
      outcome: code === undefined ? "granted" : "refused",
      status,
      source,
      ...(code === undefined ? {} : { code }),
      ...(principal === undefined ? {} : principalFields(principal)),
      ...(response?.agent === undefined ? {} : { agent: response.agent }),
    };
    const quiet =
      code === undefined
        ? ["renew", "show", "discover", "locate"].includes(fields.action)
        : principal === undefined && !this.#strangersLogged.take("anybody");
    this.#parts.log[quiet ? "debug" : "info"]("registration.decision", fields);
    this.#count(code ?? "granted", decision);
  }

  #count(outcome: string, decision: Partial<Decision> | undefined): void {
    const labels = { action: decision?.matched?.action ?? "none", outcome };
    this.#parts.metrics.counter("semrd_registration_requests_total", "Requests, by action and outcome", labels).add();
  }
}

function principalFields({ issuer, subject, tenant, tokenId }: Principal) {
  return { issuer, subject, tenant, ...(tokenId === undefined ? {} : { tokenId }) };
}

/** What may be read without a token. */
function openResource(path: string): Readonly<Record<string, unknown>> | undefined {
  if (path === "/v1/health") return { status: "ok" };
  const code = path.startsWith(problemType("" as ProblemCode)) ? path.slice(problemType("" as ProblemCode).length) : "";
  if (!Object.hasOwn(PROBLEMS, code)) return undefined;
  const { status, title } = PROBLEMS[code as ProblemCode];
  return { code, status, title };
}

/** The listener has put a paced socket between TLS and HTTP. */
function certificateDigest({ socket }: IncomingMessage): string | undefined {
  const { raw } = ((socket as unknown as PacedSocket).socket as TLSSocket).getPeerCertificate();
  return raw === undefined ? undefined : createHash("sha256").update(raw).digest("base64url");
}

const COMMON_FIELDS = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const;

function send(response: ServerResponse, { status, document, location }: ApiResponse): void {
  const text = document === undefined ? undefined : `${JSON.stringify(document)}\n`;
  response.writeHead(status, {
    ...COMMON_FIELDS,
    ...(location === undefined ? {} : { location }),
    ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
  });
  response.end(text);
}

function sendProblem(request: IncomingMessage, response: ServerResponse, error: RegistrationError): void {
  const text = `${JSON.stringify(problemDocument(error))}\n`;
  response.writeHead(PROBLEMS[error.code].status, {
    ...COMMON_FIELDS,
    ...problemFields(error),
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(text),
    // A body that nobody will read is not waited for.
    ...(request.complete ? {} : { connection: "close" }),
  });
  response.end(text);
}
