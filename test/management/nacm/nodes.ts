import { base64 } from "../stores.ts";
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
  /** Nodes below that come and go with it, and the mark that all of them have. */
  readonly inside?: readonly Step[][];
  readonly insideMark?: Mark;
  /** Present: nobody is told of it, whatever the rules permit. */
  readonly isSecret?: true;
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

/** There from the start. */
export const [KEY, KEY_TEXT] = ["kept-key", "nobody is told"];
const KEY_OCTETS = base64(KEY_TEXT);
const OCTETS: Step = { name: "semrd-keystore:cleartext-symmetric-key" };
const key = (name: string): readonly Step[] => [
  ...[ROUTER, { name: "semrd-keystore:keystore" }, { name: "semrd-keystore:symmetric-keys" }],
  { name: "semrd-keystore:symmetric-key", keys: { name } },
];

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
    title: "a key of the keystore",
    path: key(KEY),
    seen: KEY,
    changes: ["delete"],
    inside: [[OCTETS]],
    insideMark: "default-deny-all",
  },
  {
    title: "a new key",
    path: key("new-key"),
    value: { name: "new-key", "cleartext-symmetric-key": KEY_OCTETS },
    changes: ["create"],
    inside: [[OCTETS]],
    insideMark: "default-deny-all",
  },
  {
    title: "the octets of a key",
    path: [...key(KEY), OCTETS],
    mark: "default-deny-all",
    value: "b3RoZXJz",
    seen: KEY_OCTETS,
    isSecret: true,
    changes: ["update"],
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
  { path, mark, inside = [], insideMark = mark }: NodeCase,
  access: Access,
): { access: Access; path: readonly Step[]; mark: Mark }[] {
  const below = inside.map((steps) => ({ access, path: [...path, ...steps], mark: insideMark }));
  return [{ access, path, mark }, ...(access === "update" ? [] : below)];
}
