import assert from "node:assert/strict";
import { it } from "node:test";
import { checkConfiguration, parseConfiguration } from "../../src/management/index.ts";

const router = (more: object): string =>
  JSON.stringify({
    "semrd-router:router": {
      name: "r1",
      "router-id": "10.0.0.1",
      domain: { "dns-zone": "example.net", prefix: "fd5e:3d00:1::/48" },
      site: { selector: 1, locator: "fd00:ffff::1" },
      ...more,
    },
  });

it("MRT, RPKI and BMP with their defaults", async () => {
  const { mrt, rpki, bmp } = await parseConfiguration(
    router({
      "semrd-mrt:mrt": {
        "table-dump": [{ name: "t", folder: "/var/lib/mrt" }],
        "update-log": [{ name: "u", folder: "/var/lib/mrt", neighbor: ["fd00::2"] }],
      },
      "semrd-bmp:bmp": { station: [{ name: "noc", address: "fd00::b", port: 11019 }] },
      "semrd-rpki:rpki": { cache: [{ name: "near", address: "rpki.example.net" }] },
    }),
    "/",
  );
  assert.deepEqual(mrt, {
    tables: [
      {
        name: "t",
        folder: "/var/lib/mrt",
        view: "adj-rib-in",
        families: ["capability", "ipv6-unicast", "ipv4-unicast"],
        interval: 7200,
        retain: 24,
      },
    ],
    updates: [
      {
        name: "u",
        folder: "/var/lib/mrt",
        neighbors: ["fd00::2"],
        interval: 900,
        maximumOctets: 268435456,
        retain: 96,
      },
    ],
  });
  assert.deepEqual(rpki, { caches: [{ name: "near", address: "rpki.example.net", port: 323, preference: 1 }] });
  assert.deepEqual(bmp.stations, [
    {
      name: "noc",
      address: "fd00::b",
      port: 11019,
      connectRetry: 30,
      tables: ["post-policy", "loc-rib"],
      neighbors: [],
      statisticsInterval: 60,
    },
  ]);
  const without = await parseConfiguration(router({}), "/");
  assert.deepEqual([without.mrt, without.rpki], [{ tables: [], updates: [] }, { caches: [] }]);
});

it("a station that connects to the router is known by its address, which is its own at that place", async () => {
  const stations = (...stations: readonly object[]) =>
    parseConfiguration(
      router({
        "semrd-bmp:bmp": {
          station: stations.map((one, n) => ({ name: `s${n}`, port: 11019, listen: "fd00::a", ...one })),
        },
      }),
      "/",
    );
  const { bmp } = await stations({ address: "fd00::b" }, { address: "192.0.2.1" }, { address: "fd00::b", port: 7 });
  assert.deepEqual(
    bmp.stations.map(({ listen, address }) => [listen, address]),
    [
      ["fd00::a", "fd00::b"],
      ["fd00::a", "192.0.2.1"],
      ["fd00::a", "fd00::b"],
    ],
  );
  await assert.rejects(stations({ address: "noc.example.net" }), /known by its address, not by a name/);
  await assert.rejects(stations({ address: "fd00::b" }, { address: "fd00::b" }), /addresses of their own/);
});

it("the RPKI state is no condition of an export policy", async () => {
  const statement = {
    name: "bad",
    conditions: { "semrd-rpki:rpki-state": ["invalid"] },
    actions: { "policy-result": "reject-route" },
  };
  const neighbor = (way: object): object => ({
    "semrd-policy:routing-policy": {
      "policy-definitions": { "policy-definition": [{ name: "p", statements: { statement: [statement] } }] },
    },
    "semrd-bgp:bgp": {
      "local-as": 65000,
      address: "fd00:ffff::1",
      neighbors: { neighbor: [{ address: "fd00::2", "remote-as": 65000, ...way }] },
    },
  });
  const good = await parseConfiguration(router(neighbor({ "import-policy": ["p"] })), "/");
  assert.deepEqual(good.routingPolicy.policies[0]!.statements[0]!.conditions.rpkiStates, ["invalid"]);
  const { valid, faults } = await checkConfiguration({
    text: router(neighbor({ "export-policy": ["p"] })),
    folder: "/",
  });
  assert.deepEqual([valid, faults.map(({ tag }) => tag)], [false, ["rpki-on-export"]]);
});
