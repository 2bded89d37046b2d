import assert from "node:assert/strict";
import { it } from "node:test";
import { formatIpv4, formatIpv6, parseIpv4Prefix, parseIpv6Prefix } from "../../src/base/index.ts";
import { edgePlanOf, edgeRefusal, startEdge } from "../../src/daemon/edge.ts";
import { probeHost } from "../../src/daemon/endpoints.ts";
import type { DataplaneDriver, EdgePlan } from "../../src/dataplane/index.ts";
import type { RouterConfiguration } from "../../src/management/index.ts";
import { OCR, taxonomy } from "../directory/samples.ts";
import { ListLog } from "../sim/tally-metrics.ts";

const pool = parseIpv4Prefix("198.18.0.0/24")!;
const configuration = (prefix = pool): RouterConfiguration =>
  ({
    tenants: [
      { name: "acme", index: 1 },
      { name: "globex", index: 2 },
    ],
    ipv4: { prefix: parseIpv6Prefix("fd00:64:1::/96")!, pools: [{ tenant: "globex", prefix }] },
  }) as unknown as RouterConfiguration;
const known = taxonomy({ ipv4Pools: new Map([["globex", pool]]) });
const memory = { name: "memory" } as unknown as DataplaneDriver;

it("the plan of the edge has each capability of a tenant with a pool, under its own addresses", () => {
  const plan = edgePlanOf(configuration(), known)!;
  assert.equal(plan.prefix.length, 12);
  assert.equal(plan.pools.length, 1);
  const [{ tenantIndex, capabilities }] = plan.pools as [EdgePlan["pools"][number]];
  assert.equal(tenantIndex, 2);
  const ocr = capabilities.find(({ address }) => address === known.ipv4Address("globex", OCR, 1))!;
  assert.equal(formatIpv6(ocr.capability), formatIpv6(known.address("globex", OCR, 1)!));
  assert.equal(formatIpv4(ocr.address).startsWith("198.18.0."), true);
  assert.equal(edgePlanOf({ ...configuration(), ipv4: undefined } as never, known), undefined);
});

it("a data plane that cannot translate says so: refused by a commit, an error in the log of a start", () => {
  assert.match(edgeRefusal(configuration(), memory)!, /the memory data plane translates no IPv4/);
  assert.equal(edgeRefusal({ ...configuration(), ipv4: undefined } as never, memory), undefined);
  const log = new ListLog();
  startEdge(configuration(), known, memory, log);
  assert.ok(JSON.stringify(log.lines).includes("dataplane.edge.not-translating"));
});

it("pools for which there is no room are refused, and nothing is translated then", () => {
  const set: (EdgePlan | undefined)[] = [];
  const kernel = { name: "kernel", setEdge: (plan) => void set.push(plan) } as DataplaneDriver;
  const much = configuration(parseIpv4Prefix("10.0.0.0/15")!);
  assert.match(edgeRefusal(much, kernel)!, /131072 addresses together, and the data plane has room for 65536/);
  startEdge(much, known, kernel, new ListLog());
  startEdge(configuration(), known, kernel, new ListLog());
  assert.deepEqual([set[0], set[1]?.pools.length], [undefined, 1]);
});

it("an agent that knows IPv4 only is probed over IPv4", () => {
  const at = parseIpv6Prefix("fd00:64:1::a02:a/128")!.address;
  assert.equal(probeHost(configuration(), at), "10.2.0.10");
  assert.equal(probeHost({ ...configuration(), ipv4: undefined } as never, at), "fd00:64:1::a02:a");
});
