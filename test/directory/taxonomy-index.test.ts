import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { capabilityId, parseCapabilityName, parseIpv6, parseIpv6Prefix, toHex } from "../../src/base/index.ts";
import { Names } from "../../src/daemon/names.ts";
import { Taxonomy, type TaxonomyOptions } from "../../src/directory/index.ts";
import { indexing } from "../../src/directory/taxonomy-index.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const COUNT = 2000;
const OPTIONS: TaxonomyOptions = {
  ...{ revision: 1, domain: parseIpv6Prefix("fd5e:3d00:1::/48")!, dnsZone: "example.net" },
  families: new Map([["family0", 7]]),
  capabilities: Array.from({ length: COUNT }, (_, i) => {
    const name = parseCapabilityName(`/family${(i >> 1) % 3}/capability${i >> 1}`)!;
    return { name, majorVersion: 2 - (i & 1), servicePort: 80, protocol: "tcp" };
  }),
  tenants: new Map(Array.from({ length: 1000 }, (_, i) => [`tenant${i}`, i + 1])),
};

describe("a taxonomy of a million addresses", () => {
  it("is made in a step for each capability, whoever has it", () => {
    assert.equal([...indexing(OPTIONS)].length, COUNT);
    let hashed = 0;
    const capabilities = OPTIONS.capabilities.map((capability) => ({
      ...capability,
      get majorVersion() {
        hashed++;
        return capability.majorVersion;
      },
    }));
    const steps = indexing({ ...OPTIONS, capabilities });
    for (let last = 0; steps.next().done !== true; last = hashed)
      assert.ok(hashed - last <= 4, `${hashed - last} looks`);
  });

  it("gives the event loop its turns, and is the same as one that is made at once", async () => {
    const clock = new VirtualClock();
    let looks = 0;
    clock.monotonic = () => ++looks as ReturnType<typeof clock.monotonic>;
    let turns = 0;
    const { soon } = clock;
    clock.soon = (run) => {
      turns++;
      soon.call(clock, run);
    };
    const making = Taxonomy.inSlices(OPTIONS, clock);
    let made: Taxonomy | undefined;
    void making.then((taxonomy) => {
      made = taxonomy;
    });
    for (let turn = 0; made === undefined; turn++) {
      assert.ok(turn < COUNT);
      clock.settle();
      await Promise.resolve();
    }
    assert.ok(turns > 50, `${turns} turns`);
    const whole = new Taxonomy(OPTIONS);
    for (const { name, majorVersion } of OPTIONS.capabilities) {
      const id = capabilityId(name, majorVersion);
      for (const taxonomy of [made, whole]) {
        assert.deepEqual(taxonomy.id(name, majorVersion), id);
        assert.deepEqual([taxonomy.byId(id)?.name, taxonomy.byId(id)?.majorVersion], [name, majorVersion]);
        assert.equal(taxonomy.find(name, majorVersion)?.name, name);
      }
    }
    const [first] = OPTIONS.capabilities;
    assert.deepEqual(
      whole.versions(first!.name).map(({ majorVersion }) => majorVersion),
      [1, 2],
    );
  });

  it("names every address of every tenant, of any site and of this one, and no other", () => {
    const taxonomy = new Taxonomy(OPTIONS);
    const names = new Names(taxonomy, new Map([[toHex(parseIpv6("2001:db8::1")!), "r1"]]), 5);
    for (const [tenant, index] of [...OPTIONS.tenants].filter((_, i) => i % 250 === 0))
      for (const { name, majorVersion } of OPTIONS.capabilities.slice(0, 50)) {
        for (const selector of [0, 5])
          assert.deepEqual(names.address(taxonomy.address(tenant, name, majorVersion, selector)!), {
            ...{ capability: name, tenant },
          });
        const address = taxonomy.address(tenant, name, majorVersion)!;
        const others = [
          taxonomy.address(tenant, name, majorVersion, 6)!,
          ...[0, 6, 8, 10].map((octet) => address.with(octet, address[octet]! ^ 0x40)),
        ];
        for (const other of others) assert.equal(names.address(other), undefined);
        assert.equal(names.below({ address, length: 80 }), `/${name.split("/")[1]}/…`);
        assert.equal(names.below({ address: address.with(8, address[8]! ^ 0x40), length: 80 }), undefined);
        assert.equal(names.below({ address: address.with(6, 0x40), length: 80 }), undefined);
        assert.equal(names.tenant(index), tenant);
      }
  });
});
