import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type ClientDuplexStream, credentials, loadPackageDefinition, Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { controlTarget } from "../../../src/management/gnmi/control/target.ts";
import type { GnmiPath } from "../../../src/management/gnmi/messages.ts";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { GnmiError } from "../../../src/management/gnmi/status.ts";
import { type ControlHandlers, ControlRefusal } from "../../../src/management/index.ts";
import { startControlRouter } from "../control-router.ts";
import { AGENTS, EXPLAIN, fixedRouter, ROUTES, STATUS } from "../router.ts";
import { gnmiPath, json, type Message, refusal, Stream } from "./gnmi-router.ts";

const ORIGIN = "semrd-control";
const at = (text: string): GnmiPath => ({ ...gnmiPath(text), origin: ORIGIN });

describe("gNMI: origin semrd-control", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "semrd-origin-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function serve(overrides: Partial<ControlHandlers> = {}) {
    const router = fixedRouter(overrides);
    const socket = path.join(folder, `${Math.random().toString(36).slice(2)}.sock`);
    const scope = new AsyncDisposableStack();
    scope.use(await startControlRouter(socket, router));
    const { gnmi } = loadPackageDefinition(loadProto()) as Message;
    const client = new gnmi.gNMI(`unix:${socket}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
    });
    scope.defer(() => client.close());
    const metadata = new Metadata();
    const call = (method: string, request: object): Promise<Message> =>
      new Promise((resolve, reject) => {
        client[method](request, metadata, { deadline: Date.now() + 60_000 }, (cause: Error | null, answer: Message) =>
          cause === null ? resolve(answer) : reject(cause),
        );
      });
    const subscribe = (mode: string, ...paths: readonly string[]): Stream => {
      const stream = new Stream(client.Subscribe(metadata) as ClientDuplexStream<object, Message>);
      const subscription = paths.map((one) => ({ path: at(one) }));
      stream.call.write({ subscribe: { mode, encoding: "JSON", subscription } });
      return stream;
    };
    return { router, socket, call, subscribe, [Symbol.asyncDispose]: () => scope.disposeAsync() };
  }

  const texts = ({ update }: Message): readonly string[] =>
    update.map(({ val }: Message) =>
      val.value === "bytes_val" ? [...val.bytes_val].join() : val[val.value].toString(),
    );

  it("Get: reports and lists, filtered by the keys of the last element", async () => {
    await using served = await serve();
    const get = async (text: string, more: object = {}): Promise<readonly string[]> => {
      const { notification } = await served.call("Get", { path: [at(text)], encoding: "JSON_IETF", ...more });
      assert.equal(notification[0].prefix.origin, ORIGIN);
      return texts(notification[0]);
    };
    assert.deepEqual(JSON.parse((await get("/status"))[0]!), STATUS);
    assert.deepEqual(JSON.parse((await get("/agents"))[0]!), AGENTS);
    assert.deepEqual(await get("/routes[tenant=other]"), ["[\n]\n"]);
    assert.deepEqual(
      JSON.parse((await get("/explain[name=/vision/ocr][tenant=acme]", { encoding: "JSON" }))[0]!),
      EXPLAIN,
    );
    assert.deepEqual(served.router.told, ['explain {"capability":"/vision/ocr","tenant":"acme"}']);
    const { notification } = await served.call("Get", {
      prefix: { origin: ORIGIN, elem: [] },
      path: [gnmiPath("/agents"), gnmiPath("/status")],
    });
    assert.equal(notification.length, 2);
  });

  it("Set: one operation, whose answer is an extension", async () => {
    await using served = await serve();
    const set = async (request: object): Promise<unknown> => {
      const { extension, response } = await served.call("Set", request);
      assert.equal(response.length, 1);
      assert.equal(extension[0].registered_ext.id, "EID_EXPERIMENTAL");
      return JSON.parse(extension[0].registered_ext.msg.toString());
    };
    const operation = (text: string, value?: unknown) => ({
      update: [{ path: at(text), ...(value === undefined ? {} : { val: json(value) }) }],
    });
    assert.deepEqual(await set(operation("/router/drain")), { draining: true });
    assert.deepEqual(await set(operation("/agents[id=spiffe://x/y]/drain")), {
      ...{ agent: "spiffe://x/y", instances: ["00112233aabbccdd", "ffeeddccbbaa9988"] },
    });
    await set(operation("/peers[id=fd00:ffff::2]/clear[how=soft-in]"));
    await set({ delete: [at("/agents[id=spiffe://x/y]")] });
    await set(operation("/agents", { id: "a:b" }));
    await set(operation("/counters/reset[only=tags,verdicts]"));
    await set(operation("/peers[id=fd00:ffff::2]/reset-counters"));
    await set(operation("/policies/reset-counters"));
    assert.deepEqual(served.router.told, [
      ...["drain router", "drain spiffe://x/y", "clear soft-in 2", "remove spiffe://x/y"],
      `merge /semrd-router:router/semrd-agent:agents/agent[id='a:b'] {"id":"a:b"}`,
      ...["reset tags verdicts", "reset counters of fd00:ffff::2", "reset counters of all policies"],
    ]);
  });

  it("Subscribe ONCE: lists in slices that are arrays, octets as they are", async () => {
    await using served = await serve({
      *routes() {
        for (let i = 0; i < 5000; i++) yield { ...ROUTES[0]!, weight: i };
      },
    });
    const stream = served.subscribe("ONCE", "/routes", "/peers", "/mrt/table[view=loc-rib]", "/status");
    await stream.over();
    assert.equal(stream.error, undefined);
    assert.equal(stream.syncs, 1);
    const updates = stream.responses.flatMap(({ update }) => update?.update ?? []);
    const of = (name: string): Message[] => updates.filter(({ path: { elem } }: Message) => elem[0].name === name);
    const slices = of("routes");
    assert.ok(slices.length > 10, `${slices.length}`);
    assert.deepEqual(
      slices.map(({ path: { elem } }) => elem[0].key.slice),
      slices.map((_, i) => String(i)),
    );
    const weights = slices.flatMap(({ val }) => JSON.parse(val.json_val.toString()).map((row: Message) => row.weight));
    assert.deepEqual(
      weights,
      Array.from({ length: 5000 }, (_, i) => i),
    );
    const octets = of("mrt").map(({ val }) => [...val.bytes_val]);
    assert.deepEqual(octets, [[1, 2], [3]]);
    assert.deepEqual(JSON.parse(of("status")[0]!.val.json_val.toString()), STATUS);
  });

  it("a reader that pauses is waited for, and one that goes ends the list", async () => {
    let taken = 0;
    const ended = Promise.withResolvers<void>();
    await using served = await serve({
      *routes() {
        try {
          for (;;) {
            taken++;
            yield ROUTES[0]!;
          }
        } finally {
          ended.resolve();
        }
      },
    });
    const stream = served.subscribe("ONCE", "/routes");
    stream.call.pause();
    // As many calls as it takes until the list does not go on between two of them.
    let before = -1;
    while ((taken === 0 || taken !== before) && taken < 100_000) {
      before = taken;
      for (let i = 0; i < 20; i++) await served.call("Get", { path: [at("/status")] });
    }
    assert.ok(taken < 100_000, `${taken} rows for a reader that reads nothing`);
    stream.cancel();
    await ended.promise;
  });

  it("refuses with status, message, and the problem of HTTP", async () => {
    await using served = await serve({
      drainAgent: () => {
        throw new ControlRefusal(404, "control.no-such-agent", "Not found", "there is no agent");
      },
      drainRouter: () => {
        throw new Error("cannot read properties");
      },
    });
    const { call } = served;
    const twice = [{ path: at("/router/drain") }, { path: at("/router/undrain") }];
    const cases: readonly (readonly [string, object, number, string | undefined])[] = [
      ["Set", { update: [{ path: at("/agents[id=x]/drain") }] }, status.NOT_FOUND, "control.no-such-agent"],
      ["Set", { update: [{ path: at("/router/drain") }] }, status.INTERNAL, "control.defect"],
      ["Set", { update: [{ path: at("/status") }] }, status.UNIMPLEMENTED, "control.method"],
      ["Set", { update: [{ path: at("/config/session") }] }, status.INVALID_ARGUMENT, "control.bad-request"],
      ["Set", { update: twice }, status.INVALID_ARGUMENT, undefined],
      [
        "Set",
        { update: [twice[0], { path: gnmiPath("/router/name"), val: json("x") }] },
        status.INVALID_ARGUMENT,
        undefined,
      ],
      ["Set", { replace: [twice[0]] }, status.INVALID_ARGUMENT, undefined],
      ["Set", { update: [{ path: at("/agents"), val: { string_val: "x" } }] }, status.INVALID_ARGUMENT, undefined],
      ["Set", { update: [{ path: at("/agents"), val: json("[") }] }, status.INVALID_ARGUMENT, "control.bad-request"],
      [
        "Set",
        { update: [{ path: at("/config/commit"), val: { json_val: Buffer.alloc(70_000, " ") } }] },
        status.RESOURCE_EXHAUSTED,
        "control.too-large",
      ],
      ["Get", { path: [at("/nothing")] }, status.NOT_FOUND, "control.not-found"],
      ["Get", { path: [at("/router/drain")] }, status.UNIMPLEMENTED, "control.method"],
      ["Get", { path: [at("/peers[tenant=x]")] }, status.INVALID_ARGUMENT, "control.bad-request"],
      ["Get", { path: [at("/agents[tenant=x]/drain")] }, status.INVALID_ARGUMENT, "control.bad-request"],
      ["Get", { path: [at("/mrt/table")] }, status.RESOURCE_EXHAUSTED, undefined],
      ["Get", { path: [at("/status")], encoding: "PROTO" }, status.INVALID_ARGUMENT, undefined],
      ["Get", { path: [at("/status")], type: "CONFIG" }, status.INVALID_ARGUMENT, undefined],
      ["Get", { path: [at("/status"), gnmiPath("/router")] }, status.NOT_FOUND, "control.not-found"],
      ["Get", { path: [at(`/${"x".repeat(5000)}`)] }, status.INVALID_ARGUMENT, "control.bad-request"],
    ];
    for (const [method, request, code, problem] of cases) {
      const refused = (await refusal(call(method, request))) as Message;
      const [octets] = refused.metadata.get("semrd-problem-bin");
      const said = octets === undefined ? undefined : JSON.parse(octets.toString()).code;
      assert.deepEqual(
        [refused.code, said],
        [code, problem],
        `${method} ${JSON.stringify(request)}: ${refused.details}`,
      );
      if (problem !== undefined) assert.deepEqual(refused.metadata.get("semrd-version"), ["0.1.0"]);
    }
    for (const [mode, text, code] of [
      ["STREAM", "/router/drain", status.UNIMPLEMENTED],
      ["STREAM", "/routes", status.UNIMPLEMENTED],
      ["POLL", "/routes", status.UNIMPLEMENTED],
      ["ONCE", "/router/drain", status.UNIMPLEMENTED],
      ["ONCE", "/nothing", status.NOT_FOUND],
    ] as const) {
      const stream = served.subscribe(mode, text);
      await stream.over();
      assert.equal(stream.error?.code, code, `${mode} ${text}: ${stream.error?.details}`);
    }
    assert.deepEqual(served.router.told, []);
  });

  it("a long list of faults is cut to what a header field holds, and says so", async () => {
    const fault = { errorType: "application", errorTag: "invalid-value", errorSeverity: "error" } as const;
    const faults = Array.from({ length: 2000 }, (_, i) => ({ ...fault, path: `/a/b[${i}]`, message: "not valid" }));
    await using served = await serve({ management: (await import("../router.ts")).fixedManagement([], faults) });
    const refused = (await refusal(
      served.call("Set", { update: [{ path: at("/agents"), val: json({ id: "a:b" }) }] }),
    )) as Message;
    const problem = JSON.parse(refused.metadata.get("semrd-problem-bin")[0].toString());
    assert.match(problem.faults.at(-1).reason, /^and \d+ more$/);
    assert.equal(Number(/\d+/.exec(problem.faults.at(-1).reason)![0]) + problem.faults.length - 1, 2000);
  });

  it("what follows a subscription, or comes without one, is refused", async () => {
    await using served = await serve({
      *routes() {
        for (;;) yield ROUTES[0]!;
      },
    });
    const twice = served.subscribe("ONCE", "/routes");
    twice.call.write({ subscribe: { mode: "ONCE", subscription: [{ path: at("/status") }] } });
    await twice.over();
    assert.equal(twice.error?.code, status.INVALID_ARGUMENT);
    const none = served.subscribe("ONCE");
    await none.over();
    assert.notEqual(none.error, undefined);
  });

  it("the model is asked for by those only who need it", async () => {
    await using served = await serve();
    assert.equal((await refusal(served.call("Get", { path: [gnmiPath("/router/name")] }))).code, status.INTERNAL);
    assert.equal((await served.call("Get", { path: [at("/status")] })).notification.length, 1);
  });

  it("connections that end, break, or flip a bit anywhere in what gRPC begins with, harm nothing", async () => {
    await using served = await serve();
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", "latin1");
    const send = async (octets: Uint8Array, how: "end" | "destroy"): Promise<void> => {
      const socket = net.connect(served.socket);
      socket.on("error", () => undefined);
      socket.resume();
      socket.write(octets, () => socket[how]());
      // One that is answered and kept open is for us to close.
      const kept = setTimeout(() => socket.destroy(), 50);
      await once(socket, "close");
      clearTimeout(kept);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.nat(preface.length),
        fc.nat(preface.length * 8 - 1),
        fc.boolean(),
        fc.constantFrom("end", "destroy"),
        async (length, bit, isFlipped, how) => {
          const octets = Uint8Array.from(preface);
          if (isFlipped) octets[bit >> 3]! ^= 1 << (bit & 7);
          await send(octets.subarray(0, length), how);
        },
      ),
      { numRuns: 60 },
    );
    assert.equal((await served.call("Get", { path: [at("/status")] })).notification.length, 1);
  });

  it("HTTP/1.1 goes on beside it on the same socket, also where its first octets come one by one", async () => {
    await using served = await serve();
    const socket = net.connect(served.socket);
    for (const octet of "POST /v1/router/drain HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") {
      socket.write(octet);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    await once(socket, "close");
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"draining":true\}\n/);
    const get = http.get({ socketPath: served.socket, path: "/v1/status", agent: false });
    const [answer] = (await once(get, "response")) as [http.IncomingMessage];
    assert.equal(answer.statusCode, 200);
    answer.resume();
    assert.equal((await served.call("Get", { path: [at("/status")] })).notification.length, 1);
  });
});

describe("paths of origin semrd-control", () => {
  const elem = fc.record({
    name: fc.string({ maxLength: 12 }),
    key: fc.dictionary(fc.oneof(fc.constant("id"), fc.string({ maxLength: 6 })), fc.string({ maxLength: 12 }), {
      maxKeys: 3,
    }),
  });
  it("any path is a resource with parameters, or refused", () => {
    fc.assert(
      fc.property(fc.array(elem, { maxLength: 5 }), (elems) => {
        let target: ReturnType<typeof controlTarget>;
        try {
          target = controlTarget({ elem: [] }, { origin: ORIGIN, elem: elems });
        } catch (cause) {
          assert.ok(cause instanceof ControlRefusal || cause instanceof GnmiError, String(cause));
          return;
        }
        const ids = elems.filter(({ key }) => Object.hasOwn(key, "id")).length;
        assert.equal(target.segments.length, elems.length + ids);
        const last = Object.keys(elems.at(-1)?.key ?? {}).filter((key) => key !== "id");
        assert.deepEqual([...target.query.keys()], last);
      }),
    );
  });
});
