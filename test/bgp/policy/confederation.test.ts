import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6 } from "../../../src/base/index.ts";
import {
  type ExportFacts,
  exportRefusal,
  exportSet,
  type ImportFacts,
  importRefusal,
  NO_EXPORT,
  NO_EXPORT_SUBCONFED,
  offeredSet,
} from "../../../src/bgp/policy/index.ts";
import type { AsPathSegment, SessionKind } from "../../../src/rib/index.ts";
import { digestOf } from "../../../src/rib/set-digest.ts";
import { setSample } from "../wire/samples.ts";

const IDENTIFIER = 65000;
const MEMBER = 65101;
const OTHER_MEMBER = 65102;
const OWN = parseIpv6("2001:db8::9")!;

const sequence = (...numbers: number[]): AsPathSegment => ({ type: "sequence", numbers });
const members = (...numbers: number[]): AsPathSegment => ({ type: "confed-sequence", numbers });
const memberSet = (...numbers: number[]): AsPathSegment => ({ type: "confed-set", numbers });

const importFacts = (kind: SessionKind, remoteAs: number): ImportFacts => ({
  family: "ipv6-unicast",
  localAs: MEMBER,
  confederationId: IDENTIFIER,
  remoteAs,
  kind,
  bgpIdentifier: 1,
  clusterId: 1,
  ownNextHop: OWN,
  enforceFirstAs: true,
});

const IMPORTS: readonly {
  readonly name: string;
  readonly path: readonly AsPathSegment[];
  readonly kind?: SessionKind;
  readonly want?: string;
}[] = [
  { name: "another member", path: [members(OTHER_MEMBER)] },
  { name: "another member, and another AS behind it", path: [members(OTHER_MEMBER), sequence(64999)] },
  { name: "own member AS among the members", path: [members(OTHER_MEMBER, MEMBER)], want: "confederation-loop" },
  { name: "own member AS in a set", path: [members(OTHER_MEMBER), memberSet(7, MEMBER)], want: "confederation-loop" },
  { name: "the confederation outside itself", path: [members(OTHER_MEMBER), sequence(1, IDENTIFIER)], want: "as-loop" },
  { name: "an AS outside that has our member's number", path: [members(OTHER_MEMBER), sequence(MEMBER)] },
  { name: "a member that has the confederation's number", path: [members(OTHER_MEMBER, IDENTIFIER)] },
  { name: "a third member in front", path: [members(65103, OTHER_MEMBER)], want: "first-as" },
  { name: "inside the member AS, a path of members", path: [members(65103)], kind: "internal" },
  { name: "an external neighbour", path: [sequence(OTHER_MEMBER)], kind: "external" },
  {
    name: "an external neighbour that has our routes",
    path: [sequence(OTHER_MEMBER, IDENTIFIER)],
    kind: "external",
    want: "as-loop",
  },
];

const exportFacts = (kind: SessionKind, changes: Partial<ExportFacts> = {}): ExportFacts => ({
  kind,
  localAs: kind === "external" ? IDENTIFIER : MEMBER,
  ownNextHop: OWN,
  nextHopSelf: false,
  clusterId: 1,
  ...changes,
});

describe("confederations (RFC 5065)", () => {
  for (const { name, path, kind = "confederation", want } of IMPORTS) {
    it(`import: ${name} (§4)`, () => {
      assert.equal(importRefusal(setSample({ asPath: path }), importFacts(kind, OTHER_MEMBER)), want);
    });
  }

  const set = setSample({
    asPath: [members(65103), sequence(64999)],
    localPref: 70,
    multiExitDisc: 5,
    originatorId: 3,
    clusterList: [4],
  });

  it("to another member: own member AS in front, LOCAL_PREF, MED and next hop as they are, reflection stays inside (§4.1, §5.2)", () => {
    assert.equal(offeredSet(set, "confederation"), set);
    const { originatorId: _o, clusterList: _c, ...rest } = set;
    assert.deepEqual(exportSet(set, exportFacts("confederation")), {
      ...rest,
      asPath: [members(MEMBER, 65103), sequence(64999)],
    });
    const own = exportSet(setSample({ asPath: [] }), exportFacts("confederation", { nextHopSelf: true }));
    assert.deepEqual([own.asPath, own.nextHop, own.localPref], [[members(MEMBER)], OWN, 100]);
  });

  it("a full segment of members gets another one in front, and one behind another AS's is its own (§4.1 b)", () => {
    const full = members(...Array.from({ length: 255 }, (_, i) => 1 + i));
    assert.deepEqual(exportSet(setSample({ asPath: [full] }), exportFacts("confederation")).asPath, [
      members(MEMBER),
      full,
    ]);
    const behind = exportSet(setSample({ asPath: [sequence(1), members(2)] }), exportFacts("confederation"));
    assert.deepEqual(behind.asPath, [members(MEMBER), sequence(1), members(2)]);
  });

  it("out of the confederation: no member in the path, its identifier in front (§4.1 c)", () => {
    const sent = exportSet(set, exportFacts("external"));
    assert.deepEqual(sent.asPath, [sequence(IDENTIFIER, 64999)]);
    assert.deepEqual([sent.localPref, sent.nextHop], [undefined, OWN]);
    const served = exportSet(set, exportFacts("external", { transparent: true }));
    assert.deepEqual(served.asPath, [sequence(64999)]);
  });

  it("NO_EXPORT stays in the confederation, NO_EXPORT_SUBCONFED in the member AS (RFC 1997)", () => {
    const refused = (community: number) =>
      (["internal", "confederation", "external"] as const).map(
        (kind) => exportRefusal(digestOf(setSample({ communities: [community] })).marks, { kind }) !== undefined,
      );
    assert.deepEqual(
      [refused(NO_EXPORT), refused(NO_EXPORT_SUBCONFED)],
      [
        [false, false, true],
        [false, true, true],
      ],
    );
  });
});
