import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, milliseconds, parseCapabilityName, parseIpv6 } from "../../src/base/index.ts";
import { agentsProvider } from "../../src/daemon/live/agents.ts";
import { Directory } from "../../src/directory/index.ts";
import { systemClock } from "../../src/host/index.ts";
import type { AgentConfiguration, Prepared, RouterChange } from "../../src/management/index.ts";
import { TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

function agent(name: string, port = 8080, tenant = "acme"): AgentConfiguration {
  const endpoint = { address: parseIpv6("fd00:a::1")!, port, protocol: "tcp" } as const;
  const instance = {
    ...{ capability: parseCapabilityName("/vision/ocr")!, version: { major: 1, minor: 0 } },
    ...{ endpoint, servicePort: 80, weight: 10, labels: [] },
  };
  return { id: `a:${name}`, tenant, instances: [instance] };
}

const change = (put: readonly AgentConfiguration[], removed: readonly string[] = []): RouterChange =>
  ({ agents: { put, removed } }) as unknown as RouterChange;

function world(clock: Clock = systemClock) {
  const directory = new Directory({ perAgent: 4, perTenant: 10 }, { clock, metrics: new TallyMetrics() });
  const forgotten: string[] = [];
  const registrar = { forget: async (id: string) => void forgotten.push(id) };
  const provider = agentsProvider({ directory, registrar, clock });
  const state = () =>
    [...directory.instances()].map(({ agent: id, endpoint, source }) => `${id} ${endpoint.port} ${source}`).sort();
  const prepared = async (wanted: RouterChange): Promise<Prepared> => {
    const answer = await provider.prepare(wanted);
    assert.ok(answer.ok && answer.value !== undefined, JSON.stringify(answer));
    return answer.value;
  };
  return { directory, provider, forgotten, state, prepared };
}

describe("configured agents", () => {
  it("come, change and go; taken back, all is as it was, who registered too", async () => {
    const { directory, state, prepared } = world();
    await (await prepared(change([agent("kept"), agent("gone"), agent("moved")]))).apply();
    const own = agent("own");
    directory.register({
      agent: own.id,
      tenant: "acme",
      source: "registration",
      offers: own.instances,
      lease: milliseconds(60_000),
    });
    const before = state();
    const next = await prepared(change([agent("moved", 9), agent("new"), agent("own", 7)], ["a:gone"]));
    assert.deepEqual(state(), before);
    await next.apply();
    assert.deepEqual(state(), [
      "a:kept 8080 configuration",
      "a:moved 9 configuration",
      "a:new 8080 configuration",
      "a:own 7 configuration",
    ]);
    await next.revert();
    assert.deepEqual(state(), before);
    directory[Symbol.dispose]();
  });

  it("whoever sums up is told once that a change is over, also of one that is taken back; one that it has overtaken is put anew", async () => {
    const { directory, prepared, state } = world();
    const heard: string[] = [];
    directory.subscribe((changes) => heard.push(`${changes.length} ${directory.isGathering}`));
    directory.subscribeGathered(() => heard.push("over"));
    const coming = await prepared(change([agent("one"), agent("two")]));
    directory.register({ agent: "a:two", tenant: "acme", source: "command", offers: agent("two", 9).instances });
    heard.length = 0;
    await coming.apply();
    assert.deepEqual(heard, ["1 true", "2 true"]);
    assert.deepEqual(state(), ["a:one 8080 configuration", "a:two 8080 configuration"]);
    heard.length = 0;
    await coming.revert();
    assert.deepEqual(heard.filter((what) => what === "over").length, 2, "at the end of each way");
    assert.deepEqual(heard.at(-1), "over");
    assert.deepEqual(state(), ["a:two 9 command"]);
    assert.equal(directory.isGathering, false);
    directory[Symbol.dispose]();
  });

  it("nobody sums up what is not durable yet, unless that takes long", async () => {
    const clock = new VirtualClock();
    const { directory, prepared } = world(clock);
    const quick = await prepared(change([agent("one")]));
    await quick.apply();
    assert.equal(directory.isGathering, true);
    await quick.finish!();
    assert.equal(directory.isGathering, false);
    const slow = await prepared(change([agent("two")]));
    await slow.apply();
    clock.advance(milliseconds(499));
    assert.equal(directory.isGathering, true);
    clock.advance(milliseconds(1));
    assert.equal(directory.isGathering, false);
    await slow.finish!();
    assert.equal(directory.isGathering, false);
    assert.equal(clock.armed, 0);
    directory[Symbol.dispose]();
  });

  it("an ID that another tenant has is refused with its path; nothing has changed", async () => {
    const { directory, provider, state } = world();
    const taken = agent("taken", 1, "globex");
    directory.register({ agent: taken.id, tenant: "globex", source: "registration", offers: taken.instances });
    const answer = await provider.prepare(change([agent("fine"), agent("taken")]));
    assert.ok(!answer.ok);
    const [fault] = answer.faults;
    assert.deepEqual(
      [fault!.appTag, fault!.path],
      ["directory.agent-held", "/semrd-router:router/semrd-agent:agents/agent[id='a:taken']"],
    );
    assert.deepEqual(state(), ["a:taken 1 registration"]);
    directory[Symbol.dispose]();
  });

  it("more than a tenant may have is refused, counting all of the change", async () => {
    const { directory, provider, prepared } = world();
    await (await prepared(change(Array.from({ length: 10 }, (_, i) => agent(`a${i}`))))).apply();
    const full = await provider.prepare(change([agent("more")]));
    assert.equal(full.ok, false);
    const exchanged = await provider.prepare(change([agent("more")], ["a:a0"]));
    assert.equal(exchanged.ok, true);
    directory[Symbol.dispose]();
  });

  it("what an operator had decided about one that goes is forgotten with it", async () => {
    const { directory, forgotten, prepared } = world();
    await (await prepared(change([agent("held"), agent("free")]))).apply();
    directory.drain("a:held", "operator");
    const gone = await prepared(change([], ["a:held", "a:free"]));
    await gone.apply();
    assert.deepEqual(forgotten, []);
    await gone.finish!();
    assert.deepEqual(forgotten, ["a:held"]);
    directory[Symbol.dispose]();
  });
});
