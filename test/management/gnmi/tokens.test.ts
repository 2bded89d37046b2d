import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { type JWTHeaderParameters, SignJWT } from "jose";
import { type KeyPair, keyPair } from "../../registration/bench.ts";
import {
  ADDRESS,
  type GnmiClient,
  type GnmiRouter,
  gnmiPath,
  PORT,
  refusal,
  startGnmiRouter,
  update,
} from "./gnmi-router.ts";

const run = promisify(execFile);
const TOKEN = fileURLToPath(new URL("./peers/access_token.py", import.meta.url));
const PYTHON = "/usr/bin/python3";
/** Clocks may differ by so much. */
const SKEW = 10;
const ISSUER = "https://login.example";

const now = (): number => Math.floor(Date.now() / 1000);
const keySet = (...keys: readonly KeyPair[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

describe("gNMI: access tokens", () => {
  let router: GnmiRouter;
  let [first, second] = [undefined as unknown as KeyPair, undefined as unknown as KeyPair];
  before(async () => {
    [first, second] = await Promise.all([keyPair("first"), keyPair("second")]);
    const issuer = (name: string, more: object = {}): object => ({
      ...{ name, issuer: `${ISSUER}/${name}`, audience: "r1", "jwks-file": "keys.json", ...more },
    });
    const nacm = {
      groups: { group: [{ name: "admins", "user-name": ["admin"] }] },
      "rule-list": [{ name: "admins", group: ["admins"], rule: [{ name: "all", action: "permit" }] }],
    };
    // The folder is made with the router, so the issuers come once there is a file of keys.
    router = await startGnmiRouter({}, {}, { nacm });
    await writeFile(path.join(router.folder, "keys.json"), keySet(first));
    const issuers = [issuer("main"), issuer("other", { "token-type": "any", "user-claim": "preferred_username" })];
    await router.client().set({ update: [update("/router/management/grpc", { "token-issuer": issuers })] });
  });
  after(() => router[Symbol.asyncDispose]());

  const mint = (
    claims: Readonly<Record<string, unknown>> = {},
    key = first,
    header: Partial<JWTHeaderParameters> = {},
  ): Promise<string> =>
    new SignJWT({ iss: `${ISSUER}/main`, aud: "r1", sub: "admin", iat: now(), exp: now() + 600, ...claims })
      .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: key.jwk.kid!, ...header })
      .sign(key.privateKey);
  const clientWith = (authorization: string): GnmiClient => {
    const client = router.client({});
    client.metadata.set("authorization", authorization);
    return client;
  };
  const name = async (token: string): Promise<unknown> => clientWith(`Bearer ${token}`).value("/router/name");

  it("lets in the user that it names, with his rights", async () => {
    assert.equal(await name(await mint()), "r1");
    const reader = clientWith(`Bearer ${await mint({ sub: "reader" })}`);
    assert.equal(await reader.value("/router/name"), "r1");
    const change = update("/router/taxonomy/capability[name=/vision/ocr][major-version=1]/description", "x");
    assert.equal((await refusal(reader.set({ update: [change] }))).code, status.PERMISSION_DENIED);
    const other = { iss: `${ISSUER}/other`, sub: "8d7f", preferred_username: "reader" };
    assert.equal(await name(await mint(other, first, { typ: "JWT" })), "r1");
    assert.equal(await router.client().value("/router/name"), "r1", "passwords are as good as before");
  });

  it("grpcio with its own credentials for access tokens", async (t) => {
    try {
      await run(PYTHON, ["-c", "import grpc, google.protobuf"]);
    } catch {
      return t.skip("skipped: there is no python3-grpcio");
    }
    const told = async (token: string): Promise<object> => {
      const args = ["-B", TOKEN, `${ADDRESS}:${PORT}`, path.join(router.folder, "server.pem"), token];
      return JSON.parse((await run(PYTHON, args, { timeout: 60_000 })).stdout);
    };
    assert.deepEqual(await told(await mint()), { name: "r1" });
    assert.deepEqual(await told("x"), { error: ["UNAUTHENTICATED", "the access token is not good here"] });
  });

  it("one that is not good is refused in the same words, whatever is wrong with it", async () => {
    const good = await mint();
    const cases: Readonly<Record<string, string>> = {
      "no token": "Bearer",
      "another scheme": "Basic YWRtaW46eA==",
      expired: `Bearer ${await mint({ exp: now() - SKEW - 1 })}`,
      "without an expiry": `Bearer ${await mint({ exp: undefined })}`,
      "of another issuer": `Bearer ${await mint({ iss: "https://evil.example" })}`,
      "for another audience": `Bearer ${await mint({ aud: "r2" })}`,
      "of another type": `Bearer ${await mint({}, first, { typ: "JWT" })}`,
      "signed with another key": `Bearer ${await mint({}, { ...second, jwk: first.jwk })}`,
      "of nobody here": `Bearer ${await mint({ sub: "root" })}`,
      "of no user": `Bearer ${await mint({ iss: `${ISSUER}/other` })}`,
      "bound to a key": `Bearer ${await mint({ cnf: { jkt: "x" } })}`,
      "bound to a certificate": `Bearer ${await mint({ cnf: { "x5t#S256": "x" } })}`,
      'with alg "none"': `Bearer ${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${good.split(".")[1]}.`,
      "cut off": `Bearer ${good.slice(0, -1)}`,
    };
    for (const [what, authorization] of Object.entries(cases)) {
      const refused = await refusal(clientWith(authorization).get(["/router/name"]));
      assert.deepEqual(
        [refused.code, refused.details],
        [status.UNAUTHENTICATED, "the access token is not good here"],
        what,
      );
    }
    assert.match(router.process.log, /"reason":"it names no user of this router","event":"gnmi\.token-refused"/);
  });

  it("keys roll over live: first both, then the new one only", async () => {
    const reloads = (): number => router.process.log.split("registration.jwks.reloaded").length;
    /** The file is looked at again when a token comes, at most once a second. */
    const change = async (keys: string, good: KeyPair): Promise<void> => {
      const before = reloads();
      await writeFile(path.join(router.folder, "keys.json"), keys);
      const late = AbortSignal.timeout(60_000);
      const client = clientWith(`Bearer ${await mint({}, good)}`);
      while (reloads() === before) {
        assert.ok(!late.aborted, "the keys are not read again");
        assert.equal(await client.value("/router/name"), "r1");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await change(keySet(first, second), first);
    assert.equal(await name(await mint({}, second)), "r1");
    await change(keySet(second), second);
    assert.equal((await refusal(name(await mint({}, first)))).code, status.UNAUTHENTICATED);
    await change(keySet(second, first), second);
    assert.equal(await name(await mint({}, first)), "r1");
  });

  it("a subscription ends when its token does", async () => {
    const client = clientWith(`Bearer ${await mint({ exp: now() - SKEW + 3 })}`);
    const stream = client.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath("/router/name") }] });
    await stream.synced();
    await stream.over();
    assert.equal(stream.error?.code, status.UNAUTHENTICATED);
    assert.match(stream.error!.details, /expired: call again/);
  });

  it("a key set that is none is refused with the commit", async () => {
    await writeFile(path.join(router.folder, "none.json"), "{}");
    const none = { name: "none", issuer: "https://n.example", audience: "r1", "jwks-file": "none.json" };
    const at = "/router/management/grpc/token-issuer[name=none]";
    const refused = await refusal(router.client().set({ update: [update(at, none)] }));
    assert.match(refused.details, /none\.json cannot be used/);
    const missing = await refusal(router.client().set({ update: [update(at, { ...none, "jwks-file": "missing" })] }));
    assert.match(missing.details, /missing/);
  });

  it("a token with a bit flipped is refused", async () => {
    const good = await mint();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: good.length * 6 - 1 }), async (bit) => {
        // Of what base64url stands for: the last character has bits that mean nothing.
        const parts = good.split(".").map((part) => Buffer.from(part, "base64url"));
        let at = bit;
        for (const part of parts) {
          if (at < part.length * 8) part[at >> 3]! ^= 1 << (at & 7);
          at -= part.length * 8;
        }
        const flipped = parts.map((part) => part.toString("base64url")).join(".");
        if (flipped === good) return;
        const { code } = await refusal(clientWith(`Bearer ${flipped}`).get(["/router/name"]));
        assert.ok(code === status.UNAUTHENTICATED || code === status.RESOURCE_EXHAUSTED, `${code}`);
      }),
      { numRuns: 12 },
    );
  });

  it("too many bad ones of one source are not even looked at", async () => {
    const client = clientWith("Bearer x.y.z");
    let code: number = status.UNAUTHENTICATED;
    for (let i = 0; i < 30 && code === status.UNAUTHENTICATED; i++) {
      code = (await refusal(client.get(["/router/name"]))).code;
    }
    assert.equal(code, status.RESOURCE_EXHAUSTED);
  });
});
