import {
  application,
  type Case,
  DISCARD,
  DS,
  edit,
  fails,
  getData,
  HAS_BETA,
  LOG_LEVEL,
  lock,
  NMDA,
  named,
  ok,
  operational,
  origins,
  protocol,
  read,
  router,
  schema,
  shows,
  subscription,
  subtree,
  telemetry,
  tenant,
  tenants,
  withDefaults,
} from "./words.ts";

const defaultLevel = (datastore: string, mode?: string): string => {
  const filter = `<subtree-filter>${router(telemetry("<log-level/>"))}</subtree-filter>`;
  const defaults = mode === undefined ? "" : `<with-defaults>${mode}</with-defaults>`;
  return getData(`ds:${datastore}`, filter + defaults);
};

/** Reading, whole datastores, NMDA, partial locks and subscriptions. */
export const READING: readonly Case[] = [
  {
    name: "with-defaults: the four modes",
    see: "RFC 6243 §3",
    steps: [
      shows(read("running", LOG_LEVEL), [], ["log-level"]),
      shows(read("running", LOG_LEVEL, withDefaults("explicit")), [], ["log-level"]),
      shows(read("running", LOG_LEVEL, withDefaults("report-all")), ["<log-level>info</log-level>"]),
      shows(read("running", LOG_LEVEL, withDefaults("report-all-tagged")), ['default="true">info</log-level>']),
      ok(edit(telemetry("<log-level>info</log-level>"))),
      shows(read("candidate", LOG_LEVEL), ["<log-level>info</log-level>"]),
      shows(read("candidate", LOG_LEVEL, withDefaults("trim")), [], ["log-level"]),
      DISCARD,
      fails(
        read("running", "", withDefaults("zap")),
        protocol("invalid-value", { path: "/ietf-netconf:get-config/ietf-netconf-with-defaults:with-defaults" }),
      ),
    ],
  },
  {
    name: "get-schema",
    see: "RFC 6022 §3.1",
    steps: [
      shows(schema("<identifier>semrd-tenant</identifier>"), ["module semrd-tenant {"]),
      shows(schema("<identifier>ietf-inet-types</identifier><format>yang</format>"), ["module ietf-inet-types {"]),
      fails(schema("<identifier>none</identifier>"), protocol("invalid-value", { badElement: "identifier" })),
      fails(
        schema("<identifier>semrd-tenant</identifier><version>1999-01-01</version>"),
        protocol("invalid-value", { badElement: "version" }),
      ),
    ],
  },
  {
    name: "startup: copied from running, never deleted",
    see: "RFC 6241 §8.7",
    steps: [
      ok("<copy-config><target><startup/></target><source><running/></source></copy-config>"),
      shows(read("startup"), ["<name>acme</name>"]),
      fails("<delete-config><target><startup/></target></delete-config>", application("operation-not-supported")),
      shows(read("startup"), ["<name>acme</name>"]),
    ],
  },
  {
    name: "running cannot be deleted",
    see: "RFC 6241 §7.4",
    steps: [
      fails(
        "<delete-config><target><running/></target></delete-config>",
        protocol("unknown-element", {
          path: "/ietf-netconf:delete-config/ietf-netconf:target/ietf-netconf:running",
          badElement: "running",
        }),
      ),
    ],
  },
  {
    name: "copy-config of a configuration that is sent along, and onto itself",
    see: "RFC 6241 §7.3",
    steps: [
      fails(
        "<copy-config><target><running/></target><source><running/></source></copy-config>",
        protocol("invalid-value", { badElement: "source" }),
      ),
      ok(
        `<copy-config><target><candidate/></target><source><config>${router("<name>copied</name>")}</config></source></copy-config>`,
      ),
      shows(read("candidate", ""), ["<name>copied</name>"], ["acme"]),
      DISCARD,
    ],
  },
  {
    name: "validate of a configuration that is sent along",
    see: "RFC 6241 §8.6.4.1",
    steps: [
      {
        rpc: `<validate><source><config>${router("<name>incomplete</name>")}</config></source></validate>`,
        has: ["<error-tag>data-missing</error-tag>", "<bad-element>router-id</bad-element>"],
      },
    ],
  },
  {
    name: "an operation that nobody knows",
    see: "RFC 6241 App. A",
    steps: [
      fails("<frobnicate/>", protocol("operation-not-supported", { badElement: "frobnicate" })),
      fails(
        '<frobnicate xmlns="urn:none"/>',
        protocol("unknown-namespace", { badElement: "frobnicate", badNamespace: "urn:none" }),
      ),
    ],
  },
  {
    name: "get-config by subtree and by XPath",
    see: "RFC 6241 §6, §8.9.5",
    steps: [
      shows(read("running", subtree(router("<name/>"))), ["<name>r1</name>"], ["acme"]),
      shows(read("running", subtree("")), ["<data"], ["router"]),
      shows(
        read(
          "running",
          `<filter type="xpath" xmlns:t="urn:semrd:yang:semrd-tenant" xmlns:r="urn:semrd:yang:semrd-router" select="/r:router/t:tenants/t:tenant[t:name='acme']/t:index"/>`,
        ),
        ["<index>1</index>", "<name>acme</name>"],
        ["import-target"],
      ),
      fails(
        read("running", '<filter type="xpath"/>'),
        protocol("missing-attribute", { badElement: "filter", badAttribute: "select" }),
      ),
      fails(
        read("running", '<filter type="regex"/>'),
        protocol("bad-attribute", { badElement: "filter", badAttribute: "type" }),
      ),
    ],
  },
  {
    name: "get-data, also with a prefix that the client's library has dropped",
    see: "RFC 8526 §3.1.1",
    steps: [
      shows(getData("ds:running"), ["<name>acme</name>"]),
      shows(getData("ds:running", "", ""), ["<name>acme</name>"]),
      shows(getData("odd:running", "", 'xmlns:odd="urn:ietf:params:xml:ns:yang:ietf-datastores"'), [
        "<name>acme</name>",
      ]),
      shows(
        getData("ds:intended", `<subtree-filter>${router(tenants(""))}</subtree-filter>`),
        ["<name>acme</name>"],
        ["router-id"],
      ),
      shows(getData("ds:operational", `<subtree-filter>${router(tenants(""))}</subtree-filter>`), [
        "<name>acme</name>",
      ]),
      fails(
        getData(
          "ds:running",
          "<xpath-filter>/r:router[</xpath-filter>".replace(">", ' xmlns:r="urn:semrd:yang:semrd-router">'),
        ),
        protocol("invalid-value", { path: "/ietf-netconf-nmda:get-data/ietf-netconf-nmda:xpath-filter" }),
      ),
      fails(getData("ds:dynamic"), protocol("invalid-value", { badElement: "datastore" })),
    ],
  },
  {
    name: "with-operational-defaults: what is in use by default is there, unless it is not wanted",
    see: "RFC 8526 §3.1.1.2; RFC 8342 §5.3",
    steps: [
      shows(defaultLevel("operational"), ["<log-level>info</log-level>"]),
      shows(defaultLevel("operational", "report-all"), ["<log-level>info</log-level>"]),
      shows(defaultLevel("operational", "report-all-tagged"), ['default="true">info</log-level>']),
      shows(defaultLevel("operational", "explicit"), [], ["log-level"]),
      shows(defaultLevel("operational", "trim"), [], ["log-level"]),
      // The other datastores have the basic mode of :with-defaults.
      shows(defaultLevel("running"), [], ["log-level"]),
      shows(defaultLevel("intended"), [], ["log-level"]),
      shows(defaultLevel("intended", "report-all"), ["<log-level>info</log-level>"]),
      ok(edit(telemetry("<log-level>info</log-level>"), "", "running")),
      shows(defaultLevel("operational", "explicit"), ["<log-level>info</log-level>"]),
      shows(defaultLevel("operational", "trim"), [], ["log-level"]),
      ok(edit(telemetry('<log-level nc:operation="delete">info</log-level>'), "", "running")),
    ],
  },
  {
    name: "get-data says where something comes from, and selects by it",
    see: "RFC 8526 §3.1.1; RFC 8342 §5.3.4",
    steps: [
      shows(
        operational("<with-origin/>"),
        ['or:origin="or:intended"', "<name>acme</name>", '<log-level or:origin="or:default">info'],
        ['<enabled or:origin="'],
      ),
      shows(operational(origins("origin-filter", "intended")), ["<enabled>false</enabled>"], ["<log-level", "origin="]),
      shows(operational(origins("origin-filter", "learned")), ["<flows>"], ["<log-level", "<index>"]),
      shows(operational(origins("origin-filter", "default", "system")), ["<log-level>"], ["<enabled", "<index>"]),
      shows(operational(origins("negated-origin-filter", "intended")), ["<log-level>", "<flows>"], ["<index>"]),
      shows(
        operational(`<config-filter>true</config-filter>${origins("origin-filter", "default")}`),
        ["<log-level>"],
        ["acme", "<flows>"],
      ),
      shows(operational("<with-defaults>explicit</with-defaults>"), ["<enabled>"], ["<log-level"]),
      shows(operational("<with-defaults>report-all-tagged</with-defaults>"), [':default="true">info</log-level>']),
      shows(operational("<max-depth>2</max-depth>"), ["<name>acme</name>"], ["<index>", "<flows>"]),
      shows(
        getData(
          "ds:operational",
          '<xpath-filter xmlns:t="urn:semrd:yang:semrd-tenant">//t:tenant | //t:index</xpath-filter><max-depth>1</max-depth>',
        ),
        ["<name>acme</name>", "<index>1</index>"],
        ["<route-distinguisher>"],
      ),
      fails(getData("ds:running", "<with-origin/>"), protocol("invalid-value", { badElement: "with-origin" })),
      fails(
        operational(origins("origin-filter", "nowhere")),
        protocol("invalid-value", { path: "/ietf-netconf-nmda:get-data/ietf-netconf-nmda:origin-filter" }),
      ),
    ],
  },
  {
    name: "edit-data",
    see: "RFC 8526 §3.1.2",
    steps: [
      ok(
        `<edit-data ${NMDA}><datastore ${DS}>ds:candidate</datastore><config>${router(tenants(tenant("beta", 2)))}</config></edit-data>`,
      ),
      shows(read("candidate"), [HAS_BETA]),
      DISCARD,
      fails(
        `<edit-data ${NMDA}><datastore ${DS}>ds:intended</datastore><config>${router("")}</config></edit-data>`,
        protocol("invalid-value", { badElement: "datastore" }),
      ),
    ],
  },
  {
    name: "running is edited at once",
    see: "RFC 6241 §8.2",
    steps: [
      ok(edit(tenants(tenant("beta", 2)), "", "running")),
      shows(read("running"), [HAS_BETA]),
      ok(edit(tenants(named("beta", "delete")), "", "running")),
      { notified: "<netconf-config-change" },
    ],
  },
  {
    name: "a partial lock keeps others away from its part only",
    see: "RFC 5717 §2.4",
    steps: [
      {
        rpc: '<partial-lock xmlns="urn:ietf:params:xml:ns:netconf:partial-lock:1.0" xmlns:r="urn:semrd:yang:semrd-router" xmlns:t="urn:semrd:yang:semrd-telemetry"><select xmlns:r="urn:semrd:yang:semrd-router" xmlns:t="urn:semrd:yang:semrd-telemetry">/r:router/t:telemetry</select></partial-lock>',
        has: ["<lock-id"],
      },
      {
        by: "b",
        rpc: '<get><filter type="subtree"><netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><datastores/></netconf-state></filter></get>',
        has: ["<partial-lock>", "<locked-by-session>", "telemetry</select>", "telemetry</locked-node>"],
      },
      {
        by: "b",
        rpc: edit(telemetry("<log-level>debug</log-level>"), "", "running"),
        has: ["<error-tag>in-use</error-tag>"],
      },
      { by: "b", rpc: lock("running"), has: ["<error-tag>lock-denied</error-tag>"] },
      ok(edit(tenants(tenant("beta", 2)), "", "running"), "b"),
      ok(edit(tenants(named("beta", "delete")), "", "running"), "b"),
      fails(
        '<partial-unlock xmlns="urn:ietf:params:xml:ns:netconf:partial-lock:1.0"><lock-id>4294967295</lock-id></partial-unlock>',
        application("invalid-value"),
      ),
    ],
  },
  {
    name: "subscriptions that make no sense",
    see: "RFC 5277 §2.1.1",
    steps: [
      fails(subscription("<stream>none</stream>"), protocol("invalid-value", { badElement: "stream" })),
      fails(
        subscription("<stopTime>2020-01-01T00:00:00Z</stopTime>"),
        protocol("missing-element", { badElement: "startTime" }),
      ),
      fails(
        subscription("<startTime>2999-01-01T00:00:00Z</startTime>"),
        protocol("bad-element", { badElement: "startTime" }),
      ),
    ],
  },
];
