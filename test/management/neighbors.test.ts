import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv6Prefix, formatZoned } from "../../src/base/index.ts";
import { ConfigurationError, type NeighborConfiguration, parseConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, type Editable, edited } from "./documents.ts";
import { keptYang } from "./kept-yang.ts";
import { listed } from "./listed.ts";
import { symmetricKeys } from "./stores.ts";

const PARTS = { yang: keptYang(), files: ALL_FILES };
const [R1, R3] = ["fd00:ffff::1", "fd00:ffff::3"];

async function parse(edit: (bgp: Editable) => void) {
  const keys = { old: "old key", older: "older", new: "new", long: "x".repeat(81) };
  const text = edited((router) => {
    edit(router["semrd-bgp:bgp"]);
    Object.assign(router["semrd-keystore:keystore"], symmetricKeys(keys));
  });
  return (await parseConfiguration(text, "/etc/semrd", PARTS)).bgp!;
}

/** Two neighbours in a group, and what they come to. */
async function neighbors(
  own: readonly [object, object],
  group: object = {},
  defaults: object = {},
  all: object = {},
): Promise<readonly NeighborConfiguration[]> {
  const bgp = await parse((document) => {
    Object.assign(document, all);
    document["neighbor-defaults"] = defaults;
    document["peer-groups"] = { "peer-group": [{ name: "g", ...group }] };
    document.neighbors.neighbor = [
      { address: R1, "peer-group": "g", ...own[0] },
      { address: R3, "remote-as": 65000, ...own[1] },
    ];
  });
  return bgp.neighbors;
}

/** `tag path` of each fault. */
async function faults(edit: (bgp: Editable) => void): Promise<string[]> {
  try {
    await parse(edit);
  } catch (cause) {
    assert.ok(cause instanceof ConfigurationError, String(cause));
    return cause.faults.map(({ tag, path }) => `${tag} ${path?.replace("/semrd-router:router/semrd-bgp:bgp", "")}`);
  }
  return [];
}

describe("what a neighbour has from its group and from all neighbours", () => {
  it("a leaf of the neighbour wins over its group, that over the defaults", async () => {
    const group = { "remote-as": 65001, "allow-own-as": 2, "idle-hold-time": 7, passive: true, "delay-open": 3 };
    const defaults = { "allow-own-as": 1, "maximum-back-off": 50, "send-hold-time": 60 };
    const [first, second] = await neighbors([{ "idle-hold-time": 9 }, { enabled: false }], group, defaults);
    const { remoteAs, kind, allowOwnAs, idleHoldTime, passive, delayOpen, maximumBackOff, sendHoldTime } = first!;
    assert.deepEqual([remoteAs, kind, allowOwnAs, idleHoldTime, passive], [65001, "external", 2, 9, true]);
    assert.deepEqual([delayOpen, maximumBackOff, sendHoldTime, first!.group], [3, 50, 60, "g"]);
    assert.deepEqual(
      [second!.allowOwnAs, second!.idleHoldTime, second!.passive, second!.enabled],
      [1, 1, false, false],
    );
    assert.deepEqual([second!.delayOpen, second!.group, second!.maximumBackOff], [undefined, undefined, 50]);
  });

  it("a next hop of this router, or as it came: what the neighbour says goes before what its group does", async () => {
    const hops = async (own: object, group: object): Promise<boolean[]> => {
      const [first] = await neighbors([own, {}], { "remote-as": 65001, ...group });
      return [first!.nextHopSelf, first!.nextHopUnchanged, first!.thirdPartyNextHop];
    };
    assert.deepEqual(await hops({ "next-hop-self": true }, { "next-hop-unchanged": true }), [true, false, false]);
    assert.deepEqual(await hops({ "third-party-next-hop": true }, { "next-hop-self": true }), [false, false, true]);
    assert.deepEqual(await hops({}, { "next-hop-unchanged": true, "third-party-next-hop": true }), [false, true, true]);
    const both = await faults((bgp) => {
      Object.assign(bgp.neighbors.neighbor[0], { "next-hop-self": true, "next-hop-unchanged": true });
    });
    assert.deepEqual(both, [`next-hop-twice /neighbors/neighbor[address='${R1}']/next-hop-unchanged`]);
  });

  it("BFD leaf by leaf; families, policies and a role as a whole", async () => {
    const group = {
      "remote-as": 65000,
      bfd: { enabled: true, "detect-multiplier": 5 },
      families: { family: [{ name: "ipv6-unicast", "maximum-routes": 7 }, { name: "ipv4-unicast" }] },
    };
    const [first, second] = await neighbors(
      [{ bfd: { "desired-min-tx-ms": 50 }, families: { family: [{ name: "capability" }] } }, { "peer-group": "g" }],
      group,
      { bfd: { "required-min-rx-ms": 100 } },
    );
    assert.deepEqual(first!.bfd, { multihop: true, desiredMinTx: 50, requiredMinRx: 100, detectMultiplier: 5 });
    assert.deepEqual(first!.families, [{ family: "capability" }]);
    assert.deepEqual(
      listed(second!.families),
      listed([{ family: "ipv6-unicast", maximumRoutes: 7, warnAtPercent: 75 }, { family: "ipv4-unicast" }]),
    );
    assert.deepEqual(second!.bfd?.desiredMinTx, 300);
  });

  it("who says a hold time does not take over a keepalive time, nor multihop with TTL security", async () => {
    const times = { "hold-time": 30, "keepalive-time": 10 };
    const group = { "remote-as": 65001, multihop: 4, "hold-time": 90, "keepalive-time": 20, "connect-retry": 8 };
    const [first, second] = await neighbors([{ "hold-time": 12, "ttl-security-hops": 1 }, {}], group, {}, times);
    assert.deepEqual([first!.holdTime, first!.keepaliveTime, first!.connectRetry], [12, undefined, 8]);
    assert.deepEqual([first!.ttlSecurityHops, first!.multihop], [1, undefined]);
    assert.deepEqual([second!.holdTime, second!.keepaliveTime], [30, 10]);
    const [third] = await neighbors([{}, {}], group, {}, times);
    assert.deepEqual([third!.holdTime, third!.keepaliveTime, third!.multihop], [90, 20, 4]);
  });

  it("an AS for all neighbours, and none at all", async () => {
    const [first] = await neighbors([{}, {}], {}, { "remote-as": 65000 });
    assert.equal(first!.remoteAs, 65000);
    const none = await faults((bgp) => {
      delete bgp.neighbors.neighbor[0]["remote-as"];
    });
    assert.deepEqual(none, [`remote-as-missing /neighbors/neighbor[address='${R1}']`]);
  });

  it("keys of the connection: those of one level, passwords or TCP-AO", async () => {
    const key = { "send-id": 1, "receive-id": 2, "symmetric-key": "old" };
    const group = { "remote-as": 65000, "md5-key": ["old", "older"] };
    const [first, second] = await neighbors(
      [{ "tcp-ao-key": [key] }, { "peer-group": "g", "md5-key": ["new"] }],
      group,
    );
    assert.deepEqual(first!.md5Keys, []);
    const { key: own, ...others } = first!.aoKeys[0]!;
    assert.deepEqual(others, { sendId: 1, receiveId: 2, algorithm: "aes-128-cmac-96" });
    assert.deepEqual([String(own.secret), Buffer.from(own.secret.octets()).toString()], ["***", "old key"]);
    assert.deepEqual([second!.md5Keys.map(({ name }) => name), second!.aoKeys], [["new"], []]);
    const both = await faults((bgp) => {
      Object.assign(bgp.neighbors.neighbor[0], { "md5-key": ["new"], "tcp-ao-key": [key] });
    });
    const at = `/neighbors/neighbor[address='${R1}']/tcp-ao-key[send-id='1'][receive-id='2']`;
    assert.deepEqual(both, [`md5-and-tcp-ao ${at}`]);
    for (const [named, leaf] of [
      [{ "md5-key": ["new", "long"] }, "md5-key"],
      [{ "tcp-ao-key": [{ ...key, "symmetric-key": "long" }] }, "tcp-ao-key"],
    ] as const) {
      const long = await faults((bgp) => void Object.assign(bgp.neighbors.neighbor[0], named));
      assert.deepEqual(long, [`bad-key-length /neighbors/neighbor[address='${R1}']/${leaf}`]);
    }
  });

  const GROUP = { name: "g", "remote-as": 65000 };
  const CASES: readonly [string, (bgp: Editable) => void, string][] = [
    [
      "a role of the group, inside the AS",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ name: "g", role: { local: "peer" } }] };
        bgp.neighbors.neighbor[0]["peer-group"] = "g";
      },
      `internal-role /neighbors/neighbor[address='${R1}']/role`,
    ],
    [
      "a client of a reflector by the group's AS",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ name: "g", "remote-as": 65001 }] };
        bgp.neighbors.neighbor[0] = { address: R1, "peer-group": "g", "route-reflector-client": true };
      },
      `external-client /neighbors/neighbor[address='${R1}']/route-reflector-client`,
    ],
    [
      "a keepalive time with the group's hold time",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ ...GROUP, "hold-time": 9 }] };
        bgp.neighbors.neighbor[0] = { address: R1, "peer-group": "g", "keepalive-time": 4 };
      },
      `keepalive-too-long /neighbors/neighbor[address='${R1}']/keepalive-time`,
    ],
    [
      "multihop for neighbours of this AS that come by themselves",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ name: "g", multihop: 2 }] };
        const range = { prefix: "2001:db8::/64", "peer-group": "g", "remote-as": [65001, 65000] };
        bgp["dynamic-neighbors"] = { range: [range] };
      },
      "multihop-internal /dynamic-neighbors/range[prefix='2001:db8::/64']/multihop",
    ],
    [
      "a range that does not say who may come",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ name: "g" }] };
        bgp["dynamic-neighbors"] = { range: [{ prefix: "2001:db8::/64", "peer-group": "g" }] };
      },
      "remote-as-missing /dynamic-neighbors/range[prefix='2001:db8::/64']",
    ],
    [
      "a range that says it twice",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [GROUP] };
        const range = { prefix: "2001:db8::/64", "peer-group": "g", "remote-as": [1], "remote-as-type": "external" };
        bgp["dynamic-neighbors"] = { range: [range] };
      },
      "remote-as-twice /dynamic-neighbors/range[prefix='2001:db8::/64']/remote-as[.='1']",
    ],
    [
      "BFD for neighbours that come by themselves",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ ...GROUP, bfd: { enabled: true } }] };
        bgp["dynamic-neighbors"] = { range: [{ prefix: "2001:db8::/64", "peer-group": "g" }] };
      },
      "dynamic-bfd /dynamic-neighbors/range[prefix='2001:db8::/64']/peer-group",
    ],
    ...(
      [
        ["a link-local address without its interface", { address: "fe80::7" }, "zone-missing", "fe80::7", "/address"],
        ["the interface of a global address", { address: "fd00::7%eth0" }, undefined, undefined, "/address"],
        ["a link-local address in capitals", { address: "FE80::7%eth0" }, undefined, undefined, "/address"],
        ["a link-local address with zeros", { address: "fe80::07%eth0" }, undefined, undefined, "/address"],
        [
          ...(["a cluster without a client", { address: "fd00::7", "cluster-id": "10.0.0.9" }] as const),
          ...(["cluster-without-client", "fd00::7", "/cluster-id"] as const),
        ],
        ["BFD on a link", { address: "fe80::7%eth0", bfd: { enabled: true } }, "bfd-on-link", "fe80::7%eth0", "/bfd"],
        [
          ...(["multihop on a link", { address: "fe80::7%eth0", "remote-as": 65001, multihop: 2 }] as const),
          ...(["multihop-on-link", "fe80::7%eth0", "/multihop"] as const),
        ],
        [
          ...(["a local address on a link", { address: "fe80::7%eth0", "local-address": "fd00::1" }] as const),
          ...(["local-address-on-link", "fe80::7%eth0", "/local-address"] as const),
        ],
      ] as const
    ).map(([name, neighbor, tag, key, leaf]): (typeof CASES)[number] => [
      name,
      (bgp) => void bgp.neighbors.neighbor.push({ "remote-as": 65000, ...neighbor }),
      `${tag} /neighbors/neighbor[${key === undefined ? "3" : `address='${key}'`}]${leaf}`,
    ]),
    [
      "BFD for routers of an interface",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ ...GROUP, bfd: { enabled: true } }] };
        bgp["dynamic-neighbors"] = { interface: [{ name: "eth0", "peer-group": "g" }] };
      },
      "bfd-on-link /dynamic-neighbors/interface[name='eth0']/bfd",
    ],
    [
      "an interface that does not say who may come",
      (bgp) => {
        bgp["peer-groups"] = { "peer-group": [{ name: "g" }] };
        bgp["dynamic-neighbors"] = { interface: [{ name: "eth0", "peer-group": "g" }] };
      },
      "remote-as-missing /dynamic-neighbors/interface[name='eth0']",
    ],
  ];
  for (const [name, edit, want] of CASES)
    it(`${name} is a fault`, async () => assert.deepEqual(await faults(edit), [want]));

  it("neighbours on links, by address and interface, and by interface alone", async () => {
    const found = await parse((bgp) => {
      bgp["peer-groups"] = { "peer-group": [{ name: "g", passive: true }] };
      bgp.neighbors.neighbor = ["fe80::1%eth0", "fe80::1%eth1.100", "fd00::1"].map((address) => ({
        ...{ address, "remote-as": 65001 },
      }));
      bgp["dynamic-neighbors"] = {
        interface: [
          { name: "eth2", "peer-group": "g", "remote-as-type": "external" },
          { name: "eth3", "peer-group": "g", "remote-as": [7], limit: 4 },
        ],
      };
    });
    assert.deepEqual(found.neighbors.map(formatZoned), ["fe80::1%eth0", "fe80::1%eth1.100", "fd00::1"]);
    assert.deepEqual(
      found.ranges.map(({ prefix, interface: name, limit, remoteAs, passive }) => [
        ...[formatIpv6Prefix(prefix), name, limit, remoteAs, passive],
      ]),
      [
        ["fe80::/10", "eth2", 1, "external", true],
        ["fe80::/10", "eth3", 4, [7], true],
      ],
    );
  });

  it("ranges, with who may come", async () => {
    const { ranges } = await parse((bgp) => {
      bgp["peer-groups"] = { "peer-group": [{ ...GROUP, "hold-time": 20 }] };
      bgp["dynamic-neighbors"] = {
        range: [
          { prefix: "2001:db8::/64", "peer-group": "g" },
          { prefix: "2001:db8:1::/64", "peer-group": "g", limit: 5, "remote-as-type": "external" },
          { prefix: "2001:db8:2::/64", "peer-group": "g", "remote-as": [7, 8] },
        ],
      };
    });
    assert.deepEqual(
      ranges.map(({ prefix, limit, remoteAs, holdTime, group }) => [prefix.length, limit, remoteAs, holdTime, group]),
      [
        [64, 100, [65000], 20, "g"],
        [64, 5, "external", 20, "g"],
        [64, 100, [7, 8], 20, "g"],
      ],
    );
  });
});
