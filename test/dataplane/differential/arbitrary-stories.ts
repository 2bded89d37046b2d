import fc from "fast-check";
import type { PassPort } from "../../../src/dataplane/memory/outcome.ts";
import { concatenate, putU16 } from "../../../src/dataplane/memory/packet.ts";
import { icmpv6, ipv6, tcp } from "../memory/frames.ts";
import type { Step } from "./arbitrary.ts";
import { answered, asked, fragment, fragmentId } from "./arbitrary-packets.ts";
import { ELSEWHERE, UNKNOWN } from "./arbitrary-plans.ts";
import { AGENT_PORTS, AGENTS, CAPABILITIES, CLIENT_PORTS, CLIENTS, OWN, ROUTERS, SERVICE_PORTS } from "./pool.ts";

/** To the loopback's own address (zero), else tc takes the frame for somebody else's. */
export const ETHERNET = Uint8Array.of(0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0x86, 0xdd);

const [SYN, ACK] = [0x02, 0x10] as const;
type Role = PassPort["role"];
type Told = readonly [role: Role, packet: Uint8Array];

const client = fc.constantFrom(CLIENTS[0]!, CLIENTS[1]!);
const clientPort = fc.constantFrom(...CLIENT_PORTS);
const servicePort = SERVICE_PORTS[0]!;

/** A datagram, and its answer in fragments, in their order or not. */
const fragments: fc.Arbitrary<Told[]> = fc
  .tuple(asked, answered, fragmentId, fc.constantFrom([1, 9], [9, 1], [1, 9, 16]))
  .map(([request, answer, id, offsets]) => {
    answer.set(request.subarray(40, 42), 42); // to the port that asked
    putU16(answer, 46, 0);
    return [["client", request], ...offsets.map((offset): Told => ["agent", fragment(answer, offset, id)])];
  });

/** What `from` sent to `to`, as an error quotes it. */
const errorAbout = (sender: Uint8Array, quoted: Uint8Array): Uint8Array =>
  icmpv6(
    { source: sender, destination: quoted.slice(8, 24) },
    { type: 2, body: concatenate(Uint8Array.of(0, 0, 5, 0), quoted) },
  );

/** A connection begins, is answered, and each side hears that the other's packets were too big. */
const errors: fc.Arbitrary<Told[]> = fc
  .tuple(client, fc.constantFrom(...CAPABILITIES.slice(0, 3)), clientPort, fc.constantFrom(...ROUTERS))
  .map(([source, destination, sourcePort, router]) => {
    const ports = { sourcePort, destinationPort: servicePort };
    const back = { sourcePort: servicePort, destinationPort: sourcePort };
    const [agent] = AGENTS as [Uint8Array];
    const atAgent = { sourcePort, destinationPort: AGENT_PORTS[0]! };
    const fromAgent = { sourcePort: AGENT_PORTS[0]!, destinationPort: sourcePort };
    return [
      ["client", tcp({ source, destination }, { ...ports, flags: SYN })],
      ["agent", tcp({ source: agent, destination: source }, { ...fromAgent, flags: SYN | ACK })],
      ["client", errorAbout(router, tcp({ source: destination, destination: source }, { ...back, flags: ACK }))],
      ["agent", errorAbout(router, tcp({ source, destination: agent }, { ...atAgent, flags: ACK }))],
    ];
  });

/** The same through a tunnel, for what others serve: the connection goes on to them, and so do errors about it. */
const goingOn: fc.Arbitrary<Told[]> = fc.tuple(fc.constantFrom(...ROUTERS), clientPort).map(([router, sourcePort]) => {
  const [source, destination] = [CLIENTS[0]!, CAPABILITIES[ELSEWHERE]!];
  const inside = (packet: Uint8Array): Told => ["core", ipv6({ source: router, destination: OWN }, 41, packet)];
  const answer = tcp(
    { source: destination, destination: source },
    { sourcePort: servicePort, destinationPort: sourcePort, flags: ACK },
  );
  return [
    inside(tcp({ source, destination }, { sourcePort, destinationPort: servicePort, flags: SYN })),
    inside(errorAbout(source, answer)),
  ];
});

/** Two connections from one port, to capabilities that the same instances serve. */
const collision: fc.Arbitrary<Told[]> = fc.tuple(client, clientPort).map(([source, sourcePort]) =>
  [0, 2].map((at): Told => {
    const ports = { sourcePort, destinationPort: servicePort };
    return ["client", tcp({ source, destination: CAPABILITIES[at]! }, { ...ports, flags: SYN })];
  }),
);

/** What comes back from another site, larger than the way to its client takes. */
const tooBig: fc.Arbitrary<Told[]> = fc
  .tuple(fc.constantFrom(...CAPABILITIES.slice(0, 3)), clientPort, fc.integer({ min: 1341, max: 1460 }))
  .map(([source, destinationPort, size]) => {
    const ports = { sourcePort: servicePort, destinationPort };
    const data = new Uint8Array(size).fill(0x5a);
    return [["core", tcp({ source, destination: CLIENTS[1]! }, { ...ports, flags: ACK, data })]];
  });

/** A tunnel in which no packet to a capability is. */
const strange: fc.Arbitrary<Told[]> = fc
  .tuple(fc.constantFrom(...ROUTERS), fc.constantFrom(...AGENTS, ...CLIENTS, OWN), clientPort)
  .map(([router, destination, sourcePort]) => {
    const inner = tcp({ source: CLIENTS[0]!, destination }, { sourcePort, destinationPort: servicePort, flags: SYN });
    return [["core", ipv6({ source: router, destination: OWN }, 41, inner)]];
  });

/** To a capability that only an aggregate may know: too big, and in a tunnel, which goes into no other for that. */
const unknown: fc.Arbitrary<Told[]> = fc
  .tuple(fc.constantFrom(...ROUTERS), clientPort, fc.integer({ min: 1400, max: 1460 }))
  .map(([router, sourcePort, size]) => {
    const ends = { source: CLIENTS[0]!, destination: CAPABILITIES[UNKNOWN]! };
    const segment = (more: object) => tcp(ends, { sourcePort, destinationPort: servicePort, flags: SYN, ...more });
    return [
      ["client", segment({ data: new Uint8Array(size) })],
      ["core", ipv6({ source: router, destination: OWN }, 41, segment({}))],
    ];
  });

/** A request in two fragments, in their order or not. */
const parts: fc.Arbitrary<Told[]> = fc
  .tuple(asked, fragmentId, fc.constantFrom([0, 9], [9, 0]))
  .map(([request, id, offsets]) => offsets.map((offset): Told => ["client", fragment(request, offset, id)]));

const echo: fc.Arbitrary<Told[]> = fc
  .tuple(client, fc.constantFrom(...CAPABILITIES.slice(0, 4)))
  .map(([source, destination]) => [
    ["client", icmpv6({ source, destination }, { type: 128, body: Uint8Array.of(0, 1, 0, 1, 7, 7) })],
  ]);

/** Several steps that belong together, all at one hook. */
export function story(
  tagged: (frames: fc.Arbitrary<Uint8Array>) => fc.Arbitrary<Uint8Array>,
  hook: fc.Arbitrary<"xdp" | "tc">,
): fc.Arbitrary<Step[]> {
  const told = fc.oneof(
    ...[
      fragments,
      errors,
      errors,
      goingOn,
      goingOn,
      collision,
      tooBig,
      tooBig,
      strange,
      unknown,
      unknown,
      parts,
      parts,
      echo,
    ],
  );
  return fc.tuple(told, hook).chain(([parts, where]) =>
    fc.tuple(
      ...parts.map(([role, packet]) =>
        tagged(fc.constant(concatenate(ETHERNET, packet))).map((frame): Step => {
          const port = { role, tenantIndex: role === "core" ? 0 : 1, partialChecksums: false, acceptsTags: true };
          return { type: "packet", port, hook: where, frame };
        }),
      ),
    ),
  );
}
