/** What a peer says right before it resets the connection is heard, also by who writes at that moment. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import { loadNative, type Sock } from "../../../native/index.ts";
import { seconds } from "../../../src/base/index.ts";
import { type Connection, createNetTransport, type Transport } from "../../../src/bgp/speaker/index.ts";
import {
  CeaseSubcode,
  ErrorCode,
  encodeKeepalive,
  encodeNotification,
  encodeOpen,
} from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { waitFor } from "../../host/fair-time.ts";
import { openSample } from "../session/samples.ts";
import type { ResettingPeerData } from "./resetting-peer.ts";
import { Router } from "./router.ts";

const clock = systemClock;
const [OURS, THEIRS] = ["127.0.0.2", "127.0.0.3"] as const;
const until = (what: string, done: () => boolean): Promise<void> => waitFor(what, done, { every: 5, limit: 15_000 });

function addon(): Sock | undefined {
  try {
    return loadNative().sock;
  } catch {
    return undefined; // not built: the tests that need it say so
  }
}

class ResettingPeer {
  readonly worker: Worker;
  readonly #over = new Int32Array(new SharedArrayBuffer(4));

  constructor(t: TestContext, data: Pick<ResettingPeerData, "to"> & Partial<ResettingPeerData>) {
    const isOver = this.#over.buffer as SharedArrayBuffer;
    const nothing = new Uint8Array(0);
    const workerData = { address: THEIRS, firstWords: nothing, lastWords: nothing, ...data, isOver };
    this.worker = new Worker(new URL("./resetting-peer.ts", import.meta.url), { workerData });
    t.after(() => this.worker.terminate());
  }

  /** It says its last words and resets the connection; this thread stands still meanwhile, and so has read nothing of it. */
  end(): void {
    this.worker.postMessage("end");
    assert.notEqual(Atomics.wait(this.#over, 0, 0, 60_000), "timed-out");
  }
}

const theEnd = (heard: readonly string[]): Promise<void> =>
  until("the end", () => heard.some((line) => line.startsWith("closed")));

/** Either end may have opened the connection. */
async function connected(t: TestContext, transport: Transport, opener: "we" | "they", lastWords: Uint8Array) {
  const heard: string[] = [];
  const found = Promise.withResolvers<Connection>();
  const take = (connection: Connection | Error): void => {
    if (connection instanceof Error) {
      found.reject(connection);
      return;
    }
    t.after(() => connection.close());
    connection.start({
      data: (octets) => void heard.push(Buffer.from(octets).toString()),
      closed: (reason) => void heard.push(`closed: ${reason}`),
      drained: () => {},
    });
    found.resolve(connection);
  };
  let peer: ResettingPeer;
  if (opener === "they") {
    const listener = await transport.listen({ address: OURS, port: 0 }, [], take);
    t.after(() => listener[Symbol.asyncDispose]());
    peer = new ResettingPeer(t, { to: listener.local, lastWords });
  } else {
    peer = new ResettingPeer(t, { to: undefined, lastWords });
    const [port] = await once(peer.worker, "message");
    transport.connect({ remote: { address: THEIRS, port }, source: OURS }, take);
  }
  return { heard, peer, connection: await found.promise };
}

const MORE = new TextEncoder().encode("more");
const WORDS = new TextEncoder().encode("last words");
/** So often could it have been closed, were it closed too early. */
const TURNS = 20;

for (const kind of ["node:net", "addon"] as const)
  describe(`${kind}: what comes before a reset is delivered before the connection counts as gone`, () => {
    const sock = kind === "addon" ? addon() : undefined;
    const skip = kind === "addon" && sock === undefined && "skipped: the native addon is not built";
    const parts = sock === undefined ? {} : { sock };
    const transport = createNetTransport({ ...parts, clock });
    for (const opener of ["we", "they"] as const) {
      for (const writes of [0, 1, 3])
        it(`${opener} connect, ${writes} writes that come too late`, { skip }, async (t) => {
          const { heard, peer, connection } = await connected(t, transport, opener, WORDS);
          peer.end();
          for (let n = 0; n < writes; n++) connection.write(MORE);
          await theEnd(heard);
          assert.deepEqual(heard, ["last words", "closed: ECONNRESET"]);
        });

      it(`${opener} connect, a write that comes too late while nothing is read`, { skip }, async (t) => {
        const { heard, peer, connection } = await connected(t, transport, opener, WORDS);
        connection.pause();
        peer.end();
        connection.write(MORE);
        for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(heard, []);
        connection.resume();
        await theEnd(heard);
        assert.deepEqual(heard, ["last words", "closed: ECONNRESET"]);
      });

      it(`${opener} connect, and they say nothing`, { skip }, async (t) => {
        const { heard, peer, connection } = await connected(t, transport, opener, new Uint8Array(0));
        peer.end();
        connection.write(MORE);
        await theEnd(heard);
        assert.deepEqual(heard, ["closed: ECONNRESET"]);
      });

      it(`${opener} connect, and close it while the failed write waits`, { skip }, async (t) => {
        // None of its timers fires: it is closed since reading comes to an end.
        const patient = createNetTransport({ ...parts, clock: { ...clock, after: () => ({ cancel: () => {} }) } });
        const { heard, peer, connection } = await connected(t, patient, opener, WORDS);
        connection.pause();
        peer.end();
        connection.write(MORE);
        await connection.close();
        assert.deepEqual(heard, []);
      });
    }
  });

it("a session whose peer says Cease and resets it, while a message goes out, ends with that Cease", async (t) => {
  const transport = createNetTransport({ clock });
  const router = await Router.start(
    {
      address: OURS,
      identifier: "10.0.0.1",
      port: 0,
      peers: [{ address: THEIRS, passive: true, holdTime: seconds(90) }],
    },
    { clock, transport, seed: 1 },
  );
  t.after(() => router[Symbol.asyncDispose]());
  const open = encodeOpen(openSample({ gracefulRestart: undefined }));
  const { MaximumNumberOfPrefixesReached: subcode } = CeaseSubcode;
  const peer = new ResettingPeer(t, {
    to: { address: OURS, port: router.speaker.listening[0]!.port },
    firstWords: Buffer.concat([open, encodeKeepalive()]),
    lastWords: encodeNotification({ code: ErrorCode.Cease, subcode, data: new Uint8Array(0) }),
  });
  await until("the session", () => router.peer().state === "Established");
  const endOfRibSent = () => router.peer().perFamily.every((family) => family.endOfRibSent);
  await until("what there is to say", endOfRibSent);
  peer.end();
  assert.equal(router.speaker.clearSoft(THEIRS, "in"), "done");
  await until("the end", () => router.peer().state !== "Established");
  assert.deepEqual(
    [router.peer().lastReceived?.text, router.peer().lastError?.text, router.peer().refreshesSent],
    [...Array(2).fill("cease: maximum number of prefixes reached"), 1],
  );
});
