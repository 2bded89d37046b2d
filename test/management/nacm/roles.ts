import type { NacmDocument } from "./rfc8341.ts";

export const OWN = "spiffe://example.net/acme/agent/own";
export const OTHER = "spiffe://example.net/acme/agent/other";
export const AGENTS_PATH = "/semrd-router:router/semrd-agent:agents/agent";
export const CAPABILITY_PATH = "/semrd-router:router/semrd-taxonomy:taxonomy/capability";

/** Users, each alone in a group of the same name, but `outsider`, who is in none. */
export const USERS = [
  "admin",
  "outsider",
  "reader",
  "tenant",
  "editor",
  "wildcard",
  "blind",
  "modular",
  "ordered",
  "creator",
] as const;
export type User = (typeof USERS)[number];

const list = (name: User, rule: NacmDocument["rule-list"][number]["rule"]) => ({ name, group: [name], rule });

export const NACM: NacmDocument = {
  "enable-external-groups": false,
  groups: { group: USERS.filter((name) => name !== "outsider").map((name) => ({ name, "user-name": [name] })) },
  "rule-list": [
    list("admin", [{ name: "all", action: "permit" }]),
    list("reader", [
      { name: "get", "module-name": "ietf-netconf", "rpc-name": "get", action: "permit" },
      { name: "get-config", "module-name": "ietf-netconf", "rpc-name": "get-config", action: "permit" },
      { name: "nothing else", "rpc-name": "*", action: "deny" },
      { name: "no actions", "access-operations": "exec", action: "deny" },
      { name: "users", path: "/semrd-router:router/management", "access-operations": "read", action: "deny" },
    ]),
    list("tenant", [
      { name: "own agent", path: `${AGENTS_PATH}[id='${OWN}']`, action: "permit" },
      { name: "no other agent", path: AGENTS_PATH, action: "deny" },
      { name: "no tenants", path: "/semrd-router:router/semrd-tenant:tenants", action: "deny" },
      { name: "no router", path: "/semrd-router:router/drain", action: "deny" },
      { name: "own events", "module-name": "semrd-events", "notification-name": "*", action: "permit" },
      { name: "no other events", "notification-name": "*", action: "deny" },
    ]),
    list("editor", [
      { name: "descriptions", path: `${CAPABILITY_PATH}/description`, action: "permit" },
      {
        name: "log",
        path: "/semrd-router:router/semrd-telemetry:telemetry/log-level",
        "access-operations": "update",
        action: "permit",
      },
      {
        name: "weights",
        path: `${AGENTS_PATH}/capability/weight`,
        "access-operations": "create update",
        action: "permit",
      },
    ]),
    list("wildcard", [
      {
        name: "one name",
        path: `${CAPABILITY_PATH}[name='/vision/ocr']`,
        "access-operations": "read update",
        action: "permit",
      },
      { name: "no other name", path: CAPABILITY_PATH, action: "deny" },
      { name: "no kill", "rpc-name": "kill-session", action: "permit" },
    ]),
    list("blind", [
      { name: "nothing", path: "/", "access-operations": "read", action: "deny" },
      { name: "but write", path: "/", action: "permit" },
      { name: "no events", "notification-name": "netconf-config-change", action: "deny" },
    ]),
    list("modular", [
      { name: "agents", "module-name": "semrd-agent", action: "permit" },
      { name: "no netconf", "module-name": "ietf-netconf-nmda", action: "deny" },
      { name: "no taxonomy", "module-name": "semrd-taxonomy", "access-operations": "read", action: "deny" },
    ]),
    list("ordered", [
      { name: "first", path: `${CAPABILITY_PATH}/description`, "access-operations": "read", action: "deny" },
      { name: "second", path: CAPABILITY_PATH, action: "permit" },
      { name: "third", path: `${CAPABILITY_PATH}/description`, action: "permit" },
      { name: "no edits", "rpc-name": "edit-data", action: "deny" },
    ]),
    list("creator", [
      { name: "agents", path: AGENTS_PATH, "access-operations": "create", action: "permit" },
      { name: "no weights", path: `${AGENTS_PATH}/capability/label`, action: "deny" },
      {
        name: "hash",
        path: "/semrd-router:router/management/semrd-access:users/user/password-hash",
        "access-operations": "read",
        action: "permit",
      },
    ]),
    {
      name: "everybody in a group",
      group: ["*"],
      rule: [
        { name: "no locks", "module-name": "ietf-netconf", "rpc-name": "lock", action: "deny" },
        { name: "no starts", "notification-name": "netconf-session-start", action: "deny" },
        { name: "no site", path: "/semrd-router:router/site", action: "deny" },
      ],
    },
  ],
};
