/** What the corner tests with other implementations have in common: their link, our end of it, and what is asked of each. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6, parseIpv4, parseIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import {
  createNetTransport,
  type PeerOptions,
  type SpeakerOptions,
  type Transport,
} from "../../../src/bgp/speaker/index.ts";
import { systemClock as clock } from "../../../src/host/index.ts";
import { Router } from "../speaker/router.ts";
import { address, type Lab, LENGTH, learnt, OURS, originate, PORT, prefixText, THEIRS, until } from "./lab.ts";

const run = promisify(execFile);
export const FAMILY = "ipv6-unicast";
export const AS = 65000;
export const THEIR_AS = 65001;
/** Another router on the same link, and one elsewhere. */
export const ON_LINK = "fd5e:b6c::77";
export const ELSEWHERE = "fd5e:b6d::77";
/** An external neighbour. */
export const NEIGHBOUR: PeerOptions = {
  ...{ address: THEIRS, port: PORT, remoteAs: THEIR_AS, passive: false, updateSource: OURS },
  ...{ holdTime: seconds(30), connectRetry: seconds(1), maximumBackOff: seconds(1) },
  families: [{ family: FAMILY }],
};

export interface OwnEnd {
  /** In place of the external neighbour. */
  readonly peer?: PeerOptions;
  readonly identifier?: string;
  readonly speaker?: Partial<SpeakerOptions>;
  /** Between it and the wire. */
  readonly over?: (transport: Transport) => Transport;
}

/** Our end, which knows what is on its link; ends with the test. */
export async function ownEnd(t: TestContext, { ours }: Pick<Lab, "ours">, options: OwnEnd = {}): Promise<Router> {
  const { peer = NEIGHBOUR, identifier = "10.0.0.1", speaker = {}, over = (transport) => transport } = options;
  const transport = createNetTransport({
    ...{ clock, sock: loadNative().sock, namespace: `/run/netns/${ours}` },
    subnets: () => [parseIpv6Prefix("fd5e:b6c::/64")!],
  });
  const router = await Router.start(
    {
      ...{ address: OURS, identifier, port: PORT, localAs: AS },
      peers: [peer],
      speaker: { acceptExternal: true, ...speaker },
    },
    { clock, transport: over(transport), seed: 1 },
  );
  t.after(() => router[Symbol.asyncDispose]());
  return router;
}

export const isUp = (router: Router) => (): boolean => router.peer().state === "Established";

/** Awaits the session. */
export const session = (router: Router, what = "the session"): Promise<void> =>
  until(() => `${what}: ${router.peer().state}, ${router.peer().lastError?.text}`, isUp(router));

/** What they print about a route, for a search; nothing where they have none. */
export const inText = (printed: unknown): string => (printed === undefined ? "" : JSON.stringify(printed));

/** Awaits a Cease of theirs. @returns its text */
export async function ended(router: Router, subcode: number): Promise<string> {
  await until(
    () => {
      const { lastReceived, lastError, state } = router.peer();
      return `cease ${subcode}: ${lastReceived?.text}; ${state}, ${lastError?.text}`;
    },
    () => router.peer().lastReceived?.subcode === subcode && router.peer().lastReceived?.code === 6,
  );
  return router.peer().lastReceived!.text;
}

export function withdraw(router: Router, n: number): void {
  router.speaker.withdrawUnicast({ family: FAMILY, address: address(FAMILY, 0x2a, n), length: LENGTH[FAMILY] });
}

/**
 * Next hops on one link in both directions: they say a route with one on it and one with one elsewhere; we say two such.
 * @param told the next hop that they have of our route number `n`
 * @see RFC 4271 §5.1.3, §6.3
 */
export async function nextHopsOfOthers(
  router: Router,
  told: (n: number) => Promise<string | undefined>,
  peer: PeerOptions = NEIGHBOUR,
): Promise<void> {
  originate(router, FAMILY, 0x2a, 1, 2, { nextHop: parseIpv6(ON_LINK)! });
  originate(router, FAMILY, 0x2a, 2, 3, { nextHop: parseIpv6(ELSEWHERE)! });
  await session(router);

  // From it: what is not on the link is refused, by name.
  const hops = () =>
    learnt(router, FAMILY)
      .map(({ nextHop }) => formatIpv6(nextHop))
      .sort();
  await until(
    () => `its routes: ${hops()}`,
    () => hops().includes(ON_LINK),
  );
  const refused = () => router.metrics.sum("semrd_bgp_refused_routes_total", { reason: "next-hop-off-link" });
  await until("the refusal", () => refused() > 0);
  assert.ok(!hops().includes(ELSEWHERE));
  router.speaker.changePeer({ ...peer, checkNextHop: false });
  await until(
    () => `taken where it is not looked at: ${hops()}`,
    () => hops().includes(ELSEWHERE),
  );

  // To it.
  let both = "";
  const untilTold = (what: string, ...want: string[]): Promise<void> =>
    until(
      () => `${what}: ${both}`,
      async () => {
        both = `${await told(1)} ${await told(2)}`;
        return both === want.join(" ");
      },
    );
  await untilTold("this router", OURS, OURS);
  router.speaker.changePeer({ ...peer, thirdPartyNextHop: true });
  await untilTold("who is on the link", ON_LINK, OURS);
  router.speaker.changePeer({ ...peer, nextHopUnchanged: true });
  await untilTold("both as they came", ON_LINK, ELSEWHERE);
  router.speaker.changePeer(peer);
  await untilTold("this router again", OURS, OURS);
  assert.equal(router.peer().flaps, 0);
}

/** Numbers and filling octets of routes around what 4096 octets hold. */
const SIZES = [3940, 4060] as const;

/**
 * Routes of every size around 4096 octets, on a session without extended messages: told or withheld, and no reset.
 * @param routes how many routes they have
 * @returns how many went, and the number of the largest of them
 * @see RFC 8654 §4
 */
export async function sizesAroundTheBound(
  router: Router,
  routes: () => Promise<number>,
): Promise<{ readonly told: number; readonly withheld: number; readonly largest: number }> {
  const filler = (octets: number) => ({ opaque: [{ flags: 0xc0, code: 200, value: new Uint8Array(octets) }] });
  const [from, to] = SIZES;
  const others = router.peer().routesAdvertised;
  for (let n = from; n < to; n++) originate(router, FAMILY, 0x2a, n, n + 1, filler(n));
  await session(router);
  assert.equal(router.peer().capabilities.extendedMessages, false);
  const withheld = () => router.metrics.sum("semrd_bgp_withheld_routes_total", { reason: "too-large" });
  const advertised = () => router.peer().routesAdvertised - others;
  await until(
    () => `each told or withheld: ${advertised()}, ${withheld()}`,
    () => advertised() + withheld() === to - from,
  );
  const told = advertised();
  let had = 0;
  const has = (count: number): Promise<void> =>
    until(
      () => `${count} routes there: ${had}`,
      async () => {
        had = await routes();
        return had === count + others;
      },
    );
  await has(told);
  assert.ok(told > 10 && told < to - from - 10);

  // One that grows is withdrawn, and comes again.
  originate(router, FAMILY, 0x2a, from, from + 1, filler(to));
  await has(told - 1);
  originate(router, FAMILY, 0x2a, from, from + 1, filler(from));
  await has(told);
  const { flaps, lastReceived } = router.peer();
  // Of two connections at the beginning one went, which is no reset (RFC 4271 §6.8).
  const isCollision = lastReceived?.code === 6 && lastReceived.subcode === 7;
  assert.deepEqual([flaps, isCollision ? undefined : lastReceived], [0, undefined]);
  return { told, withheld: to - from - told, largest: from + told - 1 };
}

const SOURCE = "fd5e:b6c::11";
/** The clusters that we have them and the other client in. */
const CLUSTERS = { theirs: "10.0.99.2", source: "10.0.99.11" } as const;
const SOURCE_ROUTE = prefixText(FAMILY, 0x2a, 0x100);

/**
 * They and a router of ours are clients of a reflector, each in a cluster of its own; then they are meshed, as far as we
 * know, and then no more.
 * @param options of the session with them
 * @param said what they say about a prefix; `""`: nothing
 * @see RFC 4456 §8, §10
 */
export async function clientsOfReflector(
  t: TestContext,
  { ours }: Lab,
  options: Partial<PeerOptions>,
  said: (prefix: string) => Promise<string>,
): Promise<Router> {
  await run("ip", ["-n", ours, "address", "add", `${SOURCE}/64`, "dev", "wire", "nodad"]);
  const transport = createNetTransport({ clock, sock: loadNative().sock, namespace: `/run/netns/${ours}` });
  const inside = { ...NEIGHBOUR, remoteAs: AS };
  const clients: PeerOptions[] = [
    { ...inside, ...options, reflectorClient: true, clusterId: parseIpv4(CLUSTERS.theirs)! },
    { ...inside, address: SOURCE, passive: true, reflectorClient: true, clusterId: parseIpv4(CLUSTERS.source)! },
  ];
  const start = async (at: string, identifier: string, peers: readonly PeerOptions[]): Promise<Router> => {
    const router = await Router.start(
      { address: at, identifier, port: PORT, localAs: AS, peers },
      { clock, transport, seed: 1 },
    );
    t.after(() => router[Symbol.asyncDispose]());
    return router;
  };
  const reflector = await start(OURS, "10.0.0.1", clients);
  const source = await start(SOURCE, "10.0.0.11", [{ ...inside, address: OURS, updateSource: SOURCE }]);
  originate(source, FAMILY, 0x2a, 0x100, 0x101, { nextHop: parseIpv6(SOURCE)! });
  await until("both clients", () => reflector.speaker.peers().every(({ state }) => state === "Established"));

  const theirs = () => learnt(source, FAMILY)[0];
  let about = "";
  const between = (what: string, is: boolean): Promise<void> =>
    until(
      () => `${what}: ${about}`,
      async () => {
        about = await said(SOURCE_ROUTE);
        return (about !== "") === is && (theirs() !== undefined) === is;
      },
    );
  await between("each has the other's", true);
  for (const word of ["10.0.0.11", CLUSTERS.source]) assert.ok(about.includes(word), `${word} in ${about}`);
  t.diagnostic(`reflected to it: ${about.replaceAll(/\s+/g, " ").slice(0, 400)}`);
  const { clusterList, originatorId } = theirs()!.attributes;
  assert.deepEqual([clusterList, originatorId], [[parseIpv4(CLUSTERS.theirs)], parseIpv4("10.0.0.2")]);

  for (const clientToClient of [false, true]) {
    for (const client of clients)
      assert.equal(reflector.speaker.changePeer({ ...client, clientToClient }).effect, "live");
    await between(clientToClient ? "all again" : "nothing between meshed clients", clientToClient);
  }
  assert.equal(reflector.peer(THEIRS).flaps, 0);
  return reflector;
}
