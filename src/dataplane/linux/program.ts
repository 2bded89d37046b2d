import { formatIpv6, type Ipv6Address, toHex } from "../../base/index.ts";
import type {
  CapabilityEntry,
  GroupIndex,
  NextHop,
  NextHopIndex,
  NextHopState,
  Operation,
  PlannedNextHop,
  PolicyIndex,
} from "../../forwarding/index.ts";
import { tableFull } from "../error.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import {
  type Command,
  groupId,
  LOCAL_TABLE,
  MOST_GROUPS,
  nextHopId,
  removeNextHop,
  removeRoute,
  setGroup,
  setNeighbour,
  setRoute,
  setTunnel,
  setUnreachable,
  tenantTable,
} from "./commands.ts";

export interface LinuxFacts {
  /** The link of an agent port that an address is on; `undefined` for one that is on none. */
  linkTo(address: Ipv6Address): string | undefined;
  /** Largest IPv6 packet towards other routers. */
  readonly tunnelMtu: number;
}

/** Where the two routes of a capability lead: a group's id, or 0 for "unreachable". `local` absent: there is no such route. */
interface Routes {
  readonly site: number;
  readonly local: number | undefined;
  /** Its own tenant's, and those of tenants that its policy lets in. */
  readonly tables: readonly number[];
}

const MOST_WEIGHT = 256;

/** Turns a plan into routes and next-hop groups of the kernel. Keeps the plan's tables and what follows from them. */
export class LinuxProgram {
  readonly plan: PlanTables;
  readonly #facts: LinuxFacts;
  /** What each group has in the kernel, and who leads there. */
  readonly #groups = new Map<number, { members: string; users: number }>();
  readonly #routes = new Map<string, Routes>();
  /** Capabilities by the groups that they name. */
  readonly #namedBy = new Map<GroupIndex, Set<string>>();
  /** Capabilities by their policy. */
  readonly #under = new Map<PolicyIndex, Set<string>>();
  /** Next hops as the kernel has them. */
  readonly #nextHops = new Map<NextHopIndex, Command>();

  constructor(plan: PlanTables, facts: LinuxFacts) {
    this.plan = plan;
    this.#facts = facts;
  }

  /** Checks and carries out one operation in the tables; returns what the kernel has to do. @throws {DataplaneError} as `PlanTables.apply` */
  apply(operation: Operation, position: number): Command[] {
    if (operation.type === "set-slots" && operation.group > MOST_GROUPS)
      throw tableFull("groups", MOST_GROUPS, position);
    switch (operation.type) {
      case "set-capability": {
        const before = this.plan.capability(operation.entry.address);
        this.plan.apply(operation, position);
        if (before !== undefined) this.#forget(before);
        this.#note(operation.entry);
        return this.#routeCommands(operation.entry);
      }
      case "remove-capability": {
        const entry = this.plan.capability(operation.address);
        this.plan.apply(operation, position);
        return entry === undefined ? [] : this.#removeCapability(entry);
      }
      case "set-next-hop":
      case "set-next-hop-state":
      case "set-encapsulation":
        this.plan.apply(operation, position);
        return this.#nextHopChanged(operation.index);
      case "remove-next-hop":
        this.plan.apply(operation, position);
        return this.#nextHops.delete(operation.index) ? [removeNextHop(nextHopId(operation.index))] : [];
      case "set-slots":
        this.plan.apply(operation, position);
        return this.#routesOf(this.#namedBy.get(operation.group));
      case "set-policy":
        this.plan.apply(operation, position);
        return this.#routesOf(this.#under.get(operation.index));
      default:
        this.plan.apply(operation, position);
        return [];
    }
  }

  setState(index: NextHopIndex, state: NextHopState): Command[] {
    this.plan.setState(index, state);
    return this.#nextHopChanged(index);
  }

  /** Everything, for a kernel that may hold some of it: each line replaces what is there. */
  *everything(): Generator<Command> {
    this.#groups.clear();
    this.#routes.clear();
    this.#nextHops.clear();
    for (const [index] of this.plan.plannedNextHops()) yield* this.#nextHopCommands(index);
    for (const entry of this.plan.plannedCapabilities()) {
      this.#note(entry);
      yield* this.#routeCommands(entry);
    }
  }

  /** Ids of the next hops and groups that the kernel should have. */
  ids(): Set<number> {
    return new Set([...this.#groups.keys(), ...this.#nextHops.keys().map(nextHopId)]);
  }

  /** Why packets cannot be sent there; `undefined` when they can. */
  whyUnusable(nextHop: NextHop): string | undefined {
    switch (nextHop.kind) {
      case "local":
        return undefined;
      case "tunnel":
        return nextHop.encapsulation?.kind === "vxlan" ? "the kernel's routes have no VXLAN" : undefined;
      case "instance":
        if (nextHop.port !== nextHop.servicePort)
          return "without translation an instance must listen on the capability's own port";
        return this.#facts.linkTo(nextHop.address) === undefined
          ? "without translation an instance must be on the link of an agent port"
          : undefined;
    }
  }

  #isOpen({ nextHop, state }: PlannedNextHop): boolean {
    return state === "up" && this.whyUnusable(nextHop) === undefined;
  }

  #note({ address, group, localGroup, policy }: CapabilityEntry): void {
    const key = toHex(address);
    if (policy !== undefined) {
      const under = this.#under.get(policy) ?? new Set();
      this.#under.set(policy, under.add(key));
    }
    for (const index of [group, localGroup]) {
      const named = this.#namedBy.get(index) ?? new Set();
      this.#namedBy.set(index, named.add(key));
    }
  }

  #forget({ address, group, localGroup, policy }: CapabilityEntry): void {
    if (policy !== undefined) this.#under.get(policy)?.delete(toHex(address));
    for (const index of [group, localGroup]) this.#namedBy.get(index)?.delete(toHex(address));
  }

  #nextHopCommands(index: NextHopIndex): Command[] {
    const planned = this.plan.plannedNextHop(index)!;
    const command = this.#nextHopCommand(index, planned.nextHop);
    if (command === undefined || this.#nextHops.get(index) === command) return [];
    this.#nextHops.set(index, command);
    return [command];
  }

  #nextHopCommand(index: NextHopIndex, nextHop: NextHop): Command | undefined {
    if (nextHop.kind === "local" || this.whyUnusable(nextHop) !== undefined) return undefined;
    if (nextHop.kind === "instance") return setNeighbour(index, nextHop.address, this.#facts.linkTo(nextHop.address)!);
    const { encapsulation, locator } = nextHop;
    return setTunnel(index, [...(encapsulation?.kind === "segments" ? encapsulation.waypoints : []), locator]);
  }

  #nextHopChanged(index: NextHopIndex): Command[] {
    const commands = this.#nextHopCommands(index);
    if (this.plan.nextHopUses(index) > 0) commands.push(...this.#usersOf(index));
    const unusable = this.whyUnusable(this.plan.nextHop(index)!) !== undefined;
    if (unusable && this.#nextHops.delete(index)) commands.push(removeNextHop(nextHopId(index)));
    return commands;
  }

  /** The groups that name a next hop, as they have to be now. */
  #usersOf(index: NextHopIndex): Command[] {
    const commands: Command[] = [];
    for (const group of this.plan.groupIndexes()) {
      const { slots, backup } = this.plan.groupEntry(group)!;
      if (backup === index || slots.some(({ current }) => current === index))
        commands.push(...this.#routesOf(this.#namedBy.get(group)));
    }
    return commands;
  }

  /** The routes of these capabilities, and the kernel's groups that follow from them. */
  #routesOf(keys: ReadonlySet<string> | undefined): Command[] {
    const commands: Command[] = [];
    for (const key of keys ?? []) {
      const entry = this.plan.capability(Buffer.from(key, "hex"));
      if (entry !== undefined) commands.push(...this.#routeCommands(entry));
    }
    return commands;
  }

  /** Groups first, then routes, then groups that nobody leads to any more. */
  #routeCommands(entry: CapabilityEntry): Command[] {
    const key = toHex(entry.address);
    const before = this.#routes.get(key);
    const { group, localGroup } = entry;
    const commands: Command[] = [];
    const site = this.#wantGroup(group, this.#hasLocal(group) ? localGroup : 0, commands);
    const local = localGroup === 0 ? undefined : this.#wantGroup(localGroup, 0, commands);
    const tables = this.#tables(entry);
    const routes = { site, local, tables };
    this.#use(routes, 1);
    this.#routes.set(key, routes);
    for (const table of tables)
      if (before?.site !== site || !before.tables.includes(table))
        commands.push(this.#route(entry.address, table, site));
    for (const table of before?.tables ?? [])
      if (!tables.includes(table)) commands.push(removeRoute(entry.address, table));
    if (before?.local !== local)
      commands.push(
        local === undefined ? removeRoute(entry.address, LOCAL_TABLE) : this.#route(entry.address, LOCAL_TABLE, local),
      );
    if (before !== undefined) commands.push(...this.#use(before, -1));
    return commands;
  }

  #removeCapability(entry: CapabilityEntry): Command[] {
    const key = toHex(entry.address);
    const before = this.#routes.get(key);
    this.#forget(entry);
    this.#routes.delete(key);
    if (before === undefined) return [];
    const commands = before.tables.map((table) => removeRoute(entry.address, table));
    if (before.local !== undefined) commands.push(removeRoute(entry.address, LOCAL_TABLE));
    return [...commands, ...this.#use(before, -1)];
  }

  #tables({ address, policy }: CapabilityEntry): number[] {
    const allowed = policy === undefined ? [] : (this.plan.policy(policy)?.allowed ?? []);
    return [(address[6]! << 8) | address[7]!, ...allowed].map(tenantTable);
  }

  #route(address: Ipv6Address, table: number, id: number): Command {
    return id === 0
      ? setUnreachable(`${formatIpv6(address)}/128`, table)
      : setRoute(address, table, id, this.#facts.tunnelMtu);
  }

  /** The kernel's group for the pair, made or changed as it has to be; 0 when it would be empty. */
  #wantGroup(group: GroupIndex, localGroup: GroupIndex, commands: Command[]): number {
    const members = group === 0 ? new Map<NextHopIndex, number>() : this.#members(group, localGroup);
    if (members.size === 0) return 0;
    const id = groupId(group, localGroup);
    const command = setGroup(id, members);
    const present = this.#groups.get(id);
    if (present?.members === command) return id;
    if (present === undefined) this.#groups.set(id, { members: command, users: 0 });
    else present.members = command;
    commands.push(command);
    return id;
  }

  /** Counts users of the groups; a group without any goes. */
  #use({ site, local }: Routes, by: 1 | -1): Command[] {
    const commands: Command[] = [];
    for (const id of [site, local ?? 0]) {
      const present = this.#groups.get(id);
      if (present === undefined) continue;
      present.users += by;
      if (present.users > 0) continue;
      this.#groups.delete(id);
      commands.push(removeNextHop(id));
    }
    return commands;
  }

  #hasLocal(group: GroupIndex): boolean {
    const entry = group === 0 ? undefined : this.plan.groupEntry(group);
    if (entry === undefined) return false;
    const isHere = (index: NextHopIndex): boolean => {
      const kind = this.plan.nextHop(index)?.kind;
      return kind === "local" || kind === "instance";
    };
    return isHere(entry.backup) || entry.slots.some(({ current }) => isHere(current));
  }

  /** Next hops by weight; "here" is shared out among the instances behind this router. */
  #members(group: GroupIndex, localGroup: GroupIndex): Map<NextHopIndex, number> {
    const instances = localGroup === 0 ? new Map<NextHopIndex, number>() : this.#members(localGroup, 0);
    const all = instances.values().reduce((sum, weight) => sum + weight, 0);
    const { slots, backup } = this.plan.groupEntry(group)!;
    const shares = new Map<NextHopIndex, number>();
    const add = (index: NextHopIndex, weight: number): void => {
      const planned = this.plan.plannedNextHop(index);
      if (planned === undefined || !this.#isOpen(planned)) return;
      if (planned.nextHop.kind === "local")
        for (const [instance, share] of instances)
          shares.set(instance, (shares.get(instance) ?? 0) + (weight * share) / all);
      else shares.set(index, (shares.get(index) ?? 0) + weight);
    };
    for (const { current } of slots) add(current, 1);
    if (shares.size === 0) add(backup, 1);
    return inWhole(shares);
  }
}

/** Weights as the kernel takes them: whole numbers up to 256. */
function inWhole(shares: ReadonlyMap<NextHopIndex, number>): Map<NextHopIndex, number> {
  const most = Math.max(...shares.values(), 1);
  const isWhole = shares.values().every((share) => Number.isInteger(share));
  const factor = isWhole && most <= MOST_WEIGHT ? 1 : MOST_WEIGHT / most;
  return new Map(shares.entries().map(([index, share]) => [index, Math.max(1, Math.round(share * factor))]));
}
