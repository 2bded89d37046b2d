import { localName, type ManagementFault, parsePath } from "../datastore/index.ts";
import { BASE_NAMESPACE, escapeXml, startTag } from "./xml.ts";

/** Text as one string, or in parts of which large ones are UTF-8 already. */
export type Text = string | readonly (string | Uint8Array)[];

/** What is inside an `<rpc-reply>`: `ok`, elements as text, or what was wrong. */
export type Reply =
  | { readonly kind: "ok" }
  | { readonly kind: "content"; readonly xml: Text }
  | { readonly kind: "faults"; readonly faults: readonly ManagementFault[] };

export const OK: Reply = { kind: "ok" };

export const content = (xml: Text): Reply => ({ kind: "content", xml });

export const faulty = (...faults: readonly ManagementFault[]): Reply => ({ kind: "faults", faults });

/** A fault of the protocol itself. */
export function protocolFault(
  errorTag: ManagementFault["errorTag"],
  message: string,
  info?: ManagementFault["info"],
): ManagementFault {
  return { errorType: "protocol", errorTag, errorSeverity: "error", message, ...(info === undefined ? {} : { info }) };
}

/** XML namespace of a module. */
export type NamespaceOf = (module: string) => string | undefined;

/** `attributes` are those of the `<rpc>`, all of which are sent back. @see RFC 6241 §4.2 */
export function printReply(attributes: Readonly<Record<string, string>>, reply: Reply, namespaceOf: NamespaceOf): Text {
  const start = startTag("rpc-reply", { ...attributes, xmlns: BASE_NAMESPACE });
  const text = inside(reply, namespaceOf);
  return typeof text === "string" ? `${start}${text}${END}` : [start, ...text, END];
}

const END = "</rpc-reply>";

function inside(reply: Reply, namespaceOf: NamespaceOf): Text {
  switch (reply.kind) {
    case "ok":
      return "<ok/>";
    case "content":
      return reply.xml;
    case "faults":
      return reply.faults.map((fault) => printFault(fault, namespaceOf)).join("");
  }
}

/** @see RFC 6241 §4.3 */
function printFault(fault: ManagementFault, namespaceOf: NamespaceOf): string {
  const { errorType, errorTag, errorSeverity, appTag, path, message, info } = fault;
  return [
    "<rpc-error>",
    element("error-type", errorType),
    element("error-tag", errorTag),
    element("error-severity", errorSeverity),
    appTag === undefined ? "" : element("error-app-tag", appTag),
    path === undefined ? "" : printPath(path, namespaceOf),
    `<error-message xml:lang="en">${escapeXml(aboutItsNode(message, path))}</error-message>`,
    info === undefined ? "" : printInfo(info),
    "</rpc-error>",
  ].join("");
}

/** Many clients show nothing but the message, ncclient's exceptions and so Ansible: it names the node that it is about. */
function aboutItsNode(message: string, path: string | undefined): string {
  const parsed = parsePath(path ?? "");
  const last = parsed.ok ? parsed.value.at(-1) : undefined;
  if (last === undefined || message.includes(localName(last))) return message;
  const keys = Object.entries(last.keys ?? {}).map(([key, value]) => `[${key}=${quoted(value)}]`);
  return `${localName(last)}${keys.join("")}: ${message}`;
}

function printInfo({
  sessionId,
  badElement,
  badAttribute,
  badNamespace,
}: NonNullable<ManagementFault["info"]>): string {
  const parts = [
    sessionId === undefined ? "" : element("session-id", String(sessionId)),
    badAttribute === undefined ? "" : element("bad-attribute", badAttribute),
    badElement === undefined ? "" : element("bad-element", badElement),
    badNamespace === undefined ? "" : element("bad-namespace", badNamespace),
  ].join("");
  return parts === "" ? "" : `<error-info>${parts}</error-info>`;
}

const element = (name: string, text: string): string => `<${name}>${escapeXml(text)}</${name}>`;

/**
 * An instance identifier as XML has it: every name with a prefix that is declared here, the module's name.
 *
 * @see RFC 6241 §4.3; RFC 7950 §9.13.2
 */
function printPath(path: string, namespaceOf: NamespaceOf): string {
  const parsed = parsePath(path);
  if (!parsed.ok) return element("error-path", path);
  const declared: Record<string, string> = {};
  let module = "";
  const steps = parsed.value.map((step) => {
    const colon = step.name.indexOf(":");
    if (colon >= 0) module = step.name.slice(0, colon);
    declared[`xmlns:${module}`] = namespaceOf(module) ?? module;
    const keys = Object.entries(step.keys ?? {}).map(([key, value]) => `[${module}:${key}=${quoted(value)}]`);
    const entry = step.value === undefined ? "" : `[.=${quoted(step.value)}]`;
    return `/${module}:${localName(step)}${keys.join("")}${entry}`;
  });
  return `${startTag("error-path", module === "" ? {} : declared)}${escapeXml(steps.join(""))}</error-path>`;
}

const quoted = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`);
