import { type Ipv6Address, type Ipv6Prefix, parseIpv6Prefix, prefixContains } from "../../base/index.ts";
import type {
  GroupIndex,
  NextHop,
  NextHopIndex,
  NextHopState,
  Operation,
  PlannedNextHop,
} from "../../forwarding/index.ts";
import { tableFull } from "../error.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { checkOperation } from "../operation.ts";
import { isIndex } from "../operation-values.ts";
import {
  type Command,
  LOCAL_TABLE,
  MOST_GROUPS,
  nextHopId,
  removeNextHop,
  removeRoute,
  setNeighbour,
  setRoute,
  setTunnel,
  setUnreachable,
} from "./commands.ts";
import { ConcernedDestinations } from "./concerned-destinations.ts";
import {
  aggregateRoutes,
  capabilityRoutes,
  closedTablesOf,
  type Destination,
  destinationOf,
  tablesOf,
} from "./destinations.ts";
import { KernelGroups } from "./kernel-groups.ts";
import { leadsHere, membersOf, type Part } from "./members.ts";

export interface LinuxFacts {
  /** The link of an agent port that an address is on; `undefined` for one that is on none. */
  linkTo(address: Ipv6Address): string | undefined;
  /** Largest IPv6 packet towards other routers. */
  readonly tunnelMtu: number;
}

/** Where the routes of a destination lead: a group's id, or 0 for "unreachable". `local` absent: there is no such route. */
interface Routes {
  readonly site: number;
  readonly local: number | undefined;
  /** Its own tenant's, and those of tenants that its policy lets in. */
  readonly tables: readonly number[];
  /** Of tenants that must not reach it. */
  readonly closed: readonly number[];
}

/** Turns a plan into routes and next-hop groups of the kernel. Keeps the plan's tables and what follows from them. */
export class LinuxProgram {
  readonly plan: PlanTables;
  readonly #facts: LinuxFacts;
  readonly #groups = new KernelGroups();
  readonly #routes = new Map<string, Routes>();
  readonly #concerned = new ConcernedDestinations();
  /** Next hops as the kernel has them. */
  readonly #nextHops = new Map<NextHopIndex, Command>();

  constructor(plan: PlanTables, facts: LinuxFacts) {
    this.plan = plan;
    this.#facts = facts;
  }

  /** Checks and carries out one operation in the tables; returns what the kernel has to do. @throws {DataplaneError} as `PlanTables.apply` */
  apply(operation: Operation, position: number): Command[] {
    if (operation.type === "set-slots" && operation.group > MOST_GROUPS && isIndex(operation.group)) {
      // What else is wrong with it comes first, as in every data plane
      checkOperation({ ...operation, group: 1 }, position, this.plan);
      throw tableFull("groups", MOST_GROUPS, position);
    }
    switch (operation.type) {
      case "set-capability": {
        const before = this.plan.capability(operation.entry.address);
        this.plan.apply(operation, position);
        return this.#set(before && capabilityRoutes(before), capabilityRoutes(operation.entry));
      }
      case "remove-capability": {
        const before = this.plan.capability(operation.address);
        this.plan.apply(operation, position);
        return before === undefined ? [] : this.#remove(capabilityRoutes(before));
      }
      case "set-aggregate": {
        const { prefix } = operation.aggregate;
        const [before, lets] = [this.plan.aggregateAt(prefix), this.#letsIn(prefix)];
        this.plan.apply(operation, position);
        const commands = this.#set(before && aggregateRoutes(before), aggregateRoutes(operation.aggregate));
        return around(commands, lets || this.#letsIn(prefix) ? this.#routesBelow(prefix) : []);
      }
      case "remove-aggregate": {
        const [before, lets] = [this.plan.aggregateAt(operation.prefix), this.#letsIn(operation.prefix)];
        this.plan.apply(operation, position);
        if (before === undefined) return [];
        return around(this.#remove(aggregateRoutes(before)), lets ? this.#routesBelow(operation.prefix) : []);
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
        return this.#routesOf(this.#concerned.naming(operation.group));
      case "set-policy": {
        this.plan.apply(operation, position);
        const under = this.#concerned.under(operation.index);
        const aggregates = [...under].map((name) => parseIpv6Prefix(name)!).filter(({ length }) => length < 128);
        return around(
          this.#routesOf(under),
          aggregates.flatMap((prefix) => this.#routesBelow(prefix)),
        );
      }
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
    for (const destination of this.#destinations()) {
      this.#concerned.add(destination);
      yield* this.#routeCommands(destination);
    }
  }

  /** Ids of the next hops and groups that the kernel should have. */
  ids(): Set<number> {
    return new Set([...this.#groups.ids(), ...this.#nextHops.keys().map(nextHopId)]);
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

  #partOf({ nextHop, state }: PlannedNextHop): Part {
    if (state === "down" || this.whyUnusable(nextHop) !== undefined) return "none";
    return state === "up" ? "open" : "leaving";
  }

  *#destinations(): Generator<Destination> {
    for (const entry of this.plan.plannedCapabilities()) yield capabilityRoutes(entry);
    for (const entry of this.plan.plannedAggregates()) yield aggregateRoutes(entry);
  }

  /** Whether the aggregate there lets other tenants in. */
  #letsIn(prefix: Ipv6Prefix): boolean {
    const policy = this.plan.aggregateAt(prefix)?.policy;
    return policy !== undefined && (this.plan.policy(policy)?.allowed.length ?? 0) > 0;
  }

  /** Of what is below a prefix: whom it is closed to may be others. Cost: a look at every destination. */
  #routesBelow(prefix: Ipv6Prefix): Command[] {
    const commands: Command[] = [];
    for (const destination of this.#destinations()) {
      const { address } = destination;
      if (address.length > prefix.length && prefixContains(prefix, address.address))
        commands.push(...this.#routeCommands(destination));
    }
    return commands;
  }

  #set(before: Destination | undefined, after: Destination): Command[] {
    if (before !== undefined) this.#concerned.remove(before);
    this.#concerned.add(after);
    return this.#routeCommands(after);
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
      if (backup === index || slots.some(({ current, previous }) => current === index || previous === index))
        commands.push(...this.#routesOf(this.#concerned.naming(group)));
    }
    return commands;
  }

  /** The routes of these destinations, and the kernel's groups that follow from them. */
  #routesOf(names: ReadonlySet<string>): Command[] {
    const commands: Command[] = [];
    for (const name of names) {
      const destination = destinationOf(this.plan, name);
      if (destination !== undefined) commands.push(...this.#routeCommands(destination));
    }
    return commands;
  }

  /** Groups first, then routes, then groups that nobody leads to any more. */
  #routeCommands(destination: Destination): Command[] {
    const { prefix, group, localGroup } = destination;
    const before = this.#routes.get(prefix);
    const commands: Command[] = [];
    const site = this.#wantGroup(group, leadsHere(this.plan, group) ? localGroup : 0, commands);
    const local = localGroup === 0 ? undefined : this.#wantGroup(localGroup, 0, commands);
    const tables = tablesOf(this.plan, destination);
    const closed = closedTablesOf(this.plan, destination);
    const routes = { site, local, tables, closed };
    this.#groups.use(groupsOf(routes));
    this.#routes.set(prefix, routes);
    for (const table of tables)
      if (before?.site !== site || !before.tables.includes(table)) commands.push(this.#route(prefix, table, site));
    for (const table of closed)
      if (before?.closed.includes(table) !== true) commands.push(this.#route(prefix, table, 0));
    for (const table of [...(before?.tables ?? []), ...(before?.closed ?? [])])
      if (!tables.includes(table) && !closed.includes(table)) commands.push(removeRoute(prefix, table));
    if (before?.local !== local)
      commands.push(local === undefined ? removeRoute(prefix, LOCAL_TABLE) : this.#route(prefix, LOCAL_TABLE, local));
    if (before !== undefined) commands.push(...this.#groups.leave(groupsOf(before)));
    return commands;
  }

  #remove(destination: Destination): Command[] {
    const { prefix } = destination;
    const before = this.#routes.get(prefix);
    this.#concerned.remove(destination);
    this.#routes.delete(prefix);
    if (before === undefined) return [];
    const commands = [...before.tables, ...before.closed].map((table) => removeRoute(prefix, table));
    if (before.local !== undefined) commands.push(removeRoute(prefix, LOCAL_TABLE));
    return [...commands, ...this.#groups.leave(groupsOf(before))];
  }

  #route(prefix: string, table: number, id: number): Command {
    return id === 0 ? setUnreachable(prefix, table) : setRoute(prefix, table, id, this.#facts.tunnelMtu);
  }

  /** The kernel's group for the pair; 0 when it would be empty. */
  #wantGroup(group: GroupIndex, localGroup: GroupIndex, commands: Command[]): number {
    if (group === 0) return 0;
    const members = membersOf(this.plan, group, localGroup, (planned) => this.#partOf(planned));
    return this.#groups.want(group, localGroup, members, commands);
  }
}

const groupsOf = ({ site, local = 0 }: Routes): readonly number[] => [site, local];

/** What is closed below a prefix is so before the prefix opens, and until it is shut. */
const around = (own: readonly Command[], below: readonly Command[]): Command[] => {
  const closes = (command: Command): boolean => !command.startsWith("route del");
  return [...below.filter(closes), ...own, ...below.filter((command) => !closes(command))];
};
