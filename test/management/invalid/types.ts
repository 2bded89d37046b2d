import type { ConfigurationFault } from "../../../src/management/index.ts";
import type { Editable } from "../documents.ts";

export interface Invalid {
  readonly name: string;
  readonly edit: (router: Editable, document: Editable) => void;
  /** Without lines, which have a test of their own. */
  readonly want: readonly Omit<ConfigurationFault, "line">[];
}
