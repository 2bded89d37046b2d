import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { promisify } from "node:util";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6, parseIpv6 } from "../../../src/base/index.ts";
import { createNetTransport, type PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { systemClock as clock } from "../../../src/host/index.ts";
import { Router } from "../speaker/router.ts";
import { BIRD, bird } from "./bird.ts";
import { AS, ELSEWHERE, FAMILY, NEIGHBOUR, ON_LINK, ownEnd, THEIR_AS } from "./corners.ts";
import { learnt, OURS, originate, PORT, peerLab, prefixText, THEIRS, until } from "./lab.ts";

const run = promisify(execFile);
const MEMBER = "fd5e:b6c::33";
const MEMBER_AS = 65002;
const its = (n: number): string => prefixText(FAMILY, 0x20, n);
const ours = (n: number): string => prefixText(FAMILY, 0x2a, n);

/**
 * BIRD and a router of ours are clients of a route server on one link. Each says one route with itself as next hop and one with
 * somebody who is not on the link; BIRD says one with somebody else who is.
 */
it("BIRD as client of a route server: next hops on the link go through as they came, others do not (RFC 7947 §2.2, RFC 4271 §6.3)", async (t) => {
  const lab = await peerLab(t, BIRD, "bird2");
  if (lab === undefined) return;
  await run("ip", ["-n", lab.ours, "address", "add", `${MEMBER}/64`, "dev", "wire", "nodad"]);
  const hops = `if net = ${its(2)} then bgp_next_hop = ${ON_LINK}; if net = ${its(3)} then bgp_next_hop = ${ELSEWHERE};`;
  const them = await bird(t, lab, {
    localAs: THEIR_AS,
    routes: 3,
    // Next hops that it cannot reach are no reason to leave a route out.
    channel: `import all; gateway recursive; next hop keep; export filter { ${hops} accept; };`,
  });
  const clients = [
    { ...NEIGHBOUR, routeServerClient: true },
    { ...NEIGHBOUR, address: MEMBER, remoteAs: MEMBER_AS, passive: true, routeServerClient: true },
  ];
  const server = await ownEnd(t, lab, { peer: clients[0]! });
  server.speaker.addPeer(clients[1]!);
  const transport = createNetTransport({ clock, sock: loadNative().sock, namespace: `/run/netns/${lab.ours}` });
  const toServer: PeerOptions = { ...NEIGHBOUR, address: OURS, remoteAs: AS, updateSource: MEMBER };
  const member = await Router.start(
    {
      ...{ address: MEMBER, identifier: "10.0.0.33", port: PORT, localAs: MEMBER_AS },
      peers: [{ ...toServer, enforceFirstAs: false, nextHopUnchanged: true }],
      speaker: { acceptExternal: true },
    },
    { clock, transport, seed: 1 },
  );
  t.after(() => member[Symbol.asyncDispose]());
  originate(member, FAMILY, 0x2a, 1, 2, { nextHop: parseIpv6(MEMBER)! });
  originate(member, FAMILY, 0x2a, 2, 3, { nextHop: parseIpv6(ELSEWHERE)! });

  /** What each client has of the other one's: path and next hop. */
  const atMember = (): string[] =>
    learnt(member, FAMILY)
      .map(
        ({ nextHop, attributes: { asPath } }) => `${asPath.flatMap(({ numbers }) => numbers)} ${formatIpv6(nextHop)}`,
      )
      .sort();
  const atBird = async (): Promise<string[]> => {
    const printed = [await them.route(ours(1)), await them.route(ours(2))].filter((text) => text !== "");
    return printed.map((text) => `${/as_path: (.*)/.exec(text)?.[1]} ${/next_hop: (\S+)/.exec(text)?.[1]}`);
  };
  let seen: unknown;
  const each = (what: string, memberHas: readonly string[], birdHas: readonly string[]): Promise<void> =>
    until(
      () => `${what}: ${JSON.stringify(seen)}`,
      async () => {
        seen = [atMember(), await atBird()];
        return JSON.stringify(seen) === JSON.stringify([memberHas, birdHas]);
      },
    );
  const onLink = [`${THEIR_AS} ${THEIRS}`, `${THEIR_AS} ${ON_LINK}`];
  const fromMember = `${MEMBER_AS} ${MEMBER}`;
  const refused = (of: string): number => server.peer(of).routesRefused.get("next-hop-off-link") ?? 0;
  await until("both refusals", () => refused(THEIRS) === 1 && refused(MEMBER) === 1);
  await each("what is on the link", onLink, [fromMember]);
  t.diagnostic(`BIRD prints: ${(await them.route(ours(1))).match(/BGP\..*/g)?.join(", ")}`);

  const check = (checkNextHop: boolean): void => {
    for (const client of clients) assert.equal(server.speaker.changePeer({ ...client, checkNextHop }).effect, "live");
  };
  check(false);
  await each(
    "all where it is not looked at",
    [...onLink, `${THEIR_AS} ${ELSEWHERE}`],
    [fromMember, `${MEMBER_AS} ${ELSEWHERE}`],
  );
  check(true);
  await each("what is on the link again", onLink, [fromMember]);
  assert.deepEqual([server.peer(THEIRS).flaps, server.peer(MEMBER).flaps], [0, 0]);
  assert.equal(server.metrics.sum("semrd_bgp_malformed_total"), 0);
});
