import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import {
  AttributeCodec,
  type AttributeContext,
  DEFAULT_DIALECT,
  encodeKeepalive,
  MAX_EXTENDED_MESSAGE_LENGTH,
  MessageType,
  UpdateDecoder,
  writeHeader,
} from "../../../src/bgp/wire/index.ts";
import type { RouteFamily } from "../../../src/rib/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { attribute, base, KEYS, type Kind, LEASE, MAGIC, message, NEW_HOP, reach, type Target } from "./case.ts";
import type { HostilePeer } from "./hostile-peer.ts";
import { simulated } from "./stage.ts";

const RUNS = 250;
const FAMILIES: readonly RouteFamily[] = ["capability", "ipv6-unicast", "ipv4-unicast"];
/** Who is told: neighbours that get a set in different forms, and one that takes long messages. */
const WATCHERS: readonly (readonly [Kind, AttributeContext, extended: boolean])[] = [
  ["external", { asWidth: 4, internal: false }, false],
  ["external", { asWidth: 4, internal: false }, true],
  ["old", { asWidth: 2, internal: false }, false],
  ["internal", { asWidth: 4, internal: true }, false],
  ["internal", { asWidth: 4, internal: true }, true],
];

const hex = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, "0");
const code = codeOf();

/** An attribute that is fine in itself, of any size, with flags as odd as they may be. */
function codeOf(): fc.Arbitrary<readonly [code: number, octets: string]> {
  const many = (code: number, flags: number, unit: number, most: number) =>
    fc
      .tuple(fc.integer({ min: 1, max: most }), fc.nat(0xffff))
      .map(([count, n]) => [code, attribute(flags, code, hex(0x01020000 + n, 4).repeat((count * unit) / 4))] as const);
  const path = fc
    .array(
      fc.tuple(
        fc.constantFrom(1, 2),
        fc.array(fc.constantFrom(1, 70_000, 4_200_000_001), { minLength: 1, maxLength: 255 }),
      ),
      {
        maxLength: 8,
      },
    )
    .map((segments) => {
      const value = segments.map(
        ([type, numbers]) => hex(type, 1) + hex(numbers.length, 1) + numbers.map((number) => hex(number, 4)).join(""),
      );
      return [2, attribute(0x40, 2, value.join(""))] as const;
    });
  const unknown = fc
    .tuple(fc.integer({ min: 100, max: 254 }), fc.nat(3000), fc.constantFrom(0xc0, 0xe0, 0x80))
    .map(([code, length, flags]) => [code, attribute(flags, code, "ab".repeat(length))] as const);
  const tlv = fc.tuple(fc.constantFrom("7777", "7778"), fc.nat(600));
  const semantic = fc.array(tlv, { maxLength: 3 }).map((tlvs) => {
    const value = tlvs.map(([type, length]) => `${type}${hex(length, 2)}${"cd".repeat(length)}`).join("");
    return [255, attribute(0x80, 255, MAGIC + LEASE + value)] as const;
  });
  return fc.oneof(
    path,
    semantic,
    unknown,
    many(8, 0xc0, 4, 1200),
    many(16, 0xc0, 8, 500),
    many(32, 0xc0, 12, 400),
    many(25, 0xc0, 20, 100),
    many(10, 0x80, 4, 60),
    many(4, 0x80, 4, 1),
    many(9, 0x80, 4, 1),
    many(35, 0xc0, 4, 1),
    many(7, 0xc0, 8, 1),
    fc.constant([6, attribute(0x40, 6, "")] as const),
  );
}

const route = fc.record({
  target: fc.constantFrom<Target>("capability", "ipv6-unicast", "ipv4-unicast"),
  attributes: fc.array(code, { maxLength: 8 }),
  /** Octets of attributes that fill the message up to here. */
  fill: fc.constantFrom(0, 0, 0, 3900, 3980, 4000, 4010, 4020, 4030, 4040, 4050, 4060, 60_000, 65_300, 65_400),
});
type Route = typeof route extends fc.Arbitrary<infer Value> ? Value : never;

/** The message, or nothing where it would be longer than any. */
function updateOf({ target, attributes, fill }: Route): Uint8Array | undefined {
  const all = base("internal", target);
  for (const [code, octets] of attributes) all.set(code, octets);
  const own = target === "ipv4-unicast" ? "" : reach(target, NEW_HOP, KEYS[target][0]);
  const so = (own.length + [...all.values()].join("").length) / 2;
  if (fill > so + 4) all.set(99, attribute(0xc0, 99, "ee".repeat(fill - so - 4)));
  const sorted = [...all].sort(([a], [b]) => a - b).map(([, octets]) => octets);
  const body = message("", own + sorted.join(""), target === "ipv4-unicast" ? KEYS[target][0] : "");
  if (body.length + 19 > MAX_EXTENDED_MESSAGE_LENGTH) return undefined;
  const octets = new Uint8Array(19 + body.length);
  octets.set(body, 19);
  writeHeader(new DataView(octets.buffer), octets.length, MessageType.Update);
  return octets;
}

const codec = new AttributeCodec(DEFAULT_DIALECT);

/** Reads what it is told as strictly as this router does; what is wrong is kept. */
function watch(peer: HostilePeer, context: AttributeContext, wrong: string[]): void {
  const decoder = new UpdateDecoder(codec, context, { families: FAMILIES, extendedNextHop: true });
  peer.onUpdate = (octets, start, end) => {
    const outcome = decoder.decode(octets, start, end);
    const isFine = outcome.kind === "end-of-rib" || (outcome.kind === "routes" && outcome.faults.length === 0);
    if (!isFine)
      wrong.push(`${JSON.stringify(outcome).slice(0, 300)}: ${toHex(octets.subarray(start, end)).slice(0, 400)}`);
  };
}

async function setUp(t: TestContext) {
  const kinds = [...WATCHERS.map(([kind]) => kind), "internal" as const];
  const stage = await simulated(t, { kinds, internalPeer: { reflectorClient: true } });
  return { stage, hostile: kinds.length - 1 };
}

describe("what strangers say, passed on", () => {
  it("whatever a neighbour announces, all others are told something that is right, or nothing", async (t) => {
    const { seed } = new SeededRandom();
    t.diagnostic(`seed ${seed}`);
    const { stage, hostile } = await setUp(t);
    const wrong: string[] = [];
    for (const [i, [kind, context, extendedMessages]] of WATCHERS.entries()) {
      const peer = await stage.connect(i);
      watch(peer, context, wrong);
      peer.open(kind, { extendedMessages });
    }
    const peer = await stage.connect(hostile);
    peer.open("internal", { extendedMessages: true });
    const status = () => stage.router.peer(stage.addressOf(hostile));
    await stage.settle("sessions", () => stage.router.speaker.peers().every(({ state }) => state === "Established"));
    await fc.assert(
      fc.asyncProperty(route, async (of) => {
        const octets = updateOf(of);
        if (octets === undefined) return;
        const told = status().messagesReceived;
        peer.say(octets, encodeKeepalive());
        await stage.settle("the message", () => status().messagesReceived === told + 2 || peer.closed !== undefined);
        await stage.settle("all of them", () =>
          stage.router.speaker.peers().every(({ routesPending }) => routesPending === 0),
        );
        assert.equal(peer.closed, undefined);
        assert.deepEqual(wrong, []);
      }),
      { seed, numRuns: RUNS },
    );
    const heard = stage.router.metrics.sum("semrd_bgp_updates_sent_total");
    t.diagnostic(`${status().updatesReceived} UPDATEs heard, ${heard} said`);
    assert.ok(heard > RUNS);
    const states = stage.router.speaker.peers().map(({ state, flaps }) => `${state} ${flaps}`);
    assert.deepEqual(new Set(states), new Set(["Established 0"]));
    stage.assertInnocent();
  });
});
