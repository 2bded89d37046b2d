import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6Prefix, type Ipv6Address, parseIpv6Prefix, toHex } from "../../../src/base/index.ts";
import { movesTunnels } from "../../../src/daemon/bfd.ts";
import { CAPABILITY_LINE, ENCAPSULATION, GROUP, METER, NEXT_HOP, POLICY } from "../../../src/dataplane/abi.ts";
import { encapsulationEntries } from "../../../src/dataplane/kernel/encapsulation-table.ts";
import type { AllowedStore } from "../../../src/dataplane/kernel/policy-table.ts";
import type { AggregateStore, NodeStore, TableMemory } from "../../../src/dataplane/kernel/table-memory.ts";
import { KernelTables } from "../../../src/dataplane/kernel/tables.ts";
import { tableSizes } from "../../../src/dataplane/sizes.ts";
import {
  type AggregateEntry,
  CapabilityBatch,
  FIRST_CAPABILITY_POLICY,
  GROUP_SLOTS,
  type Operation,
  type PlannedNode,
} from "../../../src/forwarding/index.ts";

const DOMAIN = parseIpv6Prefix("fd5e:3d00:1::/48")!;
const COUNT = 1000;
const SIZES = tableSizes(COUNT);

/** Hashes of the kernel, which count how often they are asked. */
class Asked {
  calls = 0;
}

class Aggregates extends Asked implements AggregateStore {
  readonly kept: Map<string, AggregateEntry>;
  readonly #entries = new Map<string, AggregateEntry>();

  constructor(kept: Map<string, AggregateEntry>) {
    super();
    this.kept = kept;
  }

  *takeOver(): Generator<void> {
    for (const [key, entry] of this.kept) {
      yield;
      this.calls++;
      this.#entries.set(key, entry);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  get(prefix: AggregateEntry["prefix"]) {
    return this.#entries.get(formatIpv6Prefix(prefix));
  }

  longest(): undefined {}

  all() {
    return this.#entries.values();
  }

  set(entry: AggregateEntry): void {
    this.#entries.set(formatIpv6Prefix(entry.prefix), entry);
    this.kept.set(formatIpv6Prefix(entry.prefix), entry);
  }

  delete(): void {}
}

class Nodes extends Asked implements NodeStore {
  readonly #nodes = new Map<string, PlannedNode>();

  get(locator: Ipv6Address) {
    return this.#nodes.get(toHex(locator));
  }

  set(node: PlannedNode): boolean {
    this.#nodes.set(toHex(node.locator), node);
    return true;
  }

  delete(locator: Ipv6Address): void {
    this.#nodes.delete(toHex(locator));
  }

  all() {
    return this.#nodes.values();
  }
}

class Allowed extends Asked implements AllowedStore {
  readonly #pairs = new Map<string, readonly [number, number]>();

  add(policy: number, tenantIndex: number): void {
    this.#pairs.set(`${policy} ${tenantIndex}`, [policy, tenantIndex]);
  }

  delete(policy: number, tenantIndex: number): void {
    this.calls++;
    this.#pairs.delete(`${policy} ${tenantIndex}`);
  }

  *all() {
    for (const pair of [...this.#pairs.values()]) {
      this.calls++;
      yield pair;
    }
  }

  get size(): number {
    return this.#pairs.size;
  }
}

/** What lasts, and a process with tables on it. */
function pinned() {
  const aggregates = new Map<string, AggregateEntry>();
  const [allowed, nodes] = [new Allowed(), new Nodes()];
  const lasting = {
    capabilities: new Uint8Array(SIZES.capabilityLines * CAPABILITY_LINE.size),
    groups: new Uint8Array(SIZES.groups * GROUP.size),
    nextHops: new Uint8Array(SIZES.nextHops * NEXT_HOP.size),
    encapsulations: new Uint8Array(encapsulationEntries(SIZES.encapsulations) * ENCAPSULATION.size),
    policies: new Uint8Array(SIZES.policies * POLICY.size),
    meters: new Uint8Array(SIZES.policies * METER.size),
  };
  const open = (most = COUNT) => {
    const memory = {
      ...lasting,
      fillCapabilities: loadNative().bpf.fillCapabilities,
      nodes,
      allowed,
      aggregates: new Aggregates(aggregates),
      cpus: 2,
    } satisfies TableMemory;
    return { memory, tables: new KernelTables(memory, DOMAIN, SIZES, most) };
  };
  return { open, allowed };
}

const locator = (i: number) => Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i >> 8, i);
const address = (i: number) =>
  DOMAIN.address
    .with(7, 1)
    .with(9, 1)
    .with(10, i >> 8)
    .with(11, i)
    .with(13, i);
const index = (i: number) => i + 1;

/** As many of each as there is room for: tunnels and instances in turn, with waypoints on some. */
function plan(): Operation[] {
  const numbers = Array.from({ length: COUNT }, (_, i) => i);
  const slots = (i: number) =>
    Array.from({ length: GROUP_SLOTS }, (_, slot) => ({ slot, current: index(i), previous: index(i) }));
  return [
    ...numbers.map((i): Operation => {
      const instance = { instance: `i${i}`, address: locator(i), port: 1, servicePort: 2, protocol: "tcp" } as const;
      const encapsulation = { kind: "segments", waypoints: [locator(i + COUNT)] } as const;
      const tunnel = { kind: "tunnel", locator: locator(i), ...(i % 4 === 0 ? { encapsulation } : {}) } as const;
      const nextHop = i % 2 === 0 ? tunnel : ({ kind: "instance", ...instance } as const);
      return { type: "set-next-hop", index: index(i), nextHop, state: "up" };
    }),
    ...numbers.map((i): Operation => ({ type: "set-slots", group: index(i), slots: slots(i), backup: 1 })),
    ...numbers.map((i): Operation => {
      const use = { use: "capabilities", tenantIndex: 1, counted: i % 3 === 0 } as const;
      const policy = { ...use, allowed: [2 + (i % 7), 20 + i] };
      return { type: "set-policy", index: FIRST_CAPABILITY_POLICY + i, policy };
    }),
    { type: "set-policy", index: 7, policy: { use: "tenant", tenantIndex: 9, counted: true, allowed: [] } },
    ...numbers.map((i): Operation => {
      const entry = { address: address(i), group: index(i), localGroup: 0, policy: FIRST_CAPABILITY_POLICY + i };
      return { type: "set-capability", entry };
    }),
    ...numbers.slice(0, 300).map((i): Operation => {
      const prefix = { address: DOMAIN.address.with(6, i >> 8).with(7, i), length: 64 };
      return { type: "set-aggregate", aggregate: { prefix, group: index(i) } };
    }),
  ];
}

describe("tables that an earlier process has left", () => {
  it("are the same to the next one, which notes them in small steps", () => {
    const { open, allowed } = pinned();
    const { tables: before } = open();
    for (const [position, operation] of plan().entries()) before.apply(operation, position);
    allowed.add(FIRST_CAPABILITY_POLICY + COUNT, 5); // of a process that was killed in between
    allowed.calls = 0;

    const { tables, memory } = open();
    const done = () => ({
      nextHops: tables.nextHopIndexes().size,
      policies: tables.policyIndexes().size,
      calls: memory.allowed.calls + memory.aggregates.calls,
      // each of a group that is noted, and each capability of a group
      groups: tables.nextHopUses(1),
      uses: Array.from({ length: COUNT }, (_, i) => tables.groupUses(index(i))).reduce((a, b) => a + b),
    });
    const most = { nextHops: 256, policies: 1024, calls: 64, groups: 64 + 2 * GROUP_SLOTS, uses: 512 };
    let last = done();
    let steps = 0;
    for (const _ of tables.takeOver()) {
      steps++;
      const now = done();
      for (const [what, bound] of Object.entries(most) as [keyof typeof most, number][])
        assert.ok(now[what] - last[what] <= bound, `${now[what] - last[what]} ${what} in step ${steps}`);
      last = now;
    }
    // Places without anything cost a look as well
    const places = SIZES.nextHops / 256 + SIZES.policies / 1024 + (2 * SIZES.capabilityLines) / 512 + SIZES.groups / 64;
    assert.ok(steps >= Math.floor(places), `${steps} steps for ${places} × so many places`);

    const { generation: _, ...plan1 } = before.snapshot();
    const { generation: __, ...plan2 } = tables.snapshot();
    assert.deepEqual(plan2, plan1);
    assert.equal(tables.allowedPairs, 2 * COUNT);
    assert.equal(allowed.size, 2 * COUNT, "nobody's pair is gone");
    assert.deepEqual([...tables.policyTenants()], [9, 1]);
    assert.equal(tables.policyOfTenant(9), 7);
    assert.equal(tables.encapsulations(), COUNT / 4);
    for (const use of [tables.nextHopUses(2), tables.groupUses(2), tables.policyUses(FIRST_CAPABILITY_POLICY + 1)])
      assert.ok(use > 0);
  });

  it("can be more than there may be now: what is there is changed, and nothing is added", () => {
    const { open } = pinned();
    const { tables: before } = open();
    for (const [position, operation] of plan().entries()) before.apply(operation, position);
    const { tables } = open(COUNT - 3);
    for (const _ of tables.takeOver());
    const batch = new CapabilityBatch(4);
    for (const i of [1, 2, 3]) batch.push(address(i), index(i + 1), 0);
    tables.fill(batch);
    for (const i of [1, 2, 3]) assert.equal(tables.plannedCapability(address(i))?.group, index(i + 1));
    batch.push(address(COUNT), index(1), 0);
    assert.throws(() => tables.fill(batch), {
      fault: { code: "dataplane.table-full", table: "capabilities", limit: COUNT - 3 },
    });
    assert.equal([...tables.plannedCapabilities()].length, COUNT);
  });

  it("say which tunnel leads to a router without a look at each next hop", () => {
    const { open } = pinned();
    const { tables } = open();
    for (const [position, operation] of plan().entries()) if (position < COUNT) tables.apply(operation, position);
    assert.equal([...tables.tunnels()].length, COUNT / 2);
    assert.equal(tables.tunnelTo(locator(4)), index(4));
    assert.equal(tables.tunnelTo(locator(5)), undefined, "an instance");
    const remove = (i: number): Operation => ({ type: "remove-next-hop", index: index(i) });
    const again = { kind: "tunnel", locator: locator(4) } as const;
    const add: Operation = { type: "set-next-hop", index: 1500, nextHop: again, state: "up" };
    assert.ok(movesTunnels({ plan: tables }, [remove(4)]));
    assert.ok(movesTunnels({ plan: tables }, [remove(5), add]));
    assert.ok(!movesTunnels({ plan: tables }, [remove(5)]));
    tables.apply(add, 0);
    assert.equal(tables.tunnelTo(locator(4)), index(4), "the first of two");
    tables.apply(remove(4), 0);
    assert.equal(tables.tunnelTo(locator(4)), 1500);
    tables.apply({ type: "remove-next-hop", index: 1500 }, 0);
    assert.equal(tables.tunnelTo(locator(4)), undefined);
    assert.equal(tables.nextHopIndexes().size, COUNT - 1);
  });
});
