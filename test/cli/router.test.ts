import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { after, describe, it, type TestContext } from "node:test";
import type { MethodDefinition } from "@grpc/grpc-js";
import fc from "fast-check";
import { MalformedMessage } from "../../src/base/index.ts";
import { fetchReport } from "../../src/cli/client.ts";
import { CandidateRouter } from "../../src/cli/configure/index.ts";
import { runCommandLine } from "../../src/cli/program.ts";
import { RouterLink } from "../../src/cli/router/connection.ts";
import { framed, MessageFramer } from "../../src/cli/router/framing.ts";
import { readSetResponse, readSubscribeResponse, setRequest, subscribeRequest } from "../../src/cli/router/messages.ts";
import { targetOf } from "../../src/cli/router/options.ts";
import { profileNames } from "../../src/cli/router/profiles.ts";
import { readAddress } from "../../src/cli/router/target.ts";
import { VERSION } from "../../src/cli/version.ts";
import { loadProto } from "../../src/management/gnmi/service.ts";
import { startControlRouter } from "../management/control-router.ts";
import { fixedManagement, fixedRouter, STATUS } from "../management/router.ts";

const folder = mkdtempSync(path.join(tmpdir(), "semrd-router-"));
after(() => rmSync(folder, { recursive: true }));

async function semrctl(args: readonly string[], env: Readonly<Record<string, string>>) {
  let [out, err] = ["", ""];
  const terminal = {
    out: async (text: string | Uint8Array) => {
      out += Buffer.from(text as string).toString();
    },
    err: (text: string) => {
      err += text;
    },
    pause: async () => "over" as const,
    colour: false,
  };
  const exitCode = await runCommandLine(args, terminal, env, () => ({ kind: "script", lines: Readable.from([]) }));
  return { exitCode, out, err };
}

describe("messages of gRPC", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 });

  it("come out whole, however they are split", () => {
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sent, sizes) => {
        const stream = Buffer.concat(sent.map(framed));
        const framer = new MessageFramer();
        const got: string[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + sizes[i % sizes.length]!;
          for (const one of framer.push(stream.subarray(at, end))) got.push(Buffer.from(one).toString("hex"));
          at = end;
        }
        assert.deepEqual(
          got,
          sent.map((one) => Buffer.from(one).toString("hex")),
        );
        assert.equal(framer.waiting, 0);
      }),
    );
  });

  it("what is cut off waits, what is compressed or too long is malformed", () => {
    const message = framed(Buffer.from("message"));
    for (let length = 0; length < message.length; length++) {
      const framer = new MessageFramer();
      assert.deepEqual([...framer.push(message.subarray(0, length))], []);
      assert.equal(framer.waiting, length);
    }
    for (const head of ["01 00000001", "00 ffffffff", "00 10000001"]) {
      const octets = Buffer.from(head.replace(" ", ""), "hex");
      assert.throws(() => [...new MessageFramer().push(octets)], MalformedMessage, head);
    }
  });
});

describe("messages of gNMI", () => {
  const service = loadProto()["gnmi.gNMI"] as unknown as Record<string, MethodDefinition<object, object>>;
  const decoded = (method: string, octets: Uint8Array): unknown =>
    service[method]!.requestDeserialize(Buffer.from(octets));
  const path_ = (...elem: readonly (readonly [string, Readonly<Record<string, string>>])[]) => ({
    ...{ element: [], origin: "semrd-control", target: "" },
    elem: elem.map(([name, key]) => ({ name, key })),
  });

  it("are what a library reads", () => {
    const once_ = decoded(
      "Subscribe",
      subscribeRequest("ONCE", { path: "/routes", parameters: { tenant: "a]=b", family: undefined, n: 7 } }),
    );
    const { subscribe } = once_ as { subscribe: { mode: string; encoding: string; subscription: { path: unknown }[] } };
    assert.deepEqual([subscribe.mode, subscribe.encoding], ["ONCE", "JSON"]);
    assert.deepEqual(subscribe.subscription[0]!.path, path_(["routes", { tenant: "a]=b", n: "7" }]));
    const set = decoded("Set", setRequest(false, { path: "/agents/drain", id: "spiffe://x/é" }, Buffer.from("{}")));
    const [update] = (set as { update: { path: unknown; val: { json_val: Buffer } }[] }).update;
    assert.deepEqual(update!.path, path_(["agents", { id: "spiffe://x/é" }], ["drain", {}]));
    assert.equal(update!.val.json_val.toString(), "{}");
    const gone = decoded("Set", setRequest(true, { path: "/agents", id: "x" }, undefined));
    assert.deepEqual((gone as { delete: unknown[] }).delete, [path_(["agents", { id: "x" }])]);
  });

  it("and reads what a library writes", () => {
    const set = service.Set!.responseSerialize({
      response: [{ op: "UPDATE" }],
      extension: [{ registered_ext: { id: "EID_EXPERIMENTAL", msg: Buffer.from("[1]") } }],
    });
    const text = ({ kind, octets }: { kind: string; octets: Uint8Array }) => [kind, Buffer.from(octets).toString()];
    assert.deepEqual(readSetResponse(set).map(text), [["json", "[1]"]]);
    const elem = (key: object) => ({ path: { elem: [{ name: "routes", key }] } });
    const subscribe = service.Subscribe!.responseSerialize({
      update: {
        ...{ timestamp: "1", prefix: { origin: "semrd-control" } },
        update: [
          { ...elem({ tenant: "slices", slice: "0" }), val: { json_val: Buffer.from("[]") } },
          { ...elem({ tenant: "acme" }), val: { json_val: Buffer.from("{}") } },
          { ...elem({ slice: "1" }), val: { bytes_val: Buffer.from("x") } },
        ],
      },
    });
    const { parts, sync } = readSubscribeResponse(subscribe);
    assert.deepEqual(parts.map(text), [
      ["rows", "[]"],
      ["json", "{}"],
      ["octets", "x"],
    ]);
    assert.equal(sync, false);
    assert.deepEqual(readSubscribeResponse(service.Subscribe!.responseSerialize({ sync_response: true })), {
      parts: [],
      sync: true,
    });
    for (const answer of [set, subscribe]) flip(answer);
  });

  /** Whatever becomes of a message on its way, it is read or malformed. */
  function flip(answer: Uint8Array): void {
    const bits = fc.nat(answer.length * 8 - 1);
    fc.assert(
      fc.property(bits, fc.nat(answer.length), (bit, length) => {
        const octets = Uint8Array.from(answer);
        octets[bit >> 3]! ^= 1 << (bit & 7);
        for (const given of [octets, octets.subarray(0, length)])
          for (const readMessage of [readSetResponse, readSubscribeResponse]) {
            try {
              readMessage(given);
            } catch (cause) {
              assert.ok(cause instanceof MalformedMessage, String(cause));
            }
          }
      }),
    );
  }
});

describe("routers by name", () => {
  const home = path.join(folder, "home");
  const file = path.join(home, ".config", "semrctl", "routers.yaml");
  mkdirSync(path.dirname(file), { recursive: true });
  const env = { HOME: home };

  it("addresses", () => {
    for (const [text, want] of [
      ["r1.example", ["r1.example", 9339]],
      ["r1.example:57400", ["r1.example", 57400]],
      ["192.0.2.1:1", ["192.0.2.1", 1]],
      ["2001:db8::1", ["2001:db8::1", 9339]],
      ["[2001:db8::1]:65535", ["2001:db8::1", 65535]],
      ["[2001:db8::1]", ["2001:db8::1", 9339]],
      ["r1:0", undefined],
      ["r1:65536", undefined],
      ["[r1]:1", undefined],
      ["https://r1", undefined],
      ["a b", undefined],
      ["", undefined],
    ] as const) {
      const read = readAddress(text);
      assert.deepEqual(read && [read.host, read.port], want, text);
    }
  });

  it("the file, the environment and the options, the last before all", async () => {
    writeFileSync(
      file,
      'routers:\n  lab: {address: "r1.example:57400", tls-ca: ca.pem, username: alice, password-file: ~/secret}\n  bare: {}\n',
    );
    const lab = { kind: "router", host: "r1.example", port: 57400, ca: path.join(path.dirname(file), "ca.pem") };
    const secret = path.join(home, "secret");
    assert.deepEqual(await targetOf({ router: "lab" }, env), { ...lab, username: "alice", passwordFile: secret });
    const more = { ...env, SEMRD_ROUTER: "lab", SEMRD_USERNAME: "bob", SEMRD_TLS_CA: "/other.pem" };
    assert.deepEqual(await targetOf({ username: "eve" }, more), {
      ...lab,
      ca: "/other.pem",
      username: "eve",
    });
    const alice = { ...lab, username: "alice", passwordFile: secret };
    assert.deepEqual(await targetOf({ username: "alice" }, { ...env, SEMRD_ROUTER: "lab" }), alice);
    assert.deepEqual(await targetOf({ tokenFile: "t" }, { ...env, SEMRD_ROUTER: "lab" }), { ...lab, tokenFile: "t" });
    assert.deepEqual(await targetOf({ router: "bare" }, env), { kind: "router", host: "bare", port: 9339 });
    assert.deepEqual(await targetOf({ router: "r2:1" }, env), { kind: "router", host: "r2", port: 1 });
    assert.deepEqual(await targetOf({ socket: "/s" }, more), { kind: "socket", path: "/s" });
    assert.deepEqual(await targetOf({}, { ...env, USER: "ann" }), {
      kind: "socket",
      path: "/run/semrd/semrd.sock",
      user: "ann",
    });
    assert.deepEqual(await profileNames(env), ["lab", "bare"]);
    const offered = await semrctl(["complete", "--", "--router", ""], env);
    assert.equal(offered.out, "lab\t\nbare\t\n");
  });

  const FILES: readonly (readonly [string, RegExp])[] = [
    ["routers: {lab: {adress: x}}", /routers\.yaml: lab: knows no adress: there are address, tls-ca/],
    ["routers: {lab: {address: 7}}", /lab: address is no text/],
    ["routers: {lab: r1.example}", /lab: is no mapping/],
    ["routers: [lab]", /no mapping "routers"/],
    ["routers: {lab: ", /routers\.yaml is no YAML: /],
    ["routers: {lab: {address: 'a b'}}", /"a b" is no address of a router/],
    ["routers: {lab: {password: x}}", /knows no password/],
  ];
  for (const [text, message] of FILES)
    it(`a file that is not good: ${text}`, async () => {
      writeFileSync(file, text);
      const { exitCode, out, err } = await semrctl(["--router", "lab", "show", "status"], env);
      assert.match(err, message);
      assert.match(err, /^semrctl: [^\n]*\n$/);
      assert.deepEqual([exitCode, out], [text.includes("'a b'") ? 2 : 1, ""]);
    });

  it("--router and --socket do not go together", async () => {
    const { exitCode, err } = await semrctl(["--router", "lab", "--socket", "/s", "show", "status"], env);
    assert.equal(exitCode, 2);
    assert.match(err, /--router <name>.*cannot be used with.*--socket/);
  });
});

describe("semrd and semrctl of other versions", () => {
  const place = (): string => path.join(folder, `${Math.random().toString(36).slice(2)}.sock`);

  it("the version of semrctl is that of the package", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    assert.equal(VERSION, version);
  });

  it("a router that speaks only HTTP at its socket: which version, and what to do", async (t) => {
    const socket = place();
    const server = http.createServer((_, response) => response.end(JSON.stringify({ ...STATUS, version: "0.0.9" })));
    server.listen(socket);
    t.after(() => server.close());
    assert.deepEqual(await semrctl(["--socket", socket, "show", "status"], {}), {
      ...{ exitCode: 1, out: "" },
      err: `semrctl: the router at ${socket} is semrd 0.0.9, which speaks no gNMI there: it is older than semrctl ${VERSION}, so use a semrctl of its version\n`,
    });
  });

  /** A server of gRPC that ends every call so. */
  async function ending(t: TestContext, headers: Readonly<Record<string, string>>): Promise<string> {
    const socket = place();
    const server = createServer();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.resume();
      stream.respond({ ":status": 200, "content-type": "application/grpc", ...headers }, { endStream: true });
    });
    const sessions = new Set<{ destroy(): void }>();
    server.on("session", (session) => sessions.add(session));
    server.listen(socket);
    await once(server, "listening");
    t.after(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    return socket;
  }

  const problem = (code: string): string =>
    Buffer.from(JSON.stringify({ code, title: "x", detail: "there is nothing at /v1/news" })).toString("base64");
  const ENDINGS: readonly (readonly [string, Readonly<Record<string, string>>, number, RegExp])[] = [
    [
      "one that knows no such origin",
      { "grpc-status": "3", "grpc-message": "/status: there is no origin semrd-control here" },
      1,
      /does not know this semrctl's requests \(.*\): its semrd is older than semrctl 0\.1\.0, so use a semrctl of its version/,
    ],
    [
      "one that has no such call",
      { "grpc-status": "12", "grpc-message": "The server does not implement it" },
      1,
      /is older than/,
    ],
    [
      "one that has no such resource",
      { "grpc-status": "5", "semrd-version": "0.0.9", "semrd-problem-bin": problem("control.not-found") },
      1,
      /nothing at \/v1\/news \(control\.not-found\): its semrd has version 0\.0\.9, and this is semrctl 0\.1\.0/,
    ],
    [
      "one that is newer, and has no such parameter any more",
      { "grpc-status": "3", "semrd-version": "9.0.0", "semrd-problem-bin": problem("control.bad-request") },
      1,
      /its semrd has version 9\.0\.0, and this is semrctl 0\.1\.0; use one of its version/,
    ],
    ["one that ends", { "grpc-status": "14", "grpc-message": "the server ends" }, 69, /cannot answer: the server ends/],
    [
      "one that has enough to do",
      { "grpc-status": "8", "grpc-message": "128 subscriptions are open already" },
      1,
      /takes no more: 128/,
    ],
    [
      "one whose problem is none",
      { "grpc-status": "9", "grpc-message": "no %25 more", "semrd-problem-bin": "?" },
      1,
      /refused: no % more \(gRPC status 9\)/,
    ],
    ["one that says nothing of how it ends", {}, 69, /speaks no gRPC/],
    ["one that has said too little", { "grpc-status": "0" }, 69, /is not whole/],
  ];
  for (const [name, headers, exitCode, message] of ENDINGS)
    it(name, async (t) => {
      const socket = await ending(t, headers);
      const ran = await semrctl(["--socket", socket, "show", "status"], {});
      assert.match(ran.err, message);
      assert.deepEqual([ran.exitCode, ran.out], [exitCode, ""]);
    });

  it("a session that the router has ended is said to be over, and so is what was in it", async () => {
    const socket = place();
    const management = { ...fixedManagement([]), sessions: () => [] };
    await using router = await startControlRouter(socket, fixedRouter({ management }));
    await using link = new RouterLink({ kind: "socket", path: socket });
    await using session = await CandidateRouter.open({ link, timeoutSeconds: 10 }, "private-candidate");
    await router[Symbol.asyncDispose]();
    const late = AbortSignal.timeout(60_000);
    const said = async (): Promise<string> => {
      try {
        await session.discard();
        return "";
      } catch (cause) {
        return (cause as Error).message;
      }
    };
    // The end of the connection is seen a moment later.
    for (let message = ""; !message.includes("is over"); message = await said()) assert.ok(!late.aborted, message);
    assert.match(
      await said(),
      /is over, as it was restarted or the connection broke: what was not committed is gone; begin again$/,
    );
  });

  it("a connection that the router has ended is opened anew for the next request", async () => {
    const socket = place();
    await using link = new RouterLink({ kind: "socket", path: socket });
    const ask = () => fetchReport({ link, timeoutSeconds: 10 }, { method: "GET", path: "/status" });
    await using first = await startControlRouter(socket, fixedRouter());
    assert.deepEqual(await ask(), STATUS);
    const { session } = (await link.open(10)).connection;
    const closed = new Promise((resolve) => session.once("close", resolve));
    await first[Symbol.asyncDispose]();
    await closed;
    await using _second = await startControlRouter(socket, fixedRouter());
    assert.deepEqual(await ask(), STATUS);
  });

  it("a document that is longer than the router takes: what to do", async () => {
    const socket = place();
    await using _router = await startControlRouter(socket, fixedRouter(), { maxMessage: 4096 });
    const file = path.join(folder, "long.json");
    writeFileSync(file, JSON.stringify({ "semrd-router:router": { name: "x".repeat(5000) } }));
    const { exitCode, err } = await semrctl(["--socket", socket, "config", "edit", file], {});
    assert.equal(exitCode, 1);
    assert.match(
      err,
      /takes no message as long as this one \(.*\): send it in parts, or raise management\/grpc\/maximum-message-size/,
    );
  });

  it("a semrctl that speaks HTTP is answered as ever", async () => {
    const socket = place();
    await using _router = await startControlRouter(socket, fixedRouter());
    const request = http.get({
      socketPath: socket,
      path: "/v1/status",
      agent: false,
      headers: { "semrd-user": "ann" },
    });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk;
    assert.deepEqual(JSON.parse(text), STATUS);
  });
});
