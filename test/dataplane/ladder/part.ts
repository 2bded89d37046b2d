import { parseIpv6, parseIpv6Prefix } from "../../../src/base/index.ts";
import type { PortOptions } from "../../../src/dataplane/index.ts";
import type { NextHopState, Operation, SlotOwner } from "../../../src/forwarding/index.ts";

/** What one router of the ladder is told to be. */
export interface RouterPart {
  readonly locator: string;
  readonly ports: readonly PortOptions[];
  readonly pinDirectory: string;
  readonly operations: readonly Operation[];
  /** BFD, 10 ms × 3, and a control session with the routers at these locators. */
  readonly bfd: readonly string[];
  /** Whether it is this router that calls the others. */
  readonly connects: boolean;
  /** It is ready when BFD is up with all of these. */
  readonly waitsForBfd: readonly string[];
  readonly heartbeats: readonly string[];
}

export type Command =
  | { readonly type: "state" }
  | { readonly type: "apply"; readonly operations: readonly Operation[] }
  | { readonly type: "health"; readonly states: readonly (readonly [index: number, state: NextHopState])[] };

export interface Answer {
  /** CLOCK_MONOTONIC in milliseconds, when the command was done. */
  readonly at: number;
  /** State of each BFD session. */
  readonly bfd: readonly string[];
}

/** How long a heartbeat vouches for its sender. Milliseconds. */
export const HOLD = 40;
/** A wait that is in vain; no bound of what is tested. */
export const PATIENCE_MS = 20_000;
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
export const address = (text: string): Uint8Array => parseIpv6(text)!;
export const DOMAIN = parseIpv6Prefix("fd5e:3d00:1::/48")!;
export const CAPABILITY = "fd5e:3d00:1:1:8001:1111:1111:0";
export const LOCATOR = { i1: "fd00:ffff::1", i2: "fd00:ffff::2", e1: "fd00:ffff::11", e2: "fd00:ffff::12" } as const;
export const CLIENT = "2001:db8:c::10";
export const SERVICE_PORT = 53;
/** Of what stands for BGP. */
export const CONTROL_PORT = 1790;
/** Ports of the two instances behind each egress. */
export const INSTANCE_PORTS = [5301, 5302] as const;

export function slots(owners: readonly number[], previous: readonly number[] = owners): SlotOwner[] {
  return Array.from({ length: 64 }, (_, slot) => ({
    ...{ slot, current: owners[slot % owners.length]!, previous: previous[slot % previous.length]! },
  }));
}

/** Looks until it holds; `what` is waited for. */
export async function until(holds: () => boolean, what: string | (() => string)): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; !holds(); await wait(5))
    if (performance.now() > deadline) throw new Error(`in vain: ${typeof what === "string" ? what : what()}`);
}
