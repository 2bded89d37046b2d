import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { milliseconds as ms } from "../../src/base/index.ts";
import {
  type AgentRecord,
  DirectoryError,
  type DirectoryStore,
  decodeAgentRecord,
  encodeAgentRecord,
  Registrar,
  registered,
} from "../../src/directory/index.ts";
import { waitFor } from "../host/fair-time.ts";
import { ListLog } from "../sim/tally-metrics.ts";
import { AGENT_A, AGENT_B, bench, configured, HTTP_CHECK, OCR, offer, request } from "./samples.ts";

/** Keeps records as the JSON that a disk would; each write waits until the test lets it through. */
class HeldStore implements DirectoryStore {
  readonly kept = new Map<string, string>();
  readonly waiting: PromiseWithResolvers<void>[] = [];
  open = true;

  get restored(): readonly AgentRecord[] {
    return [...this.kept.values()].map((text) => decodeAgentRecord(JSON.parse(text))!);
  }

  async put(record: AgentRecord): Promise<void> {
    await this.#gate();
    this.kept.set(record.agent, JSON.stringify(encodeAgentRecord(record)));
  }

  async delete(agent: string): Promise<void> {
    await this.#gate();
    this.kept.delete(agent);
  }

  async #gate(): Promise<void> {
    if (this.open) return;
    const gate = Promise.withResolvers<void>();
    this.waiting.push(gate);
    await gate.promise;
  }
}

function registrarBench(store = new HeldStore(), limits = { perAgent: 4, perTenant: 4 }) {
  const at = bench(limits);
  const log = new ListLog();
  return { ...at, store, log, registrar: new Registrar({ ...at, store, log }) };
}

const faults = (code: string) => (cause: unknown) => cause instanceof DirectoryError && cause.code === code;

describe("acknowledged changes", () => {
  it("nothing is told before the store has it", async () => {
    const { registrar, store, told } = registrarBench();
    store.open = false;
    const done = registrar.register(request());
    await Promise.resolve();
    assert.deepEqual([told.length, store.waiting.length], [0, 1]);
    store.waiting[0]!.resolve();
    assert.equal((await done).length, 1);
    assert.equal(told.length, 1);
  });

  it("a store that fails refuses the change, and the next one works", async () => {
    const { registrar, store, directory } = registrarBench();
    store.open = false;
    const refused = registrar.register(request());
    await Promise.resolve();
    store.waiting[0]!.reject(new DirectoryError({ code: "directory.store-failed", errno: "ENOSPC" }));
    await assert.rejects(refused, faults("directory.store-failed"));
    assert.equal(directory.size, 0);
    store.open = true;
    await registrar.register(request());
    assert.equal(directory.size, 1);
  });

  it("changes of one agent happen in the order in which they were asked for", async () => {
    const { registrar, store, directory } = registrarBench();
    store.open = false;
    const all = Promise.allSettled([
      registrar.register(request()),
      registrar.amend(AGENT_A, [offer({ port: 8081 })], new Set()),
      registrar.remove(AGENT_A, "deregistered"),
      registrar.renew(AGENT_A, ms(1_000)),
    ]);
    for (let i = 0; i < 3; i++) {
      await waitFor(`write ${i}`, () => store.waiting.length > i, { every: 0, limit: 20_000 });
      assert.equal(store.waiting.length, i + 1);
      store.waiting[i]!.resolve();
    }
    const [first, second, third, fourth] = await all;
    assert.deepEqual(
      [first?.status, second?.status, third?.status, fourth?.status],
      ["fulfilled", "fulfilled", "fulfilled", "rejected"],
    );
    assert.equal(directory.size, 0);
  });

  it("registrations that are being written count towards the tenant's limit", async () => {
    const { registrar, store, directory } = registrarBench(new HeldStore(), { perAgent: 4, perTenant: 1 });
    store.open = false;
    const first = registrar.register(request());
    await assert.rejects(registrar.register(request({ agent: AGENT_B })), faults("directory.capability-limit"));
    store.waiting[0]!.resolve();
    await first;
    store.open = true;
    await registrar.remove(AGENT_A, "command");
    await registrar.register(request({ agent: AGENT_B }));
    assert.equal(directory.size, 1);
  });

  it("an amendment changes what it names; an unknown instance is refused", async () => {
    const { registrar, directory } = registrarBench();
    const [first] = await registrar.register(request({ offers: [offer(), offer({ port: 8081 })] }));
    await registrar.amend(AGENT_A, [offer({ port: 8082 }), offer({ port: 8081, weight: 7 })], new Set([first!.id]));
    assert.deepEqual(
      directory.instancesOf(AGENT_A).map(({ endpoint, weight }) => [endpoint.port, weight]),
      [
        [8081, 7],
        [8082, 10],
      ],
    );
    const gone = new Set([first!.id]);
    await assert.rejects(registrar.amend(AGENT_A, [], gone), faults("directory.unknown-instance"));
  });
});

describe("restart", () => {
  it("brings back what was acknowledged: remaining lease, holds, commands; not what ran out", async () => {
    const before = registrarBench();
    await before.registrar.register(request({ offers: [offer({ check: HTTP_CHECK, labels: ["eu"] })] }));
    await before.registrar.hold(AGENT_A, {
      state: "draining",
      by: "operator",
      deadline: ms(before.clock.wall() + 9_000),
    });
    await before.registrar.register(request({ agent: AGENT_B, lease: ms(1_000) }));
    const { lease: _, ...plain } = request({ agent: "urn:agent:c", source: "command" });
    await before.registrar.register(plain);

    const after = registrarBench(before.store);
    after.clock.advance(8_000);
    await after.registrar.restore(() => true);
    assert.deepEqual(after.told, [
      "added ocr-a /vision/ocr:8080 draining unknown",
      "added urn:agent:c /vision/ocr:8080 up unknown",
    ]);
    assert.deepEqual(after.directory.agent(AGENT_A), before.directory.agent(AGENT_A));
    assert.deepEqual(after.log.lines.at(-1)!.fields, { agents: 2, expired: 1 });
    after.clock.advance(1_000);
    assert.equal(after.told.at(-1), "changed ocr-a /vision/ocr:8080 down unknown");
    after.clock.advance(291_000);
    assert.equal(after.told.at(-1), "removed ocr-a /vision/ocr:8080 lease-expired");
  });

  it("a configured agent keeps its configuration and an operator's hold; one that is no longer configured stays away", async () => {
    const before = registrarBench();
    before.directory.register(configured());
    before.directory.register(configured({ agent: AGENT_B, offers: [offer({ port: 1 })] }));
    for (const agent of [AGENT_A, AGENT_B]) await before.registrar.hold(agent, { state: "down", by: "operator" });

    const after = registrarBench(before.store);
    after.directory.register(configured({ offers: [offer({ weight: 3 })] }));
    await after.registrar.restore(() => true);
    const [instance] = after.directory.instancesOf(AGENT_A);
    assert.deepEqual([instance!.weight, instance!.adminState, instance!.source], [3, "down", "configuration"]);
    assert.equal(after.directory.agent(AGENT_B), undefined);
  });
});

describe("what the store keeps", () => {
  const kept = ({ store }: ReturnType<typeof registrarBench>) => [...store.kept.keys()];

  it("an agent whose lease ran out leaves the store too, while running and at a start", async () => {
    const before = registrarBench();
    await before.registrar.register(request({ lease: ms(1_000) }));
    await before.registrar.register(request({ agent: AGENT_B, lease: ms(9_000) }));
    before.clock.advance(1_000);
    await new Promise(setImmediate);
    assert.deepEqual(kept(before), [AGENT_B]);

    const after = registrarBench(before.store);
    after.clock.advance(10_000);
    await after.registrar.restore(() => true);
    await new Promise(setImmediate);
    assert.deepEqual([kept(after), after.directory.size], [[], 0]);
  });

  it("an agent that is back before its record has left is kept", async () => {
    const bench = registrarBench();
    await bench.registrar.register(request({ lease: ms(1_000) }));
    bench.store.open = false;
    const renewed = bench.registrar.renew(AGENT_A, ms(50_000));
    await new Promise(setImmediate);
    bench.clock.advance(1_000); // the lease ends while its renewal is being written
    bench.store.open = true;
    bench.store.waiting[0]!.resolve();
    await renewed;
    await new Promise(setImmediate);
    assert.deepEqual([kept(bench), bench.directory.size], [[AGENT_A], 1]);
  });

  it("a store that does not forget is said, and nothing else happens", async () => {
    const bench = registrarBench();
    await bench.registrar.register(request({ lease: ms(1_000) }));
    bench.store.open = false;
    bench.clock.advance(1_000);
    await new Promise(setImmediate);
    bench.store.waiting[0]!.reject(new DirectoryError({ code: "directory.store-failed", errno: "ENOSPC" }));
    await new Promise(setImmediate);
    assert.equal(bench.log.lines.at(-1)!.event, "directory.forget-failed");
  });

  it("what the configuration no longer has is left out, said, and back when the configuration is", async () => {
    const before = registrarBench();
    await before.registrar.register(request());
    await before.registrar.register(request({ agent: AGENT_B, tenant: "beta" }));

    const without = registrarBench(before.store);
    await without.registrar.restore((tenant) => tenant !== "beta");
    assert.deepEqual([without.directory.size, without.directory.agent(AGENT_B)], [1, undefined]);
    const warning = without.log.lines.find(({ event }) => event === "directory.restore.not-served");
    assert.deepEqual([warning?.fields?.agent, warning?.fields?.tenant], [AGENT_B, "beta"]);

    const back = registrarBench(before.store);
    await back.registrar.restore(() => true);
    assert.equal(back.directory.size, 2);
  });

  it("a lease is never longer than it was granted, though the wall clock was set back meanwhile", async () => {
    const before = registrarBench();
    before.clock.stepWall(10 * 365 * 86_400_000);
    await before.registrar.register(request({ lease: ms(30_000) }));

    const after = registrarBench(before.store); // its clock is ten years behind
    await after.registrar.restore(() => true);
    assert.equal(after.directory.size, 1);
    after.clock.advance(31_000);
    assert.equal(after.directory.size, 0);
  });
});

describe("stored form", () => {
  const full = (): AgentRecord => {
    const check = { ...HTTP_CHECK };
    const record = registered(
      undefined,
      request({ offers: [offer({ check, labels: ["eu"] }), offer({ port: 1 })] }),
      ms(1.5e12),
    );
    return { ...record, offers: [{ ...record.offers[0]!, hold: { state: "down", by: "agent" } }, record.offers[1]!] };
  };

  it("a record survives its JSON", () => {
    assert.deepEqual(decodeAgentRecord(JSON.parse(JSON.stringify(encodeAgentRecord(full())))), full());
  });

  it("anything else is not a record", () => {
    const text = JSON.stringify(encodeAgentRecord(full()));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        let json: unknown;
        try {
          json = JSON.parse(changed);
        } catch {
          return;
        }
        const record = decodeAgentRecord(json);
        if (record !== undefined)
          assert.ok(record.offers.every(({ capability }) => capability.length >= OCR.length - 9));
      }),
    );
    fc.assert(fc.property(fc.json(), (json) => assert.equal(decodeAgentRecord(JSON.parse(json)), undefined)));
  });
});
