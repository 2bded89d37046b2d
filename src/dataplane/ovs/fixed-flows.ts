import type { Ipv6Prefix } from "../../base/index.ts";
import { lastLegAddress } from "../../forwarding/index.ts";
import { VXLAN_PORT } from "../abi.ts";
import { type SwitchFacts, toStack, verdictCookie } from "./next-hop-flows.ts";
import { conntrack, copyField, learn, meter, output, PORT, resubmit, setField } from "./openflow/actions.ts";
import { FIELD, type Field, is } from "./openflow/fields.ts";
import type { Flow } from "./openflow/flow.ts";
import { DOMAIN_BITS, ICMPV6_ERRORS, LEG, MATCH, METER, REGISTER, TABLE, ZONE } from "./tables.ts";

const REDIRECT = 137;
/** UDP port of the tunnel port for what came out of a tunnel itself: it becomes VXLAN's own before it leaves. */
export const HAIR_PIN_PORT = 21_331;
const FRAGMENT = { first: 1, later: 3 } as const;
/** As long as the pass remembers: RFC 5382 (TCP), RFC 4787 (UDP). */
const REMEMBERED_SECONDS = { tcp: 7440, udp: 120 } as const;
const ENDED_SECONDS = 10;
const REMEMBERED_FLOWS = 65_536;
const KEPT_COOKIE = 0x3_0000_0000n;
/** Longer than any stack takes a neighbour for reachable without asking. */
const NEIGHBOUR_SECONDS = 3600;
const NEIGHBOURS = 65_536;
const NEIGHBOUR_COOKIE = 0x4_0000_0000n;

/** Flows that depend on nothing that a plan says. */
export function fixedFlows(domain: Ipv6Prefix, facts: SwitchFacts): Flow[] {
  return [...entry(domain, facts), ...source(domain), ...site(), ...local(facts), ...wayBack(facts), ...ends(facts)];
}

function entry({ address }: Ipv6Prefix, { tunnelPort, hairPinPort, locator }: SwitchFacts): Flow[] {
  const toDomain = MATCH.prefix(FIELD.ipv6Dst, address, DOMAIN_BITS);
  const fromStack = is(FIELD.inPort, PORT.local);
  return [
    { table: TABLE.port, priority: 10, match: [is(FIELD.inPort, tunnelPort)], actions: [resubmit(TABLE.tunnel)] },
    // Its UDP port is never on a wire: nobody may come in by it
    { table: TABLE.port, priority: 10, match: [is(FIELD.inPort, hairPinPort)], actions: [] },
    // Errors of the stack and of routers about answers of instances
    ...ICMPV6_ERRORS.map((type) => ({
      ...{ table: TABLE.port, priority: 40, match: [fromStack, ...MATCH.icmpv6(type), toDomain] },
      actions: [resubmit(TABLE.local)],
    })),
    { table: TABLE.port, priority: 30, match: [fromStack, MATCH.ipv6, toDomain], actions: [] },
    // The stack sees one interface and would tell a client to send to the instance itself
    { table: TABLE.port, priority: 30, match: [fromStack, ...MATCH.icmpv6(REDIRECT)], actions: [] },
    // Open vSwitch 3.1 takes the address of the link for the outer source, whatever a tunnel says; others know our locator.
    // What it has put into the tunnel comes by here as if the stack had sent it
    {
      ...{ table: TABLE.port, priority: 20, match: [fromStack, ...MATCH.udp, is(FIELD.udpDst, VXLAN_PORT)] },
      actions: [setField(is(FIELD.ipv6Src, locator)), resubmit(TABLE.known)],
    },
    {
      ...{ table: TABLE.port, priority: 20, match: [fromStack, ...MATCH.udp, is(FIELD.udpDst, HAIR_PIN_PORT)] },
      actions: [
        setField(is(FIELD.ipv6Src, lastLegAddress(locator))),
        setField(is(FIELD.udpDst, VXLAN_PORT)),
        resubmit(TABLE.known),
      ],
    },
    { table: TABLE.port, priority: 10, match: [fromStack], actions: [resubmit(TABLE.known)] },
  ];
}

/** Sources that no client has, fragments, and packets whose hop limit ends here. @see dataplane/README.md, step 2 */
function source({ address }: Ipv6Prefix): Flow[] {
  const { ipv6Src } = FIELD;
  const nowhere = [
    MATCH.prefix(ipv6Src, Uint8Array.of(0xff, ...new Array<number>(15).fill(0)), 8),
    MATCH.prefix(ipv6Src, Uint8Array.of(0xfe, 0x80, ...new Array<number>(14).fill(0)), 10),
    MATCH.prefix(ipv6Src, new Uint8Array(16), 127),
    MATCH.prefix(ipv6Src, address, DOMAIN_BITS),
  ];
  const table = TABLE.source;
  const toException = { actions: [resubmit(TABLE.exception)] };
  return [
    ...nowhere.map((match) => ({
      ...{ table, priority: 50, match: [MATCH.ipv6, match], cookie: verdictCookie("drop-source"), actions: [] },
    })),
    { table, priority: 40, match: [MATCH.ipv6, is(FIELD.ipFrag, FRAGMENT.first)], ...toException },
    {
      ...{ table, priority: 40, match: [MATCH.ipv6, is(FIELD.ipFrag, FRAGMENT.later)], actions: [] },
      cookie: verdictCookie("drop-fragment"),
    },
    ...[0, 1].map((left) => ({ table, priority: 30, match: [MATCH.ipv6, is(FIELD.ipTtl, left)], ...toException })),
    { table, priority: 10, match: [MATCH.ipv6], actions: [resubmit(TABLE.tenantPolicy)] },
    { table: TABLE.tenantPolicy, priority: 0, match: [], actions: [resubmit(TABLE.capability)] },
    // Of another tenant: the answer of what does not exist
    { table: TABLE.tenant, priority: 0, match: [], ...toException },
    { table: TABLE.tenant, priority: 30, match: [is(REGISTER.elsewhere, 1)], actions: [resubmit(TABLE.elsewhere)] },
    { table: TABLE.policy, priority: 0, match: [], actions: [resubmit(TABLE.serve)] },
    { table: TABLE.serve, priority: 0, match: [], ...toException },
  ];
}

/** The site is chosen, its packet is ready to go. @see dataplane/README.md, steps 3 and 5 */
function site(): Flow[] {
  const remember = (protocol: "tcp" | "udp"): Flow => ({
    ...{ table: TABLE.remember, priority: 10, match: MATCH[protocol] },
    actions: [rememberFlow(protocol, TABLE.kept)],
  });
  const refuse = { actions: [resubmit(TABLE.exception)] };
  const elsewhere = [setField(is(REGISTER.member, 0)), setField(is(REGISTER.elsewhere, 1)), resubmit(TABLE.capability)];
  return [
    { table: TABLE.capability, priority: 0, match: [], actions: [resubmit(TABLE.exception)] },
    { table: TABLE.transition, priority: 0, match: [], actions: [resubmit(TABLE.kept), resubmit(TABLE.still)] },
    { table: TABLE.still, priority: 0, match: [], actions: [resubmit(TABLE.fresh)] },
    // Instances: connection tracking remembers. No former owner: what is not remembered is the present one's
    { table: TABLE.fresh, priority: 40, match: [is(REGISTER.member, 1)], actions: [resubmit(TABLE.out)] },
    { table: TABLE.fresh, priority: 30, match: [is(REGISTER.previous, 0)], actions: [resubmit(TABLE.out)] },
    { table: TABLE.fresh, priority: 25, match: [is(REGISTER.held, 1)], actions: [resubmit(TABLE.previous)] },
    { table: TABLE.fresh, priority: 20, match: MATCH.syn, actions: [resubmit(TABLE.remember), resubmit(TABLE.out)] },
    { table: TABLE.fresh, priority: 0, match: [], actions: [resubmit(TABLE.previous)] },
    { table: TABLE.previous, priority: 0, match: [], actions: [resubmit(TABLE.remember), resubmit(TABLE.out)] },
    remember("tcp"),
    remember("udp"),
    { table: TABLE.out, priority: 0, match: [], actions: [resubmit(TABLE.exception)] },
    { table: TABLE.send, priority: 20, match: [is(REGISTER.tooLong, 1)], actions: [resubmit(TABLE.exception)] },
    // Whoever finds nobody here goes to another site, once
    { table: TABLE.nobody, priority: 40, match: [is(REGISTER.elsewhere, 1)], ...refuse },
    { table: TABLE.nobody, priority: 30, match: [is(REGISTER.leg, LEG.last)], ...refuse },
    { table: TABLE.nobody, priority: 20, match: [is(REGISTER.leg, LEG.first)], actions: elsewhere },
    { table: TABLE.nobody, priority: 10, match: [is(REGISTER.member, 1)], actions: elsewhere },
    { table: TABLE.nobody, priority: 0, match: [], ...refuse },
    { table: TABLE.elsewhere, priority: 0, match: [], ...refuse },
    { table: TABLE.pin, priority: 10, match: MATCH.syn, actions: [rememberFlow("tcp", TABLE.pinned)] },
  ];
}

/** Who is behind which port: frames of the stack go to no other. */
const rememberNeighbour = learn({
  table: TABLE.known,
  priority: 10,
  cookie: NEIGHBOUR_COOKIE,
  idleSeconds: NEIGHBOUR_SECONDS,
  endedIdleSeconds: 0,
  limit: NEIGHBOURS,
  parts: [
    { type: "match-source", from: FIELD.ethSrc, to: FIELD.ethDst },
    { type: "output-field", field: FIELD.nxInPort },
  ],
});

function rememberFlow(protocol: "tcp" | "udp", table: number) {
  const ports: readonly Field[] = protocol === "tcp" ? [FIELD.tcpSrc, FIELD.tcpDst] : [FIELD.udpSrc, FIELD.udpDst];
  return learn({
    table,
    priority: 10,
    cookie: KEPT_COOKIE,
    idleSeconds: REMEMBERED_SECONDS[protocol],
    endedIdleSeconds: ENDED_SECONDS,
    limit: REMEMBERED_FLOWS,
    parts: [
      { type: "match-value", field: FIELD.ethType, value: 0x86dd },
      { type: "match-value", field: FIELD.ipProto, value: protocol === "tcp" ? 6 : 17 },
      ...[FIELD.ipv6Src, FIELD.ipv6Dst, ...ports].map((field) => ({ type: "match-field", field }) as const),
      { type: "load-field", from: REGISTER.nextHop, to: REGISTER.remembered },
    ],
  });
}

/** Delivery here. @see dataplane/README.md, step 4 */
function local(facts: SwitchFacts): Flow[] {
  const track = { actions: [conntrack({ zone: ZONE, table: TABLE.tracked })] };
  const refuse = { actions: [resubmit(TABLE.exception)] };
  const choose = { actions: [resubmit(TABLE.member)] };
  const isNew = MATCH.state("tracked", "new");
  const table = TABLE.tracked;
  const related: Flow = {
    ...{ table, priority: 40, match: [MATCH.ipv6, MATCH.state("tracked", "related")] },
    ...{ cookie: verdictCookie("delivered"), actions: toStack(facts) },
  };
  return [
    ...ICMPV6_ERRORS.map((type) => ({ table: TABLE.local, priority: 30, match: MATCH.icmpv6(type), ...track })),
    {
      ...{ table: TABLE.local, priority: 25, match: [...MATCH.tcp, is(REGISTER.leg, LEG.last)] },
      ...track,
    },
    // Perhaps it went on to another site
    { table: TABLE.local, priority: 20, match: MATCH.tcp, actions: [resubmit(TABLE.pinned), resubmit(TABLE.follow)] },
    { table: TABLE.follow, priority: 0, match: MATCH.tcp, ...track },
    { table: TABLE.follow, priority: 5, match: [...MATCH.tcp, MATCH.state("tracked")], ...refuse },
    { table: TABLE.local, priority: 20, match: MATCH.udp, ...track },
    { table: TABLE.local, priority: 0, match: [], ...refuse },
    related,
    {
      table,
      priority: 30,
      match: [MATCH.ipv6, MATCH.state("tracked", "destinationTranslated")],
      actions: [resubmit(TABLE.deliver)],
    },
    { table, priority: 20, match: [...MATCH.syn, isNew], ...choose },
    { table, priority: 20, match: [...MATCH.udp, isNew], ...choose },
    { table, priority: 10, match: [...MATCH.tcp, is(REGISTER.leg, LEG.last)], ...refuse },
    // What was cached for its SYN may have led here, past the flow that the SYN has left for it: it is looked for again
    { table, priority: 5, match: MATCH.tcp, actions: [resubmit(TABLE.pinned), resubmit(TABLE.follow)] },
    { table, priority: 0, match: [], ...refuse },
    { table: TABLE.member, priority: 0, match: [], actions: [resubmit(TABLE.nobody)] },
    // The instance of a connection is gone: said about the packet as it came
    ...(["tcp", "udp"] as const).map((protocol) => ({
      ...{
        table: TABLE.deliver,
        priority: 5,
        match: [...MATCH[protocol], MATCH.state("tracked", "destinationTranslated")],
      },
      actions: [
        copyField(FIELD.ctIpv6Dst, FIELD.ipv6Dst),
        copyField(FIELD.ctPortDst, protocol === "tcp" ? FIELD.tcpDst : FIELD.udpDst),
        resubmit(TABLE.exception),
      ],
    })),
  ];
}

/** @see dataplane/README.md, step 6 */
function wayBack(facts: SwitchFacts): Flow[] {
  const returned = { cookie: verdictCookie("returned"), actions: toStack(facts) };
  const track = { actions: [conntrack({ zone: ZONE, table: TABLE.backTracked })] };
  return [
    ...ICMPV6_ERRORS.map((type) => ({ table: TABLE.back, priority: 10, match: MATCH.icmpv6(type), ...track })),
    { table: TABLE.back, priority: 0, match: [], actions: [resubmit(TABLE.stack)] },
    {
      ...{ table: TABLE.backTracked, priority: 10, match: [MATCH.ipv6, MATCH.state("tracked", "reply")] },
      ...returned,
    },
    { table: TABLE.backTracked, priority: 0, match: [], actions: [resubmit(TABLE.stack)] },
  ];
}

function ends({ tunnelPort }: SwitchFacts): Flow[] {
  return [
    {
      table: TABLE.tenantPolicy,
      priority: 20,
      match: [is(FIELD.inPort, tunnelPort)],
      actions: [resubmit(TABLE.local)],
    },
    { table: TABLE.tunnel, priority: 0, match: [], cookie: verdictCookie("drop-unknown-node"), actions: [] },
    {
      ...{ table: TABLE.stack, priority: 0, match: [], cookie: verdictCookie("passed") },
      actions: [resubmit(TABLE.neighbour), output(PORT.local)],
    },
    { table: TABLE.neighbour, priority: 10, match: [], actions: [rememberNeighbour] },
    { table: TABLE.exception, priority: 0, match: [], actions: [meter(METER), output(PORT.controller)] },
  ];
}
