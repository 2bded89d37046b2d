import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6, seconds } from "../../../src/base/index.ts";
import { ConfiguredPeer } from "../../../src/bgp/speaker/configured-peer.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { UNKNOWN_AS } from "../../../src/bgp/speaker/listen-ranges.ts";
import type { SettingsParts } from "../../../src/bgp/speaker/peer-parts.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../../../src/bgp/wire/index.ts";

const ADDRESS = "2001:db8::b";

const options = (more: Partial<PeerOptions> = {}): PeerOptions => ({
  ...{ address: ADDRESS, port: 179, remoteAs: 65001, passive: false },
  ...{ holdTime: seconds(90), connectRetry: seconds(5), ...more },
});

/** A neighbour of a router of AS 65000, which may come by itself where its AS is `comes`. */
function configured(more: Partial<PeerOptions> = {}, comes?: number) {
  const speaker: SettingsParts["speaker"] = { localAs: 65000, bgpIdentifier: 0x0a000001 };
  const parts = {
    ...{ speaker, codec: new AttributeCodec(DEFAULT_DIALECT), restart: { own: undefined } },
    ...(comes === undefined ? {} : { mayCome: (autonomousSystem: number) => autonomousSystem === comes }),
  };
  return { peer: new ConfiguredPeer(options(more), parseIpv6(ADDRESS)!, parts), parts };
}

describe("a neighbour as it is configured", () => {
  it("is next door or inside by its AS, and packets go as far as that", () => {
    const of = (more: Partial<PeerOptions>) => {
      const { peer } = configured(more);
      return [peer.kind, peer.hopLimit];
    };
    assert.deepEqual(of({}), ["external", 1]);
    assert.deepEqual(of({ multihop: 4 }), ["external", 4]);
    assert.deepEqual(of({ remoteAs: 65000, multihop: 4 }), ["internal", undefined]);
  });

  it("other options hold at once, for the state machines too", () => {
    const { peer } = configured();
    peer.change(options({ holdTime: seconds(30), multihop: 2, remoteAs: 65000 }));
    assert.deepEqual([peer.options.holdTime, peer.settings().holdTime, peer.hopLimit], [30, 30, undefined]);
    assert.deepEqual([peer.kind, peer.settings().remoteAs], ["internal", 65000]);
  });

  it("so does what all neighbours have in common", () => {
    const { peer, parts } = configured();
    parts.speaker = { ...parts.speaker, confederation: { identifier: 64999, members: [65001] } };
    peer.change();
    assert.deepEqual([peer.kind, peer.settings().confederation, peer.options], ["confederation", true, options()]);
  });

  it("whose AS is not known has the one of its OPEN, where that may come", () => {
    const { peer } = configured({ remoteAs: UNKNOWN_AS }, 65000);
    peer.meet(65007);
    assert.equal(peer.options.remoteAs, UNKNOWN_AS);
    peer.meet(65000);
    assert.deepEqual([peer.options.remoteAs, peer.kind, peer.settings().remoteAs], [65000, "internal", 65000]);
    peer.meet(65007);
    assert.equal(peer.options.remoteAs, 65000);
  });

  it("whose AS is configured keeps it, whatever its OPEN says", () => {
    const { peer } = configured({}, 65007);
    peer.meet(65007);
    assert.deepEqual([peer.options.remoteAs, peer.kind], [65001, "external"]);
  });
});
