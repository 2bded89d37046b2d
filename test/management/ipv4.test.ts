import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv4Prefix } from "../../src/base/index.ts";
import { ConfigurationError, parseConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, edited } from "./documents.ts";
import { keptYang } from "./kept-yang.ts";

const PARTS = { yang: keptYang(), files: ALL_FILES };
const GOOD = {
  prefix: "fd00:64:2::/96",
  guests: "198.19.0.0/24",
  pool: [{ tenant: "acme", prefix: "198.18.0.0/24" }],
};

const parsed = (ipv4: unknown) =>
  parseConfiguration(
    edited((router) => {
      router["semrd-ipv4:ipv4"] = ipv4;
      const { capability } = router["semrd-taxonomy:taxonomy"];
      for (const name of ["/one", "/two", "/three"]) capability.push({ ...capability[0], name });
    }),
    "/",
    PARTS,
  );

async function tags(ipv4: unknown): Promise<readonly string[]> {
  try {
    await parsed(ipv4);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.faults.map(({ tag }) => tag ?? "");
  }
}

describe("the edge to IPv4", () => {
  it("is off without being asked for, and what was said with it", async () => {
    assert.equal(
      (
        await parseConfiguration(
          edited(() => {}),
          "/",
          PARTS,
        )
      ).ipv4,
      undefined,
    );
    const { ipv4 } = await parsed(GOOD);
    assert.deepEqual([ipv4!.prefix.length, ipv4!.pools[0]!.tenant], [96, "acme"]);
    assert.deepEqual([ipv4!.guests!, ipv4!.pools[0]!.prefix].map(formatIpv4Prefix), ["198.19.0.0/24", "198.18.0.0/24"]);
  });

  for (const [what, change, tag] of [
    ["a prefix of another length", { prefix: "fd00:64:2::/64" }, "bad-ipv4-prefix"],
    ["a prefix in the domain", { prefix: "fd5e:3d00:1:ffff::/96" }, "ipv4-prefix-in-domain"],
    ["a pool of one address", { pool: [{ tenant: "acme", prefix: "198.18.0.0/31" }] }, "bad-ipv4-pool"],
    ["guests out of a pool", { guests: "198.18.0.128/25" }, "ipv4-pools-overlap"],
    ["more capabilities than addresses", { pool: [{ tenant: "acme", prefix: "198.18.0.0/30" }] }, "ipv4-pool-small"],
  ] as const)
    it(`refuses ${what}`, async () => assert.deepEqual(await tags({ ...GOOD, ...change }), [tag]));
});
