import type { DataplaneCounters, DataplaneDriver, DataplaneOptions } from "../../../src/dataplane/index.ts";
import type { NextHopIndex, NextHopState, Operation } from "../../../src/forwarding/index.ts";

/** The three sides of the router under test: a client's link, an agent's, and the way to the other routers. */
export const SIDES = ["client", "agent", "core"] as const;
export type Side = (typeof SIDES)[number];

/** An IPv6 packet that came out. */
export interface Arrival {
  readonly at: Side;
  readonly packet: Uint8Array;
}

/** How routers put packets into tunnels to each other. */
export interface TunnelKind {
  /** A packet as the router `from` sends it to `to`. */
  wrap(from: Uint8Array, to: Uint8Array, packet: Uint8Array): Uint8Array;
  /** Octets around a packet. */
  readonly overhead: number;
}

/**
 * A router with the driver under test, and the ends of its links. The adapters make one: in namespaces with real packets,
 * or around a model. Addresses, tenants and ports are those of `test/dataplane/memory/story.ts`: ports `client0` and
 * `agent0` of tenant 1, `core0`; everything in 2001:db8:c::/64, :a::/64 and :f::/64 is behind them.
 */
export interface World extends AsyncDisposable {
  /** Another object after `start()`. */
  readonly dataplane: DataplaneDriver;
  /** Of the tunnels that `apply` makes, unless they say of what kind they are. */
  readonly tunnel: TunnelKind;
  /** Carries operations out, as one plan; resolves when they are in effect. */
  apply(operations: readonly Operation[]): Promise<void>;
  /** Resolves when it is in effect. */
  setHealth(nextHop: NextHopIndex, state: NextHopState): Promise<void>;
  /** Sends IPv6 packets into a side, one after the other, and says what came out, in order, once nothing more will. */
  send(from: Side, packets: readonly Uint8Array[]): Promise<readonly Arrival[]>;
  /** What was counted, all that was sent before included. */
  counters(): Promise<DataplaneCounters>;
  /** Ends the driver as a process that stops does; packets may still be sent. */
  stop(): Promise<void>;
  /** Starts the driver again, after `stop()`. */
  start(): Promise<void>;
  /** What tells why a case failed, beside what the case says: printed with it. */
  tells?(): string;
}

export type StartWorld = (options?: Partial<DataplaneOptions>) => Promise<World>;
