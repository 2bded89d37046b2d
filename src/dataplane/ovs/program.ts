import { fromHex, type Ipv6Prefix, toHex } from "../../base/index.ts";
import {
  type CapabilityEntry,
  GROUP_SLOTS,
  type GroupIndex,
  lastLegAddress,
  type NextHopIndex,
  type NextHopState,
  type Operation,
  type PlannedNextHop,
  type PlannedNode,
  type Policy,
  type PolicyIndex,
  type SlotOwner,
} from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { noteOf } from "../plan-note.ts";
import { type MadeFor, textOf } from "./adoption.ts";
import { Endpoints } from "./endpoints.ts";
import { DOMAIN_BITS, fixedFlows, multicastFlow, portFlows, type SwitchPort } from "./fixed-flows.ts";
import {
  aliveGroup,
  isOpen,
  isUsable,
  type SwitchFacts,
  servedGroup,
  slotBucket,
  usableFlows,
  verdictCookie,
} from "./next-hop-flows.ts";
import { group, note, resubmit, setField } from "./openflow/actions.ts";
import { FIELD, is } from "./openflow/fields.ts";
import { addFlow, type Flow, type Numbered, removeFlow, removeFlows, removeGroup, setGroup } from "./openflow/flow.ts";
import { GROUP, MATCH, REGISTER, TABLE } from "./tables.ts";

/** Kinds of entries of the ledger, in the upper half of `metadata`. */
const ENTRY = { plan: 1, nextHop: 2, group: 3, policy: 4 } as const;
/** Another arrangement of tables and registers gets another number: flows of the older one are not adopted. */
export const LAYOUT = 3;

/**
 * Turns a plan into flows and groups. Keeps the plan's tables and what follows from them, and knows nothing of the switch
 * but its {@link SwitchFacts}; messages are carried out in order and together.
 */
export class Program {
  readonly plan: PlanTables;
  readonly #domain: Ipv6Prefix;
  readonly #facts: SwitchFacts;
  readonly #endpoints = new Endpoints();
  readonly #under = new Map<PolicyIndex, Set<string>>();
  readonly #held = new Map<GroupIndex, Set<number>>();
  #ports: readonly SwitchPort[] = [];

  constructor(plan: PlanTables, domain: Ipv6Prefix, facts: SwitchFacts) {
    this.plan = plan;
    this.#domain = domain;
    this.#facts = facts;
  }

  get madeFor(): MadeFor {
    const { locator, tunnelPort, stackMac, longestFrame } = this.#facts;
    const ports = this.#ports.map(({ number, mac, role, tenantIndex, sources }) => [
      ...[number, toHex(mac), role, tenantIndex],
      sources?.map(({ prefix, tenantIndex: tenant }) => [toHex(prefix.address), prefix.length, tenant]) ?? "all",
    ]);
    const facts = { tunnelPort, stackMac: toHex(stackMac), longestFrame, ports };
    return { layout: LAYOUT, domain: toHex(this.#domain.address), locator: toHex(locator), facts };
  }

  /** Checks and carries out one operation in the tables; returns what the switch has to do. @throws {DataplaneError} as `PlanTables.apply` */
  apply(operation: Operation, position: number): Numbered[] {
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
        this.plan.apply(operation, position);
        const { group: index } = operation;
        this.#held.delete(index);
        const ledger = ledgerFlow(ENTRY.group, index, operation);
        return [removeGroup(GROUP.served(index)), removeGroup(GROUP.slots(index)), removeFlow(ledger)];
      }
      case "remove-capability": {
        const entry = this.plan.capability(operation.address);
        const flows = entry === undefined ? [] : this.#capabilityFlows(entry);
        this.plan.apply(operation, position);
        if (entry?.policy !== undefined) this.#under.get(entry.policy)?.delete(toHex(entry.address));
        return flows.map(removeFlow);
      }
      case "remove-node": {
        const node = this.plan.node(operation.locator);
        this.plan.apply(operation, position);
        return node === undefined ? [] : this.#nodeFlows(node).map(removeFlow);
      }
      case "set-slots": {
        const before = this.plan.groupEntry(operation.group);
        this.plan.apply(operation, position);
        this.#hold(operation.group, before?.slots);
        return this.#groupMessages(operation.group);
      }
      case "set-capability": {
        const present = this.plan.capability(operation.entry.address);
        const before = present === undefined ? [] : this.#capabilityFlows(present);
        this.plan.apply(operation, position);
        if (present?.policy !== undefined) this.#under.get(present.policy)?.delete(toHex(present.address));
        return replaced(before, this.#capabilityFlows(this.#noted(operation.entry)));
      }
      case "set-policy":
      case "remove-policy": {
        const { index } = operation;
        const entries = [...(this.#under.get(index) ?? [])].flatMap((key) => this.plan.capability(fromHex(key)) ?? []);
        const was = this.plan.policy(index);
        const before = entries.flatMap((entry) => this.#capabilityFlows(entry));
        this.plan.apply(operation, position);
        const kept = this.plan.policy(index);
        const ledger = [...(kept === undefined && was !== undefined ? [removeFlow(policyEntry(index, was))] : [])];
        if (kept !== undefined) ledger.push(addFlow(policyEntry(index, kept)));
        return [
          ...replaced(
            before,
            entries.flatMap((entry) => this.#capabilityFlows(entry)),
          ),
          ...ledger,
        ];
      }
      case "set-aggregate":
      case "remove-aggregate":
        throw new RangeError("no aggregates are set in Open vSwitch");
      case "set-node": {
        const before = this.plan.node(operation.locator);
        this.plan.apply(operation, position);
        const flows = this.#nodeFlows(operation);
        return [...(before === undefined ? [] : this.#nodeFlows(before).map(removeFlow)), ...flows.map(addFlow)];
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
    return groups.flatMap((index) => this.#groupMessages(index));
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

  /** Everything, for a switch that may hold anything: one bundle of this leaves no packet without a plan. */
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
    for (const index of this.plan.groupIndexes()) yield* this.#groupMessages(index);
    for (const [index, policy] of this.plan.plannedPolicies()) yield addFlow(policyEntry(index, policy));
    for (const entry of this.plan.plannedCapabilities())
      for (const flow of this.#capabilityFlows(this.#noted(entry))) yield addFlow(flow);
    for (const node of this.plan.nodes()) for (const flow of this.#nodeFlows(node)) yield addFlow(flow);
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

  #groupMessages(index: GroupIndex): Numbered[] {
    const { slots, backup } = this.plan.groupEntry(index)!;
    const held = this.#held.get(index);
    if (slots.length !== GROUP_SLOTS) throw new RangeError(`group ${index} has ${slots.length} slots`);
    return [
      setGroup(
        GROUP.slots(index),
        "select",
        slots.map((owner) => slotBucket(owner, held?.has(owner.slot) === true)),
      ),
      servedGroup(index, backup),
      addFlow(ledgerFlow(ENTRY.group, index, { type: "set-slots", group: index, slots, backup })),
    ];
  }

  /** By policy, so that a change of it finds them. */
  #noted(entry: CapabilityEntry): CapabilityEntry {
    const { policy, address } = entry;
    if (policy === undefined) return entry;
    const under = this.#under.get(policy) ?? new Set();
    this.#under.set(policy, under.add(toHex(address)));
    return entry;
  }

  /** Its own, and one for each other tenant that its policy lets in. */
  #capabilityFlows(entry: CapabilityEntry): Flow[] {
    const { address, policy } = entry;
    const allowed = policy === undefined ? [] : (this.plan.policy(policy)?.allowed ?? []);
    return [
      ...capabilityFlows(entry),
      ...allowed.map((tenant) => ({
        ...{ table: TABLE.tenant, priority: 15, actions: [resubmit(TABLE.capability)] },
        match: [MATCH.ipv6, is(REGISTER.tenant, tenant), is(FIELD.ipv6Dst, address)],
      })),
    ];
  }

  /** Tunnelled packets are accepted from there, if any are. */
  #nodeFlows(node: PlannedNode): Flow[] {
    const { locator, vni } = node;
    const flows: Flow[] = [
      {
        ...{
          table: TABLE.tunnel,
          priority: 5,
          match: [MATCH.ipv6, is(FIELD.tunnelIpv6Src, locator)],
          cookie: verdictCookie("drop-vni"),
        },
        actions: [note(noteOf({ type: "set-node", ...node }))],
      },
    ];
    if (vni === undefined) return flows;
    const toUs = is(FIELD.tunnelIpv6Dst, this.#facts.locator);
    const toDomain = MATCH.prefix(FIELD.ipv6Dst, this.#domain.address, DOMAIN_BITS);
    // Also what another site sends on, once
    for (const source of [locator, lastLegAddress(locator)]) {
      const numbered = [MATCH.ipv6, is(FIELD.tunnelIpv6Src, source), toUs, is(FIELD.tunnelId, vni)];
      flows.push(
        { table: TABLE.tunnel, priority: 20, match: [...numbered, toDomain], actions: [resubmit(TABLE.source)] },
        {
          ...{ table: TABLE.tunnel, priority: 10, match: numbered, actions: [] },
          cookie: verdictCookie("drop-not-capability"),
        },
      );
    }
    return flows;
  }
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

function capabilityFlows(entry: CapabilityEntry): Flow[] {
  const { address, group: index, localGroup } = entry;
  const flows: Flow[] = [
    {
      table: TABLE.capability,
      priority: 10,
      match: [MATCH.ipv6, is(FIELD.ipv6Dst, address)],
      actions: [
        note(noteOf({ type: "set-capability", entry })),
        index === 0 ? resubmit(TABLE.exception) : group(GROUP.served(index)),
      ],
    },
  ];
  if (localGroup !== 0) flows.push(memberFlow(entry));
  return flows;
}

const memberFlow = ({ address, localGroup }: CapabilityEntry): Flow => ({
  table: TABLE.member,
  priority: 10,
  match: [MATCH.ipv6, is(FIELD.ipv6Dst, address)],
  actions: [setField(is(REGISTER.member, 1)), group(GROUP.served(localGroup))],
});

const nextHopEntry = (index: NextHopIndex, { nextHop, state }: PlannedNextHop): Flow =>
  ledgerFlow(ENTRY.nextHop, index, { type: "set-next-hop", index, nextHop, state });

const policyEntry = (index: PolicyIndex, policy: Policy): Flow =>
  ledgerFlow(ENTRY.policy, index, { type: "set-policy", index, policy });

const ledgerFlow = (kind: number, index: number, operation: Operation): Flow => ({
  table: TABLE.ledger,
  priority: 1,
  match: [is(FIELD.metadata, kind * 2 ** 32 + index)],
  actions: [note(noteOf(operation))],
});
