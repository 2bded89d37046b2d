import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HOOKS, type Hook } from "./bench.ts";
import { ethernet, icmp } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import { ACTION, CAP, CLIENT, datagram, HOP, makeSpreadWorld, OTHER, segment } from "./world.ts";

const ECHO = Uint8Array.of(0, 9, 0, 1);

/** Packets with any payload; `back`: octets from their checksum to the payload. */
const PACKETS = {
  "a segment for another site": { back: 4, of: (payload: Uint8Array) => segment(CAP.remote, { flags: "A", payload }) },
  "a SYN with data for an instance here": { back: 4, of: (payload: Uint8Array) => segment(CAP.local, { payload }) },
  "a segment by waypoints": { back: 4, of: (payload: Uint8Array) => segment(CAP.segments, { flags: "PA", payload }) },
  "a datagram for another site": {
    back: 2,
    of: (payload: Uint8Array) => datagram(CAP.remote, { destinationPort: 80, payload }),
  },
  "a datagram for an instance here": { back: 2, of: (payload: Uint8Array) => datagram(CAP.localUdp, { payload }) },
  "datagrams that stay together by address": {
    back: 2,
    of: (payload: Uint8Array) => datagram(CAP.byAddress, { payload }),
  },
  "an echo request for another site": {
    back: 6,
    of: (payload: Uint8Array) =>
      icmp({ source: CLIENT, destination: CAP.remote }, 128, 0, Uint8Array.of(...ECHO, ...payload)),
  },
} as const;

/** What people and agents write, and what looks like something that the pass knows in another place. */
const text = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 200 }),
  fc
    .string({ minLength: 1, maxLength: 200 })
    .map((words) => new TextEncoder().encode(`POST /vision/ocr HTTP/1.1\r\n${words}`)),
  fc.uint8Array({ minLength: 20, maxLength: 60 }).map((octets) => Uint8Array.of(0x40, ...octets)),
  fc.constantFrom(datagram(CAP.unknown), segment(OTHER), ethernet(segment(CAP.local))),
);

function defineTests(hook: Hook): void {
  for (const [name, { of, back }] of Object.entries(PACKETS))
    it(`${name}: whatever is inside, it goes the same way, and is not changed`, async () => {
      using bench = await makeSpreadWorld();
      bench.state(HOP.remote, "up");
      const outcome = (payload: Uint8Array) => {
        const { action, packet } = bench.run(hook, ethernet(of(payload)));
        const head = packet.slice(0, packet.length - payload.length);
        head.fill(0, head.length - back, head.length - back + 2);
        return { action, head, payload: packet.slice(packet.length - payload.length) };
      };
      outcome(new Uint8Array(1)); // a flow that begins may be told apart from one that goes on
      fc.assert(
        fc.property(text, (payload) => {
          const plain = outcome(new Uint8Array(payload.length));
          const said = outcome(payload);
          assert.equal(plain.action, ACTION.sent[hook]);
          assert.deepEqual({ action: said.action, head: said.head }, { action: plain.action, head: plain.head });
          assert.deepEqual(said.payload, payload);
        }),
        { numRuns: 100 },
      );
    });
}

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS) describe(`above layer 4 nothing is read (${hook})`, () => defineTests(hook));
});
