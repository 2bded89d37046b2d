import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNative } from "../../native/index.ts";
import { parseIpv6Prefix, seconds } from "../../src/base/index.ts";
import type { BfdMonitor } from "../../src/bfd/index.ts";
import type { PeerStatus, Speaker } from "../../src/bgp/speaker/index.ts";
import {
  applyNeighbors,
  laterOf,
  type NeighborPlan,
  overMaximum,
  planNeighbors,
  resetsOf,
  sharedOf,
} from "../../src/daemon/neighbor-plan.ts";
import { policyBook } from "../../src/daemon/policy.ts";
import { parseConfiguration, type RouterConfiguration } from "../../src/management/index.ts";
import { A, B, Scene } from "../bgp/speaker/scene.ts";
import { ALL_FILES, type Editable, edited } from "../management/documents.ts";
import { ROUTING_POLICY } from "../management/policy-document.ts";
import { symmetricKeys } from "../management/stores.ts";

const PARTS = { yang: loadNative().yang, files: ALL_FILES };
const [R1, R3] = ["fd00:ffff::1", "fd00:ffff::3"];

/** Two neighbours with a policy each. */
function configuration(edit: (bgp: Editable, policies: Editable[]) => void = () => {}): Promise<RouterConfiguration> {
  const text = edited((router) => {
    const accept = () => ({ name: "all", actions: { "policy-result": "accept-route" } });
    const policies: Editable[] = ["in", "out"].map((name) => ({ name, statements: { statement: [accept()] } }));
    const bgp = router["semrd-bgp:bgp"] ?? router.bgp;
    bgp.neighbors.neighbor = [
      { address: R1, "remote-as": 65000, "import-policy": ["in"] },
      { address: R3, "remote-as": 65000, "export-policy": ["out"] },
    ];
    edit(bgp, policies);
    Object.assign(router["semrd-keystore:keystore"], symmetricKeys({ secret: "between us" }));
    const { "defined-sets": sets } = structuredClone(ROUTING_POLICY);
    router["semrd-policy:routing-policy"] = {
      "defined-sets": sets,
      "policy-definitions": { "policy-definition": policies },
    };
    delete router["routing-policy"];
  });
  return parseConfiguration(text, "/etc/semrd", PARTS);
}

async function plan(edit: (bgp: Editable, policies: Editable[]) => void): Promise<NeighborPlan> {
  const before = await configuration();
  const policies = policyBook(before);
  for (const { importPolicy, exportPolicy } of before.bgp!.neighbors) {
    for (const names of [importPolicy, exportPolicy]) if (names.length > 0) policies.chain(names);
  }
  return planNeighbors(before, await configuration(edit), policies);
}

const steps = ({ peers }: NeighborPlan): string[] =>
  peers.map((step) => {
    if (step.type !== "change") return `${step.type} ${step.type === "add" ? step.peer.address : step.address}`;
    return `${step.change.effect} ${step.peer.address} ${step.change.reasons.map(({ option }) => option)}`;
  });

describe("what a commit does to neighbours", () => {
  it("the same again: nothing", async () => {
    const same = await plan(() => {});
    assert.deepEqual([steps(same), same.watch, same.unwatch, same.common], [[], [], [], undefined]);
  });

  it("a policy that changes concerns those that use it", async () => {
    const changed = await plan((_bgp, [first]) => {
      first.statements.statement[0].conditions = { "match-neighbor-set": { "neighbor-set": "edges" } };
    });
    assert.deepEqual(steps(changed), [`live ${R1} importPolicy`]);
    assert.deepEqual(resetsOf(changed), []);
  });

  it("neighbours come, go and are reset, and people can read why", async () => {
    const changed = await plan((bgp) => {
      const [first] = bgp.neighbors.neighbor;
      bgp.neighbors.neighbor = [
        { ...first, "md5-key": ["secret"], description: "r1" },
        { address: "fd00:ffff::9", "remote-as": 65009 },
      ];
    });
    assert.deepEqual(steps(changed), [`remove ${R3}`, `reset ${R1} password,description`, "add fd00:ffff::9"]);
    assert.deepEqual(resetsOf(changed), [
      { address: R3, why: "it is no neighbour any more" },
      { address: R1, why: "md5-key: the connection is made in another way" },
    ]);
  });

  it("settings for all neighbours count where a neighbour says nothing else", async () => {
    const changed = await plan((bgp) => {
      bgp["hold-time"] = 30;
      bgp["cluster-id"] = "10.9.9.9";
    });
    assert.deepEqual(steps(changed), [`live ${R1} holdTime`, `live ${R3} holdTime`]);
    assert.deepEqual([changed.common?.clusterId, resetsOf(changed)], [0x0a090909, []]);
    assert.deepEqual(laterOf(changed), [
      { address: R1, why: "hold-time" },
      { address: R3, why: "hold-time" },
    ]);
  });

  it("what both ends have to change is said, and what the next session is about; neither is a reset", async () => {
    const changed = await plan((bgp) => {
      bgp.neighbors.neighbor[0]["ttl-security-hops"] = 2;
      bgp.neighbors.neighbor[0].port = 1179;
      bgp.neighbors.neighbor[1]["extended-messages"] = false;
    });
    assert.deepEqual(steps(changed), [`live ${R1} port,ttlSecurityHops`, `live ${R3} extendedMessages`]);
    assert.deepEqual(resetsOf(changed), []);
    assert.deepEqual(sharedOf(changed), [{ address: R1, why: "ttl-security-hops" }]);
    assert.deepEqual(laterOf(changed), [{ address: R3, why: "extended-messages" }]);
    // Where the session is reset anyway, that is what is said.
    const both = await plan((bgp) => {
      bgp.neighbors.neighbor[0]["ttl-security-hops"] = 2;
      bgp.neighbors.neighbor[0]["md5-key"] = ["secret"];
    });
    assert.deepEqual(resetsOf(both), [{ address: R1, why: "md5-key: the connection is made in another way" }]);
    assert.deepEqual(sharedOf(both), []);
  });

  it("what all sessions have in common comes first, and resets each neighbour once", async () => {
    const changed = await plan((bgp) => {
      bgp["local-as"] = 65001;
      bgp["graceful-restart"] = { "restart-time": 7 };
      bgp.neighbors.neighbor = [{ ...bgp.neighbors.neighbor[0], "md5-key": ["secret"] }];
    });
    assert.deepEqual(resetsOf(changed), [
      { address: R3, why: "it is no neighbour any more" },
      {
        address: R1,
        why: "local-as: it is part of the OPEN message; md5-key: the connection is made in another way",
      },
    ]);
    assert.deepEqual(laterOf(changed), []);
    const done: string[] = [];
    const speaker = {
      peers: () => [{ address: R1 }, { address: R3 }],
      change: async ({ localAs }: { localAs: number }, { leaving }: { leaving: string[] }) =>
        void done.push(`${localAs} but ${leaving}`),
      removePeer: async (address: string) => done.push(`remove ${address}`) > 0,
      changePeer: ({ address }: { address: string }) => void done.push(`change ${address}`),
    } as unknown as Speaker;
    await applyNeighbors(changed, speaker, undefined);
    assert.deepEqual(done, [`65001 but ${R3},${R1}`, `remove ${R3}`, `change ${R1}`]);
  });

  it("a maximum that is less than what a neighbour has ends its session, and one that is not, does not", async () => {
    const bounded = (most: number) =>
      plan((bgp) => {
        bgp.neighbors.neighbor[0].families = { family: [{ name: "capability", "maximum-routes": most }] };
      });
    const session = (routesReceived: number, agreed = true) => ({
      address: R1,
      perFamily: [{ family: "capability", agreed, routesReceived }] as unknown as PeerStatus["perFamily"],
    });
    assert.deepEqual(overMaximum(await bounded(7), [session(8)]), [
      { address: R1, why: "maximum-routes: it has 8 capability routes, and may have 7" },
    ]);
    for (const fine of [session(7), session(8, false)]) assert.deepEqual(overMaximum(await bounded(7), [fine]), []);
    // One that is reset for another reason is named once.
    const other = await plan((bgp) => {
      bgp.neighbors.neighbor[0] = { ...bgp.neighbors.neighbor[0], "remote-as": 65000, "md5-key": ["secret"] };
      bgp.neighbors.neighbor[0].families = { family: [{ name: "capability", "maximum-routes": 1 }] };
    });
    assert.deepEqual([resetsOf(other).length, overMaximum(other, [session(8)])], [1, []]);
  });

  it("neighbours that came by themselves are named as well", async () => {
    const before = await configuration();
    const after = await configuration((bgp) => {
      bgp["cluster-id"] = "10.9.9.9";
      bgp["local-as"] = 65001;
    });
    const guests = [{ address: "fd00:ffff::77", remoteAs: 64999 }];
    const said = resetsOf(planNeighbors(before, after, policyBook(before), guests)).map(({ address }) => address);
    assert.deepEqual(said, [R1, R3, "fd00:ffff::77"]);
  });

  it("so are those that a range resets, or sends away, and what else it means for them", async () => {
    const grouped = (edit: (group: Editable, range: Editable, bgp: Editable) => void = () => {}) =>
      configuration((bgp) => {
        const group: Editable = { name: "guests", "hold-time": 90, "md5-key": ["secret"] };
        const range: Editable = { prefix: "fd00:aaaa::/32", "peer-group": "guests", "remote-as": [65000, 65001] };
        bgp["peer-groups"] = { "peer-group": [group] };
        bgp["dynamic-neighbors"] = { range: [range] };
        edit(group, range, bgp);
      });
    const before = await grouped();
    const guests = [
      { address: "fd00:aaaa::1", remoteAs: 65000 },
      { address: "fd00:aaaa:1::1", remoteAs: 65001 },
    ];
    const planned = async (...edits: Parameters<typeof grouped>) =>
      planNeighbors(before, await grouped(...edits), policyBook(before), guests);
    const [first, second] = guests.map(({ address }) => address) as [string, string];
    assert.deepEqual(resetsOf(await planned()), []);

    const families = await planned((group) => {
      group.families = { family: [{ name: "capability" }, { name: "ipv6-unicast" }] };
    });
    assert.deepEqual(
      resetsOf(families).map(({ address, why }) => `${address} ${why.split(":")[0]}`),
      [`${first} families`, `${second} families`],
    );
    const onlyOne = await planned((_group, range) => {
      range["remote-as"] = [65000];
    });
    assert.deepEqual(resetsOf(onlyOne), [{ address: second, why: "it may not come from a range any more" }]);
    const known = await planned((_group, _range, bgp) => {
      bgp.neighbors.neighbor.push({ address: first, "remote-as": 65000 });
    });
    assert.deepEqual(resetsOf(known), [
      { address: first, why: "it is configured by itself now, and came from a range before" },
    ]);
    const narrower = await planned((_group, range) => {
      range.prefix = "fd00:aaaa::/48";
    });
    assert.deepEqual(
      resetsOf(narrower).map(({ address }) => address),
      [second],
    );
    const later = await planned((group) => {
      group["extended-messages"] = false;
      group["ttl-security-hops"] = 2;
    });
    assert.deepEqual(
      [resetsOf(later), laterOf(later), sharedOf(later)],
      [
        [],
        [first, second].map((address) => ({ address, why: "extended-messages" })),
        [first, second].map((address) => ({ address, why: "ttl-security-hops" })),
      ],
    );
  });

  it("is carried out in order: BFD ends first and begins last", async () => {
    const changed = await plan((bgp) => {
      bgp.neighbors.neighbor[0].bfd = { enabled: true };
      bgp.neighbors.neighbor[1] = { address: "fd00:ffff::9", "remote-as": 65000 };
    });
    const done: string[] = [];
    const speaker = {
      peers: () => [{ address: R1 }, { address: R3 }],
      removePeer: async (address: string) => done.push(`remove ${address}`) > 0,
      addPeer: ({ address }: { address: string }) => void done.push(`add ${address}`),
      changePeer: ({ address }: { address: string }) => void done.push(`change ${address}`),
    } as unknown as Speaker;
    const bfd = {
      watch: ({ peer, multihop }: { peer: string; multihop: boolean }) => void done.push(`watch ${peer} ${multihop}`),
      unwatch: (peer: string) => done.push(`unwatch ${peer}`) > 0,
    } as unknown as BfdMonitor;
    await applyNeighbors(changed, speaker, bfd);
    assert.deepEqual(done, [`remove ${R3}`, "add fd00:ffff::9", `watch ${R1} true`]);
  });

  it("one that came from a range is configured by itself, and the range goes", async (t) => {
    const scene = new Scene(t);
    const common = { holdTime: seconds(9), connectRetry: seconds(2), families: [{ family: "capability" }] as const };
    const prefix = parseIpv6Prefix("2001:db8::/64")!;
    const range = { name: "guests", prefix, limit: 10, remoteAs: "internal", template: common } as const;
    const a = await scene.router({ address: A, identifier: "10.0.0.1", peers: [], speaker: { ranges: [range] } });
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A, remoteAs: 65000 }] });
    scene.established(a, b);
    assert.equal(a.peer(B).range, "guests");
    const peer = { ...common, address: B, port: 179, remoteAs: 65000, passive: true };
    const nothing = { policies: policyBook(await configuration()), commonEffects: new Map(), watch: [], unwatch: [] };
    const done = applyNeighbors(
      { ...nothing, peers: [{ type: "add", peer }], guests: new Map([[B, { type: "leave" }]]), ranges: [] },
      a.speaker,
      undefined,
    );
    scene.until("a session of its own", () => a.peer(B)?.state === "Established");
    await done;
    assert.deepEqual([a.speaker.peers().length, a.peer(B).range], [1, undefined]);
  });
});
