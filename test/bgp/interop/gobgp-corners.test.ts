import assert from "node:assert/strict";
import { it } from "node:test";
import {
  AS,
  clientsOfReflector,
  ELSEWHERE,
  ended,
  FAMILY,
  inText,
  nextHopsOfOthers,
  ON_LINK,
  ownEnd,
  session,
  sizesAroundTheBound,
  THEIR_AS,
  withdraw,
} from "./corners.ts";
import { GOBGPD, type GoBgp, goBgp } from "./gobgp.ts";
import { ask, learnt, OURS, originate, peerLab, prefixText, THEIRS, until } from "./lab.ts";

const RIB = ["global", "rib", "-a", "ipv6"];

/** What it has from us. */
async function received(them: GoBgp): Promise<Readonly<Record<string, readonly object[]>>> {
  return JSON.parse(await them.ask("neighbor", OURS, "adj-in", "-a", "ipv6", "-j"));
}

it("GoBGP outside: next hops of others on the link, its limit of prefixes, its Cease subcodes and texts, killed and back", async (t) => {
  const lab = await peerLab(t, GOBGPD, "gobgpd");
  if (lab === undefined) return;
  t.diagnostic(`with ${(await ask(lab.theirs, GOBGPD, "--version")).trim()}`);
  const restarting = "[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = 60";
  const lines = `[neighbors.afi-safis.mp-graceful-restart.config]
enabled = true
[neighbors.afi-safis.prefix-limit.config]
max-prefixes = 3`;
  const options = { localAs: THEIR_AS, families: [{ name: FAMILY, lines }], neighbour: restarting };
  let them = await goBgp(t, lab, options);
  const router = await ownEnd(t, lab);
  await session(router);
  const add = (n: number, nextHop: string): Promise<string> =>
    them.ask(...RIB, "add", prefixText(FAMILY, 0x20, n), "nexthop", nextHop);
  await add(1, ON_LINK);
  await add(2, ELSEWHERE);
  await nextHopsOfOthers(router, async (n) => {
    const [path] = (await received(them))[prefixText(FAMILY, 0x2a, n)] ?? [];
    return /"nexthop":"([^"]+)"/.exec(JSON.stringify(path ?? {}))?.[1];
  });
  // FQDN (draft-walton-bgp-hostname-capability) is not known here.
  assert.deepEqual(router.peer().capabilities.unknown, [73]);

  // Killed: its routes stay, stale; what it no longer has goes with its End-of-RIB (RFC 4724 §4.2).
  await them.kill();
  await until("its end", () => router.peer().perFamily[0]!.kept === "restarting");
  assert.deepEqual(
    learnt(router, FAMILY).map(({ stale }) => stale),
    [true],
  );
  them = await goBgp(t, lab, { ...options, restarted: true });
  await session(router, "it is back");
  await until(
    "it has nothing",
    () => learnt(router, FAMILY).length === 0 && router.peer().perFamily[0]!.kept === undefined,
  );
  await add(3, ON_LINK);
  await until("what it says now", () => learnt(router, FAMILY).length === 1);

  // By itself it would be idle for 5 to 30 s after each of these.
  const neighbour = (...words: string[]): Promise<string> => them.ask("neighbor", ...words);
  const ends: readonly (readonly [subcode: number, text: string, does: () => unknown])[] = [
    [1, "maximum number of prefixes reached", () => originate(router, FAMILY, 0x2a, 3, 5)],
    [2, 'administrative shutdown ("back at nine")', () => neighbour(OURS, "shutdown", "--reason", "back at nine")],
    [3, "peer deconfigured", () => neighbour("del", OURS)],
    [4, 'administrative reset ("new rules")', () => neighbour(OURS, "reset", "--reason", "new rules")],
  ];
  for (const [subcode, text, does] of ends) {
    await session(router, `the session before ${text}`);
    await does();
    assert.equal(await ended(router, subcode), `cease: ${text}`);
    for (const n of [3, 4]) withdraw(router, n);
    await them.kill();
    them = await goBgp(t, lab, options);
  }
  await session(router, "the session at last");
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
});

it("GoBGP inside, as a client of a reflector: clusters by neighbour, nothing between meshed clients, routes of every size around 4096 octets", async (t) => {
  const lab = await peerLab(t, GOBGPD, "gobgpd");
  if (lab === undefined) return;
  const them = await goBgp(t, lab, { localAs: AS, families: [{ name: FAMILY }] });
  await until("its API", () =>
    them.ask(...RIB).then(
      () => true,
      () => false,
    ),
  );
  await them.ask(...RIB, "add", prefixText(FAMILY, 0x20, 1), "nexthop", THEIRS);
  const said = async (prefix: string): Promise<string> => inText((await received(them))[prefix]);
  const router = await clientsOfReflector(t, lab, {}, said);
  const sizes = await sizesAroundTheBound(router, async () => Object.keys(await received(them)).length);
  t.diagnostic(JSON.stringify(sizes));
});
