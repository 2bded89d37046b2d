import type { Answer, DataFormat, Datastore, EditTarget } from "../../datastore/index.ts";
import { answered, fault, refused } from "../../datastore/index.ts";
import { type Call, textOf } from "./operation.ts";

type Source = Datastore | { readonly text: string; readonly format: DataFormat };

const CONFIGURATION = ["candidate", "running", "startup"] as const;

/** A `<source>` or `<target>`: a container with one empty leaf, or the configuration itself. @see RFC 6241 §7 */
export function sourceOf(call: Call, parameter: "source" | "target"): Answer<Source> {
  const given = call.request.input[parameter];
  const { documents } = call.request;
  const config = documents[`${parameter}/config`]?.xml;
  if (config !== undefined) return answered({ text: config, format: "xml" });
  const byName = nmdaName(given);
  if (byName !== undefined) return nmdaConfiguration(byName, parameter);
  const named = CONFIGURATION.find((name) => typeof given === "object" && given !== null && name in given);
  if (named !== undefined) return answered(named);
  if (typeof given === "object" && given !== null && "url" in given) {
    const message = "this server does not fetch configurations by url: send the configuration itself";
    return refused(fault("operation-not-supported", message, { errorType: "protocol" }));
  }
  return refused(
    fault("missing-element", `${parameter} does not say which datastore: ${CONFIGURATION.join(", ")}`, {
      errorType: "protocol",
      info: { badElement: parameter },
    }),
  );
}

/** As {@link sourceOf}, where it is to be changed. */
export function targetOf(call: Call): Answer<EditTarget> {
  const target = sourceOf(call, "target");
  if (!target.ok) return target;
  switch (target.value) {
    case "candidate":
    case "running":
    case "startup":
      return answered(target.value);
    default:
      return refused(
        fault("operation-not-supported", "a configuration that is sent along cannot be the target", {
          errorType: "protocol",
        }),
      );
  }
}

const NMDA: Readonly<Record<string, Datastore>> = {
  "ietf-datastores:startup": "startup",
  "ietf-datastores:candidate": "candidate",
  "ietf-datastores:running": "running",
  "ietf-datastores:intended": "intended",
  "ietf-datastores:operational": "operational",
};

/** A `datastore` in it, as NMDA adds to lock, unlock and validate. @see RFC 8526 §3.2, §3.3 */
function nmdaName(given: unknown): string | undefined {
  const name = (given as Readonly<Record<string, unknown>> | undefined)?.["ietf-netconf-nmda:datastore"];
  return typeof name === "string" ? name : undefined;
}

function nmdaConfiguration(name: string, parameter: "source" | "target"): Answer<Source> {
  const datastore = NMDA[name];
  const isThere = parameter === "source" ? datastore !== "operational" : CONFIGURATION.some((one) => one === datastore);
  if (datastore !== undefined && isThere) return answered(datastore);
  const message = `${name} is not one of the datastores that this is for`;
  return refused(fault("invalid-value", message, { errorType: "protocol", info: { badElement: "datastore" } }));
}

/** @see RFC 8526 §3.1.1 */
export function nmdaDatastore(call: Call): Answer<Datastore> {
  const name = textOf(call, "datastore") ?? "";
  const datastore = NMDA[name];
  if (datastore !== undefined) return answered(datastore);
  return refused(
    fault("invalid-value", `${name} is no datastore of this server: ${Object.keys(NMDA).join(", ")}`, {
      errorType: "protocol",
      info: { badElement: "datastore" },
    }),
  );
}

/** The NMDA datastores that can be edited. @see RFC 8526 §3.1.2 */
export function nmdaTarget(call: Call): Answer<EditTarget> {
  const datastore = nmdaDatastore(call);
  if (!datastore.ok) return datastore;
  switch (datastore.value) {
    case "candidate":
    case "running":
    case "startup":
      return answered(datastore.value);
    default:
      return refused(
        fault("invalid-value", `${datastore.value} cannot be edited`, {
          errorType: "protocol",
          info: { badElement: "datastore" },
        }),
      );
  }
}
