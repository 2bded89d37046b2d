import { canonicalZoned } from "../../base/index.ts";
import type { Path } from "../datastore/index.ts";
import { alarmRowPath } from "./alarm-resources.ts";
import { ControlRefusal, type RouteFamilyName, type Rows, type UnicastFamilyName } from "./handlers.ts";
import { allOf, entry, type Need } from "./permission.ts";
import { prefixQuestion } from "./prefix-question.ts";
import { capabilityNamed, parameters } from "./request.ts";
import type { ControlAnswer, Exchange, Resource } from "./resource.ts";

/** Where agents, neighbours and routes stand in the model. */
export const AGENT = ["semrd-agent:agents", "semrd-agent:agent"];
export const NEIGHBOR = ["semrd-bgp:bgp", "semrd-bgp:neighbors", "semrd-bgp:neighbor"];
export const RIBS = allOf("semrd-rib:ribs");
const MONITORING = { mrt: allOf("semrd-mrt:mrt"), bmp: allOf("semrd-bmp:bmp"), rpki: allOf("semrd-rpki:rpki") };

type ListName =
  | "agents"
  | "alarms"
  | "events"
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

/** As rows have it. */
function canonical(key: string, value: string): string {
  if (key === "capability") return capabilityNamed(value);
  if (key !== "address") return value;
  return canonicalZoned(value) ?? value;
}

/** A list, filtered by members that all of its rows have. `others`: parameters that choose the list. */
function list(name: ListName, needs: Need, filters: readonly string[], others: readonly string[] = []): Resource {
  return {
    method: "GET",
    path: name,
    needs,
    async answer({ target, handlers }) {
      const wanted = Object.entries(parameters(target, [...filters, ...others]))
        .filter(([key]) => filters.includes(key))
        .map(([key, value]) => [key, canonical(key, value!)] as const);
      const rows: Rows<object> = handlers[name]();
      if (wanted.length === 0) return { type: "rows", rows };
      const matches = (row: object): boolean =>
        wanted.every(([key, value]) => (row as Record<string, unknown>)[key] === value);
      return { type: "rows", rows, matches };
    },
  };
}

const CAPABILITY_ROUTES = list("routes", RIBS, ["tenant", "capability", "peer"], ["family"]);

function capabilityPath({ capability, majorVersion }: Readonly<Record<string, unknown>>): Path {
  const keys = { name: capability, "major-version": majorVersion };
  return entry(["semrd-taxonomy:taxonomy", "semrd-taxonomy:capability"], keys);
}

function unicastRoutes({ target, handlers }: Exchange, family: string): ControlAnswer {
  const { peer, prefix } = parameters(target, ["family", "peer", "prefix"]);
  const rows: Rows<object> = handlers.unicastRoutes(familyNamed(family) as UnicastFamilyName);
  const from = peer === undefined ? undefined : (canonicalZoned(peer) ?? peer);
  return answerOf(rows, [from === undefined ? undefined : ["peer", from], about("prefix", prefix)]);
}

/** A member of rows with the value that it has to have, or what it has to fulfil. */
type Wanted = readonly [member: string, value: string | ((text: string) => boolean)] | undefined;

const about = (member: string, prefix: string | undefined): Wanted =>
  prefix === undefined ? undefined : [member, prefixQuestion(prefix)];

function answerOf(rows: Rows<object>, questions: readonly Wanted[]): ControlAnswer {
  const wanted = questions.filter((one) => one !== undefined);
  if (wanted.length === 0) return { type: "rows", rows };
  const matches = (row: object): boolean =>
    wanted.every(([member, value]) => {
      const found = (row as Record<string, unknown>)[member];
      return typeof value === "string" ? found === value : typeof found === "string" && value(found);
    });
  return { type: "rows", rows, matches };
}

/** What is between this router and one neighbour. */
function exchange(name: "received" | "advertised"): Resource {
  return {
    method: "GET",
    path: name,
    needs: RIBS,
    answer: async ({ target, handlers }) => {
      const { peer, family = "capability", ...asked } = parameters(target, ["peer", "family", "outcome", "prefix"]);
      if (peer === undefined) {
        throw new ControlRefusal(400, "control.no-peer", "Bad request", `say whose routes: /${name}?peer=ADDRESS`);
      }
      const rows: Rows<object> = handlers[name](canonicalZoned(peer) ?? peer, familyNamed(family));
      const { outcome, prefix } = asked;
      return answerOf(rows, [outcome === undefined ? undefined : ["outcome", outcome], about("route", prefix)]);
    },
  };
}

function familyNamed(family: string): RouteFamilyName {
  if (family === "capability" || family === "ipv6-unicast" || family === "ipv4-unicast") return family;
  throw new ControlRefusal(
    400,
    "control.bad-family",
    "Bad request",
    `${JSON.stringify(family)} is none of the families capability, ipv6-unicast and ipv4-unicast`,
  );
}

export const LIST_RESOURCES: readonly Resource[] = [
  list("agents", { kind: "rows", path: ({ agent }) => entry(AGENT, { id: agent }) }, ["tenant", "capability", "agent"]),
  list("alarms", { kind: "rows", path: (row) => alarmRowPath(row as never) }, ["state", "severity", "type"]),
  list("events", { kind: "notifications" }, ["event", "type"]),
  list("capabilities", { kind: "rows", path: capabilityPath }, ["tenant", "capability"]),
  {
    method: "GET",
    path: "routes",
    needs: RIBS,
    answer: async (exchange) => {
      const family = exchange.target.query.get("family") ?? "capability";
      return family === "capability" ? CAPABILITY_ROUTES.answer(exchange) : unicastRoutes(exchange, family);
    },
  },
  exchange("received"),
  exchange("advertised"),
  list("peers", { kind: "rows", path: ({ address }) => entry(NEIGHBOR, { address }) }, ["address"]),
  list("policies", allOf("semrd-policy:routing-policy"), ["policy"]),
  list("fib", allOf("semrd-dataplane:dataplane"), ["tenant", "capability"]),
  list("flows", allOf("semrd-dataplane:dataplane"), ["tenant", "capability", "client", "state"]),
  list("mrt", MONITORING.mrt, []),
  list("bmp", MONITORING.bmp, []),
  list("rpki", MONITORING.rpki, []),
  list("vrps", MONITORING.rpki, ["prefix"]),
];
