import type { Operation, Policy, Rate } from "../../forwarding/index.ts";
import type { OperationMessage, PolicyMessage, RateMessage } from "./messages.ts";

const USES = ["tenant", "capabilities"] as const;

/** The message of a policy that is set. */
export function policyMessage(index: number, policy: Policy): OperationMessage {
  const { use, tenantIndex, packets, bits, dscp, tag = 0, counted, allowed } = policy;
  const limits = {
    ...(packets === undefined ? {} : { packets: rateMessage(packets) }),
    ...(bits === undefined ? {} : { bits: rateMessage(bits) }),
  };
  const marks = { ...(dscp === undefined ? {} : { dscp }), tag };
  return {
    set_policy: { index, use: USES.indexOf(use), tenant_index: tenantIndex, ...limits, ...marks, counted, allowed },
  };
}

function rateMessage({ perSecond, burst }: Rate): RateMessage {
  return { per_second: perSecond, burst };
}

/** The operation of a message, or one sentence why it is none. */
export function policyOperation(message: PolicyMessage): Operation | string {
  const { index, tenant_index: tenantIndex, packets, bits, dscp, tag, counted, allowed } = message;
  const use = USES[message.use];
  if (use === undefined) return `${message.use} is no use of a policy`;
  const policy: Policy = {
    ...{ use, tenantIndex, counted, allowed: [...allowed] },
    ...(packets ? { packets: rate(packets) } : {}),
    ...(bits ? { bits: rate(bits) } : {}),
    ...(dscp === undefined || dscp === null ? {} : { dscp }),
    ...(tag === 0 ? {} : { tag }),
  };
  return { type: "set-policy", index, policy };
}

function rate({ per_second: perSecond, burst }: RateMessage): Rate {
  return { perSecond: Number(perSecond), burst: Number(burst) };
}
