import { type Clock, Slices } from "../../base/index.ts";
import type { NextHopCounters } from "../../dataplane/index.ts";
import type { Directory } from "../../directory/index.ts";
import type { CounterBook } from "../counter-book.ts";
import { dateAndTime } from "./place.ts";

export interface TrafficParts {
  readonly directory: Directory;
  readonly counters: CounterBook;
  readonly clock: Clock;
}

export interface Traffic {
  readonly packets: string;
  readonly octets: string;
  readonly flows: string;
}

/** What instances behind this router were given when it was read. */
export class InstanceCounters {
  readonly #parts: TrafficParts;
  readonly #byInstance: ReadonlyMap<string, NextHopCounters>;

  private constructor(parts: TrafficParts, byInstance: ReadonlyMap<string, NextHopCounters>) {
    this.#parts = parts;
    this.#byInstance = byInstance;
  }

  /** In slices: there may be ten thousand instances. */
  static async read(parts: TrafficParts): Promise<InstanceCounters> {
    const slices = new Slices(parts.clock, { stepsPerLook: 1 });
    const { counters: book } = parts;
    const { nextHops } = book.counters();
    const found = new Map<string, NextHopCounters>();
    for (const [index, { nextHop }] of book.plan.plannedNextHops()) {
      if (slices.isOver) await slices.next();
      const counters = nextHop.kind === "instance" ? nextHops.get(index) : undefined;
      if (nextHop.kind === "instance" && counters !== undefined) found.set(nextHop.instance, counters);
    }
    return new InstanceCounters(parts, found);
  }

  /** Nothing for an instance that has no place in the data plane. */
  of(instance: string): (Traffic & { readonly "discontinuity-time": string }) | undefined {
    const counters = this.#byInstance.get(instance);
    if (counters === undefined) return undefined;
    return { "discontinuity-time": dateAndTime(this.#parts.counters.discontinuity), ...traffic(counters) };
  }

  /** Of all instances of a tenant, with how many there are. */
  byTenant(): ReadonlyMap<string, Traffic & { readonly instances: number }> {
    const { directory } = this.#parts;
    const sums = new Map<string, { instances: number; packets: bigint; bytes: bigint; flows: bigint }>();
    const counters = this.#byInstance;
    for (const { id, tenant } of directory.instances()) {
      const sum = sums.get(tenant) ?? { instances: 0, packets: 0n, bytes: 0n, flows: 0n };
      const own = counters.get(id);
      sums.set(tenant, {
        instances: sum.instances + 1,
        packets: sum.packets + (own?.packets ?? 0n),
        bytes: sum.bytes + (own?.bytes ?? 0n),
        flows: sum.flows + (own?.flows ?? 0n),
      });
    }
    return new Map(Array.from(sums, ([tenant, sum]) => [tenant, { instances: sum.instances, ...traffic(sum) }]));
  }
}

function traffic({ packets, bytes, flows }: NextHopCounters): Traffic {
  return { packets: String(packets), octets: String(bytes), flows: String(flows) };
}
