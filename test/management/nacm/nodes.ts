import type { Access, Mark, Step } from "./rfc8341.ts";
import { OTHER, OWN } from "./roles.ts";

/** A node to be read, or changed; with what a change touches, where that is more than the node. */
export interface NodeCase {
  readonly title: string;
  readonly path: readonly Step[];
  /** Of the node itself. */
  readonly mark?: Mark;
  /** For changes: JSON value; a list entry with its keys. */
  readonly value?: unknown;
  /** What is there to be seen when it is read. */
  readonly seen?: string;
  readonly changes: readonly ("create" | "update" | "delete")[];
  /** Nodes below that come and go with it. */
  readonly inside?: readonly Step[][];
}

const ROUTER: Step = { name: "semrd-router:router" };
const AGENTS: readonly Step[] = [ROUTER, { name: "semrd-agent:agents" }];
const agent = (id: string): readonly Step[] => [...AGENTS, { name: "semrd-agent:agent", keys: { id } }];
const INSTANCE: Step = {
  name: "semrd-agent:capability",
  keys: { name: "/vision/ocr", "major-version": "1", address: "fd00:a::10", port: "8080" },
};
const capability = (name: string): readonly Step[] => [
  ROUTER,
  { name: "semrd-taxonomy:taxonomy" },
  { name: "semrd-taxonomy:capability", keys: { name, "major-version": "1" } },
];
const NEW = "spiffe://example.net/acme/agent/new";
const USERS: readonly Step[] = [ROUTER, { name: "semrd-router:management" }, { name: "semrd-access:users" }];
const READER = { name: "semrd-access:user", keys: { name: "reader" } };

const newAgent = (label: boolean) => ({
  id: NEW,
  tenant: "acme",
  capability: [{ ...INSTANCE.keys, "major-version": 1, port: 8080, ...(label ? { label: ["eu"] } : {}) }],
});

export const NODES: readonly NodeCase[] = [
  {
    title: "log level",
    path: [ROUTER, { name: "semrd-telemetry:telemetry" }, { name: "semrd-telemetry:log-level" }],
    value: "error",
    seen: "debug",
    changes: ["update", "delete"],
  },
  {
    title: "description of a capability",
    path: [...capability("/vision/ocr"), { name: "semrd-taxonomy:description" }],
    value: "other",
    seen: "reads text",
    changes: ["update", "delete"],
  },
  {
    title: "description of another",
    path: [...capability("/audio/speech"), { name: "semrd-taxonomy:description" }],
    value: "new",
    changes: ["create"],
  },
  {
    title: "a capability",
    path: capability("/audio/speech"),
    seen: "/audio/speech",
    changes: ["delete"],
    inside: [[{ name: "semrd-taxonomy:service-port" }]],
  },
  {
    title: "weight of the own agent",
    path: [...agent(OWN), INSTANCE, { name: "semrd-agent:weight" }],
    value: 20,
    seen: "30",
    changes: ["update", "delete"],
  },
  {
    title: "weight of another agent",
    path: [...agent(OTHER), INSTANCE, { name: "semrd-agent:weight" }],
    value: 20,
    seen: "30",
    changes: ["update"],
  },
  {
    title: "another agent",
    path: agent(OTHER),
    seen: OTHER,
    changes: ["delete"],
    inside: [[{ name: "semrd-agent:tenant" }], [INSTANCE], [INSTANCE, { name: "semrd-agent:weight" }]],
  },
  {
    title: "a new agent",
    path: agent(NEW),
    value: newAgent(false),
    changes: ["create"],
    inside: [[{ name: "semrd-agent:tenant" }], [INSTANCE]],
  },
  {
    title: "a new agent with a label",
    path: agent(NEW),
    value: newAgent(true),
    changes: ["create"],
    inside: [[{ name: "semrd-agent:tenant" }], [INSTANCE], [INSTANCE, { name: "semrd-agent:label" }]],
  },
  {
    title: "name of a tenant",
    path: [
      ROUTER,
      { name: "semrd-tenant:tenants" },
      { name: "semrd-tenant:tenant", keys: { name: "acme" } },
      { name: "semrd-tenant:index" },
    ],
    seen: "1",
    changes: [],
  },
  {
    title: "description of a user",
    path: [...USERS, READER, { name: "semrd-access:description" }],
    mark: "default-deny-write",
    value: "somebody",
    changes: ["create"],
  },
  {
    title: "password of a user",
    path: [...USERS, READER, { name: "semrd-access:password-hash" }],
    mark: "default-deny-all",
    seen: "$scrypt$",
    changes: [],
  },
  {
    title: "a rule of the access control",
    path: [{ name: "ietf-netconf-acm:nacm" }, { name: "ietf-netconf-acm:enable-external-groups" }],
    mark: "default-deny-all",
    value: true,
    seen: "false",
    changes: ["delete"],
  },
  {
    title: "selector of the site",
    path: [ROUTER, { name: "semrd-router:site" }, { name: "semrd-router:selector" }],
    seen: "1",
    changes: [],
  },
];

/** What is asked of the oracle for a change: every node that comes, goes or differs. */
export function touched(
  { path, mark, inside = [] }: NodeCase,
  access: Access,
): { access: Access; path: readonly Step[]; mark: Mark }[] {
  return [path, ...(access === "update" ? [] : inside.map((below) => [...path, ...below]))].map((one) => ({
    ...{ access, path: one, mark },
  }));
}
