import type { Clock } from "../base/index.ts";
import type { Instance, InstanceState } from "../directory/index.ts";
import type { CapabilityBook, PlanId } from "./capability-book.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { OperationBatch } from "./operation-batch.ts";
import type { NextHop, NextHopIndex } from "./plan.ts";

export interface InstanceMember {
  readonly instance: Instance;
  readonly state: InstanceState;
  readonly nextHop: NextHop;
  /** A number made of its id. */
  readonly key: number;
  /** Retained for as long as the instance is known, so that it keeps its counters; 0 when the table was full. */
  readonly index: NextHopIndex;
}

/** The instances behind this router: each has its next hop from the time it is known until it is removed. */
export class InstanceBook {
  readonly #nextHops: NextHopTable;
  readonly #clock: Clock;
  readonly #batch: OperationBatch;
  readonly #book: CapabilityBook;
  readonly #plans = new Map<string, PlanId>();
  /** Removed during adoption; nobody asks afterwards. */
  #removed: Set<string> | undefined;

  constructor(book: CapabilityBook, nextHops: NextHopTable, clock: Clock, batch: OperationBatch) {
    this.#book = book;
    this.#nextHops = nextHops;
    this.#clock = clock;
    this.#batch = batch;
  }

  /** Adds or replaces; an instance whose endpoint changed gets another next hop. */
  put(plan: PlanId, instance: Instance, said: InstanceState): InstanceMember {
    const nextHop = towards(instance);
    const state = this.#believed(instance, said, nextHop);
    const index = this.#nextHops.obtain(nextHop, state, this.#clock.monotonic()) ?? 0;
    if (index !== 0) this.#nextHops.retain(index);
    this.#drop(instance.id);
    const member = { instance, state, nextHop, key: instanceKey(instance.id), index };
    this.#book.putInstance(plan, member);
    this.#plans.set(instance.id, plan);
    this.#removed?.delete(instance.id);
    this.#tell(member);
    return member;
  }

  /** At once, but that it drains: what begins may still be its own, which {@link settle} says with its capability. */
  #tell({ index, state }: InstanceMember): void {
    if (state !== "draining") this.#set(index, state);
  }

  #set(index: NextHopIndex, state: InstanceState): void {
    if (index !== 0 && this.#nextHops.setState(index, state))
      this.#batch.add({ type: "set-next-hop-state", index, state });
  }

  /** What the data plane is to think of instances that drain. */
  settle(plan: PlanId, { whileDraining }: { readonly whileDraining: boolean }): void {
    for (const { index, state } of this.#book.instances(plan).values())
      if (state === "draining") this.#set(index, whileDraining ? "up" : "draining");
  }

  #member(id: string): InstanceMember | undefined {
    const plan = this.#plans.get(id);
    return plan === undefined ? undefined : this.#book.instances(plan).get(id);
  }

  #drop(id: string): void {
    const plan = this.#plans.get(id);
    const member = this.#member(id);
    if (plan === undefined || member === undefined) return;
    this.#book.dropInstance(plan, id);
    this.#plans.delete(id);
    if (member.index !== 0) this.#nextHops.release(member.index);
  }

  /** What is removed takes no packets from now on; its slots follow. */
  remove(id: string): PlanId | undefined {
    const plan = this.setState(id, "down");
    this.#drop(id);
    this.#removed?.add(id);
    return plan;
  }

  /** The capability that is concerned; `undefined` for an instance that is not known. */
  setState(id: string, state: InstanceState): PlanId | undefined {
    const plan = this.#plans.get(id);
    const member = this.#member(id);
    if (plan === undefined || member === undefined) return undefined;
    const changed = { ...member, state };
    this.#book.putInstance(plan, changed);
    this.#tell(changed);
    return plan;
  }

  /** During adoption a checked instance has not been probed yet: what the data plane holds for its endpoint is the better guess. */
  #believed({ check, health, adminState }: Instance, said: InstanceState, nextHop: NextHop): InstanceState {
    const isProbed = check === undefined || health.state !== "unknown";
    if (this.#removed === undefined || isProbed || adminState === "down") return said;
    const index = this.#nextHops.find(nextHop);
    const held = (index === undefined ? undefined : this.#nextHops.state(index)) ?? said;
    return held === "up" && adminState === "draining" ? "draining" : held;
  }

  /** From now on it is noted who is removed, and states that the data plane holds count, until {@link endAdoption}. */
  beginAdoption(): void {
    this.#removed = new Set();
  }

  endAdoption(): void {
    this.#removed = undefined;
  }

  /** During adoption: it is known to be dead or removed. */
  isGone(id: string): boolean {
    return this.#removed?.has(id) === true || this.#member(id)?.state === "down";
  }
}

function towards({ id, endpoint, servicePort }: Instance): NextHop {
  const { address, port, protocol } = endpoint;
  return { kind: "instance", instance: id, address, port, protocol, servicePort };
}

/** The same on every router. @see FNV-1a, 32 bits */
function instanceKey(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
