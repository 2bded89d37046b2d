import {
  type CapabilityName,
  type Clock,
  type Ipv6Address,
  milliseconds,
  parseCapabilityName,
  type Seconds,
} from "../base/index.ts";
import {
  type Directory,
  DirectoryError,
  type DiscoverySource,
  draining,
  type Instance,
  type Registrar,
} from "../directory/index.ts";
import { namedRightly } from "./agent-id.ts";
import { type OfferRules, readAmendBody, readRegisterBody, readSeconds } from "./body.ts";
import { agentDocument, capabilityDocument, placesDocument, resolversDocument } from "./documents.ts";
import { fromDirectory, refuse } from "./problems.ts";
import { scopeFor } from "./scopes.ts";
import type { Principal } from "./token-verifier.ts";

export interface LeaseOptions {
  readonly default: Seconds;
  readonly minimum: Seconds;
  readonly maximum: Seconds;
}

export interface ApiParts {
  readonly directory: Directory;
  readonly registrar: Registrar;
  readonly discovery: DiscoverySource;
  readonly clock: Clock;
  readonly lease: LeaseOptions;
  /** Asked on every request: both may change while the server runs. */
  readonly rules: () => OfferRules;
  /** Of this router. */
  readonly locator: Ipv6Address;
}

/** A request whose token has been verified. */
export interface ApiRequest {
  readonly principal: Principal;
  /** From the path; absent where the path names none. */
  readonly agent: string | undefined;
  readonly query: URLSearchParams;
  /** Parsed JSON; `undefined` when there was no body. */
  readonly body: unknown;
}

export interface ApiResponse {
  readonly status: number;
  readonly document?: Readonly<Record<string, unknown>>;
  readonly location?: string;
  /** For the audit trail: which agent the decision was about. */
  readonly agent?: string;
}

export type ActionName = "register" | "show" | "renew" | "amend" | "drain" | "deregister" | "discover" | "locate";

type Action = (request: ApiRequest, parts: ApiParts) => Promise<ApiResponse> | ApiResponse;

const MOST_LISTED = 1_000;

/** What can be done, each a function of the request; every one checks that the token's agent and tenant may. */
const ACTIONS: Readonly<Record<ActionName, Action>> = {
  async register({ principal, body }, parts) {
    const { registrar, directory, lease, rules } = parts;
    const { agent = principal.subject, leaseSeconds, offers } = readRegisterBody(body, rules());
    const { tenant } = principal;
    owned(principal, agent);
    namedRightly(agent, tenant);
    covered(
      principal,
      offers.map((offer) => offer.capability),
    );
    const existed = directory.agent(agent) !== undefined;
    const span = granted(leaseSeconds, lease);
    const instances = await registrar.register({ agent, tenant, source: "registration", offers, lease: span });
    const location = `/v1/agents/${encodeURIComponent(agent)}`;
    return { status: existed ? 200 : 201, location, agent, document: shown(agent, instances, parts) };
  },

  show({ principal, agent }, parts) {
    const id = ownedAgent(principal, agent, parts.directory);
    return { status: 200, agent: id, document: shown(id, parts.directory.instancesOf(id), parts) };
  },

  async renew({ principal, agent, body }, parts) {
    const id = ownedAgent(principal, agent, parts.directory);
    const span = granted(readSeconds(body, "lease"), parts.lease);
    covered(
      principal,
      parts.directory.instancesOf(id).map((instance) => instance.capability),
    );
    return { status: 200, agent: id, document: shown(id, await parts.registrar.renew(id, span), parts) };
  },

  async amend({ principal, agent, body }, parts) {
    const id = ownedAgent(principal, agent, parts.directory);
    selfRegistered(id, parts.directory);
    const { offers, remove } = readAmendBody(body, parts.rules());
    covered(
      principal,
      offers.map((offer) => offer.capability),
    );
    return { status: 200, agent: id, document: shown(id, await parts.registrar.amend(id, offers, remove), parts) };
  },

  async drain({ principal, agent, body }, parts) {
    const id = ownedAgent(principal, agent, parts.directory);
    const deadline = readSeconds(body, "deadline");
    const after = deadline === undefined ? undefined : milliseconds(deadline * 1000);
    const instances = await parts.registrar.hold(id, draining("agent", parts.clock.wall(), after));
    return { status: 200, agent: id, document: shown(id, instances, parts) };
  },

  async deregister({ principal, agent }, { directory, registrar }) {
    const id = ownedAgent(principal, agent, directory);
    selfRegistered(id, directory);
    await registrar.remove(id, "deregistered");
    return { status: 204, agent: id };
  },

  discover({ principal, query }, { discovery, rules }) {
    const { taxonomy } = rules();
    const wanted = readDiscovery(query);
    const own = taxonomy.capabilities.map((capability) => ({ tenant: principal.tenant, capability }));
    const found = [...own, ...(discovery.opened?.(principal.tenant) ?? [])]
      .filter(({ capability: { name } }) => wanted.name === undefined || name === wanted.name)
      .filter(
        ({ capability: { name } }) =>
          wanted.prefix === undefined || name === wanted.prefix || name.startsWith(`${wanted.prefix}/`),
      )
      .slice(0, MOST_LISTED);
    const capabilities = found.map(({ tenant, capability }) => {
      const all = discovery.candidates(tenant, capability.name, capability.majorVersion);
      const candidates = all.map((candidate) => {
        const missing = wanted.labels.find((label) => !candidate.labels.includes(label));
        return missing === undefined
          ? candidate
          : { ...candidate, eligible: false, reason: `it has no label ${missing}` };
      });
      const document = capabilityDocument(capability, tenant, candidates, taxonomy);
      return tenant === principal.tenant ? document : { tenant, ...document };
    });
    const isServed = capabilities.some(({ served }) => served === true);
    const resolvers =
      wanted.name === undefined || isServed ? undefined : discovery.resolvers(principal.tenant, wanted.name);
    return {
      status: 200,
      document: { capabilities, ...(resolvers === undefined ? {} : { resolvers: resolversDocument(resolvers) }) },
    };
  },

  /** Any agent of the tenant may ask where another one is: it learns the router, never the address. */
  locate({ principal, agent }, { discovery }) {
    if (agent === undefined) throw refuse("registration.not-found", "the path names no agent");
    const places = discovery.places(principal.tenant, agent);
    if (places.length === 0) {
      throw refuse("registration.unknown-agent", `no router of the domain says that ${agent} is behind it`);
    }
    return { status: 200, agent, document: placesDocument(agent, places) };
  },
};

/** Runs an action and speaks of its refusals in the words of this interface. @throws {RegistrationError} */
export async function perform(name: ActionName, request: ApiRequest, parts: ApiParts): Promise<ApiResponse> {
  if (!parts.rules().taxonomy.tenants.has(request.principal.tenant)) {
    throw refuse("registration.tenant-unknown", "this router does not serve the token's tenant");
  }
  try {
    return await ACTIONS[name](request, parts);
  } catch (cause) {
    if (cause instanceof DirectoryError) throw fromDirectory(cause);
    throw cause;
  }
}

function shown(
  agent: string,
  instances: readonly Instance[],
  { directory, rules, locator }: Pick<ApiParts, "directory" | "rules" | "locator">,
): Readonly<Record<string, unknown>> {
  return agentDocument(directory.known(agent), instances, rules().taxonomy, locator);
}

/** Asked before anything is looked up, so nobody learns which other agents exist. */
function owned(principal: Principal, agent: string): void {
  if (!principal.owns(agent)) {
    throw refuse("registration.agent-mismatch", `the token belongs to ${principal.subject} and to no other agent`);
  }
}

function ownedAgent(principal: Principal, agent: string | undefined, directory: Directory): string {
  if (agent === undefined) throw refuse("registration.not-found", "the path names no agent");
  owned(principal, agent);
  const record = directory.agent(agent);
  if (record === undefined || record.tenant !== principal.tenant) {
    throw refuse("registration.unknown-agent", `${agent} is not registered here`);
  }
  return agent;
}

/** What the configuration or an operator said about an agent is not the agent's to change. */
function selfRegistered(agent: string, directory: Directory): void {
  const { source } = directory.known(agent);
  if (source === "registration") return;
  throw refuse("registration.agent-held", `${agent} belongs to this router's ${source}`);
}

function covered(principal: Principal, names: readonly CapabilityName[]): void {
  const missing = names.find((name) => !principal.scopes.covers(name));
  if (missing === undefined) return;
  throw refuse("registration.scope-missing", `the token does not cover ${missing}`, { scope: scopeFor(missing) });
}

function granted(asked: number | undefined, { default: usual, minimum, maximum }: LeaseOptions) {
  return milliseconds(Math.min(Math.max(asked ?? usual, minimum), maximum) * 1000);
}

interface DiscoveryQuery {
  readonly name?: CapabilityName;
  readonly prefix?: CapabilityName;
  readonly labels: readonly string[];
}

function readDiscovery(query: URLSearchParams): DiscoveryQuery {
  for (const key of query.keys()) {
    if (!["name", "prefix", "label"].includes(key)) {
      throw refuse("registration.query-invalid", "the parameters are name, prefix and label");
    }
  }
  const named = (key: "name" | "prefix"): Readonly<Record<string, CapabilityName>> => {
    const text = query.get(key);
    if (text === null || (key === "prefix" && text === "/")) return {};
    const name = parseCapabilityName(text.length > 1 ? text.replace(/\/$/, "") : text);
    if (name === undefined) throw refuse("registration.query-invalid", `${key} is not a capability name`);
    return { [key]: name };
  };
  return { ...named("name"), ...named("prefix"), labels: query.getAll("label").slice(0, 32) };
}
