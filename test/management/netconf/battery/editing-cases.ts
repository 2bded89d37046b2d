import {
  agent,
  agentPath,
  application,
  at,
  type Case,
  DISCARD,
  edit,
  fails,
  HAS_BETA,
  LOG_LEVEL,
  named,
  ok,
  protocol,
  read,
  router,
  shows,
  subtree,
  TELEMETRY_PATH,
  TENANTS_PATH,
  telemetry,
  tenant,
  tenants,
} from "./words.ts";

/** Edits and what is wrong with them. */
export const EDITING: readonly Case[] = [
  {
    name: "create",
    see: "RFC 6241 §7.2",
    steps: [ok(edit(tenants(tenant("beta", 2, "create")))), shows(read("candidate"), [HAS_BETA]), DISCARD],
  },
  {
    name: "create of what is there",
    see: "RFC 6241 §7.2",
    steps: [
      fails(
        edit(tenants(tenant("acme", 1, "create"))),
        application("data-exists", { path: at("acme"), badElement: "tenant" }),
      ),
    ],
  },
  {
    name: "delete",
    see: "RFC 6241 §7.2",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(edit(tenants(named("beta", "delete")))),
      shows(read("candidate"), ["<name>acme</name>"], [HAS_BETA]),
      DISCARD,
    ],
  },
  {
    name: "delete of what is not there",
    see: "RFC 6241 §7.2",
    steps: [
      fails(
        edit(tenants(named("nope", "delete"))),
        application("data-missing", { path: at("nope"), badElement: "tenant" }),
      ),
    ],
  },
  {
    name: "remove of what is not there",
    see: "RFC 6241 §7.2",
    steps: [ok(edit(tenants(named("nope", "remove")))), DISCARD],
  },
  {
    name: "remove",
    see: "RFC 6241 §7.2",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(edit(tenants(named("beta", "remove")))),
      shows(read("candidate"), [], [HAS_BETA]),
      DISCARD,
    ],
  },
  {
    name: "replace drops what is not in it",
    see: "RFC 6241 §7.2",
    steps: [
      ok(edit(tenants(`${tenant("beta", 2).replace("</tenant>", "<import-target>65000:9</import-target></tenant>")}`))),
      shows(read("candidate"), ["65000:9"]),
      ok(edit(tenants(tenant("beta", 2, "replace")))),
      shows(read("candidate"), [HAS_BETA, "<import-target>65000:2</import-target>"], ["65000:9"]),
      DISCARD,
    ],
  },
  {
    name: "merge keeps what is not in it",
    see: "RFC 6241 §7.2",
    steps: [
      ok(edit(telemetry("<log-level>debug</log-level>"))),
      shows(read("candidate", subtree(router(telemetry("")))), [
        "<log-level>debug</log-level>",
        "<enabled>false</enabled>",
      ]),
      DISCARD,
    ],
  },
  {
    name: "default-operation none creates nothing",
    see: "RFC 6241 §7.2",
    steps: [
      fails(
        edit(
          tenants(tenant("nope", 3).replace("<index>", '<index nc:operation="merge">')),
          "<default-operation>none</default-operation>",
        ),
        application("data-missing", { path: at("nope"), badElement: "tenant" }),
      ),
      ok(edit(tenants(tenant("beta", 2, "create")), "<default-operation>none</default-operation>")),
      shows(read("candidate"), [HAS_BETA]),
      DISCARD,
    ],
  },
  {
    name: "default-operation replace is of the whole configuration",
    see: "RFC 6241 §7.2",
    steps: [
      ok(edit("<name>only</name>", "<default-operation>replace</default-operation><test-option>set</test-option>")),
      shows(read("candidate", ""), ["<name>only</name>"], ["acme"]),
      DISCARD,
    ],
  },
  {
    name: "an unknown default-operation",
    see: "RFC 6241 §7.2",
    steps: [
      fails(
        edit("", "<default-operation>zap</default-operation>"),
        protocol("invalid-value", { path: "/ietf-netconf:edit-config/ietf-netconf:default-operation" }),
      ),
    ],
  },
  {
    name: "test-then-set changes nothing where the test fails",
    see: "RFC 6241 §8.6.4.1",
    steps: [
      fails(
        edit(
          tenants("<tenant><name>gamma</name><index>7</index></tenant>"),
          "<test-option>test-then-set</test-option>",
        ),
        application("data-missing", {
          path: `${at("gamma")}/semrd-tenant:route-distinguisher`,
          badElement: "route-distinguisher",
        }),
      ),
      shows(read("candidate"), [], ["gamma"]),
    ],
  },
  {
    name: "set does not test",
    see: "RFC 6241 §8.6.4.1",
    steps: [
      ok(edit(tenants("<tenant><name>gamma</name><index>7</index></tenant>"), "<test-option>set</test-option>")),
      shows(read("candidate"), ["gamma"]),
      fails(
        "<commit/>",
        application("data-missing", {
          path: `${at("gamma")}/semrd-tenant:route-distinguisher`,
          badElement: "route-distinguisher",
        }),
      ),
      DISCARD,
    ],
  },
  {
    name: "test-only changes nothing",
    see: "RFC 6241 §8.6.4.1",
    steps: [
      ok(edit(tenants(tenant("delta", 4)), "<test-option>test-only</test-option>")),
      shows(read("candidate"), [], ["delta"]),
    ],
  },
  ...["stop-on-error", "continue-on-error", "rollback-on-error"].map((option) => ({
    name: `${option}: an edit is carried out whole or not at all`,
    see: "RFC 6241 §7.2, §8.5",
    steps: [
      fails(
        edit(tenants(tenant("beta", 2) + named("nope", "delete")), `<error-option>${option}</error-option>`),
        application("data-missing", { path: at("nope"), badElement: "tenant" }),
      ),
      shows(read("candidate"), [], [HAS_BETA]),
    ],
  })),
  {
    name: "an unknown element",
    see: "RFC 6241 App. A",
    steps: [
      fails(
        edit("<frobnicate/>"),
        application("unknown-element", {
          path: "/semrd-router:router/semrd-router:frobnicate",
          badElement: "frobnicate",
        }),
      ),
    ],
  },
  {
    name: "an unknown namespace",
    see: "RFC 6241 App. A",
    steps: [
      fails(
        edit('<x xmlns="urn:none"/>'),
        application("unknown-namespace", {
          path: "/semrd-router:router/semrd-router:x",
          badElement: "x",
          badNamespace: "urn:none",
        }),
      ),
    ],
  },
  {
    name: "an unknown attribute",
    see: "RFC 6241 App. A",
    steps: [
      fails(
        edit('<name wrong="1">x</name>'),
        application("unknown-attribute", {
          path: "/semrd-router:router/semrd-router:name",
          badElement: "name",
          badAttribute: "wrong",
        }),
      ),
    ],
  },
  {
    name: "an unknown operation",
    see: "RFC 6241 App. A",
    steps: [
      fails(
        edit('<name nc:operation="zap">x</name>'),
        application("bad-attribute", {
          path: "/semrd-router:router/semrd-router:name",
          badElement: "name",
          badAttribute: "operation",
        }),
      ),
    ],
  },
  {
    name: "delete of a leaf without its value",
    see: "RFC 6241 §7.2",
    steps: [
      ok(edit(telemetry("<log-level>debug</log-level>"))),
      ok(edit(telemetry('<log-level nc:operation="delete"/>'))),
      shows(read("candidate", LOG_LEVEL), [], ["debug"]),
      fails(
        edit(telemetry('<log-level nc:operation="delete"/>')),
        application("data-missing", { path: `${TELEMETRY_PATH}/semrd-telemetry:log-level`, badElement: "log-level" }),
      ),
      DISCARD,
    ],
  },
  {
    name: "a value of the wrong type",
    see: "RFC 7950 §15",
    steps: [
      fails(
        edit(tenants("<tenant><name>acme</name><index>x</index></tenant>")),
        application("invalid-value", { path: `${at("acme")}/semrd-tenant:index` }),
      ),
    ],
  },
  {
    name: "a key that breaks a pattern",
    see: "RFC 7950 §9.4.5",
    steps: [
      fails(
        edit(tenants("<tenant><name>No Name</name></tenant>")),
        application("invalid-value", { path: `${TENANTS_PATH}/semrd-tenant:name`, appTag: "bad-label" }),
      ),
    ],
  },
  {
    name: "an entry without its key",
    see: "RFC 7950 §7.8.2",
    steps: [
      fails(
        edit(tenants("<tenant><index>2</index></tenant>")),
        application("missing-element", { path: TENANTS_PATH, badElement: "name" }),
      ),
    ],
  },
  {
    name: "several faults at once",
    see: "RFC 6241 §4.3",
    steps: [
      fails(
        edit(
          `<frobnicate/>${tenants(`${tenant("beta", 2)}<tenant><index>2</index></tenant>${named("nope", "delete")}`)}`,
        ),
        application("unknown-element", {
          path: "/semrd-router:router/semrd-router:frobnicate",
          badElement: "frobnicate",
        }),
        application("missing-element", { path: TENANTS_PATH, badElement: "name" }),
        application("data-missing", { path: at("nope"), badElement: "tenant" }),
      ),
      shows(read("candidate"), [], [HAS_BETA]),
    ],
  },
  {
    name: "a reference to nothing, at validate and at commit",
    see: "RFC 7950 §15.5",
    steps: [
      ok(edit(agent("a1", "nobody"), "<test-option>set</test-option>")),
      fails(
        "<validate><source><candidate/></source></validate>",
        application("data-missing", { appTag: "instance-required", path: `${agentPath("a1")}/semrd-agent:tenant` }),
      ),
      fails(
        "<commit/>",
        application("data-missing", { appTag: "instance-required", path: `${agentPath("a1")}/semrd-agent:tenant` }),
      ),
      DISCARD,
    ],
  },
  {
    name: "a condition that does not hold has its own app-tag",
    see: "RFC 7950 §7.5.4.2",
    steps: [
      ok(
        edit(
          '<management><users xmlns="urn:semrd:yang:semrd-access"><user><name>eve</name></user></users></management>',
          "<test-option>set</test-option>",
        ),
      ),
      fails(
        "<commit/>",
        application("operation-failed", {
          appTag: "no-credential",
          path: "/semrd-router:router/semrd-router:management/semrd-access:users/semrd-access:user[semrd-access:name='eve']",
        }),
      ),
      DISCARD,
    ],
  },
  {
    name: "two entries with one value of a unique leaf",
    see: "RFC 7950 §15.1",
    steps: [
      ok(edit(tenants(tenant("beta", 1)), "<test-option>set</test-option>")),
      {
        rpc: "<validate><source><candidate/></source></validate>",
        has: ["<error-app-tag>data-not-unique</error-app-tag>", "<error-tag>operation-failed</error-tag>"],
      },
      DISCARD,
    ],
  },
];
