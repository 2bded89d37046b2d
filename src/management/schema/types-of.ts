import type { YangSchemaNode, YangSchemaType } from "../../../native/api.ts";

/**
 * TypeScript of what libyang prints of data that it has validated, with all defaults (RFC 7951, RFC 6243 `report-all`), by
 * module: an interface for each container and list entry of the top-level nodes, one for several that are alike, as those
 * of a grouping are. What is always there is not optional: keys, mandatory leaves and those with a default value, and
 * containers without presence that have such a node. State is not in it.
 */
export function typesOf(nodes: readonly YangSchemaNode[]): ReadonlyMap<string, string> {
  const writer = new TypeWriter();
  for (const node of nodes) if (node.kind === "container") writer.shapeOf(node, []);
  return writer.modules();
}

const NUMBERS: ReadonlySet<string> = new Set(["int8", "int16", "int32", "uint8", "uint16", "uint32"]);

/** An interface to be: a container or list entry, or several that are alike. */
interface Shape {
  readonly module: string;
  /** Names of the nodes down to the first of them. */
  readonly words: readonly string[];
  readonly members: readonly Member[];
}

interface Member {
  readonly name: string;
  readonly optional: boolean;
  /** Text, or what is around the name of an interface. */
  readonly type: string | { readonly shape: Shape; readonly isList: boolean };
}

class TypeWriter {
  /** By what is in them, and then in the order in which they were met. */
  readonly #shapes = new Map<string, Shape>();
  readonly #order: Shape[] = [];
  readonly #numbers = new Map<Shape, number>();

  /** The shape of a container or list entry that is below nodes of these names. */
  shapeOf(node: YangSchemaNode, above: readonly string[]): Shape {
    const words = [...above, local(node.name)];
    const place = this.#order.length;
    const members = dataNodes(node).map(({ node: child, always }): Member => {
      const optional = !((always && isAlwaysThere(child)) || node.keys?.includes(child.name));
      return { name: child.name, optional, type: this.#type(child, words) };
    });
    const key = JSON.stringify([
      node.module,
      ...members.map(({ type, ...rest }) => [rest, typeof type === "string" ? type : this.#keyOf(type)]),
    ]);
    const known = this.#shapes.get(key);
    if (known !== undefined) return known;
    const shape = { module: node.module, words, members };
    this.#shapes.set(key, shape);
    this.#numbers.set(shape, this.#numbers.size);
    this.#order.splice(place, 0, shape); // before those inside it
    return shape;
  }

  #keyOf({ shape, isList }: { readonly shape: Shape; readonly isList: boolean }): readonly unknown[] {
    return [this.#numbers.get(shape), isList];
  }

  #type(node: YangSchemaNode, above: readonly string[]): Member["type"] {
    switch (node.kind) {
      case "container":
        return { shape: this.shapeOf(node, above), isList: false };
      case "list":
        return { shape: this.shapeOf(node, above), isList: true };
      case "leaf-list":
        return `readonly ${group(valueType(node.type!))}[]`;
      case "leaf":
        return valueType(node.type!);
      default:
        return "unknown";
    }
  }

  /** Text by module. */
  modules(): ReadonlyMap<string, string> {
    const names = namesOf(this.#order);
    const bodies = new Map<string, string[]>();
    const imports = new Map<string, Map<string, Set<string>>>();
    for (const shape of this.#order) {
      const used = imports.get(shape.module) ?? new Map<string, Set<string>>();
      const lines = shape.members.map(({ name, optional, type }) => {
        const text =
          typeof type === "string"
            ? type
            : `${type.isList ? "readonly " : ""}${names.get(type.shape)}${type.isList ? "[]" : ""}`;
        if (typeof type === "object" && type.shape.module !== shape.module)
          used.set(type.shape.module, (used.get(type.shape.module) ?? new Set()).add(names.get(type.shape)!));
        return `  readonly ${memberName(name)}${optional ? "?" : ""}: ${text};\n`;
      });
      imports.set(shape.module, used);
      const body = `export interface ${names.get(shape)} {\n${lines.join("")}}\n`;
      bodies.set(shape.module, [...(bodies.get(shape.module) ?? []), body]);
    }
    return new Map(
      Array.from(bodies, ([module, texts]) => [module, [...importLines(imports.get(module)!), ...texts].join("\n")]),
    );
  }
}

/** Each is called after the last nodes of its path, so many of them that no other of its module is called so. */
function namesOf(shapes: readonly Shape[]): ReadonlyMap<Shape, string> {
  const nameBy = ({ words }: Shape, count: number): string => words.slice(-count).map(pascal).join("");
  const names = new Map<Shape, string>();
  for (const shape of shapes) {
    const others = shapes.filter(({ module }) => module === shape.module);
    let count = 1;
    while (others.some((other) => other !== shape && nameBy(other, count) === nameBy(shape, count))) count++;
    names.set(shape, nameBy(shape, count));
  }
  return names;
}

/** One text of lines, or none. */
function importLines(used: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const lines = [...used]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([module, names]) => `import type { ${[...names].sort().join(", ")} } from "./${module}.ts";\n`);
  return lines.length === 0 ? [] : [lines.join("")];
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
