import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { VERDICTS } from "../../../src/dataplane/abi.ts";
import { Protocol } from "../../../src/dataplane/memory/packet.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { ethernet, icmpv6, ipv6, tcp, udp } from "./frames.ts";
import {
  AGENT,
  CAPABILITY,
  CLIENT,
  GROUPS,
  INSTANCE,
  LOCAL,
  OTHER_LOCATOR,
  OWN_LOCATOR,
  started,
  TUNNEL,
} from "./story.ts";

const TABLES: readonly Operation[] = [
  ...[TUNNEL, LOCAL, INSTANCE],
  ...GROUPS,
  { type: "set-capability", entry: { address: CAPABILITY, group: 2, localGroup: 3 } },
  { type: "set-node", locator: OTHER_LOCATOR },
];

const toCapability = { source: CLIENT, destination: CAPABILITY };
const SYN = tcp(toCapability, { sourcePort: 4000, destinationPort: 80, flags: 2, data: Uint8Array.of(1, 2, 3) });
const FRAMES = [
  { port: "client0", frame: ethernet(SYN) },
  { port: "client0", frame: ethernet(udp(toCapability, { sourcePort: 1, destinationPort: 2 })) },
  { port: "client0", frame: ethernet(icmpv6(toCapability, { type: 128, body: new Uint8Array(8) })) },
  { port: "core0", frame: ethernet(ipv6({ source: OTHER_LOCATOR, destination: OWN_LOCATOR }, Protocol.Ipv6, SYN)) },
  {
    port: "agent0",
    frame: ethernet(
      tcp({ source: AGENT, destination: CLIENT }, { sourcePort: 8080, destinationPort: 4000, flags: 18 }),
    ),
  },
] as const;

/** Rejected or not, a frame leaves with a verdict, and an unanswered one as it came. */
function assertSane(port: string, frame: Uint8Array): void {
  const before = frame.slice();
  const { verdict, action, frame: after } = started(TABLES).process(port, frame);
  assert.ok(VERDICTS.includes(verdict));
  assert.deepEqual(frame, before, "the input is not changed");
  if (action === "pass" || action === "drop") assert.equal(after, frame);
  assert.ok(after.length <= Math.max(frame.length + 40, 14 + 1280));
}

describe("the model of the pass meets malformed packets", () => {
  it("cut off at every octet", () => {
    for (const { port, frame } of FRAMES)
      for (let length = 0; length <= frame.length; length++) assertSane(port, frame.slice(0, length));
  });

  it("with every bit turned", () => {
    for (const { port, frame } of FRAMES)
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const turned = frame.slice();
        turned[bit >> 3]! ^= 1 << (bit & 7);
        assertSane(port, turned);
      }
  });

  it("with lying lengths and any octets", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FRAMES),
        fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 12 }),
        fc.uint8Array({ maxLength: 60 }),
        ({ port, frame }, changes, tail) => {
          const changed = new Uint8Array([...frame, ...tail]);
          for (const [at, octet] of changes) if (at < changed.length) changed[at] = octet;
          assertSane(port, changed);
        },
      ),
      { numRuns: 500 },
    );
  });
});
