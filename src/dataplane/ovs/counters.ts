import type { NextHopIndex } from "../../forwarding/index.ts";
import { VERDICTS, type Verdict } from "../abi.ts";
import type { DataplaneCounters, NextHopCounters } from "../driver.ts";
import type { FlowDescription } from "./openflow/flow.ts";
import { TABLE } from "./tables.ts";

/** Tables whose flows count; the large ones count nothing that is not counted here too. */
export const COUNTING_TABLES: readonly number[] = [
  ...[TABLE.source, TABLE.tunnel, TABLE.tracked, TABLE.out, TABLE.deliver, TABLE.backTracked, TABLE.stack],
];

const ETHERNET_LENGTH = 14n;
const CHOSEN = 1n;
const NEW_FLOW = 2n;
const NONE: NextHopCounters = { packets: 0n, bytes: 0n, flows: 0n };

/**
 * Sums up what the flows of the switch have counted (their cookies say for whom) and what became of exceptions.
 * A packet that was chosen for a tunnel and then found too big is counted by its next hop, and as what it was answered with.
 */
export function countersOf(
  flows: readonly FlowDescription[],
  exceptions: ReadonlyMap<Verdict, bigint>,
  tunnels: ReadonlySet<NextHopIndex>,
): DataplaneCounters {
  const verdicts = new Map<string, bigint>(VERDICTS.map((name) => [name, exceptions.get(name) ?? 0n]));
  const nextHops = new Map<NextHopIndex, NextHopCounters>();
  let encapsulated = 0n;
  for (const { cookie, packets, bytes } of flows) {
    const kind = cookie >> 32n;
    const number = Number(cookie & 0xffffffffn);
    const before = nextHops.get(number) ?? NONE;
    if (kind === CHOSEN) {
      nextHops.set(number, { ...before, packets, bytes: bytes - ETHERNET_LENGTH * packets });
      if (tunnels.has(number)) encapsulated += packets;
    } else if (kind === NEW_FLOW)
      nextHops.set(number, { ...before, packets, bytes: bytes - ETHERNET_LENGTH * packets, flows: packets });
    const verdict = kind === 0n ? VERDICTS[number - 1] : undefined;
    if (verdict !== undefined) verdicts.set(verdict, verdicts.get(verdict)! + packets);
  }
  const tooBig = exceptions.get("reject-too-big") ?? 0n;
  verdicts.set("encapsulated", encapsulated > tooBig ? encapsulated - tooBig : 0n);
  return { verdicts, nextHops };
}
