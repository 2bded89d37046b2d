import type { WantedError } from "./oracle.ts";

/** One request and what is to be answered, or an event that is to come. Plain data: other clients replay it. */
export type Step =
  | {
      /** Which of the sessions asks; absent: `a`. */
      readonly by?: "a" | "b";
      /** What is inside `<rpc>`. */
      readonly rpc: string;
      readonly ok?: true;
      readonly errors?: readonly WantedError[];
      /** The answer has these, and not those. */
      readonly has?: readonly string[];
      readonly lacks?: readonly string[];
    }
  | { readonly notified: string };

export interface Case {
  readonly name: string;
  readonly see: string;
  readonly steps: readonly Step[];
}

const NC = 'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"';
const NMDA = 'xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"';
const DS = 'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"';
const TENANTS_PATH = "/semrd-router:router/semrd-tenant:tenants/semrd-tenant:tenant";
const TELEMETRY_PATH = "/semrd-router:router/semrd-telemetry:telemetry";

const router = (inner: string): string => `<router xmlns="urn:semrd:yang:semrd-router" ${NC}>${inner}</router>`;
const edit = (inner: string, options = "", target = "candidate"): string =>
  `<edit-config><target><${target}/></target>${options}<config>${router(inner)}</config></edit-config>`;
const tenants = (inner: string): string => `<tenants xmlns="urn:semrd:yang:semrd-tenant">${inner}</tenants>`;
const tenant = (name: string, index: number | string, operation?: string): string =>
  `<tenant${operation === undefined ? "" : ` nc:operation="${operation}"`}><name>${name}</name><index>${index}</index><route-distinguisher>0:65000:${index}</route-distinguisher><import-target>65000:${index}</import-target><export-target>65000:${index}</export-target></tenant>`;
const named = (name: string, operation: string): string =>
  `<tenant nc:operation="${operation}"><name>${name}</name></tenant>`;
const telemetry = (inner: string): string => `<telemetry xmlns="urn:semrd:yang:semrd-telemetry">${inner}</telemetry>`;
const agent = (name: string, tenantName: string): string =>
  `<agents xmlns="urn:semrd:yang:semrd-agent"><agent><id>spiffe://example.net/acme/agent/${name}</id><tenant>${tenantName}</tenant><capability><name>/vision/ocr</name><major-version>1</major-version><address>fd00:a::1</address><port>80</port></capability></agent></agents>`;
const agentPath = (name: string): string =>
  `/semrd-router:router/semrd-agent:agents/semrd-agent:agent[semrd-agent:id='spiffe://example.net/acme/agent/${name}']`;
const at = (name: string): string => `${TENANTS_PATH}[semrd-tenant:name='${name}']`;

const subtree = (inner: string): string => `<filter type="subtree">${inner}</filter>`;
const TENANTS = subtree(router(tenants("")));
const LOG_LEVEL = subtree(router(telemetry("<log-level/>")));
const read = (datastore: string, filter = TENANTS, more = ""): string =>
  `<get-config><source><${datastore}/></source>${filter}${more}</get-config>`;
const lock = (target: string): string => `<lock><target><${target}/></target></lock>`;
const unlock = (target: string): string => `<unlock><target><${target}/></target></unlock>`;
const withDefaults = (mode: string): string =>
  `<with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">${mode}</with-defaults>`;
const getData = (datastore: string, more = "", declared = DS): string =>
  `<get-data ${NMDA}><datastore ${declared}>${datastore}</datastore>${more}</get-data>`;
const operational = (more: string): string =>
  getData("ds:operational", `<subtree-filter>${router(tenants("") + telemetry(""))}</subtree-filter>${more}`);
const origins = (parameter: string, ...names: readonly string[]): string =>
  names
    .map((name) => `<${parameter} xmlns:or="urn:ietf:params:xml:ns:yang:ietf-origin">or:${name}</${parameter}>`)
    .join("");
const confirmed = (more = ""): string => `<commit><confirmed/>${more}</commit>`;

const ok = (rpc: string, by?: "b"): Step => ({ rpc, ok: true, ...(by === undefined ? {} : { by }) });
const fails = (rpc: string, ...errors: readonly WantedError[]): Step => ({ rpc, errors });
const failsFor = (by: "b", rpc: string, ...errors: readonly WantedError[]): Step => ({ by, rpc, errors });
const shows = (rpc: string, has: readonly string[], lacks: readonly string[] = []): Step => ({ rpc, has, lacks });
const application = (tag: string, more: Partial<WantedError> = {}): WantedError => ({
  type: "application",
  tag,
  ...more,
});
const protocol = (tag: string, more: Partial<WantedError> = {}): WantedError => ({ type: "protocol", tag, ...more });

const DISCARD = ok("<discard-changes/>");
const HAS_BETA = "<name>beta</name>";

/**
 * The battery: RFC 6241 and its companions as a client sees them. The router has the tenant acme with index 1, and no
 * case leaves anything behind.
 */
export const CASES: readonly Case[] = [
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
  {
    name: "lock and lock-denied",
    see: "RFC 6241 §7.5",
    steps: [
      ok(lock("candidate")),
      { by: "b", rpc: lock("candidate"), errors: [protocol("lock-denied", { sessionId: "$a" })] },
      fails(lock("candidate"), protocol("lock-denied", { sessionId: "$a" })),
      ok(unlock("candidate")),
      ok(lock("candidate"), "b"),
      ok(unlock("candidate"), "b"),
    ],
  },
  {
    name: "an edit while another session has the lock",
    see: "RFC 6241 App. A, in-use",
    steps: [
      ok(lock("candidate")),
      failsFor("b", edit("<name>other</name>"), protocol("in-use", { sessionId: "$a" })),
      failsFor("b", "<discard-changes/>", protocol("in-use", { sessionId: "$a" })),
      ok(unlock("candidate")),
    ],
  },
  {
    name: "a commit while another session has running locked",
    see: "RFC 6241 §8.3.4.1",
    steps: [
      ok(lock("running")),
      failsFor("b", "<commit/>", protocol("in-use", { sessionId: "$a" })),
      failsFor("b", edit("<name>other</name>", "", "running"), protocol("in-use", { sessionId: "$a" })),
      ok(unlock("running")),
    ],
  },
  {
    name: "a candidate that was changed cannot be locked",
    see: "RFC 6241 §8.3.5.2",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      { by: "b", rpc: lock("candidate"), errors: [protocol("lock-denied", { sessionId: "0" })] },
      DISCARD,
      ok(lock("candidate"), "b"),
      ok(unlock("candidate"), "b"),
    ],
  },
  {
    name: "unlock of what one has not locked",
    see: "RFC 6241 §7.6",
    steps: [
      fails(unlock("candidate"), application("operation-failed")),
      ok(lock("startup")),
      failsFor("b", unlock("startup"), application("operation-failed")),
      ok(unlock("startup")),
    ],
  },
  {
    name: "unlock of the candidate discards it",
    see: "RFC 6241 §8.3.5.2",
    steps: [
      ok(lock("candidate")),
      ok(edit(tenants(tenant("beta", 2)))),
      ok(unlock("candidate")),
      shows(read("candidate"), [], [HAS_BETA]),
    ],
  },
  {
    name: "a session can neither kill itself nor one that is not there",
    see: "RFC 6241 §7.9",
    steps: [
      fails(
        "<kill-session><session-id>$a</session-id></kill-session>",
        protocol("invalid-value", { badElement: "session-id" }),
      ),
      fails(
        "<kill-session><session-id>4294967295</session-id></kill-session>",
        protocol("invalid-value", { badElement: "session-id" }),
      ),
    ],
  },
  {
    name: "commit and back",
    see: "RFC 6241 §8.3.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok("<commit/>"),
      shows(read("running"), [HAS_BETA]),
      ok(edit(tenants(named("beta", "delete")))),
      ok("<commit/>"),
      shows(read("running"), [], [HAS_BETA]),
    ],
  },
  {
    name: "a confirmed commit that nobody confirms goes back",
    see: "RFC 6241 §8.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(confirmed("<confirm-timeout>1</confirm-timeout>")),
      shows(read("running"), [HAS_BETA]),
      { notified: "<confirm-event>timeout</confirm-event>" },
      shows(read("running"), [], [HAS_BETA]),
      DISCARD,
    ],
  },
  {
    name: "a confirmed commit is confirmed, and cancelled",
    see: "RFC 6241 §8.4.4",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(confirmed()),
      ok("<commit/>"),
      shows(read("running"), [HAS_BETA]),
      ok(edit(tenants(named("beta", "delete")))),
      ok(confirmed()),
      shows(read("running"), [], [HAS_BETA]),
      ok("<cancel-commit/>"),
      shows(read("running"), [HAS_BETA]),
      DISCARD,
      ok(edit(tenants(named("beta", "delete")))),
      ok("<commit/>"),
    ],
  },
  {
    name: "persist: a wrong id, none, and the right one of another session",
    see: "RFC 6241 §8.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(confirmed("<persist>mine</persist>")),
      failsFor("b", "<commit><persist-id>yours</persist-id></commit>", protocol("invalid-value")),
      {
        by: "b",
        rpc: "<cancel-commit><persist-id>yours</persist-id></cancel-commit>",
        errors: [protocol("invalid-value")],
      },
      ok("<cancel-commit><persist-id>mine</persist-id></cancel-commit>", "b"),
      shows(read("running"), [], [HAS_BETA]),
      DISCARD,
    ],
  },
  {
    name: "a confirmed commit of another session cannot be confirmed without its id",
    see: "RFC 6241 §8.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(confirmed("<persist>mine</persist>")),
      { by: "b", rpc: "<commit/>", has: ["<rpc-error>"] },
      ok("<commit><persist-id>mine</persist-id></commit>", "b"),
      ok(edit(tenants(named("beta", "delete")))),
      ok("<commit/>"),
    ],
  },
  {
    name: "cancel-commit and persist-id with nothing pending",
    see: "RFC 6241 §8.4.4.1",
    steps: [
      fails("<cancel-commit/>", application("operation-failed", { appTag: "no-confirmed-commit" })),
      fails("<commit><persist-id>none</persist-id></commit>", protocol("invalid-value")),
    ],
  },
  {
    name: "a confirm-timeout of no time",
    see: "RFC 6241 §8.4.5",
    steps: [
      fails(
        confirmed("<confirm-timeout>0</confirm-timeout>"),
        protocol("invalid-value", { path: "/ietf-netconf:commit/ietf-netconf:confirm-timeout" }),
      ),
    ],
  },
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

function schema(inner: string): string {
  return `<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring">${inner}</get-schema>`;
}

export function subscription(inner = ""): string {
  return `<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">${inner}</create-subscription>`;
}
