/*
 * Messages as `@grpc/proto-loader` gives them: every field is there, 64-bit numbers are text, enumerations are their names
 * (a number where the name is not known), a oneof says which of its members is set.
 */

export interface PathElem {
  readonly name: string;
  readonly key: Readonly<Record<string, string>>;
}

export interface GnmiPath {
  readonly element?: readonly string[];
  readonly origin?: string;
  readonly elem: readonly PathElem[];
  readonly target?: string;
}

export type Encoding = "JSON" | "BYTES" | "PROTO" | "ASCII" | "JSON_IETF" | number;

export type TypedValue =
  | { readonly value: "string_val"; readonly string_val: string }
  | { readonly value: "int_val"; readonly int_val: string }
  | { readonly value: "uint_val"; readonly uint_val: string }
  | { readonly value: "bool_val"; readonly bool_val: boolean }
  | { readonly value: "bytes_val"; readonly bytes_val: Buffer }
  | { readonly value: "float_val"; readonly float_val: number }
  | { readonly value: "double_val"; readonly double_val: number }
  | { readonly value: "decimal_val"; readonly decimal_val: { readonly digits: string; readonly precision: number } }
  | { readonly value: "leaflist_val"; readonly leaflist_val: { readonly element: readonly TypedValue[] } }
  | { readonly value: "json_val"; readonly json_val: Buffer }
  | { readonly value: "json_ietf_val"; readonly json_ietf_val: Buffer }
  | { readonly value: "ascii_val"; readonly ascii_val: string }
  | { readonly value: "any_val" | "proto_bytes" };

export interface Update {
  readonly path: GnmiPath | null;
  readonly val: TypedValue | null;
  readonly duplicates?: number;
}

export interface Duration {
  readonly seconds: string;
  readonly nanos: number;
}

export type CommitAction =
  | { readonly action: "commit"; readonly commit: { readonly rollback_duration: Duration | null } }
  | { readonly action: "confirm" | "cancel" }
  | {
      readonly action: "set_rollback_duration";
      readonly set_rollback_duration: { readonly rollback_duration: Duration | null };
    };

export type CommitExtension = { readonly id: string } & Partial<CommitAction>;

/** Times are nanoseconds since the Unix epoch. */
export interface HistoryRequest {
  readonly request?: "snapshot_time" | "range";
  readonly snapshot_time?: string;
  readonly range?: { readonly start: string; readonly end: string };
}

export interface MasterArbitration {
  readonly role: { readonly id: string } | null;
  readonly election_id: { readonly high: string; readonly low: string } | null;
}

export type Extension =
  | { readonly ext: "master_arbitration"; readonly master_arbitration: MasterArbitration }
  | { readonly ext: "commit"; readonly commit: CommitExtension }
  | { readonly ext: "depth"; readonly depth: { readonly level: number } }
  | { readonly ext: "history"; readonly history: HistoryRequest }
  | { readonly ext: "registered_ext" | "config_subscription" }
  | { readonly ext?: undefined };

export interface CapabilityRequest {
  readonly extension: readonly Extension[];
}

export interface GetRequest {
  readonly prefix: GnmiPath | null;
  readonly path: readonly GnmiPath[];
  readonly type: "ALL" | "CONFIG" | "STATE" | "OPERATIONAL" | number;
  readonly encoding: Encoding;
  readonly extension: readonly Extension[];
}

export interface SetRequest {
  readonly prefix: GnmiPath | null;
  readonly delete: readonly GnmiPath[];
  readonly replace: readonly Update[];
  readonly update: readonly Update[];
  readonly union_replace: readonly Update[];
  readonly extension: readonly Extension[];
}

export interface Subscription {
  readonly path: GnmiPath | null;
  readonly mode: "TARGET_DEFINED" | "ON_CHANGE" | "SAMPLE" | number;
  readonly sample_interval: string;
  readonly suppress_redundant: boolean;
  readonly heartbeat_interval: string;
}

export interface SubscriptionList {
  readonly prefix: GnmiPath | null;
  readonly subscription: readonly Subscription[];
  readonly use_aliases: boolean;
  readonly mode: "STREAM" | "ONCE" | "POLL" | number;
  readonly encoding: Encoding;
  readonly updates_only: boolean;
}

export interface SubscribeRequest {
  readonly request?: "subscribe" | "poll" | "aliases";
  readonly subscribe?: SubscriptionList;
  readonly extension: readonly Extension[];
}
