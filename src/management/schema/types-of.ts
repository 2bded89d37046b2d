import type { YangSchemaNode, YangSchemaType } from "../../../native/api.ts";

/**
 * TypeScript of what libyang prints of data that it has validated, with all defaults (RFC 7951, RFC 6243 `report-all`):
 * an interface for each container and list entry of the top-level nodes. What is always there is not optional: keys,
 * mandatory leaves and those with a default value, and containers without presence that have such a node. State is not
 * in it.
 */
export function typesOf(nodes: readonly YangSchemaNode[]): string {
  const writer = new TypeWriter();
  for (const node of nodes) if (node.kind === "container") writer.inner(node, []);
  return writer.text;
}

const NUMBERS: ReadonlySet<string> = new Set(["int8", "int16", "int32", "uint8", "uint16", "uint32"]);

class TypeWriter {
  readonly #interfaces = new Map<string, string>();

  get text(): string {
    return [...this.#interfaces.values()].join("\n");
  }

  /** Writes the interface of a container or list entry and returns its name. */
  inner(node: YangSchemaNode, above: readonly string[]): string {
    const words = [...above, local(node.name)];
    const name = words.map(pascal).join("");
    this.#interfaces.set(name, ""); // before those inside it
    const members = dataNodes(node).map(({ node: child, always }) => {
      const optional = (always && isAlwaysThere(child)) || node.keys?.includes(child.name) ? "" : "?";
      return `  readonly ${memberName(child.name)}${optional}: ${this.#type(child, words)};\n`;
    });
    this.#interfaces.set(name, `export interface ${name} {\n${members.join("")}}\n`);
    return name;
  }

  #type(node: YangSchemaNode, above: readonly string[]): string {
    switch (node.kind) {
      case "container":
        return this.inner(node, above);
      case "list":
        return `readonly ${this.inner(node, above)}[]`;
      case "leaf-list":
        return `readonly ${group(valueType(node.type!))}[]`;
      case "leaf":
        return valueType(node.type!);
      default:
        return "unknown";
    }
  }
}

interface Child {
  readonly node: YangSchemaNode;
  /** False inside a choice, of which one case is there. */
  readonly always: boolean;
}

function dataNodes(node: YangSchemaNode, always = true): Child[] {
  return (node.children ?? []).flatMap((child) => {
    if (!child.config) return [];
    if (child.kind === "choice" || child.kind === "case") return dataNodes(child, false);
    return ["container", "list", "leaf", "leaf-list", "anydata", "anyxml"].includes(child.kind)
      ? [{ node: child, always }]
      : [];
  });
}

function isAlwaysThere(node: YangSchemaNode): boolean {
  if (node.when !== undefined || !node.config) return false;
  switch (node.kind) {
    case "leaf":
      return node.mandatory === true || node.defaults !== undefined;
    case "leaf-list":
      return (node.minElements ?? 0) > 0 || node.defaults !== undefined;
    case "list":
      return (node.minElements ?? 0) > 0;
    case "container":
      return (
        node.presence !== true && dataNodes(node).some(({ node: child, always }) => always && isAlwaysThere(child))
      );
    default:
      return node.mandatory === true;
  }
}

function valueType(type: YangSchemaType): string {
  if (NUMBERS.has(type.base)) return "number";
  switch (type.base) {
    case "boolean":
      return "boolean";
    case "empty":
      return "readonly [null]";
    case "enumeration":
      return type.enums!.map(({ name }) => JSON.stringify(name)).join(" | ");
    case "identityref":
      return (type.identities ?? []).map((name) => JSON.stringify(name)).join(" | ") || "string";
    case "leafref":
      return valueType(type.target!);
    case "union":
      return [...new Set(type.union!.map(valueType))].join(" | ");
    default:
      return "string"; // 64-bit numbers and decimals too: RFC 7951 section 6.1
  }
}

const group = (type: string): string => (type.includes(" ") ? `(${type})` : type);
const local = (name: string): string => name.slice(name.indexOf(":") + 1);
const memberName = (name: string): string => (/^[a-z]+$/.test(name) ? name : JSON.stringify(name));
const pascal = (name: string): string =>
  name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
