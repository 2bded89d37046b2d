import type { WantedError } from "../oracle.ts";

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

export const NC = 'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"';
export const NMDA = 'xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"';
export const DS = 'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"';
export const TENANTS_PATH = "/semrd-router:router/semrd-tenant:tenants/semrd-tenant:tenant";
export const TELEMETRY_PATH = "/semrd-router:router/semrd-telemetry:telemetry";

export const router = (inner: string): string => `<router xmlns="urn:semrd:yang:semrd-router" ${NC}>${inner}</router>`;
export const edit = (inner: string, options = "", target = "candidate"): string =>
  `<edit-config><target><${target}/></target>${options}<config>${router(inner)}</config></edit-config>`;
export const tenants = (inner: string): string => `<tenants xmlns="urn:semrd:yang:semrd-tenant">${inner}</tenants>`;
export const tenant = (name: string, index: number | string, operation?: string): string =>
  `<tenant${operation === undefined ? "" : ` nc:operation="${operation}"`}><name>${name}</name><index>${index}</index><route-distinguisher>0:65000:${index}</route-distinguisher><import-target>65000:${index}</import-target><export-target>65000:${index}</export-target></tenant>`;
export const named = (name: string, operation: string): string =>
  `<tenant nc:operation="${operation}"><name>${name}</name></tenant>`;
export const telemetry = (inner: string): string =>
  `<telemetry xmlns="urn:semrd:yang:semrd-telemetry">${inner}</telemetry>`;
export const agent = (name: string, tenantName: string): string =>
  `<agents xmlns="urn:semrd:yang:semrd-agent"><agent><id>spiffe://example.net/acme/agent/${name}</id><tenant>${tenantName}</tenant><capability><name>/vision/ocr</name><major-version>1</major-version><address>fd00:a::1</address><port>80</port></capability></agent></agents>`;
export const agentPath = (name: string): string =>
  `/semrd-router:router/semrd-agent:agents/semrd-agent:agent[semrd-agent:id='spiffe://example.net/acme/agent/${name}']`;
export const at = (name: string): string => `${TENANTS_PATH}[semrd-tenant:name='${name}']`;

export const subtree = (inner: string): string => `<filter type="subtree">${inner}</filter>`;
export const TENANTS = subtree(router(tenants("")));
export const LOG_LEVEL = subtree(router(telemetry("<log-level/>")));
export const read = (datastore: string, filter = TENANTS, more = ""): string =>
  `<get-config><source><${datastore}/></source>${filter}${more}</get-config>`;
export const lock = (target: string): string => `<lock><target><${target}/></target></lock>`;
export const unlock = (target: string): string => `<unlock><target><${target}/></target></unlock>`;
export const withDefaults = (mode: string): string =>
  `<with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">${mode}</with-defaults>`;
export const getData = (datastore: string, more = "", declared = DS): string =>
  `<get-data ${NMDA}><datastore ${declared}>${datastore}</datastore>${more}</get-data>`;
export const operational = (more: string): string =>
  getData("ds:operational", `<subtree-filter>${router(tenants("") + telemetry(""))}</subtree-filter>${more}`);
export const origins = (parameter: string, ...names: readonly string[]): string =>
  names
    .map((name) => `<${parameter} xmlns:or="urn:ietf:params:xml:ns:yang:ietf-origin">or:${name}</${parameter}>`)
    .join("");
/** Of what expressions select, with the prefixes r and t. */
export const partialLock = (...expressions: readonly string[]): string => {
  const declared = 'xmlns:r="urn:semrd:yang:semrd-router" xmlns:t="urn:semrd:yang:semrd-tenant"';
  const selects = expressions.map((text) => `<select ${declared}>${text.replaceAll("<", "&lt;")}</select>`);
  return `<partial-lock xmlns="urn:ietf:params:xml:ns:netconf:partial-lock:1.0">${selects.join("")}</partial-lock>`;
};
export const confirmed = (more = ""): string => `<commit><confirmed/>${more}</commit>`;

export const ok = (rpc: string, by?: "b"): Step => ({ rpc, ok: true, ...(by === undefined ? {} : { by }) });
export const fails = (rpc: string, ...errors: readonly WantedError[]): Step => ({ rpc, errors });
export const failsFor = (by: "b", rpc: string, ...errors: readonly WantedError[]): Step => ({ by, rpc, errors });
export const shows = (rpc: string, has: readonly string[], lacks: readonly string[] = []): Step => ({
  rpc,
  has,
  lacks,
});
export const application = (tag: string, more: Partial<WantedError> = {}): WantedError => ({
  type: "application",
  tag,
  ...more,
});
export const protocol = (tag: string, more: Partial<WantedError> = {}): WantedError => ({
  type: "protocol",
  tag,
  ...more,
});

export const DISCARD = ok("<discard-changes/>");
export const HAS_BETA = "<name>beta</name>";

export function schema(inner: string): string {
  return `<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring">${inner}</get-schema>`;
}

export function subscription(inner = ""): string {
  return `<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">${inner}</create-subscription>`;
}
