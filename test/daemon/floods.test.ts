import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { after, afterEach, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { loadProto } from "../../src/management/gnmi/service.ts";
import { named } from "../discovery/queries.ts";
import { HeldRecords } from "../host/held-records.ts";
import { stopped, watched } from "../host/turns.ts";
import { FrameClient } from "../management/gnmi/frames.ts";
import { gnmiPath } from "../management/gnmi/gnmi-router.ts";
import { framed } from "../management/gnmi/raw-call.ts";
import { hasOpenssl, NO_OPENSSL } from "../management/netconf/certificates.ts";
import { BASE, hello } from "../management/netconf/raw-client.ts";
import { ADDRESS, type AllFaces, LOGIN, PORTS, startAllFaces } from "./all-faces.ts";
import { RUDE_ENDS } from "./rude-clients.ts";

const PATIENCE = 60_000;
const LARGEST_RECORD = 16_384;

let router: AllFaces;
const open: Socket[] = [];

async function dial(at: NetConnectOpts | number): Promise<Socket> {
  const socket = connect(typeof at === "number" ? { host: ADDRESS, port: at, noDelay: true } : at);
  open.push(socket);
  await once(socket, "connect");
  return socket.on("error", () => undefined);
}

/** Resolves when `mark` has come so often, with what came last; fails when the stream ends before. */
function marks(stream: Readable, mark: string, many: number): Promise<string> {
  let [seen, rest] = [0, ""];
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${seen} of ${many} after ${PATIENCE} ms: ${rest}`)), PATIENCE);
    stream.on("data", (octets: Buffer) => {
      const text = rest + octets.toString("latin1");
      seen += text.split(mark).length - 1;
      // What may be the beginning of one more
      rest = text.slice(text.lastIndexOf(mark) + mark.length).slice(-200);
      if (seen < many) return;
      clearTimeout(late);
      resolve(text);
    });
    stream.once("close", () => {
      clearTimeout(late);
      reject(new Error(`closed after ${seen} of ${many}: ${rest}`));
    });
  });
}

/** What is sent, and what tells that it has been served. */
interface Flood {
  readonly socket: Socket;
  readonly octets: Uint8Array;
  readonly served: Promise<unknown>;
}

/** Turns of the router that has all of it at once. */
async function serves(t: TestContext, floods: readonly Flood[]): Promise<void> {
  await watched(t, router.process, async () => {
    await stopped(router.process, () => {
      for (const { socket, octets } of floods) socket.write(octets);
    });
    await Promise.all(floods.map(({ served }) => served));
  });
}

const trusting = (options: ConnectionOptions): ConnectionOptions => ({
  ...{ ca: router.authority.certificate, servername: "", checkServerIdentity: () => undefined },
  ...options,
});

/** Node's own TLS, on the connection itself: what ends badly ends nothing here. */
async function spoken(socket: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  const stream = connectTls({ ...trusting(options), socket });
  stream.on("error", () => undefined);
  await once(stream, "secureConnect");
  return stream;
}

async function requests(at: NetConnectOpts | number, request: string, many: number): Promise<Flood> {
  const socket = await dial(at);
  return { socket, octets: Buffer.from(request.repeat(many)), served: marks(socket, "HTTP/1.1 ", many) };
}

async function securedRequests(many: number): Promise<Flood> {
  const socket = await dial(PORTS.registration);
  const client = await HeldRecords.on(socket, trusting({ ALPNProtocols: ["http/1.1"] }));
  const octets = await client.of(Buffer.from("GET /v1/health HTTP/1.1\r\nHost:a\r\n\r\n".repeat(many)), LARGEST_RECORD);
  return { socket, octets, served: marks(client.stream, "HTTP/1.1 200", many) };
}

/** Calls before those that are watched. */
const BEFORE = 20;
const { Get } = loadProto()["gnmi.gNMI"] as unknown as Record<string, { requestSerialize(value: object): Buffer }>;
/** A request as gRPC has it. */
const EVERYTHING = framed(Get!.requestSerialize({ path: [gnmiPath("/router")], encoding: "JSON_IETF" }));

/** Calls of Get on one connection, behind some that have had the password found right, and code compiled; `frames` makes them. */
async function gets(
  frames: (client: FrameClient) => readonly Buffer[],
  served: (client: FrameClient) => Promise<unknown>,
): Promise<Flood> {
  const socket = await dial(PORTS.gnmi);
  const held = await HeldRecords.on(socket, trusting({ ALPNProtocols: ["h2"] }));
  const client = new FrameClient(held.stream, "/gnmi.gNMI/Get", LOGIN);
  for (let count = 1; count <= BEFORE; count++) {
    held.stream.write(client.call(EVERYTHING));
    await client.answers(count);
  }
  return { socket, octets: await held.of(Buffer.concat(frames(client)), LARGEST_RECORD), served: served(client) };
}

const skip = hasOpenssl ? false : NO_OPENSSL;

describe("a flood that is all there at once, in turns of the event loop", { skip }, () => {
  before(async () => {
    router = await startAllFaces();
  });
  after(() => router?.[Symbol.asyncDispose]());
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
  });

  const query = named("ocr.vision.cap.acme.example.net");
  for (const [connections, queries] of [
    [1, 10_000],
    [20, 500],
  ] as const)
    it(`DNS: ${queries} queries on each of ${connections} connections`, async (t) => {
      const framed = Buffer.concat([Buffer.of(query.length >> 8, query.length & 255), query]);
      const sockets = await Promise.all(Array.from({ length: connections }, () => dial(PORTS.dns)));
      const floods = sockets.map((socket) => ({
        ...{ socket, octets: Buffer.concat(Array(queries).fill(framed)) },
        // The first label of the name, which an answer repeats once
        served: marks(socket, "\x03ocr", queries),
      }));
      await serves(t, floods);
    });

  it("metrics: 5 000 requests on one connection, for what is there and what is not", async (t) => {
    await serves(t, [await requests(PORTS.metrics, "GET / HTTP/1.1\r\nHost:a\r\n\r\n", 5_000)]);
    await serves(t, [await requests(PORTS.metrics, "GET /metrics HTTP/1.1\r\nHost:a\r\n\r\n", 5_000)]);
  });

  it("metrics: a body of 100 000 chunks", async (t) => {
    const head = "POST / HTTP/1.1\r\nHost:a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const next = "0\r\n\r\nGET / HTTP/1.1\r\nHost:a\r\n\r\n";
    const socket = await dial(PORTS.metrics);
    const octets = Buffer.from(`${head}${"1\r\na\r\n".repeat(100_000)}${next}`);
    await serves(t, [{ socket, octets, served: marks(socket, "HTTP/1.1 404", 2) }]);
  });

  it("control socket: 1 000 requests on one connection", async (t) => {
    const request = "GET /v1/status HTTP/1.1\r\nHost:a\r\n\r\n";
    await router.process.ctl("show", "status");
    await serves(t, [await requests({ path: router.process.socket }, request, 1_000)]);
  });

  it("registration: 5 000 requests in the largest records of TLS", async (t) => {
    await serves(t, [await securedRequests(5_000)]);
  });

  it("gNMI: 100 Get of everything on one connection", async (t) => {
    const calls = (client: FrameClient): Buffer[] => Array.from({ length: 100 }, () => client.call(EVERYTHING));
    await serves(t, [await gets(calls, (client) => client.answers(BEFORE + 100))]);
  });

  it("gNMI: 100 calls opened and reset on one connection", async (t) => {
    const calls = (client: FrameClient): Buffer[] =>
      Array.from({ length: 100 }, () => client.call(EVERYTHING, { isReset: true }));
    await serves(t, [
      await gets(
        (client) => [...calls(client), client.ping],
        (client) => client.ponged(),
      ),
    ]);
  });

  for (const [manner, end] of Object.entries(RUDE_ENDS))
    it(`a client on each face that asks for much, reads nothing and leaves with ${manner}: nobody else notices`, async () => {
      const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost:a\r\n\r\n`.repeat(500);
      const { certificate: cert, key } = router.operator;
      const get = `<rpc xmlns="${BASE}" message-id="1"><get/></rpc>]]>]]>`.repeat(20);
      const rude = async (
        at: NetConnectOpts | number,
        said: string,
        tls: ConnectionOptions | undefined,
      ): Promise<void> => {
        for (const pause of [0, 3, 30]) {
          const socket = await dial(at);
          const stream = tls === undefined ? socket : await spoken(socket, tls);
          stream.write(said);
          socket.pause();
          await sleep(pause);
          await end({ socket, stream });
        }
      };
      await Promise.all([
        rude(PORTS.registration, request("/v1/health"), { ALPNProtocols: ["http/1.1"] }),
        rude(PORTS.netconf, `${hello(["1.0"])}]]>]]>${get}`, { cert, key }),
        rude(PORTS.metrics, request("/metrics"), undefined),
        rude({ path: router.process.socket }, request("/v1/status"), undefined),
      ]);
      assert.equal(((await router.process.ctl("show", "status")) as { readonly name: string }).name, "r1");
      assert.equal(router.process.child.exitCode, null, router.process.log.slice(-2_000));
    });
});
