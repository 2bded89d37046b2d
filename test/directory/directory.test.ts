import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { milliseconds as ms } from "../../src/base/index.ts";
import {
  applyStaticAgents,
  type Directory,
  DirectoryError,
  endpointText,
  instanceState,
  type Offer,
} from "../../src/directory/index.ts";
import { AGENT_A, AGENT_B, bench, configured, HTTP_CHECK, line, OCR, offer, request, SPEECH } from "./samples.ts";

const faults = (code: string) => (cause: unknown) => cause instanceof DirectoryError && cause.code === code;

describe("records", () => {
  it("the instance ID follows from agent, capability, major version and endpoint, and from nothing else", () => {
    const { directory } = bench();
    const id = (changes: Partial<Offer> & { port?: number }, agent = AGENT_A): string =>
      directory.register(request({ agent, offers: [offer(changes)] }))[0]!.id;
    const first = id({});
    assert.match(first, /^[0-9a-f]{16}$/);
    assert.equal(id({ weight: 1, labels: ["eu"], servicePort: 81, version: { major: 1, minor: 9 } }), first);
    const others = [id({ port: 8081 }), id({ capability: SPEECH }), id({ version: { major: 2, minor: 0 } })];
    directory.remove(AGENT_A, "deregistered");
    others.push(id({}, AGENT_B), first);
    assert.equal(new Set(others).size, others.length);
  });

  it("a second registration tells the difference only: additions before removals", () => {
    const { directory, told } = bench();
    directory.register(request({ offers: [offer(), offer({ port: 8081 })] }));
    told.length = 0;
    directory.register(
      request({ offers: [offer({ weight: 20 }), offer({ port: 8082 }), offer({ capability: SPEECH })] }),
    );
    assert.deepEqual(told, [
      "added ocr-a /audio/speech:8080 up unknown",
      "added ocr-a /vision/ocr:8082 up unknown",
      "changed ocr-a /vision/ocr:8080 up unknown",
      "removed ocr-a /vision/ocr:8081 deregistered",
    ]);
  });

  it("a renewal is told to nobody", () => {
    const { directory, told, clock } = bench();
    const before = directory.register(request())[0]!;
    told.length = 0;
    clock.advance(1_000);
    const after = directory.renew(AGENT_A, ms(300_000))[0]!;
    assert.deepEqual(told, []);
    assert.ok(after.lease!.sequence > before.lease!.sequence);
    assert.equal(after.lease!.validUntil - before.lease!.validUntil, 1_000);
    assert.equal(directory.instance(after.id)!.lease, after.lease);
  });

  it("what a listener changes is told after what is being told, and a failing listener stops nobody", () => {
    const { directory, told } = bench();
    using _ = directory.subscribe((changes) => {
      if (changes[0]!.type === "added") directory.setHealth(changes[0]!.instance.id, "up");
      throw new Error("listener");
    });
    const after: string[] = [];
    directory.subscribe((changes) => after.push(...changes.map(line)));
    assert.throws(() => directory.register(request()), AggregateError);
    assert.deepEqual(after, ["added ocr-a /vision/ocr:8080 up unknown", "changed ocr-a /vision/ocr:8080 up up"]);
    assert.deepEqual(told, after);
  });

  it("an instance of which health is unchanged is not told again", () => {
    const { directory, told } = bench();
    const { id } = directory.register(request())[0]!;
    directory.setHealth(id, "down", "connection refused");
    directory.setHealth(id, "down", "connection refused");
    directory.setHealth("0000000000000000", "down");
    assert.equal(told.length, 2);
  });
});

describe("limits and owners", () => {
  it("limits hold per agent and per tenant, and a refused registration changes nothing", () => {
    const { directory, told } = bench({ perAgent: 2, perTenant: 3 });
    const two = [offer(), offer({ port: 8081 })];
    directory.register(request({ offers: two }));
    told.length = 0;
    const three = request({ offers: [...two, offer({ port: 8082 })] });
    assert.throws(() => directory.register(three), faults("directory.capability-limit"));
    const more = request({ agent: AGENT_B, offers: two });
    assert.throws(
      () => directory.register(more),
      (cause: DirectoryError) => {
        assert.deepEqual(cause.fault, { code: "directory.capability-limit", agent: AGENT_B, per: "tenant", limit: 3 });
        return true;
      },
    );
    assert.deepEqual([told, directory.size, directory.agent(AGENT_B)], [[], 2, undefined]);
    directory.register(request({ agent: AGENT_B, tenant: "globex", offers: two }));
    directory.remove(AGENT_A, "deregistered");
    directory.register(more.agent === AGENT_B ? request({ offers: two }) : more);
  });

  it("the same endpoint twice in one registration is refused", () => {
    const { directory } = bench();
    const twice = request({ offers: [offer(), offer({ weight: 3 })] });
    assert.throws(() => directory.register(twice), faults("directory.duplicate-instance"));
  });

  it("an agent ID belongs to its tenant, and a configured agent cannot be replaced by a registration", () => {
    const { directory } = bench();
    directory.register(request());
    assert.throws(() => directory.register(request({ tenant: "globex" })), faults("directory.agent-held"));
    directory.register(configured());
    assert.equal(directory.agent(AGENT_A)!.lease, undefined);
    assert.throws(() => directory.register(request()), faults("directory.agent-held"));
  });

  it("configured agents are reconciled: only what changed is told, what was not configured is left alone", async () => {
    const { directory, told, clock } = bench();
    directory.register(request({ agent: AGENT_B, offers: [offer({ port: 9 })] }));
    const { source: _, ...a } = configured({ offers: [offer(), offer({ port: 8081 })] });
    await applyStaticAgents(directory, [a], clock);
    told.length = 0;
    await applyStaticAgents(directory, [a], clock);
    assert.deepEqual(told, []);
    await applyStaticAgents(directory, [{ ...a, offers: [offer({ weight: 5 })] }], clock);
    await applyStaticAgents(directory, [], clock);
    assert.deepEqual(told, [
      "changed ocr-a /vision/ocr:8080 up unknown",
      "removed ocr-a /vision/ocr:8081 deregistered",
      "removed ocr-a /vision/ocr:8080 configuration",
    ]);
    assert.equal(directory.size, 1);
  });

  it("static agents that exceed a limit together are refused before the first is touched", async () => {
    const { directory, clock } = bench({ perAgent: 2, perTenant: 3 });
    const offers = [offer(), offer({ port: 8081 })];
    const agents = [AGENT_A, AGENT_B].map((agent) => ({ agent, tenant: "acme", offers }));
    await assert.rejects(applyStaticAgents(directory, agents, clock), faults("directory.capability-limit"));
    assert.equal(directory.size, 0);
  });
});

describe("time", () => {
  it("a lease is fresh, then stale for its last third, then withdrawn, at the advertised times", () => {
    const { directory, told, clock, metrics } = bench();
    const { lease } = directory.register(request({ lease: ms(300_000) }))[0]!;
    assert.deepEqual([lease!.renew, lease!.validUntil - clock.wall()], [100_000, 300_000]);
    told.length = 0;
    clock.advance(199_999);
    assert.deepEqual(told, []);
    clock.advance(1);
    assert.deepEqual(told, ["changed ocr-a /vision/ocr:8080 up stale unknown"]);
    clock.advance(99_999);
    assert.equal(told.length, 1);
    clock.advance(1);
    assert.deepEqual(told.slice(1), ["removed ocr-a /vision/ocr:8080 lease-expired"]);
    assert.deepEqual([directory.size, directory.agent(AGENT_A), clock.armed], [0, undefined, 0]);
    assert.equal(metrics.value("semrd_directory_leases_expired_total"), 1);
    assert.throws(() => directory.renew(AGENT_A, ms(1)), faults("directory.unknown-agent"));
  });

  it("a renewal of a stale lease makes it fresh", () => {
    const { directory, told, clock } = bench();
    directory.register(request());
    clock.advance(250_000);
    told.length = 0;
    directory.renew(AGENT_A, ms(300_000));
    assert.deepEqual(told, ["changed ocr-a /vision/ocr:8080 up unknown"]);
    clock.advance(199_999);
    assert.equal(told.length, 1);
  });

  it("a step of the wall clock ends no lease and prolongs none, and so it is shown", () => {
    const { directory, told, clock } = bench();
    directory.register(request());
    const left = (): number => directory.leaseLeft(directory.leased(AGENT_A).lease!);
    assert.equal(left(), 300_000);
    clock.stepWall(86_400_000);
    assert.equal(left(), 300_000);
    directory.setAdminState(AGENT_A, { state: "down", by: "operator" });
    clock.advance(299_999);
    assert.equal(directory.size, 1);
    clock.stepWall(-2 * 86_400_000);
    assert.equal(left(), 1);
    clock.advance(1);
    assert.equal(told.at(-1), "removed ocr-a /vision/ocr:8080 lease-expired");
  });

  it("one timer serves any number of leases", () => {
    const { directory, clock, told } = bench();
    for (let i = 0; i < 50; i++) {
      directory.register(request({ agent: `urn:agent:${i}`, lease: ms(1_000 * (50 - i)) }));
    }
    assert.equal(clock.armed, 1);
    clock.advance(10_000);
    assert.equal(directory.size, 40);
    assert.equal(clock.armed, 1);
    assert.deepEqual(told.filter((each) => each.startsWith("removed")).slice(0, 2), [
      "removed urn:agent:49 /vision/ocr:8080 lease-expired",
      "removed urn:agent:48 /vision/ocr:8080 lease-expired",
    ]);
  });

  it("leases that end together end one by one even when a listener fails", () => {
    const { directory, clock } = bench();
    for (const agent of [AGENT_A, AGENT_B]) directory.register(request({ agent, lease: ms(1_000) }));
    directory.subscribe((changes) => {
      if (changes[0]!.type === "removed") throw new Error("listener");
    });
    assert.throws(() => clock.advance(1_000), AggregateError);
    assert.throws(() => clock.advance(0), AggregateError);
    assert.equal(directory.size, 0);
  });

  it("a drain ends at its deadline; the agent's own ends when it registers again, an operator's does not", () => {
    const { directory, told, clock } = bench();
    directory.register(request());
    told.length = 0;
    directory.drain(AGENT_A, "agent", ms(clock.wall() + 5_000));
    clock.advance(5_000);
    directory.register(request());
    directory.drain(AGENT_A, "operator");
    directory.register(request());
    directory.setAdminState(AGENT_A, undefined);
    assert.deepEqual(told, [
      "changed ocr-a /vision/ocr:8080 draining unknown",
      "changed ocr-a /vision/ocr:8080 down unknown",
      "changed ocr-a /vision/ocr:8080 up unknown",
      "changed ocr-a /vision/ocr:8080 draining unknown",
      "changed ocr-a /vision/ocr:8080 up unknown",
    ]);
  });

  it("one instance of an agent is drained alone", () => {
    const { directory } = bench();
    const [first] = directory.register(request({ offers: [offer(), offer({ port: 8081 })] }));
    directory.setAdminState(AGENT_A, { state: "draining", by: "operator" }, new Set([first!.id]));
    assert.deepEqual(
      directory.instancesOf(AGENT_A).map((each) => each.adminState),
      ["draining", "up"],
    );
  });
});

describe("site summary", () => {
  const site = (directory: Directory) => directory.localSite("acme", OCR, 1);

  it("state, score and weight follow from what is usable", () => {
    const { directory } = bench();
    assert.equal(site(directory), undefined);
    const ids = directory
      .register(
        configured({
          offers: [
            offer({ weight: 90, check: HTTP_CHECK, labels: ["gdpr", "eu"], version: { major: 1, minor: 4 } }),
            offer({ weight: 10, check: HTTP_CHECK, labels: ["eu"], port: 8081, version: { major: 1, minor: 2 } }),
          ],
        }),
      )
      .map((each) => each.id);
    const summary = () => {
      const { state, score, usable, total, weight, labels, minorVersion } = site(directory)!;
      return [state, score, usable, total, weight, labels.join(), minorVersion];
    };
    assert.deepEqual(summary(), ["down", 0, 0, 2, 0, "eu", 2]);
    directory.setHealth(ids[1]!, "up");
    assert.deepEqual(summary(), ["degraded", 1, 1, 2, 10, "eu", 2]);
    directory.setHealth(ids[0]!, "up");
    assert.deepEqual(summary(), ["up", 10, 2, 2, 100, "eu", 2]);
    directory.setHealth(ids[1]!, "down", "timeout");
    assert.deepEqual(summary(), ["degraded", 9, 1, 2, 90, "eu,gdpr", 4]);
    directory.drain(AGENT_A, "operator");
    assert.deepEqual(summary(), ["draining", 0, 0, 2, 0, "eu", 2]);
    directory.setHealth(ids[0]!, "down");
    assert.deepEqual(summary(), ["down", 0, 0, 2, 0, "eu", 2]);
  });

  it("one usable instance of small weight among large ones still scores 1", () => {
    const { directory } = bench();
    const [small] = directory.register(
      configured({ offers: [offer({ weight: 1 }), offer({ weight: 100, port: 8081, check: HTTP_CHECK })] }),
    );
    assert.deepEqual([site(directory)!.score, site(directory)!.weight, instanceState(small!)], [1, 1, "up"]);
  });
});

it("after any run of operations the indexes, the limits and the told changes agree with the records", () => {
  const agents = [AGENT_A, AGENT_B, "urn:agent:c"];
  const anOffer = fc.record({
    capability: fc.constantFrom(OCR, SPEECH),
    port: fc.integer({ min: 1, max: 3 }),
    weight: fc.integer({ min: 1, max: 100 }),
  });
  const operation = fc.oneof(
    fc.record({
      type: fc.constant("register" as const),
      agent: fc.constantFrom(...agents),
      offers: fc.uniqueArray(anOffer, { maxLength: 4, selector: (o) => `${o.capability} ${o.port}` }),
      lease: fc.constantFrom(undefined, 30, 300, 3_000),
    }),
    fc.record({ type: fc.constant("renew" as const), agent: fc.constantFrom(...agents) }),
    fc.record({ type: fc.constant("drain" as const), agent: fc.constantFrom(...agents), after: fc.nat(500) }),
    fc.record({ type: fc.constant("remove" as const), agent: fc.constantFrom(...agents) }),
    fc.record({ type: fc.constant("advance" as const), span: fc.nat(400) }),
    fc.record({ type: fc.constant("health" as const), nth: fc.nat(5), up: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const { directory, clock } = bench({ perAgent: 4, perTenant: 9 });
      const mirror = new Map<string, string>();
      directory.subscribe((changes) => {
        for (const change of changes) {
          const { id } = change.instance;
          assert.equal(mirror.has(id), change.type !== "added", `${change.type} ${id}`);
          if (change.type === "removed") mirror.delete(id);
          else mirror.set(id, line(change).replace(/^\w+ /, ""));
        }
      });
      const tolerate = (run: () => void): void => {
        try {
          run();
        } catch (cause) {
          if (!(cause instanceof DirectoryError)) throw cause;
        }
      };
      for (const op of operations) {
        if (op.type === "register") {
          const offers = op.offers.map(({ port, ...rest }) => offer({ port, ...rest }));
          const { lease: _, ...plain } = request({ agent: op.agent, offers });
          tolerate(() => directory.register(op.lease === undefined ? plain : { ...plain, lease: ms(op.lease) }));
        } else if (op.type === "renew") tolerate(() => directory.renew(op.agent, ms(300)));
        else if (op.type === "drain") tolerate(() => directory.drain(op.agent, "agent", ms(clock.wall() + op.after)));
        else if (op.type === "remove") directory.remove(op.agent, "command");
        else if (op.type === "advance") clock.advance(op.span);
        else {
          const instance = [...directory.instances()][op.nth];
          if (instance !== undefined) directory.setHealth(instance.id, op.up ? "up" : "down");
        }
        const all = [...directory.instances()];
        assert.ok(all.length <= 9);
        assert.deepEqual(
          new Map(all.map((instance) => [instance.id, line({ type: "added", instance }).slice(6)])),
          mirror,
        );
        const byAgent = [...directory.agents()].flatMap(({ agent }) => directory.instancesOf(agent));
        assert.deepEqual(new Set(byAgent), new Set(all));
        const bySite = [...directory.sites()].flatMap((site) => directory.instancesFor(site));
        assert.deepEqual(new Set(bySite), new Set(all));
        for (const each of all) {
          const there = directory.instancesAt(each.endpoint);
          assert.ok(there.includes(each));
          assert.ok(there.every(({ endpoint }) => endpointText(endpoint) === endpointText(each.endpoint)));
          if (each.lease !== undefined) assert.ok(each.lease.validUntil > clock.wall());
        }
      }
    }),
    { numRuns: 150 },
  );
});
