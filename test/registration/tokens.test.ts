import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { calculateJwkThumbprint, exportJWK, exportSPKI, importJWK, SignJWT } from "jose";
import { parseCapabilityName } from "../../src/base/index.ts";
import { createTokenVerifier } from "../../src/registration/index.ts";
import { parseScopes } from "../../src/registration/scopes.ts";
import { AGENT_A, AGENT_B } from "../directory/samples.ts";
import { ListLog } from "../sim/tally-metrics.ts";
import {
  AGENT_PATH,
  type Bench,
  certificate,
  hasOpenssl,
  type KeyPair,
  keyPair,
  NO_OPENSSL,
  registration,
  startBench,
} from "./bench.ts";

const skip = hasOpenssl ? false : NO_OPENSSL;

describe("access tokens (RFC 9068 §4)", { skip }, () => {
  let bench: Bench;
  let other: KeyPair;
  before(async () => {
    bench = await startBench();
    other = await keyPair("key-1");
  });
  after(() => bench[Symbol.asyncDispose]());

  const now = (): number => Math.floor(bench.clock.wall() / 1000);
  const TOKENS: readonly { name: string; token: () => Promise<string> | string; want: string }[] = [
    { name: "as it should be", token: () => bench.mint(), want: "201" },
    { name: "expired within the skew of clocks", token: () => bench.mint({ exp: now() - 9 }), want: "201" },
    { name: "expired", token: () => bench.mint({ exp: now() - 11 }), want: "401 token-expired" },
    { name: "not valid yet", token: () => bench.mint({ nbf: now() + 60 }), want: "401 token-invalid" },
    { name: "without an expiry", token: () => bench.mint({ exp: undefined }), want: "401 token-invalid" },
    { name: "of another issuer", token: () => bench.mint({ iss: "https://evil.example" }), want: "401 token-invalid" },
    { name: "for another audience", token: () => bench.mint({ aud: ["other", "else"] }), want: "401 token-invalid" },
    {
      name: "for several audiences, ours among them",
      token: () => bench.mint({ aud: ["other", "semrd"] }),
      want: "201",
    },
    { name: "without a subject", token: () => bench.mint({ sub: undefined }), want: "401 token-invalid" },
    { name: "whose subject is no URI", token: () => bench.mint({ sub: "../../etc" }), want: "401 token-invalid" },
    {
      name: "whose subject has an escape sequence",
      token: () => bench.mint({ sub: `${AGENT_A}\u001b[31m` }),
      want: "401 token-invalid",
    },
    {
      name: "whose subject is too long for the model",
      token: () => bench.mint({ sub: `${AGENT_A}${"a".repeat(512)}` }),
      want: "401 token-invalid",
    },
    {
      name: "whose subject is an identity of another tenant",
      token: () => bench.mint({ sub: "spiffe://example.net/globex/agent/ocr-a" }),
      want: "403 agent-mismatch",
    },
    { name: "whose subject names no tenant", token: () => bench.mint({ sub: "urn:example:ocr-a" }), want: "201" },
    { name: "without a tenant", token: () => bench.mint({ tenant: undefined }), want: "401 token-invalid" },
    {
      name: "of a tenant that is not served",
      token: () => bench.mint({ tenant: "nobody" }),
      want: "403 tenant-unknown",
    },
    { name: "of another type", token: () => bench.mint({}, { typ: "JWT" }), want: "401 token-invalid" },
    {
      name: "signed with another key of the same kid",
      token: () => bench.mint({}, {}, other.privateKey),
      want: "401 token-invalid",
    },
    {
      name: "of a kid that is not in the set",
      token: () => bench.mint({}, { kid: "key-9" }),
      want: "401 token-invalid",
    },
    { name: "not a token", token: () => "abc", want: "401 token-invalid" },
    {
      name: 'with alg "none"',
      token: async () => {
        const [, payload] = (await bench.mint()).split(".");
        return `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${payload}.`;
      },
      want: "401 token-invalid",
    },
    {
      name: "with HMAC over the public key (RFC 8725 §2.1)",
      token: async () => {
        const secret = new TextEncoder().encode(await exportSPKI((await importJWK(bench.key.jwk, "ES256")) as never));
        return bench.mint({}, { alg: "HS256" }, secret);
      },
      want: "401 token-invalid",
    },
    { name: "with a changed claim", token: async () => changed(await bench.mint()), want: "401 token-invalid" },
    {
      name: "for another capability",
      token: () => bench.mint({ scope: "capability:/audio/speech" }),
      want: "403 scope-missing",
    },
    { name: "without scopes", token: () => bench.mint({ scope: undefined }), want: "403 scope-missing" },
    { name: "of another agent, which registers itself", token: () => bench.mint({ sub: AGENT_B }), want: "201" },
    { name: "bound in an unknown way", token: () => bench.mint({ cnf: { kid: "x" } }), want: "401 proof-invalid" },
  ];
  for (const { name, token, want } of TOKENS) {
    it(`a token ${name}: ${want}`, async () => {
      for (const agent of [AGENT_A, AGENT_B, "urn:example:ocr-a"]) bench.directory.remove(agent, "command");
      const text = await token();
      const body = registration();
      const { status, json, headers } = await bench.call("POST", "/v1/agents", { token: text, body });
      const code = json.code === undefined ? "" : ` ${json.code.replace("registration.", "")}`;
      assert.equal(`${status}${code}`, want);
      assert.equal(bench.directory.size, want === "201" ? 1 : 0);
      if (status === 401) assert.match(headers["www-authenticate"]!, /^(Bearer|DPoP) realm="semrd", error="invalid_/);
      const last = bench.log.lines.at(-1)!;
      assert.deepEqual([last.event, last.fields.code], ["registration.decision", json.code]);
      assert.ok(!JSON.stringify(bench.log.lines).includes(text), "the token is in the log");
      bench.clock.advance(2_000); // one more refusal is allowed
    });
  }

  it("no token, or another scheme, is challenged without an error code (RFC 6750 §3.1)", async () => {
    for (const headers of [{}, { authorization: "Basic YTpi" }, { authorization: "Bearer" }]) {
      const answer = await bench.call("GET", AGENT_PATH, { headers });
      assert.deepEqual([answer.status, answer.json.code], [401, "registration.token-missing"]);
      assert.equal(answer.headers["www-authenticate"], 'Bearer realm="semrd"');
      bench.clock.advance(2_000);
    }
  });

  it("a missing scope is named (RFC 6750 §3)", async () => {
    const token = await bench.mint({ scope: "capability:/audio/*" });
    const { headers, json } = await bench.call("POST", "/v1/agents", { token, body: registration() });
    assert.equal(
      headers["www-authenticate"],
      'Bearer realm="semrd", error="insufficient_scope", scope="capability:/vision/ocr"',
    );
    assert.equal(json.scope, "capability:/vision/ocr");
  });

  it("a token that lost a scope cannot renew what it no longer covers", async () => {
    await bench.call("POST", "/v1/agents", { token: await bench.mint(), body: registration() });
    const token = await bench.mint({ scope: "capability:/audio/speech" });
    const { json } = await bench.call("POST", `${AGENT_PATH}/renew`, { token });
    assert.equal(json.code, "registration.scope-missing");
  });

  it("nobody learns of, changes or removes another's agent, nor one of another tenant", async () => {
    await bench.call("POST", "/v1/agents", { token: await bench.mint(), body: registration() });
    const stranger = await bench.mint({ sub: AGENT_B });
    const elsewhere = await bench.mint({ tenant: "globex" });
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/renew"],
      ["POST", "/drain"],
    ] as const) {
      const codes = await Promise.all(
        [stranger, elsewhere].map(async (token) => (await bench.call(method, AGENT_PATH + path, { token })).json.code),
      );
      assert.deepEqual(codes, ["registration.agent-mismatch", "registration.unknown-agent"], `${method} ${path}`);
    }
    const unknown = await bench.call("GET", `${AGENT_PATH}-nobody`, { token: stranger });
    assert.equal(unknown.json.code, "registration.agent-mismatch");
    const named = await bench.call("POST", "/v1/agents", { token: elsewhere, body: registration() });
    assert.deepEqual([named.status, named.json.code], [403, "registration.agent-mismatch"]);
    assert.equal(bench.directory.size, 1);
    // An identity that names no tenant is whose it was first.
    const codes = [];
    for (const tenant of ["acme", "globex"]) {
      const token = await bench.mint({ sub: "urn:example:held", tenant });
      codes.push((await bench.call("POST", "/v1/agents", { token, body: registration() })).json.code);
    }
    assert.deepEqual(codes, [undefined, "registration.agent-held"]);
    bench.directory.remove("urn:example:held", "command");
  });

  it("an address with many refused tokens has to wait, whatever it sends then", async () => {
    await using fresh = await startBench();
    const codes: string[] = [];
    for (let i = 0; i < 22; i++) codes.push((await fresh.call("GET", AGENT_PATH, { token: "x" })).json.code);
    assert.deepEqual(codes.slice(19), [
      "registration.token-invalid",
      "registration.rate-limited",
      "registration.rate-limited",
    ]);
    const good = await fresh.call("GET", AGENT_PATH, { token: await fresh.mint() });
    assert.deepEqual([good.status, good.headers["retry-after"]], [429, "2"]);
    fresh.clock.advance(2_000);
    assert.equal((await fresh.call("GET", AGENT_PATH, { token: await fresh.mint() })).status, 404);
  });

  it("a flood of requests without a token is counted one by one, and fills no log", async () => {
    await using fresh = await startBench();
    const logged = (level: string) =>
      fresh.log.lines.filter((line) => line.level === level && line.event === "registration.decision").length;
    for (let i = 0; i < 100; i++) await fresh.call("POST", "/v1/nowhere", {});
    assert.deepEqual([logged("info"), logged("debug")], [30, 70]);
    fresh.clock.advance(2_000);
    for (let i = 0; i < 10; i++) await fresh.call("POST", "/v1/nowhere", {});
    assert.deepEqual([logged("info"), logged("debug")], [32, 78]);
    await fresh.call("POST", "/v1/agents", { token: await fresh.mint(), body: registration() });
    assert.equal(logged("info"), 33);
  });
});

/** The token with one character of its payload changed. */
function changed(token: string): string {
  const [header, payload, signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload!, "base64url").toString()) as Record<string, unknown>;
  const forged = Buffer.from(JSON.stringify({ ...claims, scope: "capability:/*" })).toString("base64url");
  return `${header}.${forged}.${signature}`;
}

describe("key sets", { skip }, () => {
  it("a changed file is in force within a second; a wrong or missing one is reported once and changes nothing", async () => {
    await using bench = await startBench();
    const next = await keyPair("key-2");
    const status = async (kid: string, key: KeyPair) =>
      (await bench.call("GET", AGENT_PATH, { token: await bench.mint({}, { kid }, key.privateKey) })).status;
    assert.deepEqual([await status("key-1", bench.key), await status("key-2", next)], [404, 401]);
    writeFileSync(bench.jwksFile, JSON.stringify({ keys: [next.jwk] }));
    assert.equal(await status("key-1", bench.key), 404);
    bench.clock.advance(1_000);
    assert.deepEqual([await status("key-1", bench.key), await status("key-2", next)], [401, 404]);
    for (const content of ["{", JSON.stringify({ keys: [] }), undefined, undefined]) {
      if (content === undefined) rmSync(bench.jwksFile, { force: true });
      else writeFileSync(bench.jwksFile, content);
      bench.clock.advance(1_000);
      assert.equal(await status("key-2", next), 404);
    }
    const events = bench.log.lines.filter(({ event }) => event.startsWith("registration.jwks"));
    assert.deepEqual(
      events.map(({ level, event }) => `${level} ${event}`),
      ["info registration.jwks.reloaded", ...Array(3).fill("error registration.jwks.unreadable")],
    );
    writeFileSync(bench.jwksFile, JSON.stringify({ keys: [bench.key.jwk] }));
    bench.clock.advance(1_000);
    assert.equal(await status("key-1", bench.key), 404);
  });

  it("a token without kid is tried with every key that fits", async () => {
    await using bench = await startBench();
    const more = await Promise.all(["a", "b", "c"].map((kid) => keyPair(kid)));
    writeFileSync(bench.jwksFile, JSON.stringify({ keys: [...more.map(({ jwk }) => jwk), bench.key.jwk] }));
    bench.clock.advance(1_000);
    const bare = { kid: undefined } as unknown as { kid: string };
    assert.equal((await bench.call("GET", AGENT_PATH, { token: await bench.mint({}, bare) })).status, 404);
    const stranger = await keyPair("d");
    const forged = await bench.mint({}, bare, stranger.privateKey);
    assert.equal((await bench.call("GET", AGENT_PATH, { token: forged })).status, 401);
  });

  it("a key set that cannot be used stops the start, with the file and the reason", async () => {
    await using bench = await startBench();
    const issuer = { name: "lab", issuer: "https://i", audience: "semrd", jwksFile: bench.jwksFile };
    const start = () => createTokenVerifier([issuer], { clock: bench.clock, log: new ListLog() });
    const secret = { ...bench.key.jwk, ...(await exportJWK(bench.key.privateKey)) };
    for (const [content, reason] of [
      [JSON.stringify({ keys: [secret] }), /secret member "d"/],
      [JSON.stringify({ keys: [{ kty: "oct", k: "AAAA" }] }), /secret member "k"/],
      ['{"keys": 1}', /it has no "keys"/],
      ["nonsense", /JSON/],
    ] as const) {
      writeFileSync(bench.jwksFile, content);
      await assert.rejects(start(), reason);
    }
    rmSync(bench.jwksFile);
    await assert.rejects(start(), /issuer\.jwks cannot be used: ENOENT/);
  });
});

describe("tokens that are bound to a key", { skip }, () => {
  it("to a certificate: only with that certificate (RFC 8705 §3)", async () => {
    await using bench = await startBench();
    const [mine, other] = [certificate(bench.path, "mine"), certificate(bench.path, "other")];
    const { raw } = new X509Certificate(readFileSync(mine.certificateFile));
    const x5t = createHash("sha256").update(raw).digest("base64url");
    const token = await bench.mint({ cnf: { "x5t#S256": x5t } });
    const code = async (client?: typeof mine) =>
      (await bench.call("GET", AGENT_PATH, { token, ...(client === undefined ? {} : { client }) })).json.code;
    assert.equal(await code(mine), "registration.unknown-agent");
    assert.equal(await code(other), "registration.proof-invalid");
    assert.equal(await code(), "registration.proof-invalid");
  });

  it("to a key: only with a fresh proof for this request and this token (RFC 9449 §4.3)", async () => {
    await using bench = await startBench();
    const [mine, other] = [await keyPair("m"), await keyPair("o")];
    const token = await bench.mint({ cnf: { jkt: await calculateJwkThumbprint(mine.jwk) } });
    const htu = `https://[::1]:${bench.port}${AGENT_PATH}`;
    let count = 0;
    const prove = async (claims: Record<string, unknown> = {}, key = mine, typ = "dpop+jwt"): Promise<string> => {
      const { kty, crv, x, y } = key.jwk;
      const ath = createHash("sha256").update(token).digest("base64url");
      const iat = Math.floor(bench.clock.wall() / 1000);
      return new SignJWT({ htm: "GET", htu, ath, iat, jti: `proof-${count++}`, ...claims })
        .setProtectedHeader({ alg: "ES256", typ, jwk: { kty, crv, x, y } as never })
        .sign(key.privateKey);
    };
    const code = async (dpop: string | undefined, scheme = "DPoP", with_ = token) => {
      const headers = { authorization: `${scheme} ${with_}`, ...(dpop === undefined ? {} : { dpop }) };
      return (await bench.call("GET", AGENT_PATH, { headers })).json.code.replace("registration.", "");
    };
    const proof = await prove();
    assert.equal(await code(proof), "unknown-agent");
    assert.equal(await code(proof), "proof-invalid", "replayed");
    const bad = [
      undefined,
      await prove({ htm: "POST" }),
      await prove({ htu: `https://[::1]:${bench.port}/v1/agents` }),
      await prove({ htu: 5 }),
      await prove({ ath: "x" }),
      await prove({ iat: Math.floor(bench.clock.wall() / 1000) - 61 }),
      await prove({ iat: undefined }),
      await prove({ jti: "" }),
      await prove({}, other),
      await prove({}, mine, "JWT"),
      "x.y.z",
    ];
    for (const [i, dpop] of bad.entries()) assert.equal(await code(dpop), "proof-invalid", `proof ${i}`);
    assert.equal(await code(await prove(), "Bearer"), "proof-invalid", "downgraded");
    assert.equal(await code(await prove(), "DPoP", await bench.mint()), "proof-invalid", "not bound");
    bench.clock.advance(30_000);
    assert.equal(await code(await prove()), "unknown-agent");
  });
});

it("scopes cover names, or what is below a name, and nothing by accident", () => {
  const covers = (scope: unknown, name: string) => parseScopes(scope).covers(parseCapabilityName(name)!);
  const TABLE: readonly [unknown, string, boolean][] = [
    ["capability:/vision/ocr", "/vision/ocr", true],
    ["openid capability:/Vision/OCR profile", "/vision/ocr", true],
    ["capability:/capability/vision/ocr", "/vision/ocr", true],
    ["capability:/vision/ocr", "/vision/ocr/fast", false],
    ["capability:/vision/ocr", "/vision/ocr-fast", false],
    ["capability:/vision/*", "/vision/ocr", true],
    ["capability:/vision/", "/vision/ocr/fast", true],
    ["capability:/vision/*", "/vision", false],
    ["capability:/vision/*", "/visions/ocr", false],
    ["capability:/*", "/audio/speech", true],
    ["capability:/", "/audio/speech", true],
    ["capability:*", "/audio/speech", false],
    ["capability:", "/audio/speech", false],
    ["capability:/vis*", "/vision/ocr", false],
    ["/vision/ocr", "/vision/ocr", false],
    [["capability:/vision/ocr"], "/vision/ocr", false],
    [undefined, "/vision/ocr", false],
  ];
  for (const [scope, name, want] of TABLE) assert.equal(covers(scope, name), want, `${String(scope)} ${name}`);
});
