/** Modules and the nodes of their schema, as the addon says them. */

export interface YangModule {
  readonly name: string;
  readonly revision?: string;
  /** `["*"]` for all. */
  readonly features?: readonly string[];
}

/** One schema node. Only what is true or there is said. */
export interface YangSchemaNode {
  /** `module:name` where the module is not that of the parent. */
  readonly name: string;
  readonly module: string;
  readonly kind:
    | "container"
    | "list"
    | "leaf"
    | "leaf-list"
    | "choice"
    | "case"
    | "anydata"
    | "anyxml"
    | "rpc"
    | "action"
    | "input"
    | "output"
    | "notification";
  readonly config: boolean;
  readonly presence?: true;
  readonly mandatory?: true;
  readonly keys?: readonly string[];
  readonly unique?: readonly (readonly string[])[];
  readonly orderedBy?: "user";
  readonly minElements?: number;
  readonly maxElements?: number;
  readonly type?: YangSchemaType;
  readonly units?: string;
  readonly defaults?: readonly string[];
  readonly when?: readonly string[];
  readonly must?: readonly string[];
  readonly description?: string;
  readonly reference?: string;
  readonly status?: "deprecated" | "obsolete";
  /** `module:extension`, e.g. `ietf-netconf-acm:default-deny-all`; also of what the node inherits it from. */
  readonly extensions?: readonly string[];
  readonly children?: readonly YangSchemaNode[];
}

export interface YangSchemaType {
  /** Base type, e.g. `uint8`, `leafref`. */
  readonly base: string;
  /** Pairs of least and greatest. */
  readonly range?: readonly (readonly [string, string])[];
  readonly length?: readonly (readonly [string, string])[];
  readonly patterns?: readonly { readonly expression: string; readonly inverted?: true }[];
  readonly fractionDigits?: number;
  readonly enums?: readonly { readonly name: string; readonly description?: string }[];
  readonly bits?: readonly string[];
  /** `module:identity` of all that are derived. */
  readonly identities?: readonly string[];
  /** Of a leafref: its path and the type there. */
  readonly path?: string;
  readonly target?: YangSchemaType;
  readonly union?: readonly YangSchemaType[];
}

export interface YangModuleState {
  readonly name: string;
  readonly revision: string;
  readonly namespace: string;
  readonly prefix: string;
  readonly implemented: boolean;
  readonly features: readonly string[];
  readonly submodules: readonly { readonly name: string; readonly revision: string }[];
}
