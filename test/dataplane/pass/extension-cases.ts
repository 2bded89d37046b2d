import assert from "node:assert/strict";
import { assertError, type Case } from "./cases.ts";
import { FRAGMENT, ROUTING } from "./frames.ts";
import { AGENT, CAP, datagram, LOCATOR, OTHER, readdressed, segment } from "./world.ts";

const HOP_BY_HOP = 0;
const DESTINATION = 60;

interface Header {
  readonly protocol: number;
  /** Octets behind the first 8. */
  readonly more?: number;
  /** Added to the length, in units of 8 octets. */
  readonly lie?: number;
  readonly segmentsLeft?: number;
}

/** `packet` with extension headers in this order, options all padding. @see RFC 8200 §4 */
export function extended(packet: Uint8Array, ...headers: readonly Header[]): Uint8Array {
  const next = [...headers.slice(1).map(({ protocol }) => protocol), packet[6]!];
  const chain = headers.flatMap(({ protocol, more = 0, lie = 0, segmentsLeft = 0 }, i) => {
    const octets = new Uint8Array(8 + more);
    octets.set([next[i]!, more / 8 + lie, ...(protocol === ROUTING ? [4, segmentsLeft] : [1, more + 4])]);
    return [...octets];
  });
  const whole = Uint8Array.of(...packet.subarray(0, 40), ...chain, ...packet.subarray(40));
  whole[6] = headers[0]!.protocol;
  new DataView(whole.buffer).setUint16(4, whole.length - 40);
  return whole;
}

/** What `bare` becomes, behind the extension headers that `packet` has. */
function behind(packet: Uint8Array, bare: Uint8Array, translated: Uint8Array): Uint8Array {
  const added = packet.length - bare.length;
  const header = Uint8Array.of(...translated.subarray(0, 40));
  header.set(packet.subarray(4, 7), 4);
  return Uint8Array.of(...header, ...packet.subarray(40, 40 + added), ...translated.subarray(40));
}

const syn = (sourcePort: number) => segment(CAP.local, { sourcePort, payload: Uint8Array.of(1, 2, 3) });
const delivered =
  (bare: Uint8Array, port: number): NonNullable<Case["out"]> =>
  (out, packet, hook) =>
    assert.deepEqual(
      out.slice(),
      behind(packet, bare, readdressed(bare, { destination: [AGENT, port] }, hook === "tc" ? 63 : 64)),
    );

const dropped = { action: "dropped" } as const;
const query = datagram(CAP.localUdp, { sourcePort: 43_001, payload: Uint8Array.of(7, 8, 9) });

/** Extension headers that are skipped, and those that are not. */
export const EXTENSION_CASES: readonly Case[] = [
  {
    name: "hop-by-hop, routing that ended, and destination options (§4.1)",
    packet: extended(syn(43_000), { protocol: HOP_BY_HOP }, { protocol: ROUTING, more: 16 }, { protocol: DESTINATION }),
    verdict: "delivered",
    action: "sent",
    out: delivered(syn(43_000), 8080),
  },
  {
    name: "destination options twice, around a routing header (§4.1)",
    packet: extended(query, { protocol: DESTINATION, more: 8 }, { protocol: ROUTING }, { protocol: DESTINATION }),
    verdict: "delivered",
    action: "sent",
    out: delivered(query, 5353),
  },
  {
    name: "256 octets of options",
    packet: extended(syn(43_002), { protocol: DESTINATION, more: 248 }),
    verdict: "delivered",
    action: "sent",
    out: delivered(syn(43_002), 8080),
  },
  {
    name: "options to another site",
    packet: extended(segment(CAP.remote), { protocol: DESTINATION }),
    verdict: "encapsulated",
    action: "sent",
    out: (out, packet) => assert.deepEqual(out.slice(47), packet.slice(7).with(0, 63)),
  },
  {
    name: "out of a tunnel, options inside",
    role: "core",
    packet: (() => {
      const inner = extended(syn(43_003), { protocol: DESTINATION });
      const outer = segment(CAP.local).slice(0, 40);
      outer.set(OTHER, 8);
      outer.set(LOCATOR, 24);
      outer[6] = 41;
      new DataView(outer.buffer).setUint16(4, inner.length);
      return Uint8Array.of(...outer, ...inner);
    })(),
    verdict: "delivered",
    action: "sent",
    out: (out, packet, hook) => delivered(syn(43_003), 8080)(out, packet.slice(40), hook),
  },
  {
    name: "SYN to nobody: no RST goes behind options, an error does",
    packet: extended(segment(CAP.empty), { protocol: DESTINATION }),
    verdict: "reject-empty-group",
    action: "answered",
    out: (out, packet) => assertError(out, packet, 1, 3),
  },
  {
    name: "no next header (§4.7)",
    packet: extended(segment(CAP.local).with(6, 59), { protocol: DESTINATION }),
    verdict: "reject-protocol",
    action: "answered",
    out: (out, packet) => assertError(out, packet, 1, 4),
  },
  {
    name: "a first fragment behind options: its sender is told",
    packet: extended(
      Uint8Array.of(
        ...segment(CAP.local).with(6, FRAGMENT).slice(0, 40),
        6,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
        ...new Uint8Array(20),
      ),
      { protocol: DESTINATION },
    ),
    verdict: "drop-fragment",
    action: "answered",
    out: (out, packet) => assertError(out, packet, 1, 1),
  },
  {
    name: "segments left (§4.4)",
    ...dropped,
    packet: extended(syn(1), { protocol: ROUTING, more: 16, segmentsLeft: 1 }),
    verdict: "drop-segments",
  },
  {
    name: "hop-by-hop options that do not come first (§4.1)",
    ...dropped,
    packet: extended(syn(1), { protocol: DESTINATION }, { protocol: HOP_BY_HOP }),
    verdict: "drop-extension",
  },
  {
    name: "a fifth header",
    ...dropped,
    packet: extended(syn(1), ...Array.from({ length: 5 }, () => ({ protocol: DESTINATION }))),
    verdict: "drop-extension",
  },
  {
    name: "more than 256 octets",
    ...dropped,
    packet: extended(syn(1), { protocol: DESTINATION, more: 256 }),
    verdict: "drop-extension",
  },
  {
    name: "a length beyond the packet",
    ...dropped,
    packet: extended(syn(1), { protocol: DESTINATION, lie: 20 }),
    verdict: "drop-extension",
  },
  {
    name: "nothing behind the options",
    ...dropped,
    packet: extended(syn(1).slice(0, 40), { protocol: DESTINATION }),
    verdict: "drop-truncated",
  },
  {
    name: "half an extension header",
    ...dropped,
    packet: (() => {
      const whole = extended(syn(1).slice(0, 40), { protocol: DESTINATION }).slice(0, 44);
      whole[5] = 4;
      return whole;
    })(),
    verdict: "drop-truncated",
  },
];
