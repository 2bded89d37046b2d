import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, constants } from "node:http2";
import { it } from "node:test";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import { type Milliseconds, milliseconds } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { CallDoor, type OpenStream } from "../../../src/management/gnmi/calls.ts";
import type { GnmiError } from "../../../src/management/gnmi/status.ts";
import type { Session } from "../../../src/management/index.ts";
import { createMetrics } from "../../../src/telemetry/index.ts";

const octets = (value: Buffer): Buffer => value;
const METHOD = {
  ...{ path: "/test.Door/Stream", requestStream: true, responseStream: true },
  ...{ requestSerialize: octets, requestDeserialize: octets, responseSerialize: octets, responseDeserialize: octets },
};

/** A server with one method that says one thing and then lasts, behind a door where everybody is let in. */
async function startDoor({
  userOf = async (): Promise<string> => "admin",
  most = 2_000,
  until = undefined as Milliseconds | undefined,
} = {}) {
  let sessions = 0;
  const management = {
    openSession: (who: object) => {
      sessions++;
      return { id: 1, ...who } as Session;
    },
    closeSession: async () => {
      sessions--;
    },
  };
  const quiet = { error() {}, warn() {}, info() {}, debug() {} };
  const metrics = createMetrics({});
  const door = new CallDoor(8, {
    ...{ management: management as never, transport: "tls" as const, clock: systemClock, log: quiet, metrics },
    authentication: {
      loginOf: async () => ({ user: await userOf(), ...(until === undefined ? {} : { until }) }),
    } as never,
  });
  const server = new Server();
  server.addService({ Stream: METHOD } as never, {
    Stream: door.stream<Buffer, Buffer>(
      { most, name: "streams", metric: ["semrd_test_streams", "For this test."] },
      (opened): OpenStream => {
        const call = opened as ServerDuplexStream<Buffer, Buffer>;
        const { promise, resolve } = Promise.withResolvers<void>();
        call.on("cancelled", resolve);
        return {
          async serve() {
            call.resume();
            call.write(Buffer.from("1"));
            await promise;
          },
          fail(error) {
            resolve();
            call.emit("error", error);
          },
        };
      },
    ),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (cause, bound) =>
      cause === null ? resolve(bound) : reject(cause),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    ...{ door, port },
    sessions: () => sessions,
    call: () => client.makeBidiStreamRequest(METHOD.path, octets, octets, new Metadata()),
    [Symbol.dispose]() {
      client.close();
      server.forceShutdown();
    },
  };
}

/** Turns of the event loop, until something is so. */
async function until(done: () => boolean): Promise<void> {
  const late = AbortSignal.timeout(60_000);
  while (!done()) {
    assert.ok(!late.aborted, "it did not come so");
    await new Promise((resolve) => systemClock.after(milliseconds(1), () => resolve(undefined)));
  }
}

it("nothing is left of 1 000 streams that were cancelled, whenever", async () => {
  // Asking takes a turn or two, as it does where a password is to be checked.
  const userOf = () =>
    new Promise<string>((resolve) => systemClock.soon(() => systemClock.soon(() => resolve("admin"))));
  using server = await startDoor({ userOf });
  const session = connect(`http://127.0.0.1:${server.port}`);
  const head = { ":method": "POST", ":path": METHOD.path, "content-type": "application/grpc", te: "trailers" };
  session.on("error", () => undefined);
  let answered = 0;
  for (let i = 0; i < 1_000; i++) {
    const stream = session.request(head);
    stream.on("error", () => undefined);
    stream.on("data", () => answered++);
    // Some when the server has hardly heard of them, some while it asks who it is, some when it has answered.
    if (i % 3 === 2) await once(stream, "data");
    else {
      if (stream.pending) await once(stream, "ready");
      if (i % 3 === 1) await new Promise<void>((resolve) => systemClock.soon(resolve));
    }
    stream.close(constants.NGHTTP2_CANCEL);
    await once(stream, "close");
  }
  assert.ok(answered >= 300, `${answered} were answered`);
  await until(() => server.door.open === 0 && server.sessions() === 0);
  session.destroy();
});

it("a call that is cancelled while it is asked who makes it is not served", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<void>();
  using server = await startDoor({
    userOf: () => {
      asked.resolve();
      return promise;
    },
    most: 1,
  });
  const call = server.call();
  const over = Promise.withResolvers<void>();
  call.on("error", () => over.resolve());
  await asked.promise;
  const other = server.call();
  const refused = Promise.withResolvers<number>();
  other.on("error", ({ code }: { code: number } & Error) => refused.resolve(code));
  assert.equal(await refused.promise, status.RESOURCE_EXHAUSTED);
  call.cancel();
  await over.promise;
  // The server hears of it a little later.
  await new Promise((done) => systemClock.after(milliseconds(20), () => done(undefined)));
  resolve("admin");
  await until(() => server.door.open === 0 && server.sessions() === 0);
});

it("what is open ends with the word of the door", async () => {
  using server = await startDoor();
  const call = server.call();
  const ended = Promise.withResolvers<GnmiError>();
  call.on("error", (cause) => ended.resolve(cause as unknown as GnmiError));
  const answered = Promise.withResolvers<void>();
  call.on("data", () => answered.resolve());
  await answered.promise;
  server.door[Symbol.dispose]();
  assert.equal((await ended.promise).code, status.UNAVAILABLE);
});

it("a stream ends when what let it in is no longer good, even one that is too far away for a timer", async () => {
  using server = await startDoor({ until: milliseconds(systemClock.wall() + 300) });
  const call = server.call();
  const answered = Promise.withResolvers<void>();
  call.on("data", () => answered.resolve());
  const ended = Promise.withResolvers<GnmiError>();
  call.on("error", (cause) => ended.resolve(cause as unknown as GnmiError));
  await answered.promise;
  const { code, details } = await ended.promise;
  assert.equal(code, status.UNAUTHENTICATED);
  assert.match(details, /expired/);
  using lasting = await startDoor({ until: milliseconds(systemClock.wall() + 2 ** 40) });
  const other = lasting.call();
  other.on("error", () => undefined);
  const first = Promise.withResolvers<void>();
  other.on("data", () => first.resolve());
  await first.promise;
  assert.equal(lasting.door.open, 1);
  other.cancel();
  await until(() => lasting.door.open === 0);
});
