import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgePayloadCode } from "../../src/bgp/brownfield/index.ts";
import { ConfigurationError, parseConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, type Editable, edited } from "./documents.ts";
import { keptYang } from "./kept-yang.ts";

const PARTS = { yang: keptYang(), files: ALL_FILES };
const BROWNFIELD = "semrd-brownfield:brownfield";

async function bgpOf(neighbor: Editable, domain?: Editable) {
  const text = edited((router) => {
    const bgp = router["semrd-bgp:bgp"];
    Object.assign(bgp.neighbors.neighbor[0], neighbor);
    if (domain !== undefined) bgp[BROWNFIELD] = domain;
  });
  return (await parseConfiguration(text, "/", PARTS)).bgp!;
}

const tags = async (parsed: Promise<unknown>): Promise<readonly string[]> => {
  try {
    await parsed;
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.faults.map(({ tag }) => tag ?? "");
  }
};

describe("brownfield of a neighbour", () => {
  it("is off without being asked for", async () => {
    const bgp = await bgpOf({});
    assert.equal(bgp.neighbors[0]!.brownfield, undefined);
    assert.deepEqual(bgp.brownfield, { gateway: false, labels: [] });
    assert.deepEqual(bgp.neighbors[0]!.families, [{ family: "capability" }]);
  });

  it("keeps routes inside, says no payload, and has IPv6 unicast for the domain's prefix", async () => {
    const { neighbors } = await bgpOf({ [BROWNFIELD]: {} });
    assert.deepEqual(neighbors[0]!.brownfield, { noExport: true, payload: false, otherPrefixes: false });
    assert.deepEqual(neighbors[0]!.families, [{ family: "capability" }, { family: "ipv6-unicast" }]);
    const other = await bgpOf({
      [BROWNFIELD]: { "no-export": false },
      families: { family: [{ name: "ipv6-unicast", "maximum-routes": 10 }] },
    });
    assert.deepEqual(other.neighbors[0]!.brownfield, { noExport: false, payload: false, otherPrefixes: true });
    assert.deepEqual(other.neighbors[0]!.families, [{ family: "ipv6-unicast", maximumRoutes: 10, warnAtPercent: 75 }]);
  });

  it("labels have a bit each, and no two the same", async () => {
    const label = [
      { name: "eu", bit: 31 },
      { name: "gpu", namespace: 9, bit: 0 },
    ];
    assert.deepEqual((await bgpOf({}, { label })).brownfield.labels, [
      { text: "eu", namespace: 0, bit: 31 },
      { text: "gpu", namespace: 9, bit: 0 },
    ]);
    assert.notDeepEqual(await tags(bgpOf({}, { label: [...label, { name: "gdpr", bit: 31 }] })), []);
    assert.notDeepEqual(await tags(bgpOf({}, { label: [{ name: "gdpr", bit: 32 }] })), []);
    assert.notDeepEqual(await tags(bgpOf({}, { label: [{ name: "gdpr", bit: 1, namespace: 10 }] })), []);
  });

  it("the payload needs a code, and a session that asks for it", async () => {
    const neighbor = { [BROWNFIELD]: { payload: true } };
    assert.deepEqual(await tags(bgpOf(neighbor)), ["no-payload-attribute"]);
    const bgp = await bgpOf(neighbor, { "payload-attribute": 220 });
    assert.deepEqual([bgp.brownfield.payloadAttribute, bgp.neighbors[0]!.brownfield!.payload], [220, true]);
  });

  it("the model and the code refuse the same codes of the payload attribute", async () => {
    const odd = [
      0, 1, 10, 11, 13, 14, 18, 19, 21, 22, 23, 24, 25, 26, 27, 31, 32, 33, 35, 36, 39, 40, 41, 253, 254, 255,
    ];
    for (const code of odd) {
      const refused = await tags(bgpOf({}, { "payload-attribute": code }));
      assert.deepEqual(refused, judgePayloadCode(code).usable ? [] : ["bad-payload-attribute"], `code ${code}`);
    }
  });
});
