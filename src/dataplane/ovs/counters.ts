import type { NextHopIndex, Policy, PolicyIndex } from "../../forwarding/index.ts";
import { VERDICTS, type Verdict } from "../abi.ts";
import type { DataplaneCounters, NextHopCounters, PolicyCounters } from "../driver.ts";
import type { FlowDescription } from "./openflow/flow.ts";
import type { MeterCount } from "./openflow/meter.ts";
import { isOfTenant } from "./policy-flows.ts";
import { POLICY_METER, policyOfMeter, TABLE } from "./tables.ts";

/** Tables whose flows count; the large ones count nothing that is not counted here too. */
export const COUNTING_TABLES: readonly number[] = [
  ...[
    TABLE.tenantPolicy,
    TABLE.policy,
    TABLE.send,
    TABLE.source,
    TABLE.tunnel,
    TABLE.tracked,
    TABLE.out,
    TABLE.deliver,
    TABLE.backTracked,
    TABLE.stack,
  ],
];

const ETHERNET_LENGTH = 14n;
const CHOSEN = 1n;
const NEW_FLOW = 2n;
const POLICY = 5n;
const NONE: NextHopCounters = { packets: 0n, bytes: 0n, flows: 0n };

/** What the switch and this process have counted. */
export interface Counted {
  readonly flows: readonly FlowDescription[];
  readonly meters: readonly MeterCount[];
  readonly exceptions: ReadonlyMap<Verdict, bigint>;
  readonly tunnels: ReadonlySet<NextHopIndex>;
  readonly policies: Iterable<readonly [PolicyIndex, Policy]>;
}

/**
 * Sums up what the flows of the switch have counted (their cookies say for whom) and what became of exceptions.
 * A packet that was chosen for a tunnel and then found too big is counted by its next hop, and as what it was answered with.
 */
export function countersOf({ flows, meters, exceptions, tunnels, policies }: Counted): DataplaneCounters {
  const verdicts = new Map<string, bigint>(VERDICTS.map((name) => [name, exceptions.get(name) ?? 0n]));
  const add = (verdict: Verdict, packets: bigint): void => void verdicts.set(verdict, verdicts.get(verdict)! + packets);
  const nextHops = new Map<NextHopIndex, NextHopCounters>();
  const under = new Map<PolicyIndex, FlowDescription>();
  let encapsulated = 0n;
  for (const flow of flows) {
    const { cookie, packets, bytes } = flow;
    const kind = cookie >> 32n;
    const number = Number(cookie & 0xffffffffn);
    const before = nextHops.get(number) ?? NONE;
    if (kind === CHOSEN) {
      nextHops.set(number, { ...before, packets, bytes: bytes - ETHERNET_LENGTH * packets });
      if (tunnels.has(number)) encapsulated += packets;
    } else if (kind === NEW_FLOW)
      nextHops.set(number, { ...before, packets, bytes: bytes - ETHERNET_LENGTH * packets, flows: packets });
    else if (kind === POLICY) under.set(number, flow);
    const verdict = kind === 0n ? VERDICTS[number - 1] : undefined;
    if (verdict !== undefined) add(verdict, packets);
  }
  for (const { meter, droppedPackets } of meters) {
    const policy = policyOfMeter(meter);
    if (policy !== undefined) add(isOfTenant(policy) ? "drop-tenant-rate" : "drop-capability-rate", droppedPackets);
  }
  const notSent = (exceptions.get("reject-too-big") ?? 0n) + verdicts.get("hair-pinned")!;
  verdicts.set("encapsulated", encapsulated > notSent ? encapsulated - notSent : 0n);
  return { verdicts, nextHops, policies: new Map(policyRows(policies, under, meters)) };
}

function* policyRows(
  policies: Counted["policies"],
  under: ReadonlyMap<PolicyIndex, FlowDescription>,
  meters: readonly MeterCount[],
): Generator<readonly [PolicyIndex, PolicyCounters]> {
  const byNumber = new Map(meters.map((each) => [each.meter, each]));
  for (const [index, { counted }] of policies) {
    const dropped = [POLICY_METER.packets(index), POLICY_METER.bits(index)].flatMap((each) => byNumber.get(each) ?? []);
    const limited = dropped.reduce((sum, { droppedPackets }) => sum + droppedPackets, 0n);
    const lost = dropped.reduce((sum, { droppedBytes }) => sum + droppedBytes, 0n);
    const { packets, bytes } = under.get(index) ?? { packets: limited, bytes: lost };
    const passed = packets > limited ? packets - limited : 0n;
    const octets = bytes - lost - ETHERNET_LENGTH * passed;
    yield [
      index,
      counted ? { packets: passed, bytes: octets > 0n ? octets : 0n, limited } : { packets: 0n, bytes: 0n, limited },
    ];
  }
}
