import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { attributeSet, batch, intern, ribPeer, world } from "./world.ts";

const NETS = 6;
const keyOf = (net: number): Uint8Array => Uint8Array.of(64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, net);

interface Path {
  confirmed: boolean;
  stale: boolean;
}

type Step =
  | { readonly type: "announce"; readonly net: number }
  | { readonly type: "withdraw"; readonly net: number }
  | { readonly type: "begin" }
  | { readonly type: "lose" }
  | { readonly type: "sweep" }
  /** So many refreshes without an end, in each of which one net is said. */
  | { readonly type: "rounds"; readonly count: number; readonly net: number };

const nets = fc.integer({ min: 0, max: NETS - 1 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constantFrom("announce" as const, "withdraw" as const), net: nets }),
    fc.record({ type: fc.constantFrom("begin" as const, "lose" as const, "sweep" as const) }),
    fc.record({ type: fc.constant("rounds" as const), count: fc.integer({ min: 1, max: 600 }), net: nets }),
  ),
  { maxLength: 25 },
);

describe("refreshes that begin and never end", () => {
  it("leave every path as stale and as confirmed as it was, over any number of epochs (RFC 7313 §4, RFC 4724 §4.2)", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (all, budget) => {
        using rib = world({ tenants: [] }).rib;
        const table = rib.unicast("ipv6-unicast");
        const peer = rib.openPeer(ribPeer(2, "external"));
        const other = rib.openPeer(ribPeer(3, "external"));
        const set = intern(rib, attributeSet({ withoutSemantic: true }));
        for (let net = 0; net < NETS; net++) table.announce(other, batch(keyOf(net)), set);
        const paths = new Map<number, Path>();
        const finish = (job: () => boolean): void => {
          for (let turns = 0; !job(); turns++) assert.ok(turns < 100, "comes to an end");
        };
        const announce = (net: number): void => {
          table.announce(peer, batch(keyOf(net)), set);
          paths.set(net, { confirmed: true, stale: false });
        };
        const begin = (): void => {
          finish(() => table.beginRefresh(peer, budget));
          for (const path of paths.values()) path.confirmed = false;
        };
        for (const step of all) {
          if (step.type === "announce") announce(step.net);
          else if (step.type === "begin") begin();
          else if (step.type === "withdraw") {
            table.withdraw(peer, batch(keyOf(step.net)));
            paths.delete(step.net);
          } else if (step.type === "lose") {
            finish(() => table.markStale(peer, budget));
            for (const path of paths.values()) Object.assign(path, { confirmed: false, stale: true });
          } else if (step.type === "sweep") {
            finish(() => table.sweepStale(peer, budget));
            for (const [net, { confirmed }] of paths) if (!confirmed) paths.delete(net);
          } else {
            for (let round = 0; round < step.count; round++) {
              begin();
              announce(step.net);
            }
          }
          const shown = [...table.rowsOf({ peer })].map(({ address, stale }) => [address[7], stale]);
          const expected = [...paths].map(([net, { stale }]) => [net, stale]);
          assert.deepEqual(shown.sort(), expected.sort());
          assert.equal(table.pathsOf(peer), paths.size);
          assert.equal([...table.rowsOf({ peer: other })].filter(({ stale }) => !stale).length, NETS);
        }
        finish(() => table.sweepStale(peer, budget));
        assert.equal(table.pathsOf(peer), [...paths.values()].filter(({ confirmed }) => confirmed).length);
      }),
      { verbose: 1, numRuns: 60 },
    );
  });

  it("takes no epoch where nothing was said in between: however often it is begun, no walk over the table", () => {
    using rib = world({ tenants: [] }).rib;
    const table = rib.unicast("ipv6-unicast");
    const peer = rib.openPeer(ribPeer(2, "external"));
    const set = intern(rib, attributeSet({ withoutSemantic: true }));
    for (let net = 0; net < NETS; net++) table.announce(peer, batch(keyOf(net)), set);
    for (let round = 0; round < 1000; round++) assert.equal(table.beginRefresh(peer, 1), true);
    table.announce(peer, batch(keyOf(1)), set);
    while (!table.sweepStale(peer, 1));
    assert.equal(table.pathsOf(peer), 1);
  });
});
