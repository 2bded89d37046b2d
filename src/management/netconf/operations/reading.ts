import type { Answer, Datastore, GetOptions, Origin } from "../../datastore/index.ts";
import { content, faulty, type Reply } from "../reply.ts";
import { BASE_NAMESPACE } from "../xml.ts";
import { nmdaDatastore, sourceOf } from "./datastores.ts";
import { type Call, has, numberOf, type Operations, textOf } from "./operation.ts";
import { filterOf, nmdaFilterOf } from "./selection.ts";

const NMDA_NAMESPACE = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda";

/** @see RFC 6241 §7.1, §7.7; RFC 8526 §3.1.1 */
export const READING: Operations = {
  "ietf-netconf:get-config": async (call) => {
    const source = sourceOf(call, "source");
    if (!source.ok) return faulty(...source.faults);
    if (typeof source.value === "object") return content(`<data xmlns="${BASE_NAMESPACE}"/>`);
    return read(call, source.value, filterOf(call), BASE_NAMESPACE, {});
  },
  "ietf-netconf:get": (call) => read(call, "operational", filterOf(call), BASE_NAMESPACE, {}),
  "ietf-netconf-nmda:get-data": async (call) => {
    const datastore = nmdaDatastore(call);
    if (!datastore.ok) return faulty(...datastore.faults);
    const depth = numberOf(call, "max-depth");
    const config = call.request.input["config-filter"];
    const options = {
      ...(depth === undefined || Number.isNaN(depth) ? {} : { depth }), // "unbounded" is the other value it may have
      ...(typeof config === "boolean" ? { content: config ? ("config" as const) : ("state" as const) } : {}),
      ...originOf(call),
      // What is in use by default is in use: :with-operational-defaults has another basic mode. RFC 8342 §5.3, RFC 8526 §3.1.1.2
      ...(datastore.value === "operational" ? { defaults: "report-all" as const } : {}),
    };
    return read(call, datastore.value, nmdaFilterOf(call), NMDA_NAMESPACE, options);
  },
};

async function read(
  call: Call,
  from: Datastore,
  select: Answer<Pick<GetOptions, "select">>,
  namespace: string,
  options: Pick<GetOptions, "depth" | "content" | "defaults" | "origin">,
): Promise<Reply> {
  if (!select.ok) return faulty(...select.faults);
  const defaults = defaultsOf(call);
  const data = await call.management.get(call.session, from, {
    ...{ format: "xml" as const, ...select.value, ...options },
    ...(defaults === undefined ? {} : { defaults }),
  });
  return data.ok ? content([`<data xmlns="${namespace}">`, data.value.octets, "</data>"]) : faulty(...data.faults);
}

/** Only of operational: the model says so. @see RFC 8526 §3.1.1 */
function originOf(call: Call): Pick<GetOptions, "origin"> {
  const named = (parameter: string): readonly Origin[] | undefined => {
    const given = call.request.input[parameter];
    return Array.isArray(given) ? given.flatMap(originsOf) : undefined;
  };
  const annotate = has(call, "with-origin");
  const only = named("origin-filter");
  const others = named("negated-origin-filter");
  if (!annotate && only === undefined && others === undefined) return {};
  const filter = { ...(only === undefined ? {} : { only }), ...(others === undefined ? {} : { others }) };
  return { origin: { annotate, ...filter } };
}

const ORIGINS: readonly Origin[] = ["intended", "default", "learned", "unknown"];

/** By an identity, of which none of these has others below it; nothing here is of origin `system` or `dynamic`. @see RFC 8342 §5.3.4 */
const originsOf = (identity: unknown): readonly Origin[] =>
  ORIGINS.filter((name) => identity === `ietf-origin:${name}`);

/** @see RFC 6243 §4.5.1 */
function defaultsOf(call: Call): GetOptions["defaults"] {
  return (textOf(call, "ietf-netconf-with-defaults:with-defaults") ?? textOf(call, "with-defaults")) as
    | GetOptions["defaults"]
    | undefined;
}
