/** The messages of `fib.proto` as they are handed over: sequences and counters as decimal text, enumerations as numbers. */

import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { Feature } from "../features.ts";

/** A 64-bit number; what is sent may be a number. */
type Wide = string | number;

/** The highest that is spoken here; all below are, too. */
export const PROTOCOL_VERSION = 2;
/** What came later than version 1, and with which. */
export const SINCE = { aggregates: 2, "mss-clamp": 2 } as const satisfies Partial<Record<Feature, number>>;
const SERVICE = "semrd.fib.v1.FibExecutor";
/** Operations on the way, where the executor does not say. */
export const DEFAULT_WINDOW = 1024;

export const STATES = ["down", "up", "draining"] as const;
export const ROLES = ["core", "client", "agent"] as const;
export const REFUSALS = [
  ...["internal", "not-allowed", "not-found", "table-full", "unsupported", "malformed"],
] as const satisfies string[];
export const REFUSAL = { internal: 0, notAllowed: 1, notFound: 2, tableFull: 3, unsupported: 4, malformed: 5 } as const;

export type OperationKind =
  | "set_next_hop"
  | "set_next_hop_state"
  | "remove_next_hop"
  | "set_slots"
  | "remove_group"
  | "set_capability"
  | "remove_capability"
  | "set_node"
  | "remove_node"
  | "set_encapsulation"
  | "set_policy"
  | "remove_policy"
  | "set_aggregate"
  | "remove_aggregate";

export type NextHopTarget = "tunnel" | "instance" | "local";

export interface OperationMessage {
  readonly operation?: OperationKind;
  readonly set_next_hop?: {
    readonly index: number;
    readonly state: number;
    readonly target?: NextHopTarget;
    readonly tunnel?: Uint8Array;
    readonly instance?: InstanceMessage;
    readonly local?: boolean;
    readonly encapsulation?: EncapsulationMessage | null;
  };
  readonly set_next_hop_state?: { readonly index: number; readonly state: number };
  readonly remove_next_hop?: number;
  readonly set_slots?: {
    readonly group: number;
    readonly backup: number;
    readonly slot: readonly number[];
    readonly current: readonly number[];
    readonly previous: readonly number[];
  };
  readonly remove_group?: number;
  readonly set_capability?: {
    readonly address: Uint8Array;
    readonly group: number;
    readonly local_group: number;
    readonly policy: number;
    readonly affinity: number;
  };
  readonly remove_capability?: Uint8Array;
  readonly set_node?: { readonly locator: Uint8Array; readonly vni: number };
  readonly remove_node?: Uint8Array;
  readonly set_encapsulation?: { readonly index: number; readonly encapsulation?: EncapsulationMessage | null };
  readonly set_policy?: PolicyMessage;
  readonly remove_policy?: number;
  readonly set_aggregate?: { readonly prefix: PrefixMessage | null; readonly group: number; readonly policy: number };
  readonly remove_aggregate?: PrefixMessage;
}

export interface PrefixMessage {
  readonly address: Uint8Array;
  readonly length: number;
}

export interface RateMessage {
  readonly per_second: Wide;
  readonly burst: Wide;
}

export interface PolicyMessage {
  readonly index: number;
  readonly use: number;
  readonly tenant_index: number;
  readonly packets?: RateMessage | null;
  readonly bits?: RateMessage | null;
  readonly dscp?: number | null;
  readonly tag: number;
  readonly counted: boolean;
  readonly allowed: readonly number[];
}

export interface EncapsulationMessage {
  readonly kind?: "segments" | "vxlan";
  readonly segments?: { readonly waypoint: readonly Uint8Array[] };
  readonly vxlan?: { readonly vni: number; readonly destination: Uint8Array; readonly source: Uint8Array };
}

export interface InstanceMessage {
  readonly id: string;
  readonly address: Uint8Array;
  readonly port: number;
  readonly udp: boolean;
  readonly service_port: number;
}

export interface PortMessage {
  readonly interface: string;
  readonly role: number;
  readonly tenant_index: number;
  readonly checks_sources: boolean;
  readonly sources: readonly { readonly address: Uint8Array; readonly length: number; readonly tenant_index: number }[];
  readonly accepts_tags: boolean;
  readonly clamps_mss: boolean;
}

export interface PortReportMessage {
  readonly interface: string;
  readonly attached: boolean;
  readonly reason: string;
}

export interface SettingsMessage {
  readonly domain: Uint8Array;
  readonly locator: Uint8Array;
  readonly hash_seed: number;
  readonly tunnel_mtu: number;
  readonly max_capabilities: number;
  readonly ports: readonly PortMessage[];
}

export interface HelloMessage {
  readonly version: number;
  readonly router: string;
  readonly settings: SettingsMessage;
  readonly plan_id: Uint8Array;
  readonly sequence: Wide;
}

export interface RefusalMessage {
  readonly sequence: Wide;
  readonly code: number;
  readonly reason: string;
}

export interface WelcomeMessage {
  readonly version: number;
  readonly name: string;
  readonly plan_id: Uint8Array;
  readonly sequence: Wide;
  readonly generation: Wide;
  readonly refusals: readonly RefusalMessage[];
  readonly window: number;
  readonly cannot: readonly { readonly feature: string; readonly reason: string }[];
  readonly ports: readonly PortReportMessage[];
}

export interface OperationsMessage {
  readonly first: Wide;
  readonly operations: readonly OperationMessage[];
  readonly generation: Wide;
  readonly completes: boolean;
}

export interface CountersMessage {
  readonly number: Wide;
  readonly verdicts: readonly { readonly name: string; readonly packets: Wide }[];
  readonly next_hops: readonly {
    readonly next_hop: number;
    readonly packets: Wide;
    readonly bytes: Wide;
    readonly flows: Wide;
  }[];
}

/** One of them is there, and `message` names it. */
export interface ToExecutor {
  readonly message?: keyof Omit<ToExecutor, "message">;
  readonly hello?: HelloMessage;
  readonly resume?: { readonly sequence: Wide };
  readonly snapshot_begin?: { readonly plan_id: Uint8Array };
  readonly operations?: OperationsMessage;
  readonly snapshot_end?: { readonly sequence: Wide; readonly generation: Wide };
  readonly health?: { readonly number: Wide; readonly next_hop: number; readonly state: number };
  readonly counters?: { readonly number: Wide };
  readonly ports?: { readonly number: Wide; readonly ports: readonly PortMessage[] };
  readonly read?: { readonly number: Wide };
}

/** One of them is there, and `message` names it. */
export interface FromExecutor {
  readonly message?: keyof Omit<FromExecutor, "message">;
  readonly welcome?: WelcomeMessage;
  readonly acknowledged?: { readonly through: Wide; readonly refusals: readonly RefusalMessage[] };
  readonly health_done?: { readonly number: Wide; readonly refused: string };
  readonly counters?: CountersMessage;
  readonly ports_done?: { readonly number: Wide; readonly ports: readonly PortReportMessage[] };
  readonly held?: {
    readonly number: Wide;
    readonly operations: readonly OperationMessage[];
    readonly done: boolean;
  };
  readonly next_hop?: { readonly next_hop: number; readonly unreachable: boolean; readonly reason: string };
}

/** The service for `Server.addService` and `makeGenericClientConstructor`; messages as the types above have them. */
export function fibService(): ServiceDefinition {
  const proto = loadSync(fileURLToPath(new URL("./fib.proto", import.meta.url)), {
    ...{ keepCase: true, longs: String, defaults: true, arrays: true, oneofs: true },
  });
  return proto[SERVICE] as unknown as ServiceDefinition;
}
