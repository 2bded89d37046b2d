import assert from "node:assert/strict";
import { fromHex, seconds, Writer } from "../../../src/base/index.ts";
import {
  decodeBgp4mp,
  decodeTableDump,
  encodeDumpRoute,
  encodePeerIndexTable,
  encodeStateChange,
  MrtFramer,
} from "../../../src/bgp/mrt/index.ts";
import { PduFramer } from "../../../src/bgp/rpki/wire/index.ts";
import {
  AttributeCodec,
  type AttributeContext,
  DEFAULT_DIALECT,
  decodeControl,
  encodeKeepalive,
  encodeNotification,
  encodeOpen,
  encodeRouteRefresh,
  Framer,
  IPV4_UNICAST,
  IPV6_UNICAST,
  notification,
  RefreshSubtype,
  shutdownData,
  shutdownText,
  UpdateDecoder,
} from "../../../src/bgp/wire/index.ts";
import type { RouteFamily } from "../../../src/rib/index.ts";
import { semanticSample, setSample } from "../wire/samples.ts";
import { attribute, base, before, KEYS, type Kind, message, NEW_HOP, reach, unreach, update } from "./case.ts";

/** A decoder, inputs that are fine, and what must hold whatever comes in. */
export interface Target {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** Throws where the decoder does, or says what it should not. Returns what it made of the input, to be compared. */
  readonly run: (octets: Uint8Array) => unknown;
}

const codec = new AttributeCodec(DEFAULT_DIALECT);
const FAMILIES: readonly RouteFamily[] = ["capability", "ipv6-unicast", "ipv4-unicast", "route-target"];

/** All messages of a stream that comes in two pieces. */
function framed(stream: Uint8Array, cut: number): unknown[] {
  const framer = new Framer();
  framer.allowExtended();
  const seen: unknown[] = [];
  for (const piece of [stream.slice(0, cut), stream.slice(cut)]) {
    framer.feed(piece);
    for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
      if (answer.kind === "malformed") return [...seen, answer.fault];
      const decoded = answer.type === 2 ? "update" : decodeControl(answer);
      seen.push(decoded);
      if (typeof decoded !== "object" || !decoded.ok || decoded.value.type !== "notification") continue;
      const text = shutdownText(decoded.value.notification);
      assert.ok(text === undefined || !/\p{Cc}/u.test(text), "a peer's text has no control characters");
    }
  }
  return seen;
}

const families = [DEFAULT_DIALECT.family, IPV6_UNICAST, IPV4_UNICAST, { afi: 1, safi: 132 }];
/** Every capability that there is. */
export const FULL_OPEN = {
  autonomousSystem: 4_200_000_000,
  holdTime: seconds(90),
  bgpIdentifier: 0x0a000102,
  capabilities: {
    families,
    routeRefresh: true,
    extendedNextHop: [IPV4_UNICAST],
    fourOctetAs: 4_200_000_000,
    extendedMessages: true,
    roles: [3],
    gracefulRestart: {
      restarted: true,
      notification: true,
      restartTime: seconds(120),
      families: families.map((family) => ({ family, forwardingPreserved: true })),
    },
    longLived: families.map((family) => ({ family, forwardingPreserved: false, staleTime: seconds(86_400) })),
    addPath: families.map((family) => ({ family, send: true, receive: true })),
    enhancedRouteRefresh: true,
    unknown: [],
  },
};

const CONTROL: Target = {
  name: "control",
  seeds: [
    encodeOpen(FULL_OPEN),
    encodeNotification(notification(6, 2, shutdownData("maintenance, back at noon"))),
    encodeNotification(notification(3, 2, fromHex("40630100"))),
    ...[0, 1, 2].map((subtype) => encodeRouteRefresh(IPV6_UNICAST, subtype)),
    Uint8Array.of(...encodeKeepalive(), ...encodeRouteRefresh(IPV4_UNICAST, RefreshSubtype.End), ...encodeKeepalive()),
  ],
  run(octets) {
    const whole = framed(octets, octets.length);
    assert.deepEqual(framed(octets, octets.length >> 1), whole, "cut in the middle");
    return whole;
  },
};

const CONTEXTS: Readonly<Record<Kind, AttributeContext>> = {
  internal: { asWidth: 4, internal: true },
  external: { asWidth: 4, internal: false },
  old: { asWidth: 2, internal: false },
  confederation: { asWidth: 4, internal: false, confederation: true },
  paths: { asWidth: 4, internal: true },
};

/** What an UPDATE came to, in a form that can be compared; checks that it is consistent in itself. */
function readUpdate(decoder: UpdateDecoder, octets: Uint8Array): unknown {
  const outcome = decoder.decode(octets, 0, octets.length);
  const { announced, withdrawn, classic } = decoder;
  const batches = [announced, withdrawn, classic.announced, classic.withdrawn];
  if (outcome.kind !== "routes" && outcome.kind !== "disable-family") return outcome;
  const keys = batches.map((batch) =>
    Array.from({ length: batch.count }, (_, i) => {
      const [start, length] = [batch.starts[i]!, batch.lengths[i]!];
      assert.ok(length > 0 && start + length <= batch.octets.length, "a key inside its message");
      return Buffer.from(batch.octets.subarray(start, start + length)).toString("hex");
    }),
  );
  const identities = [outcome.attributes, outcome.classicAttributes].map((received, i) => {
    if (received === undefined) return undefined;
    assert.ok(received.length <= received.octets.length, "an identity has all its octets");
    const identity = received.identity;
    const family = i === 1 ? "ipv4-unicast" : decoder.announcedFamily;
    // What is kept is canonical: read and written again it is the same.
    assert.deepEqual(codec.identity(codec.decodeIdentity(identity, 0, identity.length), family), identity);
    return Buffer.from(identity).toString("hex");
  });
  return { kind: outcome.kind, keys, identities, faults: outcome.faults };
}

function updates(kind: Kind, seeds: readonly Uint8Array[]): Target {
  const context = CONTEXTS[kind];
  const agreed = { families: FAMILIES, extendedNextHop: true, addPath: kind === "paths" ? FAMILIES : [] };
  const used = new UpdateDecoder(codec, context, agreed);
  return {
    name: `update-${kind}`,
    seeds,
    run(octets) {
      // A decoder that has read much else says the same as a new one: nothing of other messages is left in it.
      const again = readUpdate(used, octets);
      assert.deepEqual(readUpdate(new UpdateDecoder(codec, context, agreed), octets), again);
      return again;
    },
  };
}

/** A route with every attribute that is known. */
function everything(kind: Kind): Uint8Array {
  const set = setSample({
    multiExitDisc: 5,
    communities: [1, 2],
    extendedCommunities: [fromHex("0002fde800000001")],
    largeCommunities: [{ globalAdministrator: 1, data1: 2, data2: 3 }],
    onlyToCustomer: 9,
    originatorId: 7,
    clusterList: [1, 2],
    semantic: semanticSample({
      labels: [{ text: "eu", critical: false }],
      opaque: [{ type: 0x7777, value: fromHex("01") }],
    }),
    opaque: [
      { flags: 0xc0, code: 7, value: fromHex("0000fde90a000001") },
      { flags: 0xc0, code: 99, value: fromHex("0102") },
    ],
  });
  const encoded = codec.encode(set, CONTEXTS[kind]);
  const own = Buffer.from(encoded).toString("hex");
  const target = reach("capability", NEW_HOP, kind === "paths" ? `00000001${KEYS.capability[0]}` : KEYS.capability[0]);
  return message("", target + (kind === "confederation" ? [...base(kind, "capability").values()].join("") : own), "");
}

function bothFields(kind: Kind): Uint8Array {
  const gone = unreach(
    "ipv6-unicast",
    kind === "paths" ? `00000001${KEYS["ipv6-unicast"][1]}` : KEYS["ipv6-unicast"][1],
  );
  return update(kind, "ipv4-unicast", { reach: gone, withdrawn: kind === "paths" ? "00000009180a0909" : "180a0909" });
}

const as4 = update("old", "ipv6-unicast", {
  with: {
    7: attribute(0xc0, 7, "5ba00a000001"),
    17: attribute(0xc0, 17, "02010001117a"),
    18: attribute(0xc0, 18, "0001117a0a000001"),
  },
});
const KINDS: readonly Kind[] = ["internal", "external", "old", "confederation", "paths"];

function recordsOf(octets: Uint8Array, cut: number): unknown[] {
  const framer = new MrtFramer();
  const seen: unknown[] = [];
  for (const piece of [octets.slice(0, cut), octets.slice(cut)]) {
    framer.feed(piece);
    for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
      if (answer.kind === "malformed") return [...seen, answer];
      const { type, subtype, body } = answer;
      seen.push(
        structuredClone(
          type === 13 ? decodeTableDump(subtype, body) : type === 16 ? decodeBgp4mp(subtype, body) : type,
        ),
      );
    }
  }
  return seen;
}

function mrtSeeds(): Uint8Array[] {
  const address = fromHex("20010db8000000000000000000000001");
  const write = (fill: (out: Writer) => void): Uint8Array => {
    const out = new Writer(512);
    fill(out);
    return out.finish().slice();
  };
  const paths = [1, 2].map((peer) => ({ peer, originated: 7, attributes: fromHex("40010100") }));
  const peers = [{ bgpIdentifier: 1, address, autonomousSystem: 65551 }];
  const ends = { peerAs: 65551, localAs: 65000, peerAddress: address, localAddress: address };
  return [
    write((out) => encodePeerIndexTable(out, 1, { collectorId: 9, viewName: "view", peers })),
    write((out) => encodeDumpRoute(out, 1, 5, { family: IPV6_UNICAST, nlri: fromHex("2020010db8"), paths })),
    write((out) =>
      encodeDumpRoute(out, 1, 5, {
        family: IPV4_UNICAST,
        nlri: fromHex("18c00002"),
        paths: paths.map((path) => ({ ...path, pathId: 3 })),
      }),
    ),
    write((out) => encodeDumpRoute(out, 1, 5, { family: { afi: 2, safi: 251 }, nlri: fromHex("0203aabbcc"), paths })),
    write((out) => encodeStateChange(out, 1, ends, { from: "Idle", to: "Established" })),
  ];
}

const MRT: Target = {
  name: "mrt",
  seeds: mrtSeeds(),
  run(octets) {
    const whole = recordsOf(octets, octets.length);
    assert.deepEqual(recordsOf(octets, octets.length >> 1), whole, "cut in the middle");
    return whole;
  },
};

function pdusOf(octets: Uint8Array, cut: number): unknown[] {
  const framer = new PduFramer();
  const seen: unknown[] = [];
  for (const piece of [octets.slice(0, cut), octets.slice(cut)]) {
    framer.feed(piece);
    for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
      // How much of what is wrong was there goes back to the cache, and is another thing with each cut.
      if (answer.kind === "malformed") return [...seen, { ...answer, octets: undefined }];
      seen.push(structuredClone(answer));
    }
  }
  return seen;
}

const RPKI: Target = {
  name: "rpki",
  seeds: [
    "010012340000000c00000007",
    "010312340000000801040000000000140118 1a00c00002000001000f".replaceAll(" ", ""),
    `010600000000002001203000 20010db8${"00".repeat(12)}0000fde8`.replaceAll(" ", ""),
    "010712340000001800000007 00000e100000025800001c20".replaceAll(" ", ""),
    "010a00000000001a00000008010203040506070800000002 6e6f".replaceAll(" ", ""),
    "0108000000000008",
  ].map(fromHex),
  run(octets) {
    const whole = pdusOf(octets, octets.length);
    assert.deepEqual(pdusOf(octets, octets.length >> 1), whole, "cut in the middle");
    return whole;
  },
};

/** Everything of BGP that reads what strangers wrote. BMP is written only. */
export const TARGETS: readonly Target[] = [
  CONTROL,
  ...KINDS.map((kind) =>
    updates(kind, [everything(kind), bothFields(kind), ...before(kind), ...(kind === "old" ? [as4] : [])]),
  ),
  MRT,
  RPKI,
];
