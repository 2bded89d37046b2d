import { type Answer, answered, formatPath, type Path, parsePath } from "../../datastore/index.ts";
import { content, faulty } from "../reply.ts";
import { escapeXml } from "../xml.ts";
import { done, numberOf, type Operations } from "./operation.ts";

const PARTIAL_LOCK = "urn:ietf:params:xml:ns:netconf:partial-lock:1.0";

export interface ModuleNames {
  /** Module of an XML namespace. */
  moduleOf(namespace: string): string | undefined;
  readonly modules: ReadonlySet<string>;
}

/** Instance identifiers are looked up at once; every other expression is evaluated where it can be stopped. @see RFC 5717 §2.4.1 */
export const lockOperations = (names: ModuleNames): Operations => ({
  "ietf-netconf-partial-lock:partial-lock": async (call) => {
    const wanted = (call.request.entries?.select ?? []).map(({ text, namespaces }) => {
      const xpath = text.trim();
      const path = isPath(xpath) ? dataPath(xpath, namespaces, names) : undefined;
      return path?.ok === true ? formatPath(path.value) : { xpath, namespaces };
    });
    const lock = await call.management.partialLock(call.session, wanted);
    if (!lock.ok) return faulty(...lock.faults);
    const nodes = lock.value.paths.map(
      (path) => `<locked-node xmlns="${PARTIAL_LOCK}">${escapeXml(path)}</locked-node>`,
    );
    return content(`<lock-id xmlns="${PARTIAL_LOCK}">${lock.value.id}</lock-id>${nodes.join("")}`);
  },
  "ietf-netconf-partial-lock:partial-unlock": async (call) =>
    done(call.management.partialUnlock(call.session, numberOf(call, "lock-id") ?? 0)),
});

/** Whether a data path and the expression of this text are the same: quotes around values, no `...`. */
const isPath = (text: string): boolean =>
  !text.includes("...") && !/=\s*[^\s'"]/.test(text.replace(/'[^']*'|"[^"]*"/g, "''"));

/** From the prefixes of XML to modules' names. */
function dataPath(
  text: string,
  namespaces: Readonly<Record<string, string>>,
  { moduleOf, modules }: ModuleNames,
): Answer<Path> {
  const parsed = parsePath(text);
  if (!parsed.ok) return parsed;
  const steps = [];
  for (const step of parsed.value) {
    const colon = step.name.indexOf(":");
    const prefix = colon < 0 ? "" : step.name.slice(0, colon);
    const namespace = prefix === "" ? undefined : namespaces[prefix];
    // A library may have dropped a declaration that it thought was not needed, and yangcli writes none. Then it is the name of a module, or the name of the node has to be clear by itself.
    const named = modules.has(prefix) ? prefix : undefined;
    const module = (namespace === undefined ? undefined : moduleOf(namespace)) ?? named;
    const name = step.name.slice(colon + 1);
    steps.push({ ...step, name: module === undefined ? name : `${module}:${name}` });
  }
  return answered(steps);
}
