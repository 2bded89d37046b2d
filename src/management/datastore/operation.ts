import type { Path } from "./path.ts";

/** A remote operation of our own modules: an rpc, or an action on a node. */
export interface OperationRequest {
  /** `module:name` of an rpc; of an action its bare name. */
  readonly name: string;
  /** Of an action: the node that it is called on, with all keys. Of an rpc: empty. */
  readonly target: Path;
  /** RFC 7951 object of the input. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** RFC 7951 object of the output. */
export type OperationOutput = Readonly<Record<string, unknown>>;
