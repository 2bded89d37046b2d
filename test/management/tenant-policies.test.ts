import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv6Prefix } from "../../src/base/index.ts";
import { portsOf } from "../../src/daemon/driver.ts";
import { tenantPolicies } from "../../src/daemon/live/index.ts";
import { ConfigurationError, parseConfiguration, type RouterConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, R2 } from "./documents.ts";

type Json = Record<string, unknown>;

const TENANT = { "import-target": ["65000:2"], "export-target": ["65000:2"] };

/** The example with another tenant, `beta`, and what `policies` and the interface of the agents say. */
function configured(policies: readonly Json[], port: Json = {}): Promise<RouterConfiguration> {
  const document = JSON.parse(R2);
  const router = document["semrd-router:router"];
  router["semrd-tenant:tenants"].tenant.push({ name: "beta", index: 2, "route-distinguisher": "0:65000:2", ...TENANT });
  router["semrd-tenant-policy:tenant-policies"] = { tenant: policies };
  Object.assign(router["semrd-interface:interfaces"].interface[1], port);
  return parseConfiguration(JSON.stringify(document), "/etc/semrd", { files: ALL_FILES });
}

async function refusal(policies: readonly Json[], port: Json = {}): Promise<string> {
  try {
    await configured(policies, port);
  } catch (cause) {
    assert.ok(cause instanceof ConfigurationError);
    return cause.message;
  }
  assert.fail("it was not refused");
}

describe("policies of tenants", () => {
  it("come to rules and terms with the numbers of tenants, in the order of their names", async () => {
    const configuration = await configured([
      { name: "acme", clients: { "packet-rate": { rate: "5000", burst: 50 }, dscp: 10, tag: 7 } },
      {
        name: "beta",
        rule: [
          { name: "second", from: ["acme"], "capability-prefix": ["/"] },
          { name: "first", from: ["acme"], capability: ["/vision/ocr"], "capability-prefix": ["/vision"] },
        ],
        "capability-policy": [
          { name: "c", capability: ["/vision/ocr"], "bit-rate": { rate: "8000000", burst: 15000 }, counted: true },
        ],
      },
    ]);
    assert.deepEqual(tenantPolicies(configuration), [
      {
        tenantIndex: 1,
        clients: { packets: { perSecond: 5000, burst: 50 }, dscp: 10, tag: 7 },
        rules: [],
        capabilities: [],
      },
      {
        tenantIndex: 2,
        clients: {},
        rules: [
          { names: ["/vision/ocr"], prefixes: ["/vision"], from: [1] },
          { names: [], prefixes: ["/"], from: [1] },
        ],
        capabilities: [
          { names: ["/vision/ocr"], prefixes: [], bits: { perSecond: 8_000_000, burst: 15_000 }, counted: true },
        ],
      },
    ]);
  });

  const rule = (changes: Json) => [
    { name: "beta", rule: [{ name: "r", from: ["acme"], capability: ["/vision/ocr"], ...changes }] },
  ];
  const UNKNOWN = "/semrd-router:router/semrd-tenant-policy:tenant-policies/tenant[name='beta']/";
  const clients = (changes: Json) => [{ name: "beta", clients: changes }];
  const REFUSED: readonly (readonly [string, readonly Json[], RegExp, Json?])[] = [
    ["a rule about nothing", rule({ capability: [] }), /names capabilities or prefixes/],
    ["a rule for the tenant itself", rule({ from: ["beta"] }), /without a rule/],
    [
      "a rule for a tenant that is not there",
      rule({ from: ["nobody"] }),
      /no \/router\/tenants\/tenant with the name nobody/,
    ],
    ["a policy of a tenant that is not there", [{ name: "nobody" }], /with the name nobody/],
    ["a rate without a burst", clients({ "packet-rate": { rate: "1" } }), /burst/],
    ["a burst that takes no packet", clients({ "bit-rate": { rate: "8000", burst: 100 } }), /at least one packet/],
    ["a DSCP of 7 bits", clients({ dscp: 64 }), /dscp/],
    ["tag 0", clients({ tag: 0 }), /tag/],
  ];

  it("a capability, or a prefix of none, that the taxonomy does not have is a fault of its own each, with its place", async () => {
    const entry = {
      name: "c",
      capability: ["/vision/ocr"],
      "capability-prefix": ["/", "/vision", "/vision/ocr", "/vis"],
    };
    const policies = [{ ...rule({ capability: ["/vision/ocr", "/vision/orc"] })[0], "capability-policy": [entry] }];
    await assert.rejects(configured(policies), (cause) => {
      assert.ok(cause instanceof ConfigurationError);
      assert.deepEqual(
        cause.faults.map(({ path, tag }) => [path, tag]),
        [
          [`${UNKNOWN}rule[name='r']/capability[.='/vision/orc']`, "capability-unknown"],
          [`${UNKNOWN}capability-policy[name='c']/capability-prefix[.='/vis']`, "capability-unknown"],
        ],
      );
      return true;
    });
  });
  for (const [name, policies, why] of REFUSED)
    it(`${name} is refused`, async () => assert.match(await refusal(policies), why));

  it("sources of a core interface are refused", async () => {
    const port = { name: "eth2", role: "core", "permitted-source": ["fd00::/8"] };
    assert.match(await refusal([], port), /where clients and agents are/);
  });

  it("sources come to prefixes with their tenants; without any of its own the interface has the rest", async () => {
    const behind = async (port: Json) =>
      portsOf(await configured([], port))[1]!.sources?.map(
        ({ prefix, tenantIndex }) => `${formatIpv6Prefix(prefix)} ${tenantIndex}`,
      );
    assert.equal(await behind({}), undefined);
    assert.deepEqual(await behind({ "permitted-source": ["fd00:a::/48"] }), ["fd00:a::/48 1"]);
    const other = [{ prefix: "fd00:b::/48", tenant: "beta" }];
    assert.deepEqual(await behind({ "tenant-source": other }), ["::/0 1", "fd00:b::/48 2"]);
    const both = { "permitted-source": ["fd00:a::/48", "fd00:b::/48"], "tenant-source": other };
    assert.deepEqual(await behind(both), ["fd00:a::/48 1", "fd00:b::/48 2"]);
  });
});
