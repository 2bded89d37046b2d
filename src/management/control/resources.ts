import type { AccessBook } from "../nacm/index.ts";
import { AGENT_RESOURCES } from "./agent-resources.ts";
import { ALARM_RESOURCES } from "./alarm-resources.ts";
import { CONFIGURATION_RESOURCES } from "./configuration-resources.ts";
import { COUNTER_RESOURCES } from "./counter-resources.ts";
import { ControlRefusal, type ExplainQuestion, type MrtTableQuestion, type PeerClearing } from "./handlers.ts";
import { AGENT, LIST_RESOURCES, NEIGHBOR, RIBS } from "./list-resources.ts";
import { packetInquiry } from "./packet-inquiry.ts";
import { allOf, entry, inRouter, operation, permitted } from "./permission.ts";
import { capabilityNamed, neighborOf, parameters, type Target } from "./request.ts";
import { type ControlAnswer, type Exchange, type Resource, report } from "./resource.ts";

/** A configuration document may be large. */
const MAX_CONFIGURATION = 16 * 1024 * 1024;

const DRAIN = { kind: "action", name: "drain" } as const;

const RESOURCES: readonly Resource[] = [
  ...LIST_RESOURCES,
  {
    method: "GET",
    path: "status",
    needs: allOf("semrd-router:state"),
    answer: async ({ target, handlers }) => {
      parameters(target, []);
      return report(await handlers.status());
    },
  },
  {
    method: "GET",
    path: "counters",
    needs: allOf("semrd-dataplane:dataplane"),
    answer: async ({ target, handlers }) => {
      parameters(target, []);
      return report(await handlers.counters());
    },
  },
  {
    method: "GET",
    path: "mrt/table",
    needs: RIBS,
    answer: async ({ target, handlers }) => {
      const chunks = handlers.mrtTable(mrtTableQuestion(target));
      return { type: "octets", contentType: "application/octet-stream", chunks };
    },
  },
  {
    method: "GET",
    path: "explain",
    needs: { kind: "operation", name: "semrd-rib:explain" },
    answer: async ({ target, handlers }) => report(await handlers.explain(explainQuestion(target))),
  },
  {
    method: "GET",
    path: "explain/packet",
    needs: { kind: "operation", name: "semrd-rib:explain" },
    answer: async ({ target, handlers }) => report(await handlers.explainPacket(packetInquiry(target))),
  },
  ...[true, false].map(
    (on): Resource => ({
      method: "POST",
      path: on ? "agents/{}/drain" : "agents/{}/undrain",
      needs: { ...DRAIN, target: (id) => entry(AGENT, { id }) },
      answer: async ({ target, name, handlers }) => {
        const { instances } = parameters(target, ["instances"]);
        const these = instances === undefined ? {} : { instances: instances.split(",") };
        return report(await handlers.drainAgent(name, { on, ...these }));
      },
    }),
  ),
  ...ALARM_RESOURCES,
  ...AGENT_RESOURCES,
  ...CONFIGURATION_RESOURCES,
  {
    method: "POST",
    path: "peers/{}/clear",
    needs: { kind: "action", name: "clear", target: (address) => entry(NEIGHBOR, { address }) },
    answer: async ({ target, name, handlers }) => {
      const { message, how = "hard" } = parameters(target, ["message", "how"]);
      if (!isClearing(how))
        throw new ControlRefusal(
          400,
          "control.bad-clearing",
          "Bad request",
          `${JSON.stringify(how)} is none of hard, soft-in and soft-out`,
        );
      await handlers.clearPeer(neighborOf(name), how, message);
      return report({ address: name });
    },
  },
  ...COUNTER_RESOURCES,
  {
    method: "POST",
    path: "router/drain",
    needs: { ...DRAIN, target: () => inRouter() },
    answer: async ({ target, handlers }) => {
      parameters(target, []);
      return report(await handlers.drainRouter(true));
    },
  },
  {
    method: "POST",
    path: "router/undrain",
    needs: { ...DRAIN, target: () => inRouter() },
    answer: async ({ target, handlers }) => {
      parameters(target, []);
      return report(await handlers.drainRouter(false));
    },
  },
  {
    method: "POST",
    path: "check-config",
    needs: operation("validate"),
    isOfHost: true,
    answer: async ({ target, request, handlers }) => {
      const { folder = "/" } = parameters(target, ["folder"]);
      const { valid, faults, warnings } = await handlers.checkConfig(await request.body(MAX_CONFIGURATION), folder);
      return report({ valid, faults, warnings });
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
 * @throws {ControlRefusal} 403 for what the access control keeps from who asks, 404 for a path that does not exist, 405 (listing the methods in its detail), 400 and others
 * @throws whatever a handler throws
 */
export async function answer(asked: Omit<Exchange, "name">, access: AccessBook): Promise<ControlAnswer> {
  const { target, request } = asked;
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
  const { resource, name } = found;
  if (resource.isOfHost === true && !request.isOfHost)
    throw new ControlRefusal(
      403,
      "control.host-only",
      "Access denied",
      `${resource.path} is about files of the router's host: ask at its control socket there`,
    );
  const maySee = permitted(resource.needs, name, asked.who, access);
  const answered = await resource.answer({ ...asked, name });
  if (maySee === undefined || answered.type !== "rows") return answered;
  const { matches } = answered;
  return { ...answered, matches: (row) => maySee(row) && (matches?.(row) ?? true) };
}

/** The methods of a path, for the Allow field. */
export function allowedMethods(target: Target): readonly string[] {
  return RESOURCES.filter(({ path }) => nameIn(path, target.segments) !== undefined).map(({ method }) => method);
}
