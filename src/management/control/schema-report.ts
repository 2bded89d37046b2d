import { createHash } from "node:crypto";
import type { YangContext, YangSchemaNode, YangSchemaType } from "../../../native/api.ts";

/** A node of the schema: what a command line needs to read, complete and explain a path. */
export interface SchemaNodeReport {
  /** Without its module. */
  readonly name: string;
  readonly module: string;
  readonly kind: "container" | "list" | "leaf" | "leaf-list" | "anydata" | "anyxml";
  readonly presence?: true;
  readonly mandatory?: true;
  /** It, and all below it, is what the router does, which nobody configures. */
  readonly state?: true;
  readonly keys?: readonly string[];
  readonly type?: YangSchemaType;
  readonly units?: string;
  readonly defaults?: readonly string[];
  readonly description?: string;
  readonly children?: readonly SchemaNodeReport[];
}

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
  const nodes = (await context.schema()).flatMap((node) => reported(node, of === "state"));
  const id = createHash("sha256").update(JSON.stringify(nodes)).digest("hex").slice(0, 16);
  return { "content-id": id, nodes };
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
