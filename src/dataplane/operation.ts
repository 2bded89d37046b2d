import { formatIpv6, formatIpv6Prefix, type Ipv6Address, type Ipv6Prefix } from "../base/index.ts";
import {
  type AggregateEntry,
  type CapabilityEntry,
  FIRST_CAPABILITY_POLICY,
  GROUP_SLOTS,
  type GroupIndex,
  type NextHop,
  type NextHopIndex,
  type Operation,
  type Policy,
  type PolicyIndex,
} from "../forwarding/index.ts";
import { TAGS } from "./abi.ts";
import { DataplaneError, tableFull } from "./error.ts";
import {
  describe,
  isIndex,
  isRate,
  isVni,
  isWithin,
  MAX_BURST,
  MAX_INDEX,
  NO_VNI,
  reasonAgainstAddress,
  reasonAgainstEncapsulation,
  reasonAgainstNextHop,
  reasonAgainstPrefix,
  sameNextHop,
} from "./operation-values.ts";
import type { TableSizes } from "./sizes.ts";

/** What {@link checkOperation} has to know about the tables as they are. */
export interface TableView {
  readonly domain: Ipv6Prefix;
  readonly sizes: TableSizes;
  nextHop(index: NextHopIndex): NextHop | undefined;
  /** Slots and backups that name it. */
  nextHopUses(index: NextHopIndex): number;
  hasGroup(index: GroupIndex): boolean;
  /** Capabilities that name it. */
  groupUses(index: GroupIndex): number;
  capability(address: Ipv6Address): CapabilityEntry | undefined;
  hasNode(locator: Ipv6Address): boolean;
  aggregateAt(prefix: Ipv6Prefix): AggregateEntry | undefined;
  readonly aggregates: number;
  /** Tunnels with one. */
  encapsulations(): number;
  policy(index: PolicyIndex): Policy | undefined;
  /** Capabilities that name it. */
  policyUses(index: PolicyIndex): number;
  /** Of a tenant's clients; 0: none. */
  policyOfTenant(tenantIndex: number): PolicyIndex;
  /** Pairs of a policy and a tenant that it lets in. */
  readonly allowedPairs: number;
}

/**
 * Refuses what would leave a packet between two plans: a name of something that is not there, the removal of something
 * that is named, a next hop that becomes another one under a living index. Both drivers check with it.
 *
 * @throws {DataplaneError} `dataplane.bad-operation`; `dataplane.table-full` for an index beyond its table.
 */
export function checkOperation(operation: Operation, position: number, tables: TableView): void {
  const reason = reasonAgainst(operation, tables);
  if (reason !== undefined)
    throw new DataplaneError(
      { code: "dataplane.bad-operation", type: operation.type },
      `operation ${position} (${operation.type}) cannot be carried out: ${reason}; the operations before it are in effect`,
    );
  checkRoom(operation, position, tables);
}

function checkRoom(operation: Operation, position: number, tables: TableView): void {
  const { sizes } = tables;
  if (wrapsAnother(operation, tables) && tables.encapsulations() >= sizes.encapsulations)
    throw tableFull("encapsulations", sizes.encapsulations, position);
  if (operation.type === "set-next-hop" && operation.index >= sizes.nextHops)
    throw tableFull("next hops", sizes.nextHops - 1, position);
  if (operation.type === "set-slots" && operation.group >= sizes.groups)
    throw tableFull("groups", sizes.groups - 1, position);
  if (operation.type === "set-aggregate" && tables.aggregateAt(operation.aggregate.prefix) === undefined) {
    if (tables.aggregates >= sizes.aggregates) throw tableFull("aggregates", sizes.aggregates, position);
  }
  if (operation.type !== "set-policy") return;
  if (operation.index >= sizes.policies) throw tableFull("policies", sizes.policies - 1, position);
  const before = tables.policy(operation.index)?.allowed.length ?? 0;
  const added = operation.policy.allowed.length - before;
  if (added > 0 && tables.allowedPairs + added > sizes.allowed) throw tableFull("allowed", sizes.allowed, position);
}

/** True when one more tunnel has an encapsulation of its own afterwards. */
function wrapsAnother(operation: Operation, tables: TableView): boolean {
  if (operation.type !== "set-next-hop" && operation.type !== "set-encapsulation") return false;
  const before = tables.nextHop(operation.index);
  if (before?.kind === "tunnel" && before.encapsulation !== undefined) return false;
  const after = operation.type === "set-encapsulation" ? operation : operation.nextHop;
  return "encapsulation" in after && after.encapsulation !== undefined;
}

/** One sentence why the operation is wrong, `undefined` when it is right. */
function reasonAgainst(operation: Operation, tables: TableView): string | undefined {
  switch (operation.type) {
    case "set-next-hop": {
      const { index, nextHop } = operation;
      const reason = reasonAgainstNextHop(index, nextHop);
      if (reason !== undefined) return reason;
      const present = tables.nextHop(index);
      if (present !== undefined && !sameNextHop(present, nextHop))
        return `next hop ${index} is ${describe(present)}; remove it before the index becomes ${describe(nextHop)}`;
      return undefined;
    }
    case "set-next-hop-state":
      return tables.nextHop(operation.index) === undefined ? `there is no next hop ${operation.index}` : undefined;
    case "set-encapsulation": {
      if (tables.nextHop(operation.index)?.kind !== "tunnel") return `next hop ${operation.index} is no tunnel`;
      return reasonAgainstEncapsulation(operation.encapsulation);
    }
    case "remove-next-hop": {
      if (tables.nextHop(operation.index) === undefined) return `there is no next hop ${operation.index}`;
      const uses = tables.nextHopUses(operation.index);
      return uses > 0 ? `next hop ${operation.index} is still named ${uses} times by groups` : undefined;
    }
    case "set-slots":
      return reasonAgainstSlots(operation, tables);
    case "remove-group": {
      if (!tables.hasGroup(operation.group)) return `there is no group ${operation.group}`;
      const uses = tables.groupUses(operation.group);
      return uses > 0 ? `group ${operation.group} is still named by ${uses} capabilities` : undefined;
    }
    case "set-capability": {
      const { address, group, localGroup } = operation.entry;
      const reason = reasonAgainstAddress(address, tables.domain);
      if (reason !== undefined) return reason;
      for (const index of [group, localGroup])
        if (index !== 0 && !(isIndex(index) && tables.hasGroup(index))) return `there is no group ${index}`;
      return reasonAgainstUse(operation.entry, tables);
    }
    case "set-aggregate": {
      const { prefix, group, policy } = operation.aggregate;
      const reason = reasonAgainstPrefix(prefix, tables.domain);
      if (reason !== undefined) return reason;
      if (!isIndex(group) || !tables.hasGroup(group)) return `there is no group ${group}`;
      return reasonAgainstUse({ address: prefix.address, ...(policy === undefined ? {} : { policy }) }, tables);
    }
    case "remove-aggregate":
      return (
        reasonAgainstPrefix(operation.prefix, tables.domain) ??
        (tables.aggregateAt(operation.prefix) === undefined
          ? `there is no aggregate ${formatIpv6Prefix(operation.prefix)}`
          : undefined)
      );
    case "set-policy":
      return reasonAgainstPolicy(operation.index, operation.policy, tables);
    case "remove-policy": {
      if (tables.policy(operation.index) === undefined) return `there is no policy ${operation.index}`;
      const uses = tables.policyUses(operation.index);
      return uses > 0 ? `policy ${operation.index} is still named by ${uses} capabilities` : undefined;
    }
    case "remove-capability":
      return (
        reasonAgainstAddress(operation.address, tables.domain) ??
        (tables.capability(operation.address) === undefined
          ? `there is no capability ${formatIpv6(operation.address)}`
          : undefined)
      );
    case "set-node":
      if (operation.locator.length !== 16) return "a locator has 16 octets";
      return operation.vni === undefined || isVni(operation.vni) ? undefined : NO_VNI;
    case "remove-node":
      if (operation.locator.length !== 16) return "a locator has 16 octets";
      return tables.hasNode(operation.locator) ? undefined : `there is no node ${formatIpv6(operation.locator)}`;
  }
}

function reasonAgainstSlots(
  operation: Extract<Operation, { type: "set-slots" }>,
  tables: TableView,
): string | undefined {
  if (!isIndex(operation.group)) return `${operation.group} is not a group index (1 to ${MAX_INDEX})`;
  const isNextHop = (index: NextHopIndex): boolean =>
    index === 0 || (isIndex(index) && tables.nextHop(index) !== undefined);
  if (!isNextHop(operation.backup)) return `there is no next hop ${operation.backup} to be the backup`;
  const seen = new Set<number>();
  for (const { slot, current, previous } of operation.slots) {
    if (!Number.isInteger(slot) || slot < 0 || slot >= GROUP_SLOTS)
      return `${slot} is not a slot (0 to ${GROUP_SLOTS - 1})`;
    if (seen.has(slot)) return `slot ${slot} is given twice`;
    seen.add(slot);
    if (!isNextHop(current)) return `there is no next hop ${current} to own slot ${slot}`;
    if (!isNextHop(previous)) return `there is no next hop ${previous} to have owned slot ${slot}`;
  }
  return undefined;
}

function reasonAgainstUse(
  { address, policy }: Pick<CapabilityEntry, "address" | "policy">,
  tables: TableView,
): string | undefined {
  if (policy === undefined) return undefined;
  const present = tables.policy(policy);
  if (present?.use !== "capabilities") return `there is no policy ${policy} of capabilities`;
  const tenantIndex = (address[6]! << 8) | address[7]!;
  return present.tenantIndex === tenantIndex
    ? undefined
    : `policy ${policy} is of tenant ${present.tenantIndex}, and the capability of tenant ${tenantIndex}`;
}

function reasonAgainstPolicy(index: PolicyIndex, policy: Policy, tables: TableView): string | undefined {
  const { use, tenantIndex, packets, bits, dscp, tag, allowed } = policy;
  const [least, most] =
    use === "tenant" ? [1, FIRST_CAPABILITY_POLICY - 1] : [FIRST_CAPABILITY_POLICY, Number.MAX_SAFE_INTEGER];
  if (!isWithin(index, least, most)) return `${index} is not an index of a policy of ${use}`;
  if (!isWithin(tenantIndex, 1, MAX_INDEX)) return `${tenantIndex} is not a tenant index (1 to ${MAX_INDEX})`;
  if (!isRate(packets, MAX_BURST.packets)) return "a rate in packets is at least 1, and so is its burst";
  if (!isRate(bits, MAX_BURST.octets)) return `a burst in octets is 1 to ${MAX_BURST.octets}`;
  if (dscp !== undefined && !isWithin(dscp, 0, 63)) return "a DSCP is 0 to 63";
  if (tag !== undefined && !isWithin(tag, 1, TAGS - 1)) return `a tag is 1 to ${TAGS - 1}`;
  const isRising = allowed.every((tenant, i) => isWithin(tenant, (allowed[i - 1] ?? 0) + 1, MAX_INDEX));
  if (!isRising || allowed.includes(tenantIndex) || (use === "tenant" && allowed.length > 0))
    return "tenants that are let in are other ones, in rising order, and only into capabilities";
  const present = tables.policy(index);
  if (present !== undefined && (present.use !== use || present.tenantIndex !== tenantIndex))
    return `policy ${index} is of tenant ${present.tenantIndex}; remove it before the index becomes another's`;
  const other = use === "tenant" ? tables.policyOfTenant(tenantIndex) : 0;
  return other !== 0 && other !== index ? `tenant ${tenantIndex} has policy ${other}; remove it first` : undefined;
}
