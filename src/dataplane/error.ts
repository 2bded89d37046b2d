import { FaultError } from "../base/index.ts";
import type { Operation } from "../forwarding/index.ts";

export type DataplaneFault =
  /** A table has no room. `limit` is what it holds at most. */
  | { readonly code: "dataplane.table-full"; readonly table: TableName; readonly limit: number }
  /** An operation that the tables as they are do not allow: a mistake of the caller. */
  | { readonly code: "dataplane.bad-operation"; readonly type: Operation["type"] }
  /** Somebody else's program sits on the hook. */
  | { readonly code: "dataplane.foreign-program"; readonly interface: string }
  /** A bridge of Open vSwitch that has our name and is somebody else's. */
  | { readonly code: "dataplane.foreign-bridge"; readonly bridge: string }
  /** Nobody answers at a socket of Open vSwitch. */
  | { readonly code: "dataplane.no-switch"; readonly path: string }
  | { readonly code: "dataplane.no-rights" }
  /** Programs that are there could not be replaced by those of this process; they go on. */
  | { readonly code: "dataplane.not-replaced" }
  | { readonly code: "dataplane.interface-missing"; readonly interface: string }
  /** A packet was asked about at an interface where none is looked at. */
  | { readonly code: "dataplane.no-such-port"; readonly interface: string }
  | { readonly code: "dataplane.unsupported-kernel" };

export type TableName =
  | "capabilities"
  | "groups"
  | "next hops"
  | "nodes"
  | "encapsulations"
  | "aggregates"
  | "policies"
  | "allowed"
  | "sources";

/** What a data plane refuses or cannot do. The message says what, where, and what to do about it. */
export class DataplaneError extends FaultError<DataplaneFault> {}

/** The error of a full table, the same from every driver. */
export function tableFull(table: TableName, limit: number, position: number): DataplaneError {
  return new DataplaneError(
    { code: "dataplane.table-full", table, limit },
    `operation ${position} finds the table of ${table} full (it holds ${limit}): ${REMEDY[table]}; the operations before it are in effect`,
  );
}

const REMEDY: Readonly<Record<TableName, string>> = {
  capabilities: "raise max-capabilities and restart, or announce fewer capabilities",
  groups: "raise max-capabilities and restart; the number of groups follows it up to 65535",
  "next hops": "raise max-capabilities and restart; the number of next hops follows it up to 65535",
  nodes: "fewer routers may tunnel to this one",
  aggregates: "announce fewer prefixes of names",
  encapsulations: "reach more of the routers with plain IPv6-in-IPv6",
  policies: "give fewer tenants a policy of their own, and fewer capabilities limits and counters",
  allowed: "write fewer rules that let tenants call each other, or give each fewer capabilities",
  sources: "permit fewer source prefixes",
};

/** The error of a question about an interface where no packet is looked at. `reason`: why it is a port without a program. */
export function noSuchPort(
  name: string,
  ports: readonly { readonly interface: string; readonly role: string }[],
  reason?: string,
): DataplaneError {
  const known = ports.map(({ interface: port, role }) => `${port} (${role})`).join(", ");
  return new DataplaneError(
    { code: "dataplane.no-such-port", interface: name },
    reason === undefined
      ? `${name} is no port of the data plane; its ports are: ${known || "none"}`
      : `no program is on ${name}: ${reason}`,
  );
}
