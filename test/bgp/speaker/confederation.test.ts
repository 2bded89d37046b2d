import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv6, parseIpv6Prefix } from "../../../src/base/index.ts";
import type { PeerOptions, SpeakerOptions } from "../../../src/bgp/speaker/index.ts";
import { IPV6_UNICAST } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { setSample, updateBody } from "../wire/samples.ts";
import { Puppet } from "./puppet.ts";
import type { Router } from "./router.ts";
import { A, B, C, Scene } from "./scene.ts";

const X = "2001:db8::10";
const Y = "2001:db8::11";
const IDENTIFIER = 65000;
const [FIRST, SECOND] = [65101, 65102];
const PREFIX = "2001:db8:7::/48";

const families = [{ family: "ipv6-unicast" }] as const;
const peer = (address: string, remoteAs: number, options: Partial<PeerOptions> = {}) => ({
  address,
  remoteAs,
  families,
  ...options,
});
const member = (...members: number[]): Partial<SpeakerOptions> => ({
  acceptExternal: true,
  confederation: { identifier: IDENTIFIER, members },
});

function tell(router: Router, prefix: string, changes: Partial<AttributeSet> = {}): void {
  const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: router.nextHop, ...changes });
  router.speaker.originateUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix(prefix)! }, set);
}

const text = ({ asPath }: AttributeSet): string =>
  asPath.map(({ type, numbers }) => (type === "sequence" ? numbers.join(" ") : `(${numbers.join(" ")})`)).join(" ");

/** `(65102) 64999 pref 100 med 5 via 2001:db8::10` of each learnt path. */
const known = (router: Router): string[] =>
  [...router.rib.unicast("ipv6-unicast").rowsOf({})]
    .filter((row) => row.peer !== 0)
    .map(
      ({ attributes: of }) => `${text(of)} pref ${of.localPref} med ${of.multiExitDisc} via ${formatIpv6(of.nextHop)}`,
    );

/** A and C of one member AS, B of another one; X outside behind B, Y outside behind A. */
async function confederation(world: Scene): Promise<Record<"a" | "b" | "c" | "x" | "y", Router>> {
  const a = await world.router({
    address: A,
    identifier: "10.0.0.1",
    localAs: FIRST,
    speaker: member(SECOND),
    peers: [peer(C, FIRST), peer(B, SECOND), peer(Y, 64998)],
  });
  const b = await world.router({
    address: B,
    identifier: "10.0.0.2",
    localAs: SECOND,
    speaker: member(FIRST),
    peers: [peer(A, FIRST), peer(X, 64999)],
  });
  const c = await world.router({
    address: C,
    identifier: "10.0.0.3",
    localAs: FIRST,
    speaker: member(SECOND),
    peers: [peer(A, FIRST)],
  });
  const outside = (address: string, identifier: string, localAs: number, at: string) =>
    world.router({
      address,
      identifier,
      localAs,
      speaker: { acceptExternal: true },
      peers: [peer(at, IDENTIFIER)],
    });
  const x = await outside(X, "10.0.0.4", 64999, B);
  const y = await outside(Y, "10.0.0.5", 64998, A);
  return { a, b, c, x, y };
}

describe("a confederation of routers (RFC 5065)", () => {
  it("a route through it: members in the path inside, one AS outside, everything else as in one AS", async (t) => {
    const scene = new Scene(t);
    const { a, b, c, x, y } = await confederation(scene);
    tell(x, PREFIX, { multiExitDisc: 5 });
    scene.quiet(a, b, c, x, y);
    assert.deepEqual(
      [a.peer(B).kind, a.peer(C).kind, a.peer(Y).kind, b.peer(A).kind],
      ["confederation", "internal", "external", "confederation"],
    );
    assert.deepEqual(known(b), [`64999 pref undefined med 5 via ${X}`]);
    assert.deepEqual(known(a), [`(65102) 64999 pref 100 med 5 via ${X}`]);
    assert.deepEqual(known(c), [`(65102) 64999 pref 100 med 5 via ${X}`]);
    assert.deepEqual(known(y), [`65000 64999 pref undefined med undefined via ${A}`]);
    tell(c, "2001:db8:8::/48");
    scene.clock.advance(200);
    assert.ok(known(b).some((line) => line.startsWith("(65101) pref 100")));
    assert.ok(known(x).includes(`65000 pref undefined med undefined via ${B}`));
    assert.deepEqual([a.peer(B).flaps, b.metrics.sum("semrd_bgp_malformed_total")], [0, 0]);
  });

  it("capability routes go through it with everything that they say", async (t) => {
    const scene = new Scene(t);
    const [a, b] = [
      await scene.router({
        address: A,
        identifier: "10.0.0.1",
        localAs: FIRST,
        speaker: member(SECOND),
        peers: [{ address: B, remoteAs: SECOND }],
      }),
      await scene.router({
        address: B,
        identifier: "10.0.0.2",
        localAs: SECOND,
        speaker: member(FIRST),
        peers: [{ address: A, remoteAs: FIRST }],
      }),
    ];
    a.originate(1);
    scene.quiet(a, b);
    assert.deepEqual(b.known(a), ["1"]);
    const [row] = b.rows();
    assert.deepEqual(
      [text(row!.attributes), row!.attributes.localPref, row!.attributes.semantic?.score],
      ["(65101)", 100, 7],
    );
    assert.equal(row!.attributes.extendedCommunities.length, 1);
  });

  const attributes = (path: string): string => `40010100 ${path}`;
  const update = (path: string): Uint8Array => {
    const said = attributes(path);
    return updateBody(`800e1a 000201 10 20010db8000000000000000000000005 00 2020010db8 ${said}`.replaceAll(" ", ""));
  };
  const NEIGHBOURS = [
    { name: "a member", remoteAs: SECOND, path: "400206 0301 0000fe4e", taken: 1, malformed: 0 },
    {
      name: "a member, without a member in front",
      remoteAs: SECOND,
      path: "400206 0201 0000fde7",
      taken: 0,
      malformed: 1,
    },
    { name: "a member, an empty path", remoteAs: SECOND, path: "400200", taken: 0, malformed: 1 },
    {
      name: "a member, a set of members in front",
      remoteAs: SECOND,
      path: "400206 0401 0000fe4e",
      taken: 0,
      malformed: 1,
    },
    {
      name: "an outsider, members in its path",
      remoteAs: 64999,
      path: "40020c 0201 0000fde7 0301 0000fe4e",
      taken: 0,
      malformed: 1,
    },
    { name: "an outsider", remoteAs: 64999, path: "400206 0201 0000fde7", taken: 1, malformed: 0 },
  ];
  for (const { name, remoteAs, path, taken, malformed } of NEIGHBOURS) {
    it(`${name}: ${malformed === 1 ? "treated as withdrawn, the session stays" : "taken"} (§5; RFC 7606 §7.2)`, async (t) => {
      const scene = new Scene(t);
      const a = await scene.router({
        address: A,
        identifier: "10.0.0.1",
        localAs: FIRST,
        speaker: member(SECOND),
        peers: [peer(B, remoteAs, { passive: true })],
      });
      const puppet = await Puppet.up(scene, [IPV6_UNICAST], { fourOctetAs: remoteAs });
      scene.clock.advance(100);
      assert.equal(a.peer().state, "Established", a.peer().lastError?.text);
      puppet.update(update(path));
      scene.clock.advance(100);
      assert.deepEqual(
        [
          a.peer().routesReceived,
          a.metrics.sum("semrd_bgp_malformed_total", { action: "treat-as-withdraw" }),
          a.peer().state,
        ],
        [taken, malformed, "Established"],
      );
    });
  }
});
