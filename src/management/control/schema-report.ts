import { createHash } from "node:crypto";
import type { YangContext, YangSchemaNode, YangSchemaType } from "../../../native/api.ts";
import type { SchemaNode } from "../../words/index.ts";

export type SchemaNodeReport = SchemaNode;

/** What can be configured, or that and state. */
export type SchemaPart = "configuration" | "state";

export interface SchemaReport {
  /** Changes whenever anything of `nodes` does. */
  readonly "content-id": string;
  /** Absent where the asker has them. */
  readonly nodes?: readonly SchemaNodeReport[];
}

/**
 * The nodes that can be configured, and with `state` also those that cannot. Choices and cases are looked through: they are in
 * no path.
 */
export async function schemaReport(
  context: Pick<YangContext, "schema">,
  of: SchemaPart,
): Promise<Required<SchemaReport>> {
  const nodes = schemaNodes(await context.schema(), of);
  const id = createHash("sha256").update(JSON.stringify(nodes)).digest("hex").slice(0, 16);
  return { "content-id": id, nodes };
}

/** As {@link schemaReport} has them. */
export function schemaNodes(schema: readonly YangSchemaNode[], of: SchemaPart): readonly SchemaNodeReport[] {
  return schema.flatMap((node) => reported(node, of === "state"));
}

function reported(node: YangSchemaNode, withState: boolean): readonly SchemaNodeReport[] {
  if (!node.config && !withState) return [];
  switch (node.kind) {
    case "choice":
    case "case":
      return (node.children ?? []).flatMap((child) => reported(child, withState));
    case "container":
    case "list":
    case "leaf":
    case "leaf-list":
    case "anydata":
    case "anyxml": {
      const { module, kind, presence, mandatory, keys, type, units, defaults, description } = node;
      const children = node.children?.flatMap((child) => reported(child, withState));
      return [
        {
          ...{ name: node.name.slice(node.name.indexOf(":") + 1), module, kind },
          ...(node.config ? {} : { state: true as const }),
          ...(presence === undefined ? {} : { presence }),
          ...(mandatory === undefined ? {} : { mandatory }),
          ...(keys === undefined ? {} : { keys }),
          ...(type === undefined ? {} : { type: told(type) }),
          ...(units === undefined ? {} : { units }),
          ...(defaults === undefined ? {} : { defaults }),
          ...(description === undefined ? {} : { description }),
          ...(children === undefined ? {} : { children }),
        },
      ];
    }
    default:
      return []; // operations and notifications
  }
}

/** Without patterns: whether a value fits is the router's to say. */
function told({ patterns: _, target, union, ...type }: YangSchemaType): YangSchemaType {
  return {
    ...type,
    ...(target === undefined ? {} : { target: told(target) }),
    ...(union === undefined ? {} : { union: union.map(told) }),
  };
}
