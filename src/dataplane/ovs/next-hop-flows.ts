import type { Ipv6Address } from "../../base/index.ts";
import type {
  InstanceNextHop,
  NextHop,
  NextHopIndex,
  PlannedNextHop,
  PolicyIndex,
  TunnelNextHop,
} from "../../forwarding/index.ts";
import { VERDICTS, type Verdict } from "../abi.ts";
import {
  type Action,
  checkLonger,
  conntrack,
  decrementHopLimit,
  output,
  PORT,
  resubmit,
  setField,
} from "./openflow/actions.ts";
import { FIELD, is } from "./openflow/fields.ts";
import { type Flow, type Numbered, setGroup } from "./openflow/flow.ts";
import { GROUP, LEG, MATCH, REGISTER, TABLE, ZONE } from "./tables.ts";

/** What every flow of the pipeline has to know about the switch. */
export interface SwitchFacts {
  readonly locator: Ipv6Address;
  /** Number of the tunnel port, and of the one for what came out of a tunnel itself. */
  readonly tunnelPort: number;
  readonly hairPinPort: number;
  /** Of the bridge's own interface, behind which the host's stack is. */
  readonly stackMac: Uint8Array;
  /** Largest frame, with its Ethernet header, that a tunnel takes. */
  readonly longestFrame: number;
}

/** Cookies of flows whose packets end there: counted under a verdict. */
export const verdictCookie = (verdict: Verdict): bigint => BigInt(VERDICTS.indexOf(verdict) + 1);
/** Cookies of the flows that count what a next hop was chosen for, and the connections that it was given. */
const chosenCookie = (nextHop: NextHopIndex): bigint => 0x1_0000_0000n + BigInt(nextHop);
/** And of those that count what passes under a policy. */
export const policyCookie = (policy: PolicyIndex): bigint => 0x5_0000_0000n + BigInt(policy);
const newFlowCookie = (nextHop: NextHopIndex): bigint => 0x2_0000_0000n + BigInt(nextHop);

/** To the host's stack, which knows the way on. */
export const toStack = ({ stackMac }: SwitchFacts): readonly Action[] => [
  setField(is(FIELD.ethDst, stackMac)),
  output(PORT.local),
];

export const choose = (nextHop: NextHopIndex): Action => setField(is(REGISTER.nextHop, nextHop));

/** Whether packets can be sent there at all, and why not. */
export function whyUnusable(nextHop: NextHop): string | undefined {
  return nextHop.kind === "tunnel" && nextHop.encapsulation?.kind !== "vxlan"
    ? "Open vSwitch encapsulates in VXLAN only, and the plan asks for another encapsulation"
    : undefined;
}

/** Chosen for new flows. */
export const isOpen = ({ nextHop, state }: PlannedNextHop): boolean =>
  state === "up" && whyUnusable(nextHop) === undefined;

/** May have the flows that it has. */
export const isUsable = ({ nextHop, state }: PlannedNextHop): boolean =>
  state !== "down" && whyUnusable(nextHop) === undefined;

/** A group that can be chosen, or not: what the slots watch. */
export const aliveGroup = (index: number, alive: boolean): Numbered =>
  setGroup(GROUP.alive(index), "all", alive ? [{ actions: [] }] : []);

/** The flows that exist while a next hop may have packets. Those of endpoints are in `endpoints.ts`: next hops share them. */
export function usableFlows(index: NextHopIndex, nextHop: NextHop, facts: SwitchFacts): Flow[] {
  const { tooLong, previous, remembered, nextHop: chosen } = REGISTER;
  const flows: Flow[] = [
    {
      table: TABLE.still,
      priority: 10,
      match: [is(remembered, index)],
      actions: [choose(index), resubmit(TABLE.out)],
    },
    {
      table: TABLE.previous,
      priority: 10,
      match: [is(previous, index)],
      actions: [choose(index), resubmit(TABLE.remember), resubmit(TABLE.out)],
    },
  ];
  switch (nextHop.kind) {
    case "tunnel":
      flows.push(
        {
          table: TABLE.out,
          priority: 10,
          match: [is(chosen, index)],
          cookie: chosenCookie(index),
          actions: [checkLonger(facts.longestFrame, tooLong), resubmit(TABLE.send)],
        },
        {
          table: TABLE.send,
          priority: 10,
          match: [MATCH.ipv6, is(chosen, index)],
          actions: throughTunnel(nextHop, facts.tunnelPort),
        },
        // To another site, since nobody is here: once, and a connection follows it
        {
          table: TABLE.send,
          priority: 15,
          match: [MATCH.ipv6, is(chosen, index), is(REGISTER.leg, LEG.first)],
          cookie: verdictCookie("hair-pinned"),
          actions: [resubmit(TABLE.pin), ...throughTunnel(nextHop, facts.hairPinPort)],
        },
        {
          table: TABLE.send,
          priority: 12,
          match: [MATCH.ipv6, is(chosen, index), is(REGISTER.elsewhere, 1)],
          actions: [resubmit(TABLE.pin), ...throughTunnel(nextHop, facts.tunnelPort)],
        },
        {
          table: TABLE.follow,
          priority: 10,
          match: [is(remembered, index)],
          actions: [choose(index), setField(is(REGISTER.elsewhere, 1)), resubmit(TABLE.out)],
        },
      );
      break;
    case "local":
      flows.push({
        table: TABLE.out,
        priority: 10,
        match: [is(chosen, index)],
        cookie: chosenCookie(index),
        actions: [resubmit(TABLE.local)],
      });
      break;
    case "instance":
      flows.push(
        { table: TABLE.out, priority: 10, match: [is(chosen, index)], actions: [resubmit(TABLE.local)] },
        {
          table: TABLE.out,
          priority: 20,
          match: [...MATCH[nextHop.protocol], is(chosen, index), is(REGISTER.member, 1), servicePort(nextHop)],
          cookie: newFlowCookie(index),
          actions: [conntrack({ zone: ZONE, table: TABLE.deliver, commit: nextHop })],
        },
        // Of the right member but the wrong protocol or port
        {
          table: TABLE.out,
          priority: 15,
          match: [is(chosen, index), is(REGISTER.member, 1)],
          actions: [resubmit(TABLE.exception)],
        },
      );
      break;
  }
  return flows;
}

/** The switch chooses the outer source; `fixed-flows.ts` puts ours there. */
const NOT_GIVEN = new Uint8Array(16);

const servicePort = ({ protocol, servicePort: port }: InstanceNextHop) =>
  is(protocol === "tcp" ? FIELD.tcpDst : FIELD.udpDst, port);

function throughTunnel(nextHop: TunnelNextHop, port: number): Action[] {
  const { encapsulation, locator } = nextHop;
  if (encapsulation?.kind !== "vxlan") return [];
  return [
    decrementHopLimit,
    setField(is(FIELD.ethSrc, encapsulation.source)),
    setField(is(FIELD.ethDst, encapsulation.destination)),
    setField(is(FIELD.tunnelId, encapsulation.vni)),
    setField(is(FIELD.tunnelIpv6Dst, locator)),
    // What came out of a tunnel has its sender here still, and Open vSwitch 3.5 sends nothing from an address that is not its host's
    setField(is(FIELD.tunnelIpv6Src, NOT_GIVEN)),
    output(port),
  ];
}
