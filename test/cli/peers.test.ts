import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { peerDetailsView } from "../../src/cli/views/peer.ts";
import { peersView } from "../../src/cli/views/peers.ts";
import type { PeerBrownfield, PeerRow } from "../../src/management/index.ts";
import { PEERS, QUIET } from "../management/fixed/peer-rows.ts";

const ROW: PeerRow = {
  address: "fd00:0:1::c",
  remoteAs: 65010,
  ...QUIET,
  kind: "external",
  state: "Established",
  stateAgeSeconds: 3,
  families: ["ipv6-unicast"],
  perFamily: [],
  routesReceived: 4,
  routesAdvertised: 2,
  routesPending: 0,
  messagesReceived: "1",
  messagesSent: "1",
  establishedTransitions: 1,
};
const FINE: PeerBrownfield = { learnt: 4, mismatched: 0, lost: [], refused: [], returnedPoorer: 0 };

/** What stands under BROWNFIELD. */
function cell(brownfield: PeerBrownfield | undefined): string | undefined {
  const row = brownfield === undefined ? ROW : { ...ROW, brownfield };
  const [heading, line] = peersView([row], { paint: (_colour, text) => text }).split("\n");
  const at = heading!.indexOf("BROWNFIELD");
  return at < 0 ? undefined : line!.slice(at, heading!.indexOf("RECEIVED")).trimEnd();
}

describe("show peer, what a session waits for", () => {
  const head = (row: Partial<PeerRow>): string =>
    peerDetailsView([{ ...ROW, state: "Idle", ...row }], { paint: (_colour, text) => text });
  for (const [waitsFor, text] of [
    ["operator", "shut down by configuration"],
    ["routes-limit", "had more routes than it may have"],
    ["back-off", "rests after what is its last error"],
    ["neighbor", "waits to be connected to"],
    ["something-newer", "something-newer"],
  ] as const)
    it(`${waitsFor}: ${text}`, () => assert.match(head({ waitsFor }), new RegExp(`^  waits +${text}$`, "m")));
  it("nothing where there is a session", () => assert.doesNotMatch(head({ state: "Established" }), /^ +waits/m));
});

it("show peer names the cluster of a client that has one of its own", () => {
  const view = (row: Partial<PeerRow>): string =>
    peerDetailsView([{ ...ROW, ...row }], { paint: (_colour, text) => text });
  assert.match(view({ reflectorClient: true, clusterId: "10.9.9.9" }), /^ {2}cluster ID +10\.9\.9\.9$/m);
  assert.doesNotMatch(view({ reflectorClient: true }), /cluster ID/);
});

it("a family has the name that it is configured by, whether or not there are others beside it", () => {
  const unicast = { family: "ipv6-unicast", agreed: true, disabled: false, routesPending: 0 } as const;
  const one = { ...unicast, routesReceived: 4, routesAdvertised: 2 };
  const view = (perFamily: PeerRow["perFamily"]): string =>
    peersView([{ ...ROW, families: ["ipv6/unicast"], perFamily }], { paint: (_colour, text) => text });
  assert.match(view([one]), / ipv6-unicast$/m);
  assert.match(view([{ ...one, agreed: false }]), / \(ipv6-unicast\)$/m);
  assert.match(view([one, { ...one, family: "ipv4-unicast" }]), / ipv6-unicast 4\/2, ipv4-unicast 4\/2$/m);
});

it("a path that was taken down on purpose at the other end is told from one that is broken (RFC 5880 §6.8.16)", () => {
  const bfd = PEERS.find((row) => row.bfd?.state === "Up")!.bfd!;
  const view = (own: Partial<typeof bfd>): string =>
    peersView([{ ...ROW, bfd: { ...bfd, state: "Down", ...own } }], { paint: (_colour, text) => text });
  assert.match(view({ remoteState: "AdminDown" }), / Down, AdminDown there /);
  assert.doesNotMatch(view({ remoteState: "Down" }), /AdminDown/);
});

describe("show peers, of a neighbour with brownfield", () => {
  it("says nothing where there is none", () => assert.equal(cell(undefined), undefined));
  it("counts the capability routes", () => assert.equal(cell(FINE), "4 learnt"));
  it("says what is lost, what is not taken, and what came back poorer", () => {
    const poor: PeerBrownfield = {
      learnt: 4,
      mismatched: 1,
      lost: [{ attribute: "payload", routes: 3 }],
      refused: [{ reason: "no-lease", routes: 2 }],
      returnedPoorer: 5,
    };
    const text = "4 learnt, 1 of another capability, payload lost 3, no-lease 2, own came back poorer 5";
    assert.equal(cell(poor), text);
  });
});
