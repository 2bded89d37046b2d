import { type Ipv6Prefix, sameValue, toHex } from "../../base/index.ts";
import type {
  GroupIndex,
  NextHopIndex,
  NextHopState,
  Operation,
  PlannedGroup,
  PlannedNextHop,
  Policy,
  PolicyIndex,
  SlotOwner,
} from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { type MadeFor, textOf } from "./adoption.ts";
import { aggregateFlow, capabilityFlows } from "./destination-flows.ts";
import { Endpoints } from "./endpoints.ts";
import { fixedFlows } from "./fixed-flows.ts";
import { groupMessages, removeGroupMessages } from "./group-messages.ts";
import { ENTRY, nextHopEntry, policyEntry } from "./ledger.ts";
import { aliveGroup, isOpen, isUsable, type SwitchFacts, usableFlows } from "./next-hop-flows.ts";
import { nodeFlows } from "./node-flows.ts";
import { note } from "./openflow/actions.ts";
import { FIELD, is } from "./openflow/fields.ts";
import { addFlow, type Flow, type Numbered, removeFlow, removeFlows, removeGroup, setGroup } from "./openflow/flow.ts";
import type { MeterOrder, Order } from "./openflow/meter.ts";
import { policyFlows, policyMeters } from "./policy-flows.ts";
import { multicastFlow, portFlows, type SwitchPort } from "./port-flows.ts";
import { GROUP, TABLE } from "./tables.ts";

/** Another arrangement of tables, registers and actions gets another number: flows of the older one are not adopted. */
export const LAYOUT = 7;

/**
 * Turns a plan into flows and groups. Keeps the plan's tables and what follows from them, and knows nothing of the switch
 * but its {@link SwitchFacts}; messages are carried out in order and together.
 */
export class Program {
  readonly plan: PlanTables;
  readonly #domain: Ipv6Prefix;
  readonly #facts: SwitchFacts;
  readonly #endpoints = new Endpoints();
  readonly #held = new Map<GroupIndex, Set<number>>();
  #ports: readonly SwitchPort[] = [];

  constructor(plan: PlanTables, domain: Ipv6Prefix, facts: SwitchFacts) {
    this.plan = plan;
    this.#domain = domain;
    this.#facts = facts;
  }

  get madeFor(): MadeFor {
    const { locator, tunnelPort, hairPinPort, stackMac, longestFrame } = this.#facts;
    const ports = this.#ports.map(({ number, mac, role, tenantIndex, sources }) => [
      ...[number, toHex(mac), role, tenantIndex],
      sources?.map(({ prefix, tenantIndex: tenant }) => [toHex(prefix.address), prefix.length, tenant]) ?? "all",
    ]);
    const facts = { tunnelPort, hairPinPort, stackMac: toHex(stackMac), longestFrame, ports };
    return { layout: LAYOUT, domain: toHex(this.#domain.address), locator: toHex(locator), facts };
  }

  /** Checks and carries out one operation in the tables; returns what the switch has to do. @throws {DataplaneError} as `PlanTables.apply` */
  apply(operation: Operation, position: number): Order[] {
    switch (operation.type) {
      case "set-next-hop":
      case "set-next-hop-state":
      case "set-encapsulation": {
        const before = this.plan.plannedNextHop(operation.index);
        this.plan.apply(operation, position);
        return this.#nextHopMessages(operation.index, before, operation.type === "set-encapsulation");
      }
      case "remove-next-hop": {
        const before = this.plan.plannedNextHop(operation.index);
        this.plan.apply(operation, position);
        return before === undefined ? [] : this.#removeNextHop(operation.index, before);
      }
      case "remove-group": {
        const before = this.plan.groupEntry(operation.group);
        this.plan.apply(operation, position);
        this.#held.delete(operation.group);
        return before === undefined ? [] : removeGroupMessages(operation.group, before, (one) => this.#isTunnel(one));
      }
      case "set-slots": {
        const before = this.plan.groupEntry(operation.group);
        this.plan.apply(operation, position);
        this.#hold(operation.group, before?.slots);
        return this.#group(operation.group, before);
      }
      case "set-capability": {
        const before = this.plan.capability(operation.entry.address);
        this.plan.apply(operation, position);
        return replaced(before === undefined ? [] : capabilityFlows(before), capabilityFlows(operation.entry));
      }
      case "remove-capability": {
        const entry = this.plan.capability(operation.address);
        this.plan.apply(operation, position);
        return entry === undefined ? [] : capabilityFlows(entry).map(removeFlow);
      }
      case "set-aggregate":
        this.plan.apply(operation, position);
        return [addFlow(aggregateFlow(operation.aggregate))];
      case "remove-aggregate": {
        const before = this.plan.aggregateAt(operation.prefix);
        this.plan.apply(operation, position);
        return before === undefined ? [] : [removeFlow(aggregateFlow(before))];
      }
      case "set-policy":
      case "remove-policy": {
        const { index } = operation;
        const before = this.plan.policy(index);
        this.plan.apply(operation, position);
        return policyOrders(index, before, this.plan.policy(index));
      }
      case "set-node": {
        const before = this.plan.node(operation.locator);
        this.plan.apply(operation, position);
        const flows = nodeFlows(operation, this.#domain, this.#facts);
        return replaced(before === undefined ? [] : nodeFlows(before, this.#domain, this.#facts), flows);
      }
      case "remove-node": {
        const node = this.plan.node(operation.locator);
        this.plan.apply(operation, position);
        return node === undefined ? [] : nodeFlows(node, this.#domain, this.#facts).map(removeFlow);
      }
    }
  }

  /** The fast path of failover: who may be chosen and who may have packets. */
  setState(index: NextHopIndex, state: NextHopState): Numbered[] {
    const before = this.plan.plannedNextHop(index);
    this.plan.setState(index, state);
    return this.#nextHopMessages(index, before);
  }

  /** Whether {@link release} has something to do. */
  get holds(): boolean {
    return this.#held.size > 0;
  }

  /**
   * Slots that came into transition go to the former owner with new flows too, until this is called: the switch counts late, and
   * what it counts by a rule that remembers flows it also remembers. So a connection that began just before would be
   * remembered as a new one.
   */
  release(): Numbered[] {
    const groups = [...this.#held.keys()];
    this.#held.clear();
    return groups.flatMap((index) => this.#group(index));
  }

  /** The number of the plan, in the cookie of an entry of the ledger, and what the flows were made for. */
  generation(generation: number): Numbered {
    return addFlow({
      table: TABLE.ledger,
      priority: 1,
      match: [is(FIELD.metadata, ENTRY.plan * 2 ** 32)],
      cookie: BigInt(generation),
      actions: [note(textOf(this.madeFor))],
    });
  }

  /** Makes these the ports: what others had is taken away. */
  setPorts(ports: readonly SwitchPort[]): Numbered[] {
    const kept = new Set(ports.flatMap((port) => portFlows(port, this.#domain, this.#facts)).map(flowKey));
    const gone = this.#ports
      .flatMap((port) => portFlows(port, this.#domain, this.#facts))
      .filter((flow) => !kept.has(flowKey(flow)));
    this.#ports = ports;
    return [...gone.map(removeFlow), ...this.#portFlows().map(addFlow)];
  }

  /** All meters that {@link everything} names. */
  *meters(): Generator<MeterOrder> {
    for (const [index, policy] of this.plan.plannedPolicies()) yield* policyMeters(index, policy);
  }

  /** Everything but meters, for a switch that may hold anything: one bundle of this leaves no packet without a plan. */
  *everything(generation: number): Generator<Numbered> {
    yield removeFlows();
    yield removeGroup();
    yield setGroup(GROUP.always, "all", [{ actions: [] }]);
    yield setGroup(GROUP.never, "all", []);
    for (const flow of [...fixedFlows(this.#domain, this.#facts), ...this.#portFlows()]) yield addFlow(flow);
    for (const [index, planned] of this.plan.plannedNextHops()) {
      yield aliveGroup(index, isOpen(planned));
      if (isUsable(planned)) for (const flow of usableFlows(index, planned.nextHop, this.#facts)) yield addFlow(flow);
      yield addFlow(nextHopEntry(index, planned));
    }
    for (const flow of this.#endpoints.flows(this.#facts)) yield addFlow(flow);
    for (const index of this.plan.groupIndexes()) yield* this.#group(index);
    for (const [index, policy] of this.plan.plannedPolicies())
      for (const flow of [...policyFlows(index, policy), policyEntry(index, policy)]) yield addFlow(flow);
    for (const entry of this.plan.plannedCapabilities()) for (const flow of capabilityFlows(entry)) yield addFlow(flow);
    for (const entry of this.plan.plannedAggregates()) yield addFlow(aggregateFlow(entry));
    for (const node of this.plan.nodes())
      for (const flow of nodeFlows(node, this.#domain, this.#facts)) yield addFlow(flow);
    yield this.generation(generation);
  }

  /** Learns what the switch was found to hold: the flows are there already. @throws {DataplaneError} as `PlanTables.apply` */
  adopt(operations: readonly Operation[]): void {
    for (const [position, operation] of operations.entries()) this.apply(operation, position);
    // An earlier process may have held them
    for (const index of this.plan.groupIndexes()) {
      const changing = this.plan.groupEntry(index)!.slots.filter(({ current, previous }) => current !== previous);
      if (changing.length > 0) this.#held.set(index, new Set(changing.map(({ slot }) => slot)));
    }
  }

  #hold(index: GroupIndex, before: readonly SlotOwner[] | undefined): void {
    const held = this.#held.get(index) ?? new Set<number>();
    for (const { slot, current, previous } of this.plan.groupEntry(index)!.slots) {
      const was = before?.[slot];
      const isNew = was !== undefined && (was.current !== current || was.previous !== previous);
      if (current === previous || previous === 0) held.delete(slot);
      else if (isNew) held.add(slot);
    }
    if (held.size > 0) this.#held.set(index, held);
    else this.#held.delete(index);
  }

  /** @param before as the switch has it, where it has */
  #group(index: GroupIndex, before?: PlannedGroup): Numbered[] {
    const [planned, held] = [this.plan.groupEntry(index)!, this.#held.get(index)];
    return groupMessages(index, { planned, before, held }, (one) => this.#isTunnel(one));
  }

  #isTunnel(index: NextHopIndex): boolean {
    return this.plan.nextHop(index)?.kind === "tunnel";
  }

  #portFlows(): Flow[] {
    return [multicastFlow(this.#ports), ...this.#ports.flatMap((port) => portFlows(port, this.#domain, this.#facts))];
  }

  #nextHopMessages(index: NextHopIndex, before: PlannedNextHop | undefined, changed = false): Numbered[] {
    const planned = this.plan.plannedNextHop(index)!;
    const messages = [aliveGroup(index, isOpen(planned))];
    const usable = isUsable(planned);
    const wasUsable = before !== undefined && isUsable(before);
    const flows = usableFlows(index, planned.nextHop, this.#facts);
    if (usable && (changed || !wasUsable)) messages.push(...flows.map(addFlow));
    // Another encapsulation may have been usable: what is matched is the same
    if (!usable && wasUsable) messages.push(...usableFlows(index, before.nextHop, this.#facts).map(removeFlow));
    const { nextHop } = planned;
    if (nextHop.kind === "instance") messages.push(...this.#endpoints.set(index, nextHop, { usable }, this.#facts));
    messages.push(addFlow(nextHopEntry(index, planned)));
    return messages;
  }

  #removeNextHop(index: NextHopIndex, before: PlannedNextHop): Numbered[] {
    const { nextHop } = before;
    const messages: Numbered[] = [];
    if (isUsable(before)) messages.push(...usableFlows(index, nextHop, this.#facts).map(removeFlow));
    if (nextHop.kind === "instance") messages.push(...this.#endpoints.remove(index, nextHop, this.#facts));
    messages.push(removeGroup(GROUP.alive(index)), removeFlow(nextHopEntry(index, before)));
    return messages;
  }
}

/** Meters before the flows that name them, and gone behind them. */
function policyOrders(index: PolicyIndex, before: Policy | undefined, after: Policy | undefined): Order[] {
  const all = (policy: Policy): Flow[] => [...policyFlows(index, policy), policyEntry(index, policy)];
  const [was, is] = [before, after].map((policy) => (policy === undefined ? [] : policyMeters(index, policy)));
  const kept = new Set(is!.map(({ meter }) => meter));
  const changed = is!.filter(
    ({ meter, rate }) => !was!.some((one) => one.meter === meter && sameValue(one.rate, rate)),
  );
  return [
    ...changed,
    ...replaced(before === undefined ? [] : all(before), after === undefined ? [] : all(after)),
    ...was!.filter(({ meter }) => !kept.has(meter)).map(({ meter }) => ({ meter })),
  ];
}

/** What was and is not any more goes, what is comes or is replaced. */
function replaced(before: readonly Flow[], after: readonly Flow[]): Numbered[] {
  const kept = new Set(after.map(flowKey));
  return [...after.map(addFlow), ...before.filter((flow) => !kept.has(flowKey(flow))).map(removeFlow)];
}

const flowKey = ({ table, priority, match }: Flow): string =>
  JSON.stringify([
    table,
    priority,
    match.map(({ field, value, mask }) => [field.number, [...value], mask && [...mask]]),
  ]);
