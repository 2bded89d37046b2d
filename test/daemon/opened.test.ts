import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { CapabilityName } from "../../src/base/index.ts";
import { opened } from "../../src/daemon/opened.ts";
import type { Taxonomy } from "../../src/directory/index.ts";
import { RuleIndex } from "../../src/forwarding/tenant-policy.ts";

const NAMES = ["/a", "/a/b", "/a/b/c", "/ab", "/b"] as CapabilityName[];
const TENANTS = new Map([
  ["one", 1],
  ["two", 2],
  ["three", 3],
]);
const TAXONOMY = {
  tenants: TENANTS,
  capabilities: NAMES.map((name) => ({ name, majorVersion: 1 })),
} as unknown as Taxonomy;

it("what a tenant is told that it may call is what its packets may reach (property)", () => {
  const tenant = fc.constantFrom("one", "two", "three");
  const rule = fc.record({
    names: fc.subarray(NAMES),
    name: fc.constant("r"),
    prefixes: fc.subarray(["/", "/a", "/a/b", "/b"]),
    from: fc.uniqueArray(tenant, { maxLength: 3 }),
  });
  const policies = fc.uniqueArray(fc.record({ tenant, rules: fc.array(rule, { maxLength: 3 }) }), {
    selector: (policy) => policy.tenant,
  });
  fc.assert(
    fc.property(policies, tenant, (configured, asking) => {
      const whole = configured.map((policy) => ({ ...policy, clients: {}, capabilities: [] }));
      const told = [...opened(whole, TAXONOMY, asking)].map((each) => `${each.tenant} ${each.capability.name}`);
      const reached = configured.flatMap(({ tenant: owner, rules }) => {
        const numbered = rules.map((each) => ({ ...each, from: each.from.map((name) => TENANTS.get(name)!) }));
        const index = new RuleIndex({ tenantIndex: TENANTS.get(owner)!, rules: numbered, capabilities: [] });
        const lets = (name: CapabilityName) =>
          index.of(name)?.effective.allowed.includes(TENANTS.get(asking)!) === true;
        return NAMES.filter(lets).map((name) => `${owner} ${name}`);
      });
      assert.deepEqual(told.sort(), reached.sort());
    }),
  );
});
