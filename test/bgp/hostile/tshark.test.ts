import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fromHex, parseIpv4, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import type { PeerFamily } from "../../../src/bgp/speaker/index.ts";
import {
  encodeKeepalive,
  encodeNotification,
  encodeOpen,
  encodeRouteRefresh,
  IPV4_UNICAST,
  mappedIpv4,
  notification,
  shutdownData,
} from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { BGP, dissect, TSHARK } from "../bmp/capture.ts";
import { Router, type RouterOptions, TARGET } from "../speaker/router.ts";
import { A, B, C, Scene } from "../speaker/scene.ts";
import { setSample } from "../wire/samples.ts";
import { FULL_OPEN } from "./decoders.ts";
import { HostilePeer } from "./hostile-peer.ts";
import { recorded, streamOf, type Written } from "./recorded.ts";

const ALL: readonly PeerFamily[] = [
  { family: "capability", addPath: { send: "all", receive: true } },
  { family: "ipv6-unicast", addPath: { send: "all", receive: true } },
  { family: "ipv4-unicast" },
  { family: "route-target" },
];
const UNICAST: readonly PeerFamily[] = [
  { family: "capability" },
  { family: "ipv6-unicast" },
  { family: "ipv4-unicast" },
];
const RESTART = {
  restartTime: seconds(30),
  stalePathTime: seconds(60),
  selectionDeferralTime: seconds(20),
  longLivedStaleTime: seconds(3600),
  keepOverNotification: true,
};

/** Every attribute that a route can have. */
const RICH: Partial<AttributeSet> = {
  multiExitDisc: 7,
  communities: [0xfde80001, 0xfde80002],
  extendedCommunities: [TARGET, fromHex("4004fde84b189680")],
  largeCommunities: [{ globalAdministrator: 65000, data1: 1, data2: 2 }],
  onlyToCustomer: 65009,
  opaque: [
    { flags: 0x40, code: 6, value: new Uint8Array(0) },
    { flags: 0xc0, code: 7, value: fromHex("fa56ea000a000001") },
    { flags: 0xc0, code: 25, value: fromHex("000220010db8000000000000000000000001fde8") },
  ],
};

/** Routers of which all that they say is kept. */
class Studio {
  readonly scene: Scene;
  readonly written: Written[] = [];
  readonly #t: TestContext;

  constructor(t: TestContext) {
    this.scene = new Scene(t);
    this.#t = t;
  }

  async router(options: RouterOptions): Promise<Router> {
    const transport = recorded(this.scene.network.host(options.address), this.written);
    const router = await Router.start(options, { clock: this.scene.clock, transport, seed: this.scene.seed });
    this.#t.after(() => router[Symbol.asyncDispose]());
    return router;
  }

  /** What was said so far, by connection. */
  get streams(): readonly Uint8Array[] {
    return this.written.map(streamOf).filter(({ length }) => length > 0);
  }
}

function tell(router: Router, nextHop: Uint8Array = router.nextHop): void {
  router.originate(1, RICH);
  router.originate(2);
  const { localPref: _, semantic: _s, ...set } = setSample({ ...RICH, nextHop });
  router.speaker.originateUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix("2001:db8:1::/48")! }, set);
  router.speaker.originateUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix("2001:db8:2::/48")! }, set);
  const address = new Uint8Array(4);
  new DataView(address.buffer).setUint32(0, parseIpv4("10.1.0.0")!);
  router.speaker.originateUnicast({ family: "ipv4-unicast", address, length: 16 }, set);
  const four = { ...set, nextHop: mappedIpv4(Uint8Array.of(192, 0, 2, 1)) };
  router.speaker.originateUnicast({ family: "ipv4-unicast", address, length: 17 }, four);
}

function untell(router: Router): void {
  router.withdraw(1);
  router.speaker.withdrawUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix("2001:db8:1::/48")! });
  router.speaker.withdrawUnicast({ family: "ipv4-unicast", address: Uint8Array.of(10, 1, 0, 0), length: 16 });
}

/** A reflector and two clients: all capabilities, ADD-PATH, refreshes, route-target membership, ORIGINATOR_ID, CLUSTER_LIST. */
async function reflection(t: TestContext): Promise<readonly Uint8Array[]> {
  const studio = new Studio(t);
  const client = { families: ALL, reflectorClient: true };
  const speaker = { gracefulRestart: RESTART };
  const peers = [
    { address: B, ...client },
    { address: C, ...client },
  ];
  const a = await studio.router({ address: A, identifier: "10.0.0.1", peers, speaker });
  const b = await studio.router({
    address: B,
    identifier: "10.0.0.2",
    peers: [{ address: A, families: ALL }],
    speaker,
  });
  const c = await studio.router({
    address: C,
    identifier: "10.0.0.3",
    peers: [{ address: A, families: ALL }],
    speaker,
  });
  for (const router of [a, b, c]) {
    router.speaker.importTargets([TARGET]);
    router.speaker.localStateConverged();
  }
  studio.scene.established(a, b, c);
  tell(b);
  studio.scene.until("reflected routes", () => c.rib.unicast("ipv6-unicast").rowsOf({}).next().done !== true);
  studio.scene.clock.advance(70_000);
  c.speaker.refresh(A);
  b.speaker.gracefulShutdown = true;
  studio.scene.clock.advance(1_000);
  untell(b);
  studio.scene.clock.advance(1_000);
  await b.speaker.stop({ restart: false, text: "gone for good" });
  studio.scene.clock.advance(1_000);
  return studio.streams;
}

/** Two member ASes of a confederation. */
async function confederation(t: TestContext): Promise<readonly Uint8Array[]> {
  const studio = new Studio(t);
  const inside = (other: number) => ({ confederation: { identifier: 64999, members: [other] } });
  const options = (address: string, identifier: string, localAs: number, to: string, other: number): RouterOptions => ({
    address,
    identifier,
    localAs,
    peers: [{ address: to, remoteAs: other, families: UNICAST }],
    speaker: { acceptExternal: true, ...inside(other) },
  });
  const a = await studio.router(options(A, "10.0.0.1", 65101, B, 65102));
  const b = await studio.router(options(B, "10.0.0.2", 65102, A, 65101));
  tell(a);
  studio.scene.quiet(a, b);
  a.speaker.clear(B, "a pause");
  studio.scene.clock.advance(5_000);
  return studio.streams;
}

/** A provider and its customer, with roles; and a neighbour of 2-octet AS numbers. */
async function borders(t: TestContext): Promise<readonly Uint8Array[]> {
  const studio = new Studio(t);
  const speaker = { acceptExternal: true };
  const a = await studio.router({
    address: A,
    identifier: "10.0.0.1",
    localAs: 4_200_000_000,
    peers: [
      { address: B, remoteAs: 65001, families: UNICAST, role: { local: "provider" } },
      { address: C, remoteAs: 65001, families: UNICAST, passive: true },
    ],
    speaker,
  });
  const b = await studio.router({
    address: B,
    identifier: "10.0.0.2",
    localAs: 65001,
    peers: [{ address: A, remoteAs: 4_200_000_000, families: UNICAST, role: { local: "customer" } }],
    speaker,
  });
  tell(a);
  studio.scene.until("a session", () => a.peer(B).state === "Established");
  const settle = async (what: string, done: () => boolean): Promise<void> => {
    for (let i = 0; i < 200 && !done(); i++) {
      await Promise.resolve();
      studio.scene.clock.advance(10);
    }
    assert.ok(done(), what);
  };
  const old = await HostilePeer.connect(studio.scene.network.host(C), { address: A, port: 179 }, C, settle);
  old.open("old");
  await settle("a session with the old one", () => a.peer(C).state === "Established");
  studio.scene.until("routes", () => b.rows().length > 0);
  studio.scene.clock.advance(1_000);
  untell(a);
  studio.scene.clock.advance(1_000);
  return studio.streams;
}

/** What no session here says by itself: every NOTIFICATION and refresh, and an OPEN with everything. */
function said(): Uint8Array {
  const subcodes: Readonly<Record<number, readonly number[]>> = {
    1: [1, 2, 3],
    2: [0, 1, 2, 3, 4, 6, 7, 11],
    3: [1, 2, 3, 4, 5, 6, 8, 9, 10, 11],
    4: [0],
    5: [0, 1, 2, 3],
    6: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    7: [1],
    8: [0],
  };
  const data: Readonly<Record<string, string>> = {
    "1/2": "0012",
    "1/3": "09",
    "2/1": "0004",
    "2/7": "0104000200fb",
    "3/2": "40630100",
    "6/1": "0002fb000003e8",
    "6/9": "0602",
  };
  const notifications = Object.entries(subcodes).flatMap(([code, all]) =>
    all.map((subcode) => {
      const text = code === "6" && (subcode === 2 || subcode === 4) ? shutdownData("back at noon – ☕") : undefined;
      const octets = text ?? fromHex(data[`${code}/${subcode}`] ?? "");
      return encodeNotification(notification(Number(code), subcode, octets));
    }),
  );
  const families = [{ afi: 2, safi: 251 }, { afi: 1, safi: 132 }, { afi: 2, safi: 1 }, IPV4_UNICAST];
  const refreshes = families.flatMap((family) => [0, 1, 2].map((subtype) => encodeRouteRefresh(family, subtype)));
  return Uint8Array.from(Buffer.concat([encodeOpen(FULL_OPEN), encodeKeepalive(), ...refreshes, ...notifications]));
}

/** How often each value of a field was seen, over all messages. */
function tally(rows: readonly (readonly string[])[], column: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const row of rows) {
    for (const value of (row[column] ?? "").split(",")) {
      if (value !== "") counts.set(Number(value), (counts.get(Number(value)) ?? 0) + 1);
    }
  }
  return new Map([...counts].sort(([a], [b]) => a - b));
}

const shown = (counts: ReadonlyMap<number, number>): string => [...counts].map(([of, n]) => `${of} ×${n}`).join(", ");

const NO_FAMILY = "Unknown SAFI (251) for AFI 2";
const NO_HOP = "Unknown Next Hop length (16 bytes)";
const OF_OUR_FAMILY = [NO_FAMILY, NO_HOP];

it("tshark finds nothing malformed in what sessions of every kind say", async (t) => {
  if (!existsSync(TSHARK)) return t.skip("skipped: tshark is missing (apt-get install tshark)");
  const where = await mkdtemp(join(tmpdir(), "semrd-tshark-"));
  t.after(() => rm(where, { recursive: true, force: true }));
  const streams = [...(await reflection(t)), ...(await confederation(t)), ...(await borders(t)), said()];
  const fields = ["bgp.type", "bgp.cap.type", "bgp.update.path_attribute.type_code", "bgp.notify.major_error"];
  const { rows, wrong } = await dissect(join(where, "sessions.pcap"), streams, 179, fields, BGP);
  const [types, capabilities, attributes, errors] = [0, 1, 2, 3].map((column) => tally(rows, column));
  t.diagnostic(`${streams.length} streams; messages ${shown(types!)}`);
  t.diagnostic(`capabilities ${shown(capabilities!)}`);
  t.diagnostic(`attributes ${shown(attributes!)}`);
  t.diagnostic(`notifications ${shown(errors!)}`);
  // What it says of a family that it does not know is none of its business; anything besides is.
  const others = wrong.split("\n").filter(
    (line) =>
      line !== "" &&
      line
        .split("\t")[1]!
        .split(",")
        .some((remark) => !OF_OUR_FAMILY.includes(remark)),
  );
  assert.deepEqual(others, []);
  assert.ok(!wrong.includes(NO_HOP) || wrong.includes(NO_FAMILY));
  assert.deepEqual([...types!.keys()], [1, 2, 3, 4, 5]);
  assert.deepEqual([...capabilities!.keys()], [1, 2, 5, 6, 9, 64, 65, 69, 70, 71]);
  assert.deepEqual([...attributes!.keys()], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 25, 32, 35, 255]);
  assert.deepEqual([...errors!.keys()], [1, 2, 3, 4, 5, 6, 7, 8]);
  return undefined;
});
