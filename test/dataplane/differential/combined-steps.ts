/** A plan and packets in which features of the pass meet that chance seldom brings together, on both hooks and behind tags. */
import { concatenate, putU16 } from "../../../src/dataplane/memory/packet.ts";
import type { NextHop, Operation } from "../../../src/forwarding/index.ts";
import { icmpv6, ipv6, tcp, udp } from "../memory/frames.ts";
import { allSlots } from "../memory/story.ts";
import type { Step } from "./arbitrary.ts";
import { fragment, withOptions } from "./arbitrary-packets.ts";
import type { Plan } from "./arbitrary-plans.ts";
import { ETHERNET } from "./arbitrary-stories.ts";
import {
  AGENT_PORTS,
  AGENTS,
  CAPABILITIES,
  CLIENT_PORTS,
  CLIENTS,
  OWN,
  ROUTERS,
  SERVICE_PORTS,
  SOURCES,
  VNIS,
} from "./pool.ts";

const [CLIENT, AGENT] = [CLIENTS[0]!, AGENTS[0]!];
const [STREAM, FRAGMENTS, TURNS, DATAGRAMS, FOREIGN] = CAPABILITIES as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const HOP = { segments: 1, vxlan: 2, local: 3, tcp: 4, udp: 5 } as const;
const OPENED = 4098;

const instance = (protocol: "tcp" | "udp", at: number): NextHop => ({
  ...{ kind: "instance", instance: `00000000000000a${at + 1}`, address: AGENT },
  ...{ port: AGENT_PORTS[at]!, protocol, servicePort: SERVICE_PORTS[at]! },
});
const slots = (group: number, hop: number, backup = hop): Operation => ({
  ...{ type: "set-slots", group, slots: allSlots(hop), backup },
});

const PLAN: Plan = {
  operations: [
    ...ROUTERS.map((locator): Operation => ({ type: "set-node", locator, vni: VNIS[0]! })),
    {
      ...{ type: "set-next-hop", index: HOP.segments, state: "up" },
      nextHop: {
        ...{ kind: "tunnel", locator: ROUTERS[0]! },
        encapsulation: { kind: "segments", waypoints: [ROUTERS[0]!, CLIENTS[0]!] },
      },
    },
    {
      ...{ type: "set-next-hop", index: HOP.vxlan, state: "up" },
      nextHop: {
        ...{ kind: "tunnel", locator: ROUTERS[1]! },
        encapsulation: {
          ...{ kind: "vxlan", vni: VNIS[0]! },
          ...{ destination: new Uint8Array(6).fill(2), source: new Uint8Array(6).fill(4) },
        },
      },
    },
    { type: "set-next-hop", index: HOP.local, nextHop: { kind: "local" }, state: "up" },
    { type: "set-next-hop", index: HOP.tcp, nextHop: instance("tcp", 0), state: "up" },
    { type: "set-next-hop", index: HOP.udp, nextHop: instance("udp", 1), state: "up" },
    slots(1, HOP.segments, HOP.vxlan),
    slots(2, HOP.local, HOP.segments),
    slots(3, HOP.tcp),
    slots(4, HOP.udp),
    slots(5, HOP.vxlan, HOP.segments),
    {
      ...{ type: "set-policy", index: OPENED },
      policy: { use: "capabilities", tenantIndex: 2, allowed: [1], dscp: 34, tag: 7, counted: true },
    },
    { type: "set-capability", entry: { address: STREAM, group: 2, localGroup: 3 } },
    { type: "set-capability", entry: { address: FRAGMENTS, group: 1, localGroup: 0, affinity: "address" } },
    { type: "set-capability", entry: { address: TURNS, group: 5, localGroup: 0, affinity: "none" } },
    { type: "set-capability", entry: { address: DATAGRAMS, group: 2, localGroup: 4, affinity: "address" } },
    { type: "set-capability", entry: { address: FOREIGN, group: 5, localGroup: 0, policy: OPENED } },
  ],
};

const OCTETS = { small: new Uint8Array(40).fill(7), large: new Uint8Array(1390).fill(7) };

const datagram = (destination: Uint8Array, size: keyof typeof OCTETS): Uint8Array =>
  udp(
    { source: CLIENT, destination },
    { sourcePort: CLIENT_PORTS[0]!, destinationPort: SERVICE_PORTS[1]!, data: OCTETS[size] },
  );
const segment = (destination: Uint8Array, flags: number, size: keyof typeof OCTETS = "small"): Uint8Array =>
  tcp(
    { source: CLIENT, destination },
    { sourcePort: CLIENT_PORTS[0]!, destinationPort: SERVICE_PORTS[0]!, flags, data: OCTETS[size] },
  );
const opening = (destination: Uint8Array): Uint8Array =>
  withOptions(segment(destination, 2), [[2, 4, 1440 >> 8, 1440 & 0xff]], "right");

/** Behind destination options. */
function extended(packet: Uint8Array): Uint8Array {
  const whole = concatenate(
    packet.subarray(0, 40),
    Uint8Array.of(packet[6]!, 0, 1, 4, 0, 0, 0, 0),
    packet.subarray(40),
  );
  whole[6] = 60;
  putU16(whole, 4, whole.length - 40);
  return whole;
}

/** What the client's side says about what came from the capability, and the agent's about what came from the client. */
const aboutAnswer = (from: Uint8Array): Uint8Array =>
  icmpv6(
    { source: CLIENT, destination: from },
    {
      type: 2,
      body: concatenate(
        Uint8Array.of(0, 0, 5, 0),
        tcp(
          { source: from, destination: CLIENT },
          { sourcePort: SERVICE_PORTS[0]!, destinationPort: CLIENT_PORTS[0]!, flags: 0x10 },
        ),
      ),
    },
  );
const aboutRequest: Uint8Array = icmpv6(
  { source: AGENT, destination: CLIENT },
  {
    type: 1,
    body: concatenate(
      new Uint8Array(4),
      tcp(
        { source: CLIENT, destination: AGENT },
        { sourcePort: CLIENT_PORTS[0]!, destinationPort: AGENT_PORTS[0]!, flags: 0x10 },
      ),
    ),
  },
);

const FROM_CLIENTS: readonly Uint8Array[] = [
  ...[STREAM, FRAGMENTS, FOREIGN].map(opening),
  ...[STREAM, FOREIGN].map((of) => segment(of, 0x10, "large")),
  ...(["small", "large"] as const).flatMap((size) =>
    [DATAGRAMS, FRAGMENTS].flatMap((of) => [0, 64].map((offset) => fragment(datagram(of, size), offset | 1, 4))),
  ),
  ...[DATAGRAMS, FRAGMENTS].map((of) => extended(fragment(datagram(of, "small"), 1, 5))),
  ...[STREAM, FOREIGN].map((of) => extended(opening(of))),
  ...(["small", "large"] as const).map((size) => extended(datagram(TURNS, size))),
  ...[STREAM, FRAGMENTS, FOREIGN].map(aboutAnswer),
];

const FROM_AGENTS: readonly Uint8Array[] = [
  aboutRequest,
  tcp(
    { source: AGENT, destination: CLIENT },
    { sourcePort: AGENT_PORTS[0]!, destinationPort: CLIENT_PORTS[0]!, flags: 0x12, data: OCTETS.small },
  ),
  ...[0, 64].map((offset) =>
    fragment(
      udp(
        { source: AGENT, destination: CLIENT },
        { sourcePort: AGENT_PORTS[1]!, destinationPort: CLIENT_PORTS[0]!, data: OCTETS.large },
      ),
      offset | 1,
      4,
    ),
  ),
  ...[STREAM, DATAGRAMS].map((of) => (of === STREAM ? opening(of) : datagram(of, "large"))),
];

function inVxlan(packet: Uint8Array): Uint8Array {
  const header = new Uint8Array(30);
  putU16(header, 0, 50_000);
  putU16(header, 2, 4789);
  putU16(header, 4, 30 + packet.length);
  header[8] = 0x08;
  header[14] = VNIS[0]!;
  putU16(header, 28, 0x86dd);
  return ipv6({ source: ROUTERS[0]!, destination: OWN }, 17, concatenate(header, packet));
}

function behindSegments(packet: Uint8Array): Uint8Array {
  const header = new Uint8Array(24);
  header.set([41, 2, 4, 0, 0]);
  return ipv6({ source: ROUTERS[0]!, destination: OWN }, 43, concatenate(header, packet));
}

const FROM_ROUTERS: readonly Uint8Array[] = [
  ...[opening(STREAM), aboutAnswer(STREAM), ...FROM_CLIENTS.slice(5, 13), extended(opening(STREAM))].flatMap(
    (packet) => [ipv6({ source: ROUTERS[0]!, destination: OWN }, 41, packet), inVxlan(packet), behindSegments(packet)],
  ),
  ...[FRAGMENTS, FOREIGN].map((from) =>
    tcp(
      { source: from, destination: CLIENTS[1]! },
      { sourcePort: SERVICE_PORTS[0]!, destinationPort: CLIENT_PORTS[0]!, flags: 0x10, data: OCTETS.large },
    ),
  ),
];

const TAGS = [[], [0x81, 0, 0, 0x64], [0x88, 0xa8, 0, 7, 0x81, 0, 0, 0x64]].map((octets) => Uint8Array.from(octets));

interface Arrives {
  readonly hook: "tc" | "xdp";
  readonly tags: Uint8Array;
}

function sent(role: "client" | "agent" | "core", packets: readonly Uint8Array[], { hook, tags }: Arrives): Step[] {
  const port = {
    ...{ role, tenantIndex: role === "core" ? 0 : 1, clampsMss: true, acceptsTags: true },
    ...{ partialChecksums: hook === "xdp", ...(tags.length === 4 && role === "client" ? { sources: SOURCES } : {}) },
  } as const;
  return packets.map((packet) => {
    const frame = concatenate(ETHERNET.subarray(0, 12), tags, ETHERNET.subarray(12), packet);
    return { type: "packet", port, hook, frame };
  });
}

const all = (arrives: Arrives): Step[] => [
  ...sent("client", FROM_CLIENTS, arrives),
  ...sent("core", FROM_ROUTERS, arrives),
  ...sent("agent", FROM_AGENTS, arrives),
];
const health = (nextHop: number, state: "up" | "down" | "draining"): Step => ({ type: "health", nextHop, state });

/** With everybody there, and then without the first site; without instances, so that what comes goes on. */
const CHANGES: readonly (readonly Step[])[] = [
  [health(HOP.segments, "down")],
  [health(HOP.tcp, "draining"), health(HOP.udp, "down")],
  [health(HOP.tcp, "down"), health(HOP.udp, "down"), health(HOP.segments, "down")],
];

/** Of each a run: the packets, something changes, the same packets again. */
export const COMBINED: readonly (readonly [Plan, readonly Step[]])[] = CHANGES.flatMap((change) =>
  (["tc", "xdp"] as const).flatMap((hook) =>
    TAGS.map((tags) => [PLAN, [...all({ hook, tags }), ...change, ...all({ hook, tags })]] as const),
  ),
);
