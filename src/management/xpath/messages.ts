import type { YangFault, YangModule, YangPath } from "../../../native/api.ts";

/** From the router to the helper. A `tree` is answered by `ready`, an `expression` by `selected` or `faults`, `nodes` by `found` or `faults`. */
export type XPathRequest =
  | { readonly type: "open"; readonly searchPaths: readonly string[]; readonly modules: readonly YangModule[] }
  /** Replaces the tree of before. */
  | { readonly type: "tree"; readonly text: string }
  | ({ readonly type: "expression"; readonly levels?: number } & Expression)
  | ({ readonly type: "nodes" } & Expression)
  | ({ readonly type: "event"; readonly event: XPathEvent } & Expression);

interface Expression {
  readonly expression: string;
  readonly prefixes: Readonly<Record<string, string>>;
}

/** A notification, as {@link YangContext.printNotification} takes it. */
export interface XPathEvent {
  readonly target: YangPath;
  readonly name: string;
  readonly content: unknown;
}

export type XPathAnswer =
  | { readonly type: "ready" }
  /** What was selected, with what it stands in, as the tree was sent: XML with default values tagged. */
  | { readonly type: "selected"; readonly text: string }
  /** Where the topmost nodes are that were selected. */
  | { readonly type: "found"; readonly paths: readonly YangPath[] }
  /** Of an event: something of it is selected. */
  | { readonly type: "matched"; readonly matches: boolean }
  | { readonly type: "faults"; readonly faults: readonly YangFault[] }
  | { readonly type: "failed"; readonly message: string };
