import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { formatIpv6, parseIpv6, parseIpv6Prefix, quicServerId } from "../../src/base/index.ts";
import { type Directory, DirectoryError } from "../../src/directory/index.ts";
import { openDirectoryStore } from "../../src/host/index.ts";
import { AGENT_A, AGENT_B, OCR, taxonomy } from "../directory/samples.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import {
  AGENT_PATH,
  type Bench,
  folder,
  hasOpenssl,
  LOCATOR,
  MemoryStore,
  NO_OPENSSL,
  registration,
  startBench,
} from "./bench.ts";

const skip = hasOpenssl ? false : NO_OPENSSL;

describe("an agent's life", { skip }, () => {
  let bench: Bench;
  let token: string;
  before(async () => {
    bench = await startBench();
    token = await bench.mint();
  });
  after(() => bench[Symbol.asyncDispose]());

  it("registers: identity, instances, names, addresses, lease", async () => {
    const { status, json, headers } = await bench.call("POST", "/v1/agents", { token, body: registration() });
    assert.equal(status, 201);
    assert.equal(headers.location, AGENT_PATH);
    const { capabilities, ...rest } = json;
    assert.deepEqual(rest, {
      agent: AGENT_A,
      tenant: "acme",
      source: "registration",
      lease: {
        sequence: String(bench.clock.wall()),
        "valid-until": new Date(bench.clock.wall() + 300_000).toISOString(),
        renew: 100,
      },
    });
    const [instance] = bench.directory.instancesOf(AGENT_A);
    assert.deepEqual(capabilities, [
      {
        instance: instance!.id,
        name: "/vision/ocr",
        version: "1.2",
        "dns-name": "ocr.vision.cap.acme.example.net",
        address: formatIpv6(taxonomy().address("acme", OCR, 1)!),
        endpoint: { address: "fd00:a:21::10", port: 8080, protocol: "tcp" },
        "service-port": 80,
        weight: 20,
        labels: ["eu"],
        state: "down",
        "admin-state": "up",
        "health-check": { type: "http", path: "/healthz", "interval-ms": 200, "timeout-ms": 500, fall: 2, rise: 1 },
        health: { state: "unknown", since: new Date(bench.clock.wall()).toISOString() },
      },
    ]);
  });

  it("learns what to put into its connection ids, where the taxonomy has QUIC go by them", async () => {
    const quic = { name: OCR, majorVersion: 1, servicePort: 443, protocol: "udp", affinity: "connection" } as const;
    bench.server.setTaxonomy(taxonomy({ capabilities: [quic] }));
    try {
      const { json } = await bench.call("POST", "/v1/agents", {
        token,
        body: registration({ "health-check": undefined }),
      });
      const [{ "quic-server-id": id, endpoint }] = json.capabilities;
      const at = { address: parseIpv6(endpoint.address)!, port: endpoint.port };
      assert.match(id, /^[0-9a-f]{16}$/);
      assert.equal(id, quicServerId(LOCATOR, at));
      assert.notEqual(id.slice(8), quicServerId(LOCATOR, { ...at, port: at.port + 1 }).slice(8));
    } finally {
      bench.server.setTaxonomy(taxonomy());
    }
  });

  it("is shown, and registers again with 200 and a greater sequence", async () => {
    const first = (await bench.call("GET", AGENT_PATH, { token })).json;
    const again = await bench.call("POST", "/v1/agents", { token, body: { ...registration(), lease: 60 } });
    assert.equal(again.status, 200);
    assert.ok(BigInt(again.json.lease.sequence) > BigInt(first.lease.sequence));
    assert.equal(again.json.lease.renew, 20);
  });

  it("renews; what is asked for is brought into the configured range", async () => {
    bench.clock.advance(5_000);
    const spans: number[] = [];
    for (const lease of [undefined, 1, 86_400]) {
      const body = lease === undefined ? undefined : { lease };
      const { status, json } = await bench.call("POST", `${AGENT_PATH}/renew`, { token, body });
      assert.equal(status, 200);
      spans.push((Date.parse(json.lease["valid-until"]) - bench.clock.wall()) / 1000);
    }
    assert.deepEqual(spans, [300, 10, 3_600]);
  });

  it("amends: adds, changes and removes single instances", async () => {
    const [instance] = bench.directory.instancesOf(AGENT_A);
    const second = registration({ endpoint: { address: "fd00:a:21::10", port: 8081 } });
    const added = await bench.call("PATCH", AGENT_PATH, { token, body: second });
    assert.deepEqual([added.status, added.json.capabilities.length], [200, 2]);
    const gone = await bench.call("PATCH", AGENT_PATH, { token, body: { remove: [instance!.id] } });
    assert.deepEqual(
      gone.json.capabilities.map((each: { endpoint: { port: number } }) => each.endpoint.port),
      [8081],
    );
    const twice = await bench.call("PATCH", AGENT_PATH, { token, body: { remove: [instance!.id] } });
    assert.deepEqual([twice.status, twice.json.code], [404, "registration.unknown-instance"]);
  });

  it("drains until a deadline, then is down; registering again ends the drain", async () => {
    const drained = await bench.call("POST", `${AGENT_PATH}/drain`, { token, body: { deadline: 3 } });
    assert.equal(drained.json.capabilities[0]["admin-state"], "draining");
    assert.equal(Date.parse(drained.json.capabilities[0]["drain-deadline"]) - bench.clock.wall(), 3_000);
    bench.clock.advance(3_000);
    assert.equal((await bench.call("GET", AGENT_PATH, { token })).json.capabilities[0]["admin-state"], "down");
    const again = await bench.call("POST", "/v1/agents", { token, body: registration() });
    assert.equal(again.json.capabilities[0]["admin-state"], "up");
    const forever = await bench.call("POST", `${AGENT_PATH}/drain`, { token });
    assert.equal("drain-deadline" in forever.json.capabilities[0], false);
  });

  it("deregisters, and is then unknown", async () => {
    const gone = await bench.call("DELETE", AGENT_PATH, { token });
    assert.deepEqual([gone.status, gone.text], [204, ""]);
    for (const [method, path] of [
      ["GET", AGENT_PATH],
      ["DELETE", AGENT_PATH],
      ["POST", `${AGENT_PATH}/renew`],
      ["PATCH", AGENT_PATH],
    ] as const) {
      const { status, json } = await bench.call(method, path, { token, ...(method === "PATCH" ? { body: {} } : {}) });
      assert.deepEqual([status, json.code], [404, "registration.unknown-agent"]);
    }
  });

  it("every decision is in the audit trail, once, with who and what, and without a token", () => {
    const decisions = bench.log.lines.filter(({ event }) => event === "registration.decision");
    const requests = bench.metrics.total("semrd_registration_requests_total");
    assert.equal(decisions.length, requests);
    assert.deepEqual(decisions[0]!.fields, {
      action: "register",
      outcome: "granted",
      status: 201,
      source: "::1",
      issuer: "lab",
      subject: AGENT_A,
      tenant: "acme",
      tokenId: "token-1",
      agent: AGENT_A,
    });
    const renewals = decisions.filter(({ fields }) => fields.action === "renew" && fields.outcome === "granted");
    assert.ok(renewals.length > 0 && renewals.every(({ level }) => level === "debug"));
    assert.ok(!JSON.stringify(bench.log.lines).includes(token.split(".")[2]!));
  });
});

describe("discovery", { skip }, () => {
  it("finds by name, prefix and label, from what is here, for the token's tenant only", async () => {
    await using bench = await startBench();
    const token = await bench.mint();
    await bench.call("POST", "/v1/agents", { token, body: registration({ "health-check": undefined }) });
    const ask = async (query: string, with_ = token) =>
      (await bench.call("GET", `/v1/capabilities${query}`, { token: with_ })).json;
    const names = (json: { capabilities: { name: string; "major-version": number; served: boolean }[] }) =>
      json.capabilities.map((each) => `${each.name} ${each["major-version"]} ${each.served}`);
    assert.deepEqual(names(await ask("")), ["/vision/ocr 1 true", "/vision/ocr 2 false", "/audio/speech 1 false"]);
    assert.deepEqual(names(await ask("?prefix=/audio/")), ["/audio/speech 1 false"]);
    assert.deepEqual(names(await ask("?name=/capability/Vision/OCR&label=eu")), [
      "/vision/ocr 1 true",
      "/vision/ocr 2 false",
    ]);
    const [unlabelled] = (await ask("?name=/vision/ocr&label=gdpr")).capabilities;
    assert.deepEqual(unlabelled.candidates, [
      {
        ...{ origin: "r1", local: true, eligible: false, reason: "it has no label gdpr" },
        ...{ state: "up", score: 10, weight: 20, labels: ["eu"] },
      },
    ]);
    const other = await bench.mint({ tenant: "globex" });
    assert.deepEqual(names(await ask("?name=/vision/ocr", other)), ["/vision/ocr 1 false", "/vision/ocr 2 false"]);
    assert.ok(!JSON.stringify(await ask("")).includes("fd00:a:21"), "an endpoint was shown");
    for (const query of ["?name=vision", "?name=", "?nmae=/vision/ocr"]) {
      assert.equal((await ask(query)).code, "registration.query-invalid");
    }
  });
});

describe("discovery across tenants", { skip }, () => {
  it("shows what another tenant has opened, under that tenant's name and address, and nothing else of it", async () => {
    const [capability] = taxonomy().capabilities;
    const opened = (tenant: string) => (tenant === "globex" ? [{ tenant: "acme", capability: capability! }] : []);
    await using bench = await startBench({ discovery: { opened } });
    const token = await bench.mint();
    await bench.call("POST", "/v1/agents", { token, body: registration({ "health-check": undefined }) });
    const seenBy = async (tenant: string) =>
      (await bench.call("GET", "/v1/capabilities", { token: await bench.mint({ tenant }) })).json.capabilities;
    const foreign = (await seenBy("globex")).filter((each: { tenant?: string }) => each.tenant !== undefined);
    assert.equal(foreign.length, 1);
    const { tenant, name, served, address } = foreign[0];
    const [own] = await seenBy("acme");
    assert.deepEqual([tenant, name, served, address], ["acme", own.name, true, own.address]);
    assert.ok((await seenBy("acme")).every((each: { tenant?: string }) => each.tenant === undefined));
  });
});

describe("where an agent is", { skip }, () => {
  it("any agent of the tenant is told the router, and never the address", async () => {
    await using bench = await startBench();
    const token = await bench.mint();
    const made = await bench.call("POST", "/v1/agents", { token, body: registration({ "health-check": undefined }) });
    const path = `/v1/agents/${encodeURIComponent(made.json.agent)}/location`;
    const { status, json } = await bench.call("GET", path, { token: await bench.mint({ sub: "somebody-else" }) });
    assert.equal(status, 200);
    const [{ sequence, ...place }] = json.places;
    assert.deepEqual(place, {
      ...{ origin: "r1", local: true, current: true, reason: "it is registered here", state: "up" },
    });
    assert.match(sequence, /^\d+$/);
    assert.ok(!JSON.stringify(json).includes("fd00:a:21"), "an endpoint was shown");
    const stranger = await bench.call("GET", path, { token: await bench.mint({ tenant: "globex" }) });
    assert.deepEqual([stranger.status, stranger.json.code], [404, "registration.unknown-agent"]);
    const nobody = await bench.call("GET", "/v1/agents/nobody/location", { token });
    assert.equal(nobody.status, 404);
  });
});

describe("agents that know IPv4 only", { skip }, () => {
  const networks = { endpoints: [parseIpv6Prefix("fd00:64:2::a02:0/120")!] };
  const body = registration({ endpoint: { address: "10.2.0.10", port: 8080 } });

  it("have an address in the router's prefix, if that is on one of its links", async () => {
    await using bench = await startBench({ options: { ...networks, ipv4Prefix: parseIpv6Prefix("fd00:64:2::/96")! } });
    const token = await bench.mint();
    const { status, json } = await bench.call("POST", "/v1/agents", { token, body });
    assert.equal(status, 201, JSON.stringify(json));
    assert.equal(json.capabilities[0].endpoint.address, "fd00:64:2::a02:a");
    const elsewhere = registration({ endpoint: { address: "10.2.1.10", port: 8080 } });
    assert.equal((await bench.call("POST", "/v1/agents", { token, body: elsewhere })).status, 403);
  });

  it("come and go with the configuration of their router", async () => {
    await using bench = await startBench({ options: networks });
    const token = await bench.mint();
    assert.equal((await bench.call("POST", "/v1/agents", { token, body })).status, 422);
    bench.server.setEndpoints({ ...networks, ipv4Prefix: parseIpv6Prefix("fd00:64:2::/96")! });
    assert.equal((await bench.call("POST", "/v1/agents", { token, body })).status, 201);
    bench.server.setEndpoints(networks);
    assert.equal((await bench.call("POST", "/v1/agents", { token, body })).status, 422);
  });
});

describe("refusals", { skip }, () => {
  let bench: Bench;
  let token: string;
  before(async () => {
    bench = await startBench({
      options: { endpoints: [parseIpv6Prefix("fd00:a:21::/64")!] },
      perAgent: 2,
    });
    token = await bench.mint({ scope: "capability:/vision/* capability:/audio/speech" });
  });
  after(() => bench[Symbol.asyncDispose]());

  const BAD_BODIES: readonly { name: string; body: unknown; status: number; code: string; path?: string }[] = [
    { name: "no body", body: undefined, status: 422, code: "body-invalid", path: "" },
    { name: "not JSON", body: "{", status: 400, code: "body-not-json" },
    { name: "not an object", body: [], status: 422, code: "body-invalid", path: "" },
    {
      name: "an unknown member",
      body: { ...registration(), capabilites: [] },
      status: 422,
      code: "body-invalid",
      path: "",
    },
    { name: "no capabilities", body: {}, status: 422, code: "body-invalid", path: "" },
    {
      name: "a lease of nothing",
      body: { ...registration(), lease: 0 },
      status: 422,
      code: "body-invalid",
      path: "/lease",
    },
    {
      name: "a name that is none",
      body: registration({ name: "ocr" }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/name",
    },
    {
      name: "a name not in the taxonomy",
      body: registration({ name: "/vision/faces" }),
      status: 422,
      code: "unknown-capability",
      path: "/capabilities/0/name",
    },
    {
      name: "a version not in the taxonomy",
      body: registration({ version: "3.0" }),
      status: 422,
      code: "unknown-capability",
      path: "/capabilities/0/version",
    },
    {
      name: "a version that is none",
      body: registration({ version: "1.x" }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/version",
    },
    {
      name: "an IPv4 endpoint",
      body: registration({ endpoint: { address: "192.0.2.1", port: 1 } }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/endpoint/address",
    },
    {
      name: "a loopback endpoint",
      body: registration({ endpoint: { address: "::1", port: 1 } }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/endpoint/address",
    },
    {
      name: "a link-local endpoint",
      body: registration({ endpoint: { address: "fe80::1", port: 1 } }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/endpoint/address",
    },
    {
      name: "somebody else's endpoint",
      body: registration({ endpoint: { address: "fd00:a:22::10", port: 1 } }),
      status: 403,
      code: "endpoint-not-allowed",
      path: "/capabilities/0/endpoint/address",
    },
    {
      name: "port 0",
      body: registration({ endpoint: { address: "fd00:a:21::10", port: 0 } }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/endpoint/port",
    },
    {
      name: "no port",
      body: registration({ endpoint: { address: "fd00:a:21::10" } }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/endpoint",
    },
    {
      name: "another protocol than the taxonomy's",
      body: registration({ endpoint: { address: "fd00:a:21::10", port: 1, protocol: "udp" } }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/endpoint/protocol",
    },
    {
      name: "a weight of 101",
      body: registration({ weight: 101 }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/weight",
    },
    {
      name: "a weight in text",
      body: registration({ weight: "10" }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/weight",
    },
    {
      name: "a label in upper case",
      body: registration({ labels: ["EU"] }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/labels/0",
    },
    {
      name: "a path that would split the request",
      body: registration({ "health-check": { type: "http", path: "/ HTTP/1.1\r\nX: y" } }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/health-check/path",
    },
    {
      name: "a check every millisecond",
      body: registration({ "health-check": { "interval-ms": 1 } }),
      status: 422,
      code: "body-invalid",
      path: "/capabilities/0/health-check/interval-ms",
    },
    {
      name: "the same instance twice",
      body: { capabilities: [...registration().capabilities, ...registration().capabilities] },
      status: 422,
      code: "body-invalid",
      path: "/capabilities",
    },
    {
      name: "more instances than an agent may have",
      body: {
        capabilities: [1, 2, 3].map(
          (port) => registration({ endpoint: { address: "fd00:a:21::10", port } }).capabilities[0],
        ),
      },
      status: 409,
      code: "limit",
    },
    { name: "another agent", body: { ...registration(), agent: AGENT_B }, status: 403, code: "agent-mismatch" },
    {
      name: "an agent ID that is no URI",
      body: { ...registration(), agent: "ocr a" },
      status: 422,
      code: "body-invalid",
      path: "/agent",
    },
  ];
  for (const { name, body, status, code, path } of BAD_BODIES) {
    it(`${name}: ${status} ${code}${path === undefined ? "" : ` at "${path}"`}`, async () => {
      const { json, headers, ...answer } = await bench.call("POST", "/v1/agents", { token, body });
      assert.deepEqual([answer.status, json.code, json.path], [status, `registration.${code}`, path]);
      assert.equal(headers["content-type"], "application/problem+json");
      assert.deepEqual([json.status, typeof json.title, typeof json.detail], [status, "string", "string"]);
      assert.equal(bench.directory.size, 0);
      const about = await bench.call("GET", json.type);
      assert.deepEqual([about.status, about.json.code], [200, json.code]);
    });
  }

  it("what is not there, and methods that are not taken", async () => {
    for (const [method, path, status, code] of [
      ["GET", "/", 404, "not-found"],
      ["GET", "/v1/agents/%ff", 404, "not-found"],
      ["GET", "/v1/problems/registration.nothing", 404, "not-found"],
      ["GET", "/v1/agents", 405, "method-not-allowed"],
      ["PUT", AGENT_PATH, 405, "method-not-allowed"],
    ] as const) {
      const { json, headers, ...answer } = await bench.call(method, path, { token });
      assert.deepEqual([answer.status, json.code], [status, `registration.${code}`], `${method} ${path}`);
      if (status === 405) assert.ok((headers.allow ?? "").length > 0);
    }
  });

  it("a body of another kind, or too large, is refused before it is looked at", async () => {
    const form = await bench.call("POST", "/v1/agents", {
      token,
      body: "a=b",
      headers: { "content-type": "text/plain" },
    });
    assert.deepEqual([form.status, form.json.code], [415, "registration.media-type"]);
    const large = await bench.call("POST", "/v1/agents", { token, body: `"${"x".repeat(70_000)}"` });
    assert.deepEqual([large.status, large.json.code], [413, "registration.body-too-large"]);
    const chunked = await bench.call("POST", "/v1/agents", {
      token,
      body: `"${"x".repeat(70_000)}"`,
      headers: { "transfer-encoding": "chunked" },
    });
    assert.equal(chunked.status, 413);
  });

  it("health needs no token", async () => {
    assert.deepEqual((await bench.call("GET", "/v1/health")).json, { status: "ok" });
  });
});

describe("with the rest of the router", { skip }, () => {
  it("a configured agent is not the agent's to change, but its own to drain", async () => {
    await using bench = await startBench();
    const token = await bench.mint();
    await bench.call("POST", "/v1/agents", { token, body: registration() });
    const { tenant, offers } = bench.directory.agent(AGENT_A)!;
    bench.directory.register({ agent: AGENT_A, tenant, offers, source: "configuration" });
    const held = async (method: string, path: string, body?: unknown) =>
      (await bench.call(method, path, { token, body })).json?.code;
    assert.equal(await held("POST", "/v1/agents", registration()), "registration.agent-held");
    assert.equal(await held("PATCH", AGENT_PATH, registration()), "registration.agent-held");
    assert.equal(await held("DELETE", AGENT_PATH), "registration.agent-held");
    assert.equal(await held("POST", `${AGENT_PATH}/drain`), undefined);
    assert.equal(bench.directory.instancesOf(AGENT_A)[0]!.adminState, "draining");
  });

  it("a store that cannot be written is 503, nothing is announced, and the router lives on", async () => {
    const store = new MemoryStore();
    await using bench = await startBench({ store });
    const token = await bench.mint();
    store.failure = new DirectoryError({ code: "directory.store-failed", errno: "ENOSPC" });
    const refused = await bench.call("POST", "/v1/agents", { token, body: registration() });
    assert.deepEqual([refused.status, refused.json.code], [503, "registration.store-failed"]);
    assert.match(refused.json.detail, /ENOSPC/);
    assert.equal(refused.headers["retry-after"], "10");
    assert.equal(bench.directory.size, 0);
    store.failure = undefined;
    assert.equal((await bench.call("POST", "/v1/agents", { token, body: registration() })).status, 201);
  });

  it("our own mistake is 500 without a word about it, and one line in the log", async () => {
    const store = new MemoryStore();
    await using bench = await startBench({ store });
    store.failure = new TypeError("secret detail");
    const { status, text } = await bench.call("POST", "/v1/agents", {
      token: await bench.mint(),
      body: registration(),
    });
    assert.equal(status, 500);
    assert.ok(!text.includes("secret detail"));
    assert.deepEqual(
      bench.log.lines.filter(({ level }) => level === "error").map(({ event }) => event),
      ["registration.failed"],
    );
  });

  it("an acknowledged registration is there after a restart", async () => {
    const state = folder();
    const at = { log: new ListLog(), metrics: new TallyMetrics() };
    const restarted = async (run: (bench: Bench, directory: Directory) => Promise<void>) => {
      await using store = await openDirectoryStore(state, at);
      await using bench = await startBench({ store });
      await bench.registrar.restore(() => true);
      await run(bench, bench.directory);
    };
    await restarted(async (bench) => {
      const token = await bench.mint();
      await bench.call("POST", "/v1/agents", { token, body: registration() });
      await bench.call("POST", `${AGENT_PATH}/drain`, { token });
    });
    await restarted(async (_, directory) => {
      const [instance] = directory.instancesOf(AGENT_A);
      assert.deepEqual([instance!.adminState, instance!.weight, instance!.labels], ["draining", 20, ["eu"]]);
    });
  });
});
