import { FIRST_CAPABILITY_POLICY, type Policy, type PolicyIndex } from "../../forwarding/index.ts";
import { policyCookie } from "./next-hop-flows.ts";
import { type Action, meter, resubmit, setField } from "./openflow/actions.ts";
import { FIELD, is } from "./openflow/fields.ts";
import type { Flow } from "./openflow/flow.ts";
import type { MeterOrder } from "./openflow/meter.ts";
import { MATCH, POLICY_METER, REGISTER, TABLE } from "./tables.ts";

const KILO = 1000;
const OCTET = 8;

/** What passes under a policy: of a tenant before the capability is looked for, of capabilities behind it. */
export function policyFlows(index: PolicyIndex, policy: Policy): Flow[] {
  const { use, tenantIndex, allowed } = policy;
  const common = { priority: 10, cookie: policyCookie(index) };
  if (use === "tenant")
    return [
      {
        ...{ table: TABLE.tenantPolicy, ...common, match: [MATCH.ipv6, is(REGISTER.tenant, tenantIndex)] },
        actions: [...terms(index, policy), resubmit(TABLE.capability)],
      },
    ];
  const here = is(REGISTER.policy, index);
  return [
    {
      ...{ table: TABLE.policy, ...common, match: [MATCH.ipv6, here] },
      actions: [...terms(index, policy), resubmit(TABLE.serve)],
    },
    ...allowed.map((tenant) => ({
      ...{ table: TABLE.tenant, priority: 15, match: [here, is(REGISTER.tenant, tenant)] },
      actions: [resubmit(TABLE.policy)],
    })),
  ];
}

function terms(index: PolicyIndex, { packets, bits, dscp }: Policy): Action[] {
  return [
    ...(packets === undefined ? [] : [meter(POLICY_METER.packets(index))]),
    ...(bits === undefined ? [] : [meter(POLICY_METER.bits(index))]),
    ...(dscp === undefined ? [] : [setField(is(FIELD.ipDscp, dscp))]),
  ];
}

/** The meters that the flows of a policy name. Rates in bits are rounded up to a thousand. */
export function policyMeters(index: PolicyIndex, { packets, bits }: Policy): MeterOrder[] {
  const orders: MeterOrder[] = [];
  if (packets !== undefined) orders.push({ meter: POLICY_METER.packets(index), rate: { of: "packets", ...packets } });
  if (bits !== undefined) {
    const [perSecond, burst] = [Math.ceil(bits.perSecond / KILO), Math.ceil((bits.burst * OCTET) / KILO)];
    orders.push({ meter: POLICY_METER.bits(index), rate: { of: "kilobits", perSecond, burst } });
  }
  return orders;
}

export const isOfTenant = (index: PolicyIndex): boolean => index < FIRST_CAPABILITY_POLICY;
