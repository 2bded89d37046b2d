import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect as connectPlain, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import fc from "fast-check";
import { seconds } from "../../src/base/index.ts";
import { startRegistrationServer } from "../../src/registration/index.ts";
import { AGENT_A, SPEECH } from "../directory/samples.ts";
import {
  AGENT_PATH,
  type Bench,
  certificate,
  hasOpenssl,
  LOCATOR,
  NO_OPENSSL,
  registration,
  startBench,
} from "./bench.ts";

const skip = hasOpenssl ? false : NO_OPENSSL;

async function dial(bench: Bench, changes: ConnectionOptions = {}): Promise<TLSSocket> {
  const ca = readFileSync(bench.tls.certificateFile);
  const socket = connect({ host: "::1", port: bench.port, ca, ALPNProtocols: ["http/1.1"], ...changes });
  await once(socket, "secureConnect");
  return socket;
}

/** What the server says until it closes. */
async function drain(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  socket.on("error", () => {}); // a reset ends it as well
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return text;
}

describe("connections", { skip }, () => {
  let bench: Bench;
  before(async () => {
    bench = await startBench();
  });
  after(() => bench[Symbol.asyncDispose]());

  it("are TLS 1.3 and nothing older", async () => {
    const socket = await dial(bench);
    assert.equal(socket.getProtocol(), "TLSv1.3");
    socket.destroy();
    await assert.rejects(dial(bench, { maxVersion: "TLSv1.2" }), /alert protocol version/i);
    assert.ok(bench.metrics.value("semrd_registration_connections_broken_total", { reason: "tls" }) >= 1);
  });

  it("resume no session, so a certificate is shown anew each time", async () => {
    const socket = await dial(bench);
    const sessions: Buffer[] = [];
    socket.on("session", (session: Buffer) => sessions.push(session));
    socket.end("GET /v1/health HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n");
    await drain(socket);
    assert.ok(sessions.length > 0, "the server offered no session to try");
    for (const session of sessions) {
      const again = await dial(bench, { session });
      assert.equal(again.isSessionReused(), false);
      again.destroy();
    }
  });

  it("that speak no TLS, or no HTTP, are closed", async () => {
    const plain = connectPlain({ host: "::1", port: bench.port });
    plain.on("error", () => {});
    plain.write("GET / HTTP/1.1\r\n\r\n");
    await new Promise<void>((resolve) => plain.once("close", () => resolve()));
    const socket = await dial(bench);
    socket.write("\x00\x01\x02 what is this\r\n\r\n");
    assert.match(await drain(socket), /^HTTP\/1\.1 400 /);
  });

  it("with header fields beyond 16 KiB get 431", async () => {
    const socket = await dial(bench);
    const closed = drain(socket);
    socket.write(`GET / HTTP/1.1\r\nHost: r\r\nX: ${"x".repeat(17_000)}`);
    assert.match(await closed, /^HTTP\/1\.1 431 /);
  });

  it("whose header trickles, or whose body never comes, get 408", { timeout: 20_000 }, async () => {
    const token = await bench.mint();
    const slow = await dial(bench);
    slow.write("GET /v1/health HTTP/1.1\r\nHost: r\r\n");
    const trickle = setInterval(() => slow.write("X"), 500);
    const bodiless = await dial(bench);
    bodiless.write(
      `POST /v1/agents HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer ${token}\r\nContent-Length: 10\r\n` +
        "Content-Type: application/json\r\n\r\n{",
    );
    try {
      const [first, second] = await Promise.all([drain(slow), drain(bodiless)]);
      assert.match(first, /^HTTP\/1\.1 408 /);
      assert.match(second, /^HTTP\/1\.1 408 /);
    } finally {
      clearInterval(trickle);
    }
  });

  it("that never finish their handshake are closed", { timeout: 20_000 }, async () => {
    const silent = connectPlain(bench.port, "::1");
    const broken = connectPlain(bench.port, "::1", () => broken.write("\x16\x03\x01\x02\x00\x01"));
    await Promise.all([drain(silent), drain(broken)]);
    assert.ok(bench.metrics.value("semrd_registration_connections_broken_total", { reason: "tls" }) >= 2);
  });

  it("that go away in the middle of a request disturb nobody", async () => {
    const socket = await dial(bench);
    const token = await bench.mint();
    socket.write(
      `POST /v1/agents HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer ${token}\r\nContent-Length: 10\r\n\r\n{`,
    );
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    assert.equal((await bench.call("GET", "/v1/health")).status, 200);
  });

  it("of one source are bounded", async () => {
    const sockets = Array.from({ length: 80 }, () => connectPlain({ host: "::1", port: bench.port }));
    // From the beginning: some may be closed before the last is there.
    const closed = sockets.map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())));
    for (const socket of sockets) socket.on("error", () => {});
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    await Promise.any(closed);
    assert.ok(bench.metrics.value("semrd_registration_connections_refused_total") >= 1);
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
  });
});

describe("certificates", { skip }, () => {
  it("are taken from their files when these change; a wrong pair changes nothing", async () => {
    await using bench = await startBench();
    const shown = async (): Promise<string> => {
      const socket = await dial(bench, { rejectUnauthorized: false });
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return String(subject.CN);
    };
    assert.equal(await shown(), "router");
    const next = certificate(bench.path, "next");
    writeFileSync(bench.tls.certificateFile, readFileSync(next.certificateFile));
    await bench.server.reloadCertificate();
    assert.equal(await shown(), "router");
    assert.equal(bench.log.lines.at(-1)!.event, "registration.certificate.unusable");
    writeFileSync(bench.tls.keyFile, readFileSync(next.keyFile));
    await bench.server.reloadCertificate();
    assert.equal(await shown(), "next");
    const old = await dial(bench, { rejectUnauthorized: false, maxVersion: "TLSv1.2" }).catch((cause: Error) => cause);
    assert.ok(old instanceof Error, "the new certificate brought TLS 1.2 back");
  });

  it("a certificate that cannot be used, and a port in use, stop the start with what to look at", async () => {
    await using bench = await startBench();
    const parts = {
      ...bench,
      taxonomy: undefined as never,
      verifier: undefined as never,
      discovery: undefined as never,
    };
    const lease = undefined as never;
    const { signal } = new AbortController();
    const at = { address: "::1", port: bench.port };
    const missing = { certificateFile: `${bench.path}/none.pem`, keyFile: bench.tls.keyFile };
    await assert.rejects(
      startRegistrationServer({ listen: [at], tls: missing, lease, locator: LOCATOR, endpoints: [] }, parts, signal),
      /cannot be used \(.*none\.pem\): there is no such certificate: check the path/,
    );
    await assert.rejects(
      startRegistrationServer({ listen: [at], tls: bench.tls, lease, locator: LOCATOR, endpoints: [] }, parts, signal),
      /registration cannot listen at \[::1\]:\d+ \(EADDRINUSE\)/,
    );
  });
});

describe("a server that is to be different while it runs", { skip }, () => {
  let bench: Bench;
  let socket: TLSSocket;
  before(async () => {
    bench = await startBench();
    socket = await dial(bench);
    socket.setEncoding("latin1");
  });
  after(async () => {
    socket?.destroy();
    await bench?.[Symbol.asyncDispose]();
  });

  const HERE = { address: "::1", port: 0 };
  const wanted = (most: number) => ({
    ...{ listen: [HERE], tls: bench.tls, verifier: { verify: () => Promise.reject(new Error("another verifier")) } },
    lease: { default: seconds(20), minimum: seconds(10), maximum: seconds(most) },
  });
  /** What is said on the connection that was there before, to a request that needs a verifier. */
  const asked = async (): Promise<string> => {
    socket.write("GET /v1/agents/x HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer x\r\n\r\n");
    let text = "";
    while (!/\r\n\r\n.+\n$/s.test(text)) text += (await once(socket, "data"))[0];
    return text;
  };

  it("goes by other settings on the connections that it has", async () => {
    assert.match(await asked(), /^HTTP\/1\.1 401 /);
    const change = await bench.server.prepare(wanted(60));
    await change.apply();
    assert.match(await asked(), /^HTTP\/1\.1 500 /);
    await change.revert();
    assert.match(await asked(), /^HTTP\/1\.1 401 /);
  });

  it("refuses an address that it cannot listen on, or a certificate that is none, with nothing changed", async () => {
    const elsewhere = { address: "2001:db8:dead::1", port: bench.port };
    await assert.rejects(
      bench.server.prepare({ ...wanted(60), listen: [HERE, elsewhere] }),
      /registration cannot listen at \[2001:db8:dead::1\]:\d+ \(EADDRNOTAVAIL\)/,
    );
    const tls = { ...bench.tls, certificateFile: `${bench.path}/none.pem` };
    await assert.rejects(
      bench.server.prepare({ ...wanted(60), tls }),
      /cannot be used \(.*none\.pem\): there is no such certificate: check the path/,
    );
    assert.match(await asked(), /^HTTP\/1\.1 401 /);
    const change = await bench.server.prepare(wanted(60));
    await change.apply();
    await change.finish();
    assert.match(await asked(), /^HTTP\/1\.1 500 /);
  });

  it("lets nobody in at another address before the change is applied, nor where it is given up", async () => {
    const elsewhere = "0:0:0:0:0:0:0:1";
    const next = { ...wanted(60), listen: [HERE, { address: elsewhere, port: 0 }] };
    const isLetIn = async (): Promise<boolean> => {
      const { fields } = bench.log.lines.findLast(({ event }) => event === "registration.listening")!;
      assert.equal(fields.address, elsewhere);
      return dial(bench, { host: elsewhere, port: Number(fields.port) }).then(
        (stream) => {
          stream.destroy();
          return true;
        },
        () => false,
      );
    };
    const refused = await bench.server.prepare(next);
    assert.equal(await isLetIn(), false);
    await refused.abandon();
    const change = await bench.server.prepare(next);
    assert.equal(await isLetIn(), false);
    await change.apply();
    await change.finish();
    assert.equal(await isLetIn(), true);
    const back = await bench.server.prepare(wanted(60));
    await back.apply();
    await back.finish();
    assert.equal(await isLetIn(), false);
  });

  it("says who does not get through TLS, and why", async () => {
    await assert.rejects(dial(bench, { maxVersion: "TLSv1.2" }), /alert protocol version/i);
    const told = bench.log.lines.find(({ event }) => event === "registration.handshake-failed");
    assert.deepEqual(told?.fields, { source: "::1", reason: "unsupported protocol" });
  });
});

describe("property: no body is too strange", { skip }, () => {
  let bench: Bench;
  let token: string;
  before(async () => {
    bench = await startBench();
    token = await bench.mint({ scope: "capability:/*" });
  });
  after(() => bench[Symbol.asyncDispose]());

  const judge = async (method: string, path: string, body: string): Promise<void> => {
    const { status, json } = await bench.call(method, path, { token, body });
    assert.ok([200, 201, 400, 404, 409, 422].includes(status), `${status} for ${body}`);
    if (status >= 400) assert.match(json.code, /^registration\.[a-z-]+$/);
  };

  it("every truncation of a good body is refused as not JSON, and registers nothing", async () => {
    const whole = JSON.stringify(registration());
    for (let length = 1; length < whole.length; length += 3) {
      const { status } = await bench.call("POST", "/v1/agents", { token, body: whole.slice(0, length) });
      assert.equal(status, 400);
    }
    assert.equal(bench.directory.size, 0);
  });

  it("any JSON, and a good body with any member replaced, is answered with a code of ours", async () => {
    const paths = [
      ["lease"],
      ["agent"],
      ["capabilities"],
      ["capabilities", 0],
      ...["name", "version", "endpoint", "service-port", "weight", "labels", "health-check"].map((key) => [
        "capabilities",
        0,
        key,
      ]),
      ["capabilities", 0, "endpoint", "address"],
      ["capabilities", 0, "health-check", "path"],
    ];
    const replaced = fc.tuple(fc.constantFrom(...paths), fc.jsonValue()).map(([path, value]) => {
      const body = structuredClone(registration()) as unknown as Record<string | number, unknown>;
      const holder = path.slice(0, -1).reduce<Record<string | number, unknown>>((at, key) => at[key] as never, body);
      holder[path.at(-1)!] = value;
      return JSON.stringify(body);
    });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.json(), replaced),
        fc.constantFrom(["POST", "/v1/agents"], ["PATCH", AGENT_PATH], ["POST", `${AGENT_PATH}/drain`]),
        async (body, [method, path]) => judge(method!, path!, body),
      ),
      { numRuns: 200 },
    );
    assert.ok(bench.log.lines.every(({ level }) => level !== "error"));
    for (const { capability } of bench.directory.instancesOf(AGENT_A)) assert.notEqual(capability, SPEECH);
  });

  it("__proto__ and constructor are members like any other that is not known", async () => {
    for (const body of ['{"__proto__": {"capabilities": []}}', '{"constructor": 1, "capabilities": []}']) {
      assert.equal((await bench.call("POST", "/v1/agents", { token, body })).status, 422);
    }
  });
});
