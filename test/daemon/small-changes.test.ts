import assert from "node:assert/strict";
import { it } from "node:test";
import { ADDRESS, startNetconfRouter } from "../management/netconf/netconf-router.ts";
import { readReply } from "../management/netconf/oracle.ts";

const AGENTS = 10_000;
const CAPABILITIES = 500;
const METRICS = 20_000 + (process.pid % 40_000);
const PATIENCE = 30_000;
/** Times that the number is the same before it is taken for the last. */
const SETTLED = 15;

const tenant = (name: string, index: number) => ({
  ...{ name, index, "route-distinguisher": `0:65000:${index}` },
  ...{ "import-target": [`65000:${index}`], "export-target": [`65000:${index}`] },
});
const capability = (n: number) => ({ name: `/c/n${n}`, "major-version": 1 });
const agent = (tenantName: string, n: number, offered: number) => ({
  ...{ id: `spiffe://example.net/${tenantName}/agent/a${n}`, tenant: tenantName },
  capability: [{ ...capability(offered), address: `fd00:a::${(n + 1).toString(16)}`, port: 80 }],
});

/** Operations that the data plane was given so far, when no more come. */
async function operations(): Promise<number> {
  let [before, same] = [-1, 0];
  for (const late = AbortSignal.timeout(PATIENCE); same < SETTLED; ) {
    assert.ok(!late.aborted, "there is no end of operations");
    const text = await (await fetch(`http://${ADDRESS}:${METRICS}/metrics`)).text();
    const now = Number(/^semrd_forwarding_operations_total (\d+)$/m.exec(text)?.[1]);
    same = now === before ? same + 1 : 0;
    before = now;
  }
  return before;
}

const edit = (inner: string): string =>
  `<edit-config><target><running/></target><config><router xmlns="urn:semrd:yang:semrd-router" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">${inner}</router></config></edit-config>`;
const more = (n: number, offered: number): string =>
  edit(
    `<agents xmlns="urn:semrd:yang:semrd-agent"><agent><id>spiffe://example.net/acme/agent/a${n}</id><tenant>acme</tenant><capability><name>/c/n${offered}</name><major-version>1</major-version><address>fd00:a::${(n + 1).toString(16)}</address><port>80</port></capability></agent></agents>`,
  );
const less = (n: number): string =>
  edit(
    `<agents xmlns="urn:semrd:yang:semrd-agent"><agent nc:operation="delete"><id>spiffe://example.net/acme/agent/a${n}</id></agent></agents>`,
  );

/** How many operations changes of one agent or tenant come to, beside so many agents. */
async function operationsBeside(agents: number): Promise<Readonly<Record<string, number>>> {
  await using router = await startNetconfRouter(
    {},
    {
      "semrd-telemetry:telemetry": { prometheus: { address: ADDRESS, port: METRICS } },
      "semrd-taxonomy:taxonomy": {
        revision: 1,
        capability: Array.from({ length: CAPABILITIES + 1 }, (_, n) => capability(n)),
      },
      "semrd-tenant:tenants": { tenant: [tenant("acme", 1), tenant("beta", 2)] },
      "semrd-agent:agents": {
        agent: Array.from({ length: agents }, (_, n) => agent(n % 2 === 0 ? "acme" : "beta", n, n % CAPABILITIES)),
      },
    },
  );
  await using client = await router.open();
  let before = await operations();
  assert.ok(before > agents, `${before} operations for all`);
  const made = async (rpc: string): Promise<number> => {
    const answer = await client.rpc(rpc);
    assert.ok(readReply(answer).ok, answer);
    const after = await operations();
    const count = after - before;
    before = after;
    return count;
  };
  return {
    "of a capability that nobody had": await made(more(AGENTS, CAPABILITIES)),
    "of one that others have": await made(more(AGENTS + 1, 0)),
    "gone again": await made(less(AGENTS + 1)),
    "another tenant's routes go elsewhere": await made(
      edit(
        '<tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant><name>beta</name><export-target>65000:9</export-target></tenant></tenants>',
      ),
    ),
  };
}

it("one agent more or less beside 10 000, and another tenant's change, are as few operations as beside 500", {
  timeout: 4 * PATIENCE,
}, async (t) => {
  const few = await operationsBeside(CAPABILITIES);
  t.diagnostic(JSON.stringify(few));
  assert.deepEqual(await operationsBeside(AGENTS), few);
  assert.equal(few["another tenant's routes go elsewhere"], 0);
  assert.equal(few["of one that others have"], 2, "its next hop, and the group");
});
