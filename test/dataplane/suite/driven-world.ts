import type { DataplaneDriver } from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { ipv6InIpv6 } from "./packets.ts";
import type { TunnelKind, World } from "./world.ts";

/** What an adapter adds to a driver, so that packets go through it. */
export interface WorldParts<Driver extends DataplaneDriver> {
  /** The driver, as a new process would start it. */
  starting(): Promise<Driver>;
  readonly send: World["send"];
  /** Absent: IPv6-in-IPv6. */
  readonly tunnel?: TunnelKind;
  /** An operation as this driver can carry it out; else it is as it is. */
  readonly fit?: (operation: Operation) => Operation;
  /** Resolves when what was said to the driver is in effect; else it is at once. */
  readonly inEffect?: (driver: Driver) => Promise<void>;
  /** Resolves when the driver has heard what was counted; else it looks itself. */
  readonly counted?: (driver: Driver) => Promise<void>;
  readonly tells?: World["tells"];
  /** Ends the packets' way, behind the driver. */
  end?(): Promise<void>;
}

export interface DrivenWorld<Driver extends DataplaneDriver> extends World {
  readonly dataplane: Driver;
  /** Between `stop()` and `start()`. */
  readonly isStopped: boolean;
}

/** A world around a driver, which is another object after `start()`. */
export async function drivenWorld<Driver extends DataplaneDriver>(
  parts: WorldParts<Driver>,
): Promise<DrivenWorld<Driver>> {
  const { fit = (operation) => operation, inEffect, counted, tunnel = ipv6InIpv6 } = parts;
  let dataplane = await parts.starting();
  let isStopped = false;
  let generation = 0;
  return {
    tunnel,
    get dataplane() {
      return dataplane;
    },
    get isStopped() {
      return isStopped;
    },
    async apply(operations) {
      dataplane.apply(operations.map(fit), ++generation);
      await inEffect?.(dataplane);
    },
    async setHealth(nextHop, state) {
      dataplane.setHealth(nextHop, state);
      await inEffect?.(dataplane);
    },
    send: parts.send,
    ...(parts.tells === undefined ? {} : { tells: parts.tells }),
    async counters() {
      await counted?.(dataplane);
      return dataplane.counters();
    },
    async stop() {
      isStopped = true;
      await dataplane[Symbol.asyncDispose]();
    },
    async start() {
      dataplane = await parts.starting();
      isStopped = false;
    },
    async [Symbol.asyncDispose]() {
      await dataplane.remove();
      await parts.end?.();
    },
  };
}
