import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { loadProto } from "../../../src/management/gnmi/service.ts";
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
import { framed, rawCall } from "./raw-call.ts";

const CAPABILITY = "/router/taxonomy/capability[name=/vision/ocr][major-version=1]";

describe("gNMI: what a client may not do to the router", () => {
  let router: GnmiRouter;
  let client: GnmiClient;
  before(async () => {
    router = await startGnmiRouter({ "maximum-message-size": 65_536 });
    client = router.client();
  });
  after(() => router[Symbol.asyncDispose]());
  const alive = async (): Promise<void> => assert.equal(await client.value("/router/name"), "r1");

  const raw = (method: string, octets: Uint8Array): Promise<number> => rawCall(router, `/gnmi.gNMI/${method}`, octets);

  it("a Set cut off at each octet, or with a bit flipped, is refused or carried out whole", async () => {
    const set = loadProto()["gnmi.gNMI"] as unknown as Record<string, { requestSerialize(value: object): Buffer }>;
    const message = set.Set!.requestSerialize({ update: [update(`${CAPABILITY}/description`, "cut")] });
    for (let length = 0; length < message.length; length += 3) {
      assert.notEqual(await raw("Set", framed(message.subarray(0, length))), -1, `${length} octets`);
    }
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: message.length * 8 - 1 }), async (bit) => {
        const flipped = Buffer.from(message);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        assert.notEqual(await raw("Set", framed(flipped)), -1);
      }),
      { numRuns: 40 },
    );
    await alive();
  });

  it("origin semrd-control, cut off at each octet, or with a bit flipped", async () => {
    const service = loadProto()["gnmi.gNMI"] as unknown as Record<string, { requestSerialize(value: object): Buffer }>;
    const path = { ...gnmiPath("/agents[id=urn:nobody]/drain"), origin: "semrd-control" };
    const list = { ...gnmiPath("/agents[tenant=acme]"), origin: "semrd-control" };
    const once_ = { subscribe: { mode: "ONCE", encoding: "JSON", subscription: [{ path: list }] } };
    for (const [method, request] of [
      ["Set", { update: [{ path, val: { json_val: Buffer.from("{}") } }] }],
      ["Get", { path: [list] }],
      ["Subscribe", once_],
    ] as const) {
      const message = service[method]!.requestSerialize(request);
      for (let length = 0; length < message.length; length += 3) {
        assert.notEqual(await raw(method, framed(message.subarray(0, length))), -1, `${method}: ${length} octets`);
      }
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: message.length * 8 - 1 }), async (bit) => {
          const flipped = Buffer.from(message);
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          assert.notEqual(await raw(method, framed(flipped)), -1);
        }),
        { numRuns: 20 },
      );
    }
    await alive();
  });

  it("origin semrd-control: bodies that nest, are long, or no UTF-8, and what is for the host only", async () => {
    const at = (text: string): object => ({ ...gnmiPath(text), origin: "semrd-control" });
    const set = (text: string, body: Uint8Array) =>
      client.set({ update: [{ path: at(text), val: { json_val: body } }] });
    const deep = Buffer.from(`${"[".repeat(5_000)}${"]".repeat(5_000)}`);
    for (const body of [deep, Buffer.of(0xff, 0xfe), Buffer.from("7"), Buffer.alloc(0)]) {
      assert.equal((await refusal(set("/config/steps", body))).code, status.INVALID_ARGUMENT);
    }
    const hostOnly = await refusal(set("/check-config[folder=/etc]", Buffer.from("{}")));
    assert.deepEqual([hostOnly.code, /control\.host-only/.test(hostOnly.details)], [status.PERMISSION_DENIED, true]);
    const many = Array.from({ length: 17 }, () => at("/status"));
    assert.equal((await refusal(client.call("Get", { path: many }))).code, status.INVALID_ARGUMENT);
    await alive();
  });

  it("garbage, lying lengths and other methods", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("Get", "Set", "Capabilities", "Subscribe"),
        fc.uint8Array({ maxLength: 64 }),
        async (method, octets) => {
          await raw(method, framed(octets, octets.length));
        },
      ),
      { numRuns: 40 },
    );
    assert.notEqual(await raw("Get", framed(Buffer.alloc(10), 0xffff_fff0)), 0);
    assert.equal(await raw("Nothing", framed(Buffer.alloc(0))), status.UNIMPLEMENTED);
    await alive();
  });

  it("a message above the limit", async () => {
    const long = await refusal(client.set({ update: [update(`${CAPABILITY}/description`, "x".repeat(70_000))] }));
    assert.equal(long.code, status.RESOURCE_EXHAUSTED);
    await alive();
  });

  it("deep paths, many wildcards, JSON that nests", async () => {
    const deep = await refusal(client.get([`/router${"/x".repeat(500)}`]));
    assert.equal(deep.code, status.INVALID_ARGUMENT);
    const anywhere = await refusal(client.get(["/.../.../.../.../..."]));
    assert.equal(anywhere.code, status.INVALID_ARGUMENT);
    await client.get(["/.../*/.../name"], { type: "CONFIG" });
    const nested = Buffer.from(`${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`);
    for (const val of [{ json_ietf_val: nested }, { json_val: nested }]) {
      const refused = await refusal(client.set({ update: [{ path: gnmiPath("/router/taxonomy"), val }] }));
      assert.ok(refused.code !== status.OK && refused.code !== status.INTERNAL, refused.details);
    }
    const list = Array.from({ length: 300 }, () => gnmiPath("/router/name"));
    assert.equal(
      (await refusal(client.call("Get", { path: list, encoding: "JSON_IETF" }))).code,
      status.INVALID_ARGUMENT,
    );
    await alive();
  });

  it("keys with quotation marks and brackets", async () => {
    for (const name of ["a'b", 'a"b', "a]b", "a'b\"c", "../x", ""]) {
      const escaped = name.replace(/[\]\\]/g, "\\$&");
      const refused = await refusal(client.get([`/router/tenants/tenant[name=${escaped}]`]));
      assert.ok([status.NOT_FOUND, status.INVALID_ARGUMENT].includes(refused.code), `${name}: ${refused.details}`);
    }
    await alive();
  });

  it("a reader that pauses gets the last value", async () => {
    const often = { mode: "SAMPLE", sample_interval: 100_000_000 };
    const stream = client.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath("/router"), ...often }] });
    await stream.synced();
    stream.call.pause();
    for (let i = 0; i < 20; i++) await client.set({ update: [update(`${CAPABILITY}/description`, `value ${i}`)] });
    await alive();
    stream.call.resume();
    await stream.until(() => stream.has(`${CAPABILITY}/description`, "value 19"), "the last value");
    stream.cancel();
  });

  it("half-open connections, and those without TLS", async () => {
    const sockets = Array.from({ length: 50 }, () => connect({ host: ADDRESS, port: PORT, ca: router.ca }));
    for (const socket of sockets) socket.on("error", () => undefined);
    await Promise.all(sockets.map((socket) => once(socket, "secureConnect")));
    await alive();
    for (const socket of sockets) socket.destroy();
  });

  it("configuration files: a certificate that is none is refused before anything changes", async () => {
    await writeFile(path.join(router.folder, "none.pem"), "no certificate");
    const key = "/router/keystore/asymmetric-keys/asymmetric-key[name=server]/certificates/certificate[name=server]";
    const tls = update(`${key}/certificate-file`, "none.pem");
    const refused = await refusal(client.set({ update: [tls] }));
    assert.match(refused.details, /certificate/);
    assert.ok((await readFile(path.join(router.folder, "server.pem"))).length > 0);
    await alive();
  });
});
