import type { YangSchemaType } from "../../native/api.ts";

/** A node of the schema: what a command line needs to read, complete and explain a path. */
export interface SchemaNode {
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
  readonly children?: readonly SchemaNode[];
}
