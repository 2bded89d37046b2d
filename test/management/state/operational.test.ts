import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { type Path, StateBook, type StateSource } from "../../../src/management/index.ts";
import { YangModel } from "../../../src/management/yang/model.ts";
import { StateReader } from "../../../src/management/yang/operational.ts";
import { openSchema } from "../../../src/management/yang/schema.ts";

const RIB: Path = [{ name: "semrd-router:router" }, { name: "semrd-rib:ribs" }, { name: "semrd-rib:rib" }];
const AGENT: Path = [{ name: "semrd-router:router" }, { name: "semrd-agent:agents" }, { name: "semrd-agent:agent" }];

function table(size: number): StateSource {
  const path: Path = [...RIB, { name: "semrd-rib:path" }];
  const name = { name: "ipv6-unicast" };
  return {
    path,
    isBulk: true,
    *rows() {
      for (let i = 0; i < size; i++) {
        const prefix = `2001:db8:${i >> 16}:${(i & 0xffff).toString(16)}::/64`;
        const keys = { prefix, peer: "local", "path-id": "0" };
        const [router, ribs, rib] = path as [Path[0], Path[0], Path[0]];
        const value = { "next-hop": "fd00::1", best: true, community: [] };
        yield { path: [router, ribs, { ...rib, keys: name }, { name: "semrd-rib:path", keys }], value };
      }
    },
  };
}

const agents: StateSource = {
  path: AGENT,
  *rows(wanted) {
    for (const id of ["urn:a", "urn:b"]) {
      if ((wanted[2]!.keys?.id ?? id) !== id) continue;
      const path = AGENT.map((step, i) => (i === 2 ? { ...step, keys: { id } } : step));
      yield { path, value: { tenant: "acme", state: { source: "registration", instances: 1, "instances-up": 1 } } };
    }
  },
};

describe("the datastore operational", () => {
  let context: Awaited<ReturnType<typeof openSchema>>;
  let model: YangModel;
  before(async () => {
    context = await openSchema(loadNative().yang);
    model = await YangModel.open(context);
  });
  after(() => context[Symbol.asyncDispose]());

  async function read(sources: readonly StateSource[], options: Partial<Parameters<StateReader["read"]>[1]>) {
    const book = new StateBook(systemClock);
    book.add(...sources);
    const parsed = await model.parse('{"semrd-router:router":{"name":"r1"}}', "json");
    assert.ok(parsed.ok);
    try {
      return await new StateReader(model, book, systemClock).read(parsed.value, { format: "json", ...options });
    } finally {
      await parsed.value.dispose();
    }
  }

  async function json(...asked: Parameters<typeof read>): Promise<unknown> {
    const text = await read(...asked);
    assert.ok(text.ok, JSON.stringify(text));
    return JSON.parse(Buffer.from(text.value).toString());
  }

  const entry = (id: string) => ({
    id,
    tenant: "acme",
    state: { source: "registration", instances: 1, "instances-up": 1 },
  });

  it("has what is configured and what the parts say, with agents that have registered themselves (RFC 8342 §5.3)", async () => {
    assert.deepEqual(await json([agents], {}), {
      "semrd-router:router": { name: "r1", "semrd-agent:agents": { agent: [entry("urn:a"), entry("urn:b")] } },
    });
  });

  it("gives an entry that is selected in two ways once", async () => {
    const paths = ["/router/agents/agent[id='urn:a']/state", "/router/agents/agent[id='urn:a']/tenant", "/router/name"];
    assert.deepEqual(await json([agents], { select: { paths } }), {
      "semrd-router:router": { name: "r1", "semrd-agent:agents": { agent: [entry("urn:a")] } },
    });
  });

  it("asks no source that a selection cannot touch", async () => {
    const never: StateSource = {
      path: RIB,
      rows() {
        throw new Error("asked");
      },
    };
    assert.deepEqual(await json([never], { select: { paths: ["/router/name"] } }), {
      "semrd-router:router": { name: "r1" },
    });
    await assert.rejects(read([never], { select: { paths: ["/router/ribs"] } }), /asked/);
  });

  it("lets others have their turns while it reads 30 000 routes", async () => {
    let turns = 0;
    let isReading = true;
    const count = (): void => {
      turns++;
      if (isReading) setImmediate(count);
    };
    setImmediate(count);
    const text = await read([table(30_000)], { format: "xml", select: { paths: ["/router/ribs"] } });
    isReading = false;
    assert.ok(text.ok && Buffer.from(text.value).toString().split("<path>").length === 30_001);
    assert.ok(turns > 30_000 / 128, `${turns} turns`);
  });

  it("refuses an answer of more than 50 000 routes, and says what to do", async () => {
    const text = await read([table(60_000)], {});
    assert.ok(!text.ok);
    assert.equal(text.faults[0]!.errorTag, "too-big");
    assert.equal(text.faults[0]!.path, "/semrd-router:router/semrd-rib:ribs/rib/path");
    assert.match(text.faults[0]!.message, /select fewer/);
  });
});
