import assert from "node:assert/strict";
import { it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import {
  clientsOfReflector,
  ELSEWHERE,
  ended,
  FAMILY,
  inText,
  NEIGHBOUR,
  nextHopsOfOthers,
  ON_LINK,
  ownEnd,
  session,
  sizesAroundTheBound,
  THEIR_AS,
} from "./corners.ts";
import { EXABGP, type ExaBgp, exaBgp } from "./exabgp.ts";
import { ask, learnt, OURS, originate, peerLab, prefixText, THEIRS, until } from "./lab.ts";
import { leftOut, narrowNumbers, readersThatStop, WIDE_AS } from "./session-corners.ts";

/** It connects to us and does not listen, and it dies of marks of route refreshes. */
const TERMS = { passive: true, enhancedRouteRefresh: false } as const;
const PEER: PeerOptions = { ...NEIGHBOUR, ...TERMS };
const route = (n: number, words: string): string => `${prefixText(FAMILY, 0x20, n)} next-hop ${words}`;
const ours = (n: number): string => prefixText(FAMILY, 0x2a, n);
const terms = (capability: string, receive = ""): string =>
  `capability { route-refresh enable; ${capability} }
  family { ipv6 unicast; }
  api { processes [ heard ]; receive { parsed; update; ${receive} } neighbor-changes; negotiated; }`;

/** What it has said of the sessions with us; late, where its helper is. */
const states = (them: ExaBgp): readonly string[] =>
  them.lines().flatMap(({ neighbor }) => (neighbor?.state === undefined ? [] : [neighbor.state]));

it("ExaBGP outside: next hops of others on the link, our maximum of routes, our shutdown text and its Cease", async (t) => {
  const lab = await peerLab(t, EXABGP, "exabgp");
  if (lab === undefined) return;
  t.diagnostic(`with ${(await ask(lab.theirs, "sh", "-c", `${EXABGP} --version`)).split("\n")[0]}`);
  const them = await exaBgp(t, lab, {
    localAs: THEIR_AS,
    terms: terms("", "packets; notification;"),
    routes: [route(1, ON_LINK), route(2, ELSEWHERE)],
  });
  const router = await ownEnd(t, lab, { peer: PEER });
  await nextHopsOfOthers(router, async (n) => them.known().get(ours(n))?.nextHop, PEER);
  leftOut(t, router, { roles: 9, "long-lived graceful restart": 71 });
  t.diagnostic("skipped: a maximum of its own: ExaBGP takes any number of routes");

  // The octets of each NOTIFICATION, as it has printed them.
  const printed = (): string[] =>
    them.lines().flatMap(({ neighbor }) => (neighbor?.message?.category === 3 ? [neighbor.message.body!] : []));
  router.speaker.changePeer({ ...PEER, maximumRoutes: 1 });
  them.tell(`announce route ${route(3, ON_LINK)}`);
  await until("our maximum there", () => printed().length === 1);
  assert.equal(router.peer().waitsFor, "routes-limit");
  router.speaker.changePeer(PEER);
  router.speaker.clear(THEIRS);
  // It ends sessions, and prints why they end, where they are up at its end as well. It closes right after its NOTIFICATION: with
  // octets of ours unread that is a reset, and its kernel drops what waits for an acknowledgement of what it said before (Nagle).
  // And it does not read ours where it still writes to a connection that is gone. So both ends have said and read all.
  const bothAreDone = (times: number): Promise<void> =>
    until(
      () => `up and read at both ends: ${router.peer().lastError?.text}, ${states(them)}, ${them.heardOut()}`,
      () =>
        states(them).filter((state) => state === "up").length === times &&
        them.heardOut() &&
        router.peer().state === "Established" &&
        router.peer().perFamily.every(({ endOfRibReceived }) => endOfRibReceived),
    );
  await bothAreDone(2);
  them.tell(`neighbor ${OURS} teardown 2`);
  assert.equal(await ended(router, 2), 'cease: administrative shutdown ("Administrative Shutdown")');
  await bothAreDone(3);
  // It prints the message, and fails to read its text.
  router.speaker.disable(THEIRS, "back at ten");
  await until("our text there", () => printed().length === 2);
  t.diagnostic(`it prints ${printed()}`);
  const text = Buffer.from("back at ten").toString("hex").toUpperCase();
  assert.deepEqual(printed(), ["0x060100020100000001", `0x06020B${text}`]);
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
});

it("ExaBGP inside, as a client of a reflector: loops refused, nothing between meshed clients, routes of every size around 4096 octets", async (t) => {
  const lab = await peerLab(t, EXABGP, "exabgp");
  if (lab === undefined) return;
  const from = (originator: string, ...clusters: string[]): string =>
    `${THEIRS} originator-id ${originator} cluster-list [ ${clusters.join(" ")} ]`;
  const them = await exaBgp(t, lab, {
    terms: terms("extended-message disable;"),
    routes: [
      route(1, THEIRS),
      route(2, from("10.0.0.1", "10.0.0.7")),
      route(3, from("10.0.0.7", "10.0.0.8", "10.0.0.1")),
      route(4, from("10.0.0.7", "10.0.99.2")),
    ],
  });
  const said = async (prefix: string): Promise<string> => inText(them.known().get(prefix));
  const router = await clientsOfReflector(t, lab, TERMS, said);
  // By itself it sends one that we said ourselves, one that was here and one that was in the cluster of its own.
  assert.deepEqual(
    [...router.peer(THEIRS).routesRefused],
    [
      ["originator-loop", 1],
      ["cluster-loop", 2],
    ],
  );
  const sizes = await sizesAroundTheBound(router, async () => them.known().size);
  t.diagnostic(JSON.stringify(sizes));
});

it("ExaBGP: AS numbers of two octets and of four, messages longer than 4096 octets, readers that stop", async (t) => {
  const lab = await peerLab(t, EXABGP, "exabgp");
  if (lab === undefined) return;
  const its = [THEIR_AS, WIDE_AS + 1, 65010];
  let them = await exaBgp(t, lab, {
    localAs: THEIR_AS,
    terms: terms("asn4 disable;"),
    routes: [route(1, `${THEIRS} as-path [ ${its.join(" ")} ]`)],
  });
  const router = await ownEnd(t, lab, { peer: PEER });
  await narrowNumbers(router, async (prefix) => inText(them.known().get(prefix)), its);
  t.diagnostic(`it prints ${JSON.stringify(them.known().get(ours(1)))}`);
  await them.kill();

  // In its OPEN there is a stand-in for its number (RFC 6793 §4.1).
  const peer: PeerOptions = { ...PEER, remoteAs: WIDE_AS, sendHoldTime: seconds(1) };
  const octets = 5000;
  assert.equal(router.speaker.changePeer(peer).effect, "reset");
  them = await exaBgp(t, lab, {
    localAs: WIDE_AS,
    terms: terms("extended-message enable;"),
    routes: [route(1, `${THEIRS} attribute [ 0xc8 0xc0 0x${"07".repeat(octets)} ]`)],
  });
  const opaque = [{ flags: 0xc0, code: 201, value: new Uint8Array(octets).fill(9) }];
  originate(router, FAMILY, 0x2a, 2, 3, { opaque });
  await session(router, "the session with a wide number");
  assert.equal(router.peer().capabilities.extendedMessages, true);
  const theirs = () => learnt(router, FAMILY).find(({ attributes }) => attributes.opaque.length === 1)?.attributes;
  await until("its long route", () => theirs() !== undefined);
  assert.deepEqual(theirs()!.asPath, [{ type: "sequence", numbers: [WIDE_AS] }]);
  assert.deepEqual(theirs()!.opaque[0]!.value, new Uint8Array(octets).fill(7));
  await until("our long route there", () => them.known().has(ours(2)));
  assert.equal(them.known().get(ours(2))!.attributes["attribute-0xC9-0xF0"], `0x${"09".repeat(octets)}`);

  await readersThatStop(router, lab, async () => them.known().size);
  const ends = them.lines().flatMap(({ neighbor }) => neighbor?.reason ?? []);
  t.diagnostic(`its states: ${states(them)}; ${ends}`);
  // Closed or reset, by how much of what was sent it had read.
  assert.match(ends[0]!, /message \(closing connection\)/);
});
