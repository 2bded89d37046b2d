import { formatIpv6Prefix, type Ipv6Prefix, parseIpv6Prefix } from "../../base/index.ts";
import {
  type AggregateEntry,
  type CapabilityEntry,
  FAMILY_BITS,
  type GroupIndex,
  type PolicyIndex,
  TENANT_BITS,
} from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { tenantTable } from "./commands.ts";

const ADDRESS_BITS = 128;

/** Whatever of a plan has routes: a capability, or an aggregate of them. */
export interface Destination {
  /** Its name here: the prefix as text. */
  readonly prefix: string;
  readonly address: Ipv6Prefix;
  readonly group: GroupIndex;
  readonly localGroup: GroupIndex;
  readonly policy?: PolicyIndex;
}

export const capabilityRoutes = ({ address, ...entry }: CapabilityEntry): Destination => {
  const prefix = { address, length: ADDRESS_BITS };
  return { prefix: formatIpv6Prefix(prefix), address: prefix, ...entry };
};

export const aggregateRoutes = ({ prefix, ...entry }: AggregateEntry): Destination => ({
  ...{ prefix: formatIpv6Prefix(prefix), address: prefix, localGroup: 0, ...entry },
});

/** What the plan has under that name now. */
export function destinationOf(plan: PlanTables, name: string): Destination | undefined {
  const prefix = parseIpv6Prefix(name)!;
  if (prefix.length === ADDRESS_BITS) {
    const entry = plan.capability(prefix.address);
    return entry && capabilityRoutes(entry);
  }
  const entry = plan.aggregateAt(prefix);
  return entry && aggregateRoutes(entry);
}

/** Tables of tenants that may reach it: its own, and those that its policy lets in. */
export function tablesOf(plan: PlanTables, { address: { address }, policy }: Destination): number[] {
  return [(address[6]! << 8) | address[7]!, ...letIn(plan, policy)].map(tenantTable);
}

/**
 * Tables of tenants that reach what is around it, and must not reach it: a route of its own has to say so there, since theirs to the
 * shorter prefix would take it along.
 */
export function closedTablesOf(plan: PlanTables, destination: Destination): number[] {
  const { address, policy } = destination;
  const own = letIn(plan, policy);
  const around = [FAMILY_BITS, TENANT_BITS].filter((length) => length < address.length);
  const tenants = around.flatMap((length) => letIn(plan, plan.aggregateAt(shortened(address, length))?.policy));
  return [...new Set(tenants)].filter((tenant) => !own.includes(tenant)).map(tenantTable);
}

const letIn = (plan: PlanTables, policy: PolicyIndex | undefined): readonly number[] =>
  policy === undefined ? [] : (plan.policy(policy)?.allowed ?? []);

function shortened({ address }: Ipv6Prefix, length: number): Ipv6Prefix {
  const begin = new Uint8Array(16);
  begin.set(address.subarray(0, length / 8));
  return { address: begin, length };
}
