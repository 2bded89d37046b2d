import assert from "node:assert/strict";
import { it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import {
  AS,
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
  withdraw,
} from "./corners.ts";
import { ask, OURS, originate, peerLab, prefixText, until } from "./lab.ts";
import { BGPD, type OpenBgpd, openBgpd } from "./openbgpd.ts";
import { leftOut, narrowNumbers, readersThatStop } from "./session-corners.ts";

/** It answers no route refresh for IPv6, so what it has said is kept here. */
const PEER: PeerOptions = { ...NEIGHBOUR, softReconfiguration: true };
const its = (n: number): string => prefixText(FAMILY, 0x20, n);
const ours = (n: number): string => prefixText(FAMILY, 0x2a, n);

/** What it has of a prefix, as it prints it; `undefined`: nothing. */
async function shown(them: OpenBgpd, prefix: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  return JSON.parse(await them.ask("-j", "show", "rib", "detail", prefix)).rib?.[0];
}

it("OpenBGPD outside: next hops of others on the link, maxima of both ends, its Cease texts", async (t) => {
  const lab = await peerLab(t, BGPD, "openbgpd");
  if (lab === undefined) return;
  t.diagnostic(`with ${(await ask(lab.theirs, "sh", "-c", `${BGPD} -V 2>&1`)).trim()}`);
  const them = await openBgpd(t, lab, {
    localAs: THEIR_AS,
    lines: [`network ${its(1)} set nexthop ${ON_LINK}`, `network ${its(2)} set nexthop ${ELSEWHERE}`],
    // Next hops that are not on the link leave it only where it takes the neighbour to be further away.
    neighbour: ["holdtime 30", "multihop 2", "max-prefix 3"],
    rules: ["allow to any set nexthop no-modify"],
  });
  const router = await ownEnd(t, lab, { peer: PEER });
  // Beside the next hop that came it has the way there, which it does not find on Linux.
  await nextHopsOfOthers(router, async (n) => (await shown(them, ours(n)))?.exit_nexthop as string, PEER);
  leftOut(t, router, { "extended messages": 6, "long-lived graceful restart": 71 });

  // Its operator's texts (RFC 9003), and its maximum; it stays away until somebody says otherwise.
  const texts: string[] = [];
  await them.ask("neighbor", OURS, "clear", "new rules");
  texts.push(await ended(router, 4));
  await session(router, "the session after its reset");
  await them.ask("neighbor", OURS, "down", "back at nine");
  texts.push(await ended(router, 2));
  await them.ask("neighbor", OURS, "up");
  await session(router, "the session after its shutdown");
  originate(router, FAMILY, 0x2a, 3, 5);
  texts.push(await ended(router, 1));
  assert.deepEqual(texts, [
    'cease: administrative reset ("new rules")',
    'cease: administrative shutdown ("back at nine")',
    "cease: maximum number of prefixes reached",
  ]);
  for (const n of [3, 4]) withdraw(router, n);
  await them.ask("neighbor", OURS, "up");
  await session(router, "the session after its maximum");

  // Ours.
  router.speaker.changePeer({ ...PEER, maximumRoutes: 1 });
  await them.ask("network", "add", its(3), "nexthop", ON_LINK);
  await until("our maximum there", async () => /Last error received: /.test(await them.ask("show", "neighbor", OURS)));
  const said = (await them.ask("show", "neighbor", OURS)).match(/Last error received: .*/)![0];
  t.diagnostic(said);
  assert.equal(router.peer().waitsFor, "routes-limit");
});

it("OpenBGPD inside, as a client of a reflector: nothing between meshed clients, routes of every size around 4096 octets", async (t) => {
  const lab = await peerLab(t, BGPD, "openbgpd");
  if (lab === undefined) return;
  const them = await openBgpd(t, lab, { localAs: AS, routes: 1, neighbour: ["holdtime 30"] });
  const said = async (prefix: string): Promise<string> => inText(await shown(them, prefix));
  const router = await clientsOfReflector(t, lab, {}, said);
  const sizes = await sizesAroundTheBound(router, () => them.received());
  t.diagnostic(JSON.stringify(sizes));
});

it("OpenBGPD: AS numbers of two octets, roles that fit and that do not, readers that stop", async (t) => {
  const lab = await peerLab(t, BGPD, "openbgpd");
  if (lab === undefined) return;
  // As a customer it takes no End-of-RIB for one, so what it keeps over a restart it would keep for good.
  const roles = ["announce policy customer enforce", "announce restart no"];
  const neighbour = ["holdtime 30", "announce as-4byte no", ...roles];
  const them = await openBgpd(t, lab, { localAs: THEIR_AS, routes: 1, neighbour });
  const provider: PeerOptions = { ...PEER, role: { local: "provider", strict: true }, sendHoldTime: seconds(1) };
  const router = await ownEnd(t, lab, { peer: provider });
  await narrowNumbers(router, async (prefix) => String((await shown(them, prefix))?.aspath ?? ""), [THEIR_AS]);

  // What a provider says is marked (RFC 9234 §5).
  const about = inText(await shown(them, ours(1)));
  t.diagnostic(`it prints ${about}`);
  assert.match(about, new RegExp(`"type":"OTC",.*"as":${AS}\\b`));
  assert.match(await them.ask("show", "neighbor", OURS), /Open Policy role provider \(local customer\)/);
  await // By itself it would wait for 30 s.
  await readersThatStop(
    router,
    lab,
    () => them.received(),
    () => them.ask("neighbor", OURS, "up"),
  );

  assert.equal(router.speaker.changePeer({ ...provider, role: { local: "peer", strict: true } }).effect, "reset");
  let said = "";
  await until(
    () => `role mismatch there: ${said}`,
    async () => {
      said = (await them.ask("show", "neighbor", OURS)).match(/Last error.*/)?.[0] ?? "";
      return said.includes("role mismatch");
    },
  );
  t.diagnostic(said);
});
