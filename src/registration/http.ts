import type { IncomingMessage } from "node:http";
import type { ActionName } from "./api.ts";
import { refuse } from "./problems.ts";

/** A resource of the interface: what each method of it does. */
interface Route {
  readonly pattern: RegExp;
  readonly methods: Readonly<Record<string, ActionName>>;
}

const AGENT = "(?<agent>[^/]+)";

const ROUTES: readonly Route[] = [
  { pattern: /^\/v1\/agents$/, methods: { POST: "register" } },
  { pattern: new RegExp(`^/v1/agents/${AGENT}$`), methods: { GET: "show", PATCH: "amend", DELETE: "deregister" } },
  { pattern: new RegExp(`^/v1/agents/${AGENT}/renew$`), methods: { POST: "renew" } },
  { pattern: new RegExp(`^/v1/agents/${AGENT}/drain$`), methods: { POST: "drain" } },
  { pattern: new RegExp(`^/v1/agents/${AGENT}/location$`), methods: { GET: "locate" } },
  { pattern: /^\/v1\/capabilities$/, methods: { GET: "discover" } },
];

export interface Matched {
  readonly action: ActionName;
  readonly agent: string | undefined;
}

/** @throws {RegistrationError} registration.not-found, registration.method-not-allowed */
export function route(method: string, path: string): Matched {
  for (const { pattern, methods } of ROUTES) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const action = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (action !== undefined) return { action, agent: agentOf(match.groups?.agent) };
    const allow = Object.keys(methods).join(", ");
    throw refuse("registration.method-not-allowed", `this resource takes ${allow}`, { allow });
  }
  throw refuse("registration.not-found", "the resources are /v1/agents, /v1/capabilities and /v1/health");
}

function agentOf(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined;
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    throw refuse("registration.not-found", "the agent in the path is not percent-encoded UTF-8");
  }
}

const MOST_BODY_OCTETS = 64 * 1024;

/**
 * The JSON body of a request; `undefined` when there is none.
 *
 * @throws {RegistrationError} registration.media-type, registration.body-too-large, registration.body-not-json
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers["content-length"] ?? 0) > MOST_BODY_OCTETS) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop must not destroy the request: its connection still carries the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BODY_OCTETS) throw tooLarge();
    chunks.push(chunk);
  }
  if (length === 0) return undefined;
  if (!/^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
    throw refuse("registration.media-type", "send the body with Content-Type: application/json");
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
    return JSON.parse(text) as unknown;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
    throw refuse("registration.body-not-json", "the body is not JSON in UTF-8");
  }
}

function tooLarge() {
  return refuse("registration.body-too-large", `a body has at most ${MOST_BODY_OCTETS} octets`);
}
