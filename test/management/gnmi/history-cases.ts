import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import {
  ADDRESS,
  type GnmiClient,
  type GnmiRouter,
  gnmiPath,
  PASSWORD,
  PORT,
  type Stream,
  update,
} from "./gnmi-router.ts";
import { framed, rawCall } from "./raw-call.ts";

const run = promisify(execFile);
const HISTORY = fileURLToPath(new URL("./peers/history.py", import.meta.url));
const PYTHON = "/usr/bin/python3";
const CAPABILITY = "/router/taxonomy/capability[name=/vision/ocr][major-version=1]";
const DESCRIPTION = `${CAPABILITY}/description`;
const BETA = "/router/tenants/tenant[name=beta]";
const beta = {
  ...{ name: "beta", index: 2, "route-distinguisher": "0:65000:2" },
  ...{ "import-target": ["65000:2"], "export-target": ["65000:2"] },
};
/** Of which the configuration is kept. */
const KEPT = 21;

const on = (path: string, more: object = {}): object => ({ path: gnmiPath(path), ...more });

interface Entry {
  readonly id: number;
  readonly time: number;
}

export const historyCases = (given: () => GnmiRouter): Promise<void> =>
  describe("gNMI: the history extension", () => {
    let router: GnmiRouter;
    let client: GnmiClient;
    let log: Entry[];
    before(async () => {
      router = given();
      client = router.client();
      await client.set({ update: [update(DESCRIPTION, "one")] });
      await client.set({ update: [update(DESCRIPTION, "two"), update(BETA, beta)] });
      await client.set({ update: [update(`${BETA}/import-target`, ["65000:2", "65000:3"])] });
      await client.set({ delete: [gnmiPath(DESCRIPTION), gnmiPath(BETA)] });
      log = ((await router.process.ctl("config", "log")) as Entry[]).toReversed();
      assert.equal(log.length, 5, "the start and four commits");
    });

    /** As the server has it: microseconds of the wall clock. */
    const at = (i: number): bigint => BigInt(Math.round(log[i]!.time * 1000)) * 1000n;
    const ask = async (list: object, history: object, who = client): Promise<Stream> => {
      const stream = who.subscribe(list, [{ history } as never]);
      await stream.over();
      return stream;
    };
    const snapshot = (time: bigint, ...paths: string[]): Promise<Stream> =>
      ask({ mode: "ONCE", subscription: paths.map((path) => on(path)) }, { snapshot_time: String(time) });
    const range = (start: bigint, end: bigint, paths: readonly string[], more: object = {}): Promise<Stream> =>
      ask(
        { mode: "STREAM", subscription: paths.map((path) => on(path)), ...more },
        { range: { start: String(start), end: String(end) } },
      );

    it("a snapshot is what ran at that time", async () => {
      for (const [time, want] of [
        [at(0), undefined],
        [at(1) - 1n, undefined],
        [at(1), "one"],
        [at(2) - 1n, "one"],
        [at(2), "two"],
        [at(4), undefined],
      ] as const) {
        const stream = await snapshot(time, DESCRIPTION);
        assert.equal(stream.error, undefined, stream.error?.details);
        assert.deepEqual(stream.leaves, want === undefined ? [] : [[DESCRIPTION, want]], `at ${time}`);
        assert.equal(stream.syncs, 1);
        if (want !== undefined) assert.equal(stream.responses[0].update.timestamp, String(time));
      }
      const whole = await snapshot(at(3), "/router/tenants");
      assert.ok(whole.has(`${BETA}/import-target`, ["65000:2", "65000:3"]));
      assert.ok(whole.has("/router/tenants/tenant[name=acme]/index", 1));
    });

    it("a range is what was at its start, and each change at the time of its commit; the end is not in it", async () => {
      const stream = await range(at(1) + 1n, at(4), [DESCRIPTION, BETA]);
      assert.equal(stream.error, undefined, stream.error?.details);
      const told = stream.responses.map(({ response, update: one }) =>
        response === "sync_response" ? "sync" : [one.timestamp, one.update.length, one.delete.length],
      );
      assert.deepEqual(told, [[String(at(1) + 1n), 1, 0], "sync", [String(at(2)), 6, 0], [String(at(3)), 1, 0]]);
      assert.deepEqual(stream.leaves[0], [DESCRIPTION, "one"]);
      assert.ok(stream.has(`${BETA}/import-target`, ["65000:2", "65000:3"]));
      const all = await range(at(1), at(4) + 1n, [DESCRIPTION], { updates_only: true });
      assert.deepEqual(all.leaves, [
        [DESCRIPTION, "one"],
        [DESCRIPTION, "two"],
        [DESCRIPTION, undefined],
      ]);
      assert.equal(all.responses[0].response, "sync_response");
      const none = await range(at(4) + 1n, at(4) + 1n, [DESCRIPTION]);
      assert.deepEqual([none.leaves, none.syncs, none.error], [[], 1, undefined]);
    });

    it("grpcio asks for both", async (t) => {
      try {
        await run(PYTHON, ["-c", "import grpc, google.protobuf"]);
      } catch {
        return t.skip("skipped: there is no python3-grpcio");
      }
      const { elem } = gnmiPath(DESCRIPTION);
      const [start, end] = [String(at(1)), String(at(4) + 1n)];
      const login = [`${ADDRESS}:${PORT}`, path.join(router.folder, "server.pem"), "admin", PASSWORD];
      const args = ["-B", HISTORY, ...login, JSON.stringify(elem), start, end];
      const { stdout } = await run(PYTHON, args, { timeout: 60_000 });
      assert.deepEqual(JSON.parse(stdout), {
        at: [[start, "one"], "sync"],
        since: ["sync", [start, "one"], [String(at(2)), "two"], [String(at(4)), null]],
      });
    });

    it("refuses what it cannot answer, and says why", async () => {
      const soon = BigInt(Date.now() + 60_000) * 1_000_000n;
      const once = { mode: "ONCE", subscription: [on(DESCRIPTION)] };
      const live = { mode: "STREAM", subscription: [on(DESCRIPTION)] };
      const cases: readonly [object, object, number, RegExp][] = [
        [
          once,
          { snapshot_time: "1" },
          status.OUT_OF_RANGE,
          new RegExp(`too long ago: what is kept begins at ${at(0)} `),
        ],
        [live, { range: { start: "1", end: String(at(1)) } }, status.OUT_OF_RANGE, /too long ago/],
        [once, { snapshot_time: String(soon) }, status.UNIMPLEMENTED, /future/],
        [live, { range: { start: String(at(1)), end: String(soon) } }, status.UNIMPLEMENTED, /end of the range/],
        [live, { range: { start: "5", end: "4" } }, status.INVALID_ARGUMENT, /ends before it starts/],
        [live, { snapshot_time: String(at(1)) }, status.INVALID_ARGUMENT, /needs mode ONCE/],
        [once, { range: { start: "1", end: "2" } }, status.INVALID_ARGUMENT, /needs mode STREAM/],
        [{ ...once, mode: "POLL" }, { snapshot_time: String(at(1)) }, status.INVALID_ARGUMENT, /needs mode ONCE/],
        [once, {}, status.INVALID_ARGUMENT, /neither/],
        [
          { mode: "STREAM", subscription: [on(DESCRIPTION, { mode: "SAMPLE" })] },
          { range: { start: String(at(1)), end: String(at(2)) } },
          ...([status.INVALID_ARGUMENT, /ON_CHANGE/] as const),
        ],
        [
          { mode: "ONCE", subscription: [on("/router/state")] },
          { snapshot_time: String(at(1)) },
          ...([status.INVALID_ARGUMENT, /is state of the router: only the history of its configuration/] as const),
        ],
      ];
      for (const [list, history, code, why] of cases) {
        const { error } = await ask(list, history);
        assert.equal(error?.code, code, `${JSON.stringify(history)}: ${error?.details}`);
        assert.match(error!.details, why);
      }
      const get = client.get([DESCRIPTION], { extension: [{ history: { snapshot_time: "1" } }] });
      await assert.rejects(get, { code: status.UNIMPLEMENTED });
    });

    it("shows of the past what its reader may see now", async () => {
      const reader = router.client({ username: "reader", password: PASSWORD });
      const list = { mode: "ONCE", subscription: [on("/router/management/users")] };
      const history = { snapshot_time: String(at(2)) };
      const [own, other] = [await ask(list, history, reader), await ask(list, history)];
      const hashes = ({ leaves }: Stream): number => leaves.filter(([path]) => path.endsWith("password-hash")).length;
      assert.deepEqual([hashes(own), hashes(other)], [0, 2]);
      assert.ok(own.has("/router/management/users/user[name=admin]/name", "admin"));
    });

    it("a request cut off at each octet, or with a bit flipped, is answered or refused", async () => {
      const service = loadProto()["gnmi.gNMI"] as unknown as Record<
        string,
        { requestSerialize(value: object): Buffer }
      >;
      const message = service.Subscribe!.requestSerialize({
        subscribe: { mode: "ONCE", encoding: "JSON_IETF", subscription: [on("/router/name")] },
        extension: [{ history: { snapshot_time: String(at(1)) } }],
      });
      for (let length = 1; length < message.length; length += 3) {
        assert.notEqual(await rawCall(router, "/gnmi.gNMI/Subscribe", framed(message.subarray(0, length))), -1);
      }
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: message.length * 8 - 1 }), async (bit) => {
          // A flipped mode is a stream, which only its reader ends.
          if (bit >> 3 === message.indexOf(Buffer.from([0x28, 0x01])) + 1) return;
          const flipped = Buffer.from(message);
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          await Promise.race([
            rawCall(router, "/gnmi.gNMI/Subscribe", framed(flipped)),
            new Promise((resolve) => setTimeout(resolve, 200)),
          ]);
        }),
        { numRuns: 25 },
      );
      assert.equal(await client.value("/router/name"), "r1");
    });

    it("what is no longer kept is out of range, and it is said from when there is something", async () => {
      for (let i = 0; i < KEPT - 1; i++) await client.set({ update: [update(DESCRIPTION, `value ${i}`)] });
      log = ((await router.process.ctl("config", "log", "--limit", "200")) as Entry[]).toReversed();
      const oldest = log.length - KEPT;
      const before = await snapshot(at(oldest) - 1n, DESCRIPTION);
      assert.equal(before.error?.code, status.OUT_OF_RANGE);
      assert.match(before.error!.details, new RegExp(`begins at ${at(oldest)} `));
      assert.equal((await snapshot(at(oldest), DESCRIPTION)).error, undefined);
      const all = await range(at(oldest), at(log.length - 1) + 1n, [DESCRIPTION], { updates_only: true });
      assert.equal(all.leaves.length, KEPT - 1);
    });
  });
