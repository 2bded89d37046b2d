import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { feedInstances, type InstanceSink } from "../../src/daemon/instance-feed.ts";
import type { InstanceNews } from "../../src/forwarding/index.ts";
import { bench, configured, offer, request } from "../directory/samples.ts";

/** What a compiler was told, at once and by and by. */
function world(known: readonly string[] = []) {
  const { directory } = bench();
  for (const agent of known) directory.register(configured({ agent, offers: [at(agent)] }));
  const told: string[] = [];
  const later: Iterator<InstanceNews>[] = [];
  const say = ({ instance, state }: InstanceNews): void => void told.push(`${instance.agent} ${state ?? "gone"}`);
  const compiler: InstanceSink = {
    instanceAdded: (instance, state) => say({ instance, state }),
    instanceRemoved: (instance) => say({ instance, state: undefined }),
    instancesChanged: (news) => void later.push(news[Symbol.iterator]()),
  };
  const feed = feedInstances(compiler, directory);
  /** One instance of those that waited; false: none is left. */
  const step = (): boolean => {
    for (const news of later) {
      const next = news.next();
      if (next.done === true) continue;
      say(next.value);
      return true;
    }
    return false;
  };
  if (known.length === 0) assert.equal(step(), false);
  const put = (agent: string): void => void directory.register(configured({ agent, offers: [at(agent)] }));
  return { directory, feed, told, step, put };
}

const at = (agent: string) => offer({ port: 8000 + agent.charCodeAt(0) });

describe("instances for the compiler", () => {
  it("are handed over at once, and by and by what an operator adds and takes away by the thousand", () => {
    const { directory, told, step, put } = world();
    put("a");
    put("b");
    assert.deepEqual(told.splice(0), ["a up", "b up"]);
    const gathering = directory.gather();
    put("c");
    put("d");
    directory.remove("a", "configuration");
    assert.deepEqual(told, []);
    gathering[Symbol.dispose]();
    assert.deepEqual(told, [], "on a later turn");
    while (step());
    assert.deepEqual(told, ["c up", "d up", "a gone"]);
  });

  it("that die or leave by themselves do not wait, whatever else is under way", () => {
    const { directory, told, step, put } = world();
    put("a");
    directory.register(request({ agent: "b", offers: [at("b")] }));
    const [instance] = directory.instancesOf("a");
    told.length = 0;
    const gathering = directory.gather();
    put("c");
    directory.setHealth(instance!.id, "down");
    directory.remove("b", "lease-expired");
    assert.deepEqual(told, ["a down", "b gone"]);
    gathering[Symbol.dispose]();
    while (step());
    assert.deepEqual(told, ["a down", "b gone", "c up"]);
  });

  it("that wait are told as they are in the end; what comes in between overtakes them", () => {
    const { directory, told, step, put } = world();
    put("old");
    told.length = 0;
    const gathering = directory.gather();
    for (const agent of ["dies", "left", "exchanged", "later"]) put(agent);
    directory.setHealth(directory.instancesOf("dies")[0]!.id, "down");
    directory.remove("left", "configuration");
    directory.remove("old", "configuration");
    put("old");
    gathering[Symbol.dispose]();
    assert.ok(step());
    directory.remove("exchanged", "command");
    directory.setHealth(directory.instancesOf("later")[0]!.id, "down");
    while (step());
    assert.deepEqual(told, ["dies down", "exchanged gone", "later down", "left gone", "old up"]);
  });

  it("that are known when it begins are handed over by and by, each as it is when its turn comes", () => {
    const { directory, told, step, put } = world(["a", "b", "c", "d", "e"]);
    assert.deepEqual(told, [], "on a later turn");
    assert.ok(step());
    const [b] = directory.instancesOf("b");
    directory.setHealth(b!.id, "down");
    directory.remove("c", "command");
    put("f");
    assert.deepEqual(told.splice(0), ["a up", "b down", "c gone", "f up"], "what happens meanwhile does not wait");
    const gathering = directory.gather();
    directory.remove("d", "configuration");
    put("g");
    while (step());
    assert.deepEqual(told.splice(0), ["b down", "e up", "f up"], "nobody is told of what may not last");
    gathering[Symbol.dispose]();
    while (step());
    assert.deepEqual(told, ["d gone", "g up"]);
  });

  it("are not handed over any more once it has ended", () => {
    const { directory, feed, told, step, put } = world(["known"]);
    const gathering = directory.gather();
    put("a");
    feed[Symbol.dispose]();
    gathering[Symbol.dispose]();
    put("b");
    assert.equal(step(), false);
    assert.deepEqual(told, []);
  });
});
