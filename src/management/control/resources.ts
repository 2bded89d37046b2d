import type { IncomingMessage } from "node:http";
import { parseIpv6 } from "../../base/index.ts";
import { AGENT_RESOURCES, CONFIGURATION_RESOURCES } from "./configuration-resources.ts";
import {
  type ControlHandlers,
  ControlRefusal,
  type ExplainQuestion,
  type MrtTableQuestion,
  type PeerClearing,
  type Rows,
} from "./handlers.ts";
import { packetInquiry } from "./packet-inquiry.ts";
import { capabilityNamed, parameters, readBody, type Target } from "./request.ts";
import { type ControlAnswer, type Exchange, type Resource, report } from "./resource.ts";

/** A configuration document may be large. */
const MAX_CONFIGURATION = 16 * 1024 * 1024;

type ListName =
  | "agents"
  | "capabilities"
  | "routes"
  | "peers"
  | "policies"
  | "fib"
  | "mrt"
  | "bmp"
  | "rpki"
  | "vrps"
  | "flows";

/** A list, filtered by members that all of its rows have. `others`: parameters that choose the list. */
function list(name: ListName, filters: readonly string[], others: readonly string[] = []): Resource {
  return {
    method: "GET",
    path: name,
    async answer({ target, handlers }) {
      const wanted = Object.entries(parameters(target, [...filters, ...others]))
        .filter(([key]) => filters.includes(key))
        .map(([key, value]) => [key, key === "capability" ? capabilityNamed(value!) : value] as const);
      const rows: Rows<object> = handlers[name]();
      if (wanted.length === 0) return { type: "rows", rows };
      const matches = (row: object): boolean =>
        wanted.every(([key, value]) => (row as Record<string, unknown>)[key] === value);
      return { type: "rows", rows, matches };
    },
  };
}

const CAPABILITY_ROUTES = list("routes", ["tenant", "capability", "peer"], ["family"]);

function unicastRoutes({ target, handlers }: Exchange, family: string): ControlAnswer {
  const { peer } = parameters(target, ["family", "peer"]);
  if (family !== "ipv6-unicast" && family !== "ipv4-unicast")
    throw new ControlRefusal(
      400,
      "control.bad-family",
      "Bad request",
      `${JSON.stringify(family)} is none of the families capability, ipv6-unicast and ipv4-unicast`,
    );
  const rows: Rows<object> = handlers.unicastRoutes(family);
  if (peer === undefined) return { type: "rows", rows };
  return { type: "rows", rows, matches: (row) => "peer" in row && row.peer === peer };
}

const RESOURCES: readonly Resource[] = [
  {
    method: "GET",
    path: "status",
    answer: async ({ target, handlers }) => {
      parameters(target, []);
      return report(await handlers.status());
    },
  },
  {
    method: "GET",
    path: "counters",
    answer: async ({ target, handlers }) => {
      parameters(target, []);
      return report(await handlers.counters());
    },
  },
  list("agents", ["tenant", "capability", "agent"]),
  list("capabilities", ["tenant", "capability"]),
  {
    method: "GET",
    path: "routes",
    answer: async (exchange) => {
      const family = exchange.target.query.get("family") ?? "capability";
      return family === "capability" ? CAPABILITY_ROUTES.answer(exchange) : unicastRoutes(exchange, family);
    },
  },
  list("peers", []),
  list("policies", ["policy"]),
  list("fib", ["tenant", "capability"]),
  list("flows", ["tenant", "capability", "client", "state"]),
  list("mrt", []),
  list("bmp", []),
  list("rpki", []),
  list("vrps", ["prefix"]),
  {
    method: "GET",
    path: "mrt/table",
    answer: async ({ target, handlers }) => {
      const chunks = handlers.mrtTable(mrtTableQuestion(target));
      return { type: "octets", contentType: "application/octet-stream", chunks };
    },
  },
  {
    method: "GET",
    path: "explain",
    answer: async ({ target, handlers }) => report(await handlers.explain(explainQuestion(target))),
  },
  {
    method: "GET",
    path: "explain/packet",
    answer: async ({ target, handlers }) => report(await handlers.explainPacket(packetInquiry(target))),
  },
  {
    method: "POST",
    path: "agents/{}/drain",
    answer: async ({ target, name, handlers }) => {
      parameters(target, []);
      return report(await handlers.drainAgent(name));
    },
  },
  ...AGENT_RESOURCES,
  ...CONFIGURATION_RESOURCES,
  {
    method: "POST",
    path: "peers/{}/clear",
    answer: async ({ target, name, handlers }) => {
      const { message, how = "hard" } = parameters(target, ["message", "how"]);
      if (!isClearing(how))
        throw new ControlRefusal(
          400,
          "control.bad-clearing",
          "Bad request",
          `${JSON.stringify(how)} is none of hard, soft-in and soft-out`,
        );
      const address = parseIpv6(name);
      if (address === undefined)
        throw new ControlRefusal(
          400,
          "control.bad-address",
          "Bad request",
          `${JSON.stringify(name)} is not an IPv6 address`,
        );
      await handlers.clearPeer(address, how, message);
      return report({ address: name });
    },
  },
  {
    method: "POST",
    path: "router/drain",
    answer: async ({ target, handlers }) => {
      parameters(target, []);
      return report(await handlers.drainRouter(true));
    },
  },
  {
    method: "POST",
    path: "router/undrain",
    answer: async ({ target, handlers }) => {
      parameters(target, []);
      return report(await handlers.drainRouter(false));
    },
  },
  {
    method: "POST",
    path: "check-config",
    answer: async ({ target, request, handlers }) => {
      const { folder = "/" } = parameters(target, ["folder"]);
      const { valid, faults } = await handlers.checkConfig(await readBody(request, MAX_CONFIGURATION), folder);
      return report({ valid, faults });
    },
  },
];

const CLEARINGS: readonly string[] = ["hard", "soft-in", "soft-out"] satisfies PeerClearing[];

const isClearing = (text: string): text is PeerClearing => CLEARINGS.includes(text);

function explainQuestion(target: Target): ExplainQuestion {
  const { name, tenant, version } = parameters(target, ["name", "tenant", "version"]);
  if (name === undefined)
    throw new ControlRefusal(
      400,
      "control.bad-request",
      "Bad request",
      "explain what? give ?name=, such as /vision/ocr",
    );
  const majorVersion = version === undefined ? undefined : Number(version);
  if (majorVersion !== undefined && !(Number.isInteger(majorVersion) && majorVersion >= 1 && majorVersion <= 65535))
    throw new ControlRefusal(
      400,
      "control.bad-version",
      "Bad request",
      `${JSON.stringify(version)} is not a major version: a whole number from 1 to 65535`,
    );
  return {
    capability: capabilityNamed(name),
    ...(tenant === undefined ? {} : { tenant }),
    ...(majorVersion === undefined ? {} : { majorVersion }),
  };
}

const VIEWS = ["adj-rib-in", "loc-rib"] as const;
const FAMILIES = ["capability", "ipv6-unicast", "ipv4-unicast"] as const;

function mrtTableQuestion(target: Target): MrtTableQuestion {
  const { view = "adj-rib-in", family } = parameters(target, ["view", "family"]);
  const wanted = VIEWS.find((known) => known === view);
  const families = family === undefined ? FAMILIES : FAMILIES.filter((known) => known === family);
  if (wanted !== undefined && families.length > 0) return { view: wanted, families };
  throw new ControlRefusal(
    400,
    "control.bad-request",
    "Bad request",
    `a table has the view ${VIEWS.join(" or ")}, and one of the families ${FAMILIES.join(", ")} or all of them`,
  );
}

/** What the `{}` of a resource's path stands for, `""` when it has none; `undefined` when the path is another. */
function nameIn(path: string, segments: readonly string[]): string | undefined {
  const wanted = path.split("/");
  if (wanted.length !== segments.length) return undefined;
  let name = "";
  for (const [i, part] of wanted.entries()) {
    if (part === "{}") name = segments[i]!;
    else if (part !== segments[i]) return undefined;
  }
  return name;
}

/**
 * Answers one request.
 *
 * @throws {ControlRefusal} 404 for a path that does not exist, 405 (listing the methods in its detail), 400 and others
 * @throws whatever a handler throws
 */
export async function answer(
  target: Target,
  request: IncomingMessage,
  handlers: ControlHandlers,
): Promise<ControlAnswer> {
  const here = RESOURCES.flatMap((resource) => {
    const name = nameIn(resource.path, target.segments);
    return name === undefined ? [] : [{ resource, name }];
  });
  if (here.length === 0) {
    const known = RESOURCES.filter(({ method }) => method === "GET").map(({ path }) => `/v1/${path}`);
    throw new ControlRefusal(
      404,
      "control.not-found",
      "Not found",
      `there is nothing at /v1/${target.segments.join("/")}; to read there are ${known.join(", ")}`,
    );
  }
  const found = here.find(({ resource }) => resource.method === request.method);
  if (found === undefined)
    throw new ControlRefusal(
      405,
      "control.method",
      "Method not allowed",
      `${request.method} is not possible here; ${allowedMethods(target).join(" and ")} is`,
    );
  return found.resource.answer({ target, name: found.name, request, handlers });
}

/** The methods of a path, for the Allow field. */
export function allowedMethods(target: Target): readonly string[] {
  return RESOURCES.filter(({ path }) => nameIn(path, target.segments) !== undefined).map(({ method }) => method);
}
