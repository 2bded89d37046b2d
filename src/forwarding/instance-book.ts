import type { Clock } from "../base/index.ts";
import type { Instance, InstanceState } from "../directory/index.ts";
import type { CapabilityPlan, InstanceMember } from "./capability-plan.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { OperationBatch } from "./operation-batch.ts";
import type { NextHop } from "./plan.ts";

/** The instances behind this router: each has its next hop from the time it is known until it is removed. */
export class InstanceBook {
  readonly #nextHops: NextHopTable;
  readonly #clock: Clock;
  readonly #batch: OperationBatch;
  readonly #plans = new Map<string, CapabilityPlan>();
  /** Removed since the start; only asked about during adoption. */
  readonly #removed = new Set<string>();

  constructor(nextHops: NextHopTable, clock: Clock, batch: OperationBatch) {
    this.#nextHops = nextHops;
    this.#clock = clock;
    this.#batch = batch;
  }

  /** Adds or replaces; an instance whose endpoint changed gets another next hop. */
  put(plan: CapabilityPlan, instance: Instance, state: InstanceState): InstanceMember {
    const nextHop = towards(instance);
    const present = this.#plans.get(instance.id)?.instances.get(instance.id);
    const index = this.#nextHops.obtain(nextHop, state, this.#clock.monotonic()) ?? 0;
    if (index !== 0) this.#nextHops.retain(index);
    if (present !== undefined) this.#drop(instance.id);
    const member = { instance, state, nextHop, key: instanceKey(instance.id), index };
    plan.instances.set(instance.id, member);
    this.#plans.set(instance.id, plan);
    this.#removed.delete(instance.id);
    this.#tell(member);
    return member;
  }

  #tell({ index, state }: InstanceMember): void {
    if (index !== 0 && this.#nextHops.setState(index, state)) {
      this.#batch.add({ type: "set-next-hop-state", index, state });
    }
  }

  #drop(id: string): CapabilityPlan | undefined {
    const plan = this.#plans.get(id);
    const member = plan?.instances.get(id);
    if (plan === undefined || member === undefined) return undefined;
    plan.instances.delete(id);
    this.#plans.delete(id);
    if (member.index !== 0) this.#nextHops.release(member.index);
    return plan;
  }

  /** What is removed takes no packets from now on; its slots follow. */
  remove(id: string): CapabilityPlan | undefined {
    const plan = this.setState(id, "down");
    this.#drop(id);
    this.#removed.add(id);
    return plan;
  }

  /** The capability that is concerned; `undefined` for an instance that is not known. */
  setState(id: string, state: InstanceState): CapabilityPlan | undefined {
    const plan = this.#plans.get(id);
    const member = plan?.instances.get(id);
    if (plan === undefined || member === undefined) return undefined;
    const changed = { ...member, state };
    plan.instances.set(id, changed);
    this.#tell(changed);
    return plan;
  }

  /** What the data plane holds for the endpoint of an instance. */
  heldState(instance: Instance): InstanceState | undefined {
    const index = this.#nextHops.find(towards(instance));
    return index === undefined ? undefined : this.#nextHops.state(index);
  }

  isGone(id: string): boolean {
    return this.#removed.has(id) || this.#plans.get(id)?.instances.get(id)?.state === "down";
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
