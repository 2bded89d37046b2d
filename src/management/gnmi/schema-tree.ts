import type { YangSchemaNode } from "../../../native/api.ts";
import { fieldOctets } from "../../base/index.ts";

/** A data node of the schema, as a step of gNMI paths. */
export interface SchemaNode {
  readonly schema: YangSchemaNode;
  /** `module:name`. */
  readonly qualified: string;
  /** In paths that are sent: without module, unless a sibling of another module has the same name. */
  readonly name: string;
  /** In JSON by RFC 7951: with its module where that is not the parent's. */
  readonly member: string;
  readonly keys: readonly string[];
  readonly children: readonly SchemaNode[];
  /** By every name that a path may have for it, and by member. */
  readonly byName: ReadonlyMap<string, SchemaNode>;
  /** `elem` of a Path for it, where it has no keys. */
  readonly elem: Uint8Array;
}

/** All data of the model: a node without name. */
export interface SchemaRoot {
  readonly children: readonly SchemaNode[];
  readonly byName: ReadonlyMap<string, SchemaNode>;
}

const DATA = new Set(["container", "list", "leaf", "leaf-list", "anydata", "anyxml"]);

const bare = (name: string): string => name.slice(name.indexOf(":") + 1);

/** From the addon's walk over the modules; choices and cases are no data nodes and are looked through. */
export function schemaTree(nodes: readonly YangSchemaNode[]): SchemaRoot {
  return level(nodes, undefined);
}

function level(nodes: readonly YangSchemaNode[], module: string | undefined): SchemaRoot {
  const data = nodes.flatMap(dataNodes);
  const count = new Map<string, number>();
  for (const { name } of data) count.set(bare(name), (count.get(bare(name)) ?? 0) + 1);
  const children = data.map((schema) => {
    const local = bare(schema.name);
    const qualified = `${schema.module}:${local}`;
    const name = count.get(local) === 1 ? local : qualified;
    return {
      ...{ schema, qualified, name, member: schema.module === module ? local : qualified },
      keys: (schema.keys ?? []).map(bare),
      elem: fieldOctets(3, fieldOctets(1, Buffer.from(name))),
      ...level(schema.children ?? [], schema.module),
    };
  });
  const byName = new Map<string, SchemaNode>();
  for (const child of children) {
    byName.set(child.qualified, child);
    byName.set(child.name, child);
  }
  return { children, byName };
}

function dataNodes(node: YangSchemaNode): readonly YangSchemaNode[] {
  if (node.kind === "choice" || node.kind === "case") return (node.children ?? []).flatMap(dataNodes);
  return DATA.has(node.kind) ? [node] : [];
}
