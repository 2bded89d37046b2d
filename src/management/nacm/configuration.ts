import type { RuleStep } from "../datastore/index.ts";

export const ACCESS_OPERATIONS = ["create", "read", "update", "delete", "exec"] as const;

/** @see RFC 8341 §3.2.2 */
export type AccessOperation = (typeof ACCESS_OPERATIONS)[number];

/** The node `/nacm` of ietf-netconf-acm. @see RFC 8341 §3.5 */
export interface NacmConfiguration {
  readonly enabled: boolean;
  /** What is permitted where no rule says otherwise. */
  readonly defaults: { readonly read: boolean; readonly write: boolean; readonly exec: boolean };
  /** Whether groups count that the way of logging in has told of. */
  readonly externalGroups: boolean;
  readonly groups: readonly { readonly name: string; readonly users: readonly string[] }[];
  /** In their order. */
  readonly ruleLists: readonly RuleList[];
}

export interface RuleList {
  readonly name: string;
  /** `*`: any group. */
  readonly groups: readonly string[];
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly name: string;
  /** Absent: any. */
  readonly module?: string;
  readonly type: RuleType;
  readonly operations: readonly AccessOperation[];
  readonly permit: boolean;
}

/** `name` absent: any. */
export type RuleType =
  | { readonly kind: "any" }
  | { readonly kind: "operation"; readonly name?: string }
  | { readonly kind: "notification"; readonly name?: string }
  | { readonly kind: "data"; readonly path: readonly RuleStep[] };
