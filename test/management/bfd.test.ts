import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { milliseconds } from "../../src/base/index.ts";
import { ConfigurationError, parseConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, type Editable, edited } from "./documents.ts";
import { keptYang } from "./kept-yang.ts";

const PARTS = { yang: keptYang(), files: ALL_FILES };

async function bfdOf(neighbor: Editable) {
  const text = edited((router) => Object.assign(router["semrd-bgp:bgp"].neighbors.neighbor[0], neighbor));
  return (await parseConfiguration(text, "/", PARTS)).bgp?.neighbors[0]?.bfd;
}

describe("BFD of a neighbour", () => {
  it("is off without being asked for", async () => {
    assert.equal(await bfdOf({}), undefined);
    assert.equal(await bfdOf({ bfd: { "desired-min-tx-ms": 50 } }), undefined);
  });

  it("has defaults of 300 ms × 3, and is multihop inside the autonomous system", async () => {
    assert.deepEqual(await bfdOf({ bfd: { enabled: true } }), {
      multihop: true,
      desiredMinTx: milliseconds(300),
      requiredMinRx: milliseconds(300),
      detectMultiplier: 3,
    });
  });

  it("is single hop to the next autonomous system, and multihop to one that is farther", async () => {
    const times = { "desired-min-tx-ms": 10, "required-min-rx-ms": 20, "detect-multiplier": 5 };
    const bfd = { enabled: true, ...times };
    const want = { desiredMinTx: milliseconds(10), requiredMinRx: milliseconds(20), detectMultiplier: 5 };
    assert.deepEqual(await bfdOf({ "remote-as": 65001, bfd }), { multihop: false, ...want });
    assert.deepEqual(await bfdOf({ "remote-as": 65001, multihop: 3, bfd }), { multihop: true, ...want });
  });

  it("has bounds", async () => {
    for (const times of [{ "desired-min-tx-ms": 9 }, { "required-min-rx-ms": 60001 }]) {
      await assert.rejects(bfdOf({ bfd: { enabled: true, ...times } }), (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.deepEqual(
          error.faults.map(({ tag, reason }) => [tag, reason]),
          [["bad-bfd-interval", "a BFD interval is 10 to 60000 milliseconds"]],
        );
        return true;
      });
    }
  });
});
