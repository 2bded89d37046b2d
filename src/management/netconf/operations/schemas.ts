import type { YangContext } from "../../../../native/index.ts";
import { content, faulty, protocolFault } from "../reply.ts";
import { escapeXml } from "../xml.ts";
import { type Operations, textOf } from "./operation.ts";

const MONITORING_NAMESPACE = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";

/** Modules and submodules of `context`, with all that they import. @see RFC 6022 §3.1 */
export const schemaOperations = (context: YangContext): Operations => ({
  "ietf-netconf-monitoring:get-schema": async (call) => {
    const identifier = textOf(call, "identifier") ?? "";
    const version = textOf(call, "version");
    const format = textOf(call, "format") ?? "ietf-netconf-monitoring:yang";
    if (format.slice(format.indexOf(":") + 1) !== "yang") {
      const message = `schemas are given as yang, not as ${format}`;
      return faulty(protocolFault("invalid-value", message, { badElement: "format" }));
    }
    const known = context.modules.flatMap((module) => [module, ...module.submodules]);
    const found = known.filter(
      ({ name, revision }) => name === identifier && (version === undefined || version === "" || revision === version),
    );
    if (found.length === 0) {
      const message = `there is no schema ${identifier}${version === undefined ? "" : ` of revision ${version}`}`;
      const badElement = known.some(({ name }) => name === identifier) ? "version" : "identifier";
      return faulty(protocolFault("invalid-value", message, { badElement }));
    }
    if (found.length > 1) {
      const revisions = found.map(({ revision }) => revision).join(", ");
      const message = `there are several revisions of ${identifier}: ${revisions}; say which as version`;
      return faulty({ ...protocolFault("operation-failed", message), appTag: "data-not-unique" });
    }
    const text = await context.source(identifier, found[0]!.revision === "" ? undefined : found[0]!.revision);
    return content(`<data xmlns="${MONITORING_NAMESPACE}">${escapeXml(text)}</data>`);
  },
});
