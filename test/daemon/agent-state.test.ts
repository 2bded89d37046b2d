import assert from "node:assert/strict";
import { it } from "node:test";
import { loadNative } from "../../native/index.ts";
import { parseIpv6, quicServerId } from "../../src/base/index.ts";
import { CounterBook } from "../../src/daemon/counter-book.ts";
import { agentState } from "../../src/daemon/state/agents.ts";
import { type Path, StateBook } from "../../src/management/index.ts";
import { YangModel } from "../../src/management/yang/model.ts";
import { StateReader } from "../../src/management/yang/operational.ts";
import { openSchema } from "../../src/management/yang/schema.ts";
import { AGENT_A, AGENT_B, bench, configured, OCR, offer, request, taxonomy } from "../directory/samples.ts";

const LOCATOR = parseIpv6("fd00:ffff::1")!;
const NEXT_HOPS = new Map([[7, { packets: 5n, bytes: 500n, flows: 2n }]]);

it("an agent that has registered itself stands in operational with what it said, its lease and its traffic", async () => {
  const { directory, clock } = bench();
  directory.register(request({ offers: [offer({ weight: 30, labels: ["eu"] })] }));
  directory.register(configured({ agent: AGENT_B, offers: [offer({ at: "fd00:a:21::11" })] }));
  const [instance] = directory.instancesOf(AGENT_A);
  const driver = {
    counters: () => ({ verdicts: new Map(), nextHops: NEXT_HOPS }),
    plan: {
      plannedNextHops: () => [[7, { nextHop: { kind: "instance", instance: instance!.id }, state: "up" }]].values(),
    },
  } as never;
  const book = new StateBook(clock);
  const changed: string[] = [];
  const quic = { name: OCR, majorVersion: 1, servicePort: 443, protocol: "udp", affinity: "connection" } as const;
  const known = {
    taxonomy: taxonomy({ capabilities: [quic] }),
    configuration: { site: { locator: LOCATOR } } as never,
  };
  const sources = agentState({ directory, counters: new CounterBook(driver, clock), clock, ...known });
  book.add(...sources);
  const agents: Path = [{ name: "semrd-router:router" }, { name: "semrd-agent:agents" }];
  using _watch = book.watch(agents, (path) => changed.push(path.at(-1)!.name));

  await using context = await openSchema(loadNative().yang);
  const model = await YangModel.open(context);
  const nothing = await model.parse("{}", "json");
  assert.ok(nothing.ok);
  const text = await new StateReader(model, book, clock).read(nothing.value, {
    format: "json",
    select: { paths: [`/router/agents/agent[id='${AGENT_A}']`] },
  });
  assert.ok(text.ok, JSON.stringify(text));
  const read = JSON.parse(Buffer.from(text.value).toString())["semrd-router:router"]["semrd-agent:agents"].agent;
  assert.equal(read.length, 1, "the other one was not asked for");
  const [{ capability, ...agent }] = read;
  assert.deepEqual(agent, {
    id: AGENT_A,
    tenant: "acme",
    state: { source: "registration", instances: 1, "instances-up": 1 },
  });
  const [{ state, ...said }] = capability;
  assert.deepEqual(said, {
    ...{ name: "/vision/ocr", "major-version": 1, "minor-version": 0 },
    ...{ address: "fd00:a:21::10", port: 8080, weight: 30, label: ["eu"] },
  });
  assert.equal(Date.parse(state["lease-until"]), instance!.lease!.validUntil);
  assert.deepEqual([state.packets, state.octets, state.flows], ["5", "500", "2"]);
  assert.equal(state["instance-id"], instance!.id);
  assert.equal(state["quic-server-id"], quicServerId(LOCATOR, instance!.endpoint));

  directory.remove(AGENT_A, "command");
  assert.deepEqual(changed, ["semrd-agent:agent", "semrd-agent:capability"]);
  await nothing.value.dispose();
});
