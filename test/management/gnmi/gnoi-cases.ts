import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { ChannelCredentials, type Client, loadPackageDefinition, Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { ADDRESS, type GnmiRouter, type Message, PASSWORD, PORT, refusal } from "./gnmi-router.ts";
import { framed, rawCall } from "./raw-call.ts";

const run = promisify(execFile);
const SECOND = 1_000_000_000;
const WAIT = 60_000;

interface Operator {
  readonly client: Client & Record<string, (...args: unknown[]) => Message>;
  call(method: string, request?: object): Promise<Message>;
  /** All that a stream says. */
  all(method: string, request: object): Promise<Message[]>;
}

export const gnoiCases = (given: () => GnmiRouter): Promise<void> =>
  describe("gNOI: system", () => {
    let router: GnmiRouter;
    let admin: Operator;
    let reader: Operator;
    const operators: Operator[] = [];
    before(() => {
      router = given();
      admin = operator("admin");
      reader = operator("reader");
    });
    after(() => {
      for (const { client } of operators) client.close();
    });

    function operator(username: string): Operator {
      const { gnoi } = loadPackageDefinition(loadProto()) as Message;
      const client = new gnoi.system.System(`${ADDRESS}:${PORT}`, ChannelCredentials.createSsl(router.ca));
      const login = new Metadata();
      login.set("username", username);
      login.set("password", PASSWORD);
      const made: Operator = {
        client,
        call: (method, request = {}) =>
          new Promise((resolve, reject) => {
            client[method](request, login, { deadline: Date.now() + WAIT }, (cause: Error | null, answer: Message) =>
              cause === null ? resolve(answer) : reject(cause),
            );
          }),
        all: (method, request) =>
          new Promise((resolve, reject) => {
            const told: Message[] = [];
            client[method](request, login, { deadline: Date.now() + WAIT })
              .on("data", (answer: Message) => told.push(answer))
              .on("error", reject)
              .on("end", () => resolve(told));
          }),
      };
      operators.push(made);
      return made;
    }

    it("tells the time", async () => {
      const before = BigInt(Date.now()) * 1_000_000n;
      const { time } = await reader.call("Time");
      assert.ok(BigInt(time) >= before - 1_000_000n && BigInt(time) <= BigInt(Date.now() + 1) * 1_000_000n);
    });

    it("pings: an answer at a time, then what came of them", async (t) => {
      if (await noPing()) return t.skip("skipped: there is no program ping");
      const told = await admin.all("Ping", { destination: "127.0.0.1", count: 2, interval: SECOND / 5, size: 100 });
      assert.deepEqual(
        told.map(({ bytes, sequence, sent, received, source }) => [bytes, sequence, sent, received, source]),
        [
          [108, 1, 0, 0, "127.0.0.1"],
          [108, 2, 0, 0, "127.0.0.1"],
          [0, 0, 2, 2, ""],
        ],
      );
      assert.ok(told.every(({ time }) => Number(time) > 0));
      const [, , { min_time: least, max_time: most }] = told;
      assert.ok(Number(least) > 0 && Number(least) <= Number(most));
      const lost = await refusal(admin.all("Ping", { destination: "no-such-host.invalid", count: 1 }));
      assert.equal(lost.code, status.UNAVAILABLE);
    });

    it("a ping ends with its call, however it ends", async (t) => {
      if (await noPing()) return t.skip("skipped: there is no program ping");
      const pings = async (): Promise<number> => {
        const ofRouter = ["-o", "args=", "--ppid", String(router.process.child.pid)];
        // With none it fails.
        const { stdout } = await run("ps", ofRouter).catch(() => ({ stdout: "" }));
        return stdout.split("\n").filter((line) => line.startsWith("ping ")).length;
      };
      const login = new Metadata();
      login.set("username", "admin");
      login.set("password", PASSWORD);
      const endless = (): Message => admin.client.Ping!({ destination: "127.0.0.2", count: -1 }, login);
      const running = Array.from({ length: 8 }, endless);
      const first = running.map((call) => new Promise((resolve) => call.once("data", resolve)));
      for (const call of running) call.on("error", () => undefined);
      await Promise.all(first);
      assert.equal(await pings(), 8);
      assert.equal((await refusal(admin.all("Ping", { destination: "127.0.0.1" }))).code, status.RESOURCE_EXHAUSTED);
      for (const call of running) call.cancel();
      const late = AbortSignal.timeout(WAIT);
      while ((await pings()) > 0) assert.ok(!late.aborted, "a ping goes on");
    });

    it("who needs a rule has none without it, and each call is a line in the log", async () => {
      for (const [method, request] of [
        ["Reboot", { method: "COLD" }],
        ["CancelReboot", {}],
      ] as const) {
        const refused = await refusal(reader.call(method, request));
        assert.equal(refused.code, status.PERMISSION_DENIED, refused.details);
        assert.match(refused.details, new RegExp(`reader call ${method}`));
      }
      assert.equal((await refusal(reader.all("Ping", { destination: "127.0.0.1" }))).code, status.PERMISSION_DENIED);
      const { active, count } = await reader.call("RebootStatus");
      assert.deepEqual([active, count], [false, 0]);
      const lines = (): string[] => router.process.log.split("\n").filter((line) => line.includes('"gnoi.'));
      await router.process.logged(/"gnoi\..*RebootStatus|RebootStatus.*"gnoi\./);
      const has = (event: string, operation: string, user: string): boolean =>
        lines()
          .map((line) => JSON.parse(line))
          .some((l) => l.event === event && l.operation === operation && l.user === user);
      assert.ok(has("gnoi.called", "Time", "reader"));
      assert.ok(has("gnoi.called", "RebootStatus", "reader"));
      assert.ok(has("gnoi.refused", "Reboot", "reader"));
      assert.ok(has("gnoi.refused", "Ping", "reader"));
    });

    it("says what it does not do", async () => {
      const cases: readonly [() => Promise<unknown>, number, RegExp][] = [
        [() => admin.all("Traceroute", { destination: "::1" }), status.UNIMPLEMENTED, /explain/],
        [() => admin.call("SwitchControlProcessor"), status.UNIMPLEMENTED, /one process/],
        [() => admin.call("KillProcess", { name: "x" }), status.UNIMPLEMENTED, /Reboot/],
        [() => admin.call("Reboot", {}), status.INVALID_ARGUMENT, /UNKNOWN is not offered/],
        [() => admin.call("Reboot", { method: "HALT" }), status.INVALID_ARGUMENT, /HALT is not offered/],
        [() => admin.call("Reboot", { method: 77 }), status.INVALID_ARGUMENT, /77/],
        [() => admin.call("Reboot", { method: "COLD", delay: "9".repeat(18) }), status.INVALID_ARGUMENT, /seven days/],
        [() => admin.call("Reboot", { method: "COLD", subcomponents: [{}] }), status.UNIMPLEMENTED, /subcomponents/],
        [() => admin.call("CancelReboot"), status.FAILED_PRECONDITION, /no restart/],
      ];
      for (const [call, code, why] of cases) {
        const refused = await refusal(call());
        assert.equal(refused.code, code, refused.details);
        assert.match(refused.details, why);
      }
      const upload = admin.client.SetPackage as unknown as (...args: unknown[]) => Message;
      const login = new Metadata();
      login.set("username", "admin");
      login.set("password", PASSWORD);
      const refused = await refusal(
        new Promise((resolve, reject) => {
          const call = upload.call(admin.client, login, (cause: Error | null) => (cause ? reject(cause) : resolve(0)));
          call.on("error", () => undefined);
          call.write({ package: { filename: "x" } });
        }),
      );
      assert.equal(refused.code, status.UNIMPLEMENTED);
    });

    it("a restart later: told of, one at a time, cancelled", async () => {
      const times = [Date.now()];
      await admin.call("Reboot", { method: "WARM", delay: String(60 * SECOND), message: "window" });
      times.push(Date.now());
      const told = await reader.call("RebootStatus");
      times.push(Date.now());
      assert.deepEqual([told.active, told.reason, told.method], [true, "window", "WARM"]);
      // A minute after it was ordered, whenever the calls came through. Milliseconds
      const [wait, when] = [Number(told.wait) / 1e6, Number(told.when) / 1e6 - 60_000];
      const [ordered, accepted, answered] = times as [number, number, number];
      assert.ok(when >= ordered - 1 && when <= accepted + 1, `ordered at ${when}, of ${times.join(" ")}`);
      assert.ok(wait <= 60_000 && wait >= 60_000 - (answered - ordered) - 2, `${wait} ms, of ${times.join(" ")}`);
      const second = await refusal(admin.call("Reboot", { method: "COLD" }));
      assert.equal(second.code, status.FAILED_PRECONDITION);
      assert.match(second.details, /admin has ordered/);
      await admin.call("CancelReboot", { message: "not now" });
      assert.equal((await reader.call("RebootStatus")).active, false);
    });

    it("is not restarted into a file that it could not start with, unless it is forced to", async () => {
      const file = path.join(router.folder, "r1.json");
      const content = await readFile(file, "utf8");
      await writeFile(file, content.replace('"/vision/ocr"', '"no name"'));
      try {
        const refused = await refusal(admin.call("Reboot", { method: "NSF" }));
        assert.equal(refused.code, status.FAILED_PRECONDITION);
        assert.match(refused.details, /would not start again.*r1\.json.*capability/);
        await admin.call("Reboot", { method: "NSF", delay: String(60 * SECOND), force: true });
        await admin.call("CancelReboot");
      } finally {
        await writeFile(file, content);
      }
    });

    it("requests cut off at each octet, or with a bit flipped, are answered or refused", async () => {
      const service = loadProto()["gnoi.system.System"] as unknown as Record<
        string,
        { requestSerialize(value: object): Buffer }
      >;
      // Nothing in them may restart the router: the method is none that a bit makes one of.
      const path = { elem: [{ name: "x", key: { a: "b" } }] };
      const messages = {
        Reboot: service.Reboot!.requestSerialize({ method: 96, delay: "5", message: "m", subcomponents: [path] }),
        Ping: service.Ping!.requestSerialize({ destination: "-x", source: "::1", count: 1, interval: -1, size: 3 }),
      };
      for (const [method, message] of Object.entries(messages)) {
        const call = `/gnoi.system.System/${method}`;
        for (let length = 0; length < message.length; length += 3) {
          assert.notEqual(await rawCall(router, call, framed(message.subarray(0, length))), -1, `${length} octets`);
        }
        await fc.assert(
          fc.asyncProperty(fc.nat({ max: message.length * 8 - 1 }), async (bit) => {
            const flipped = Buffer.from(message);
            flipped[bit >> 3]! ^= 1 << (bit & 7);
            assert.notEqual(await rawCall(router, call, framed(flipped)), -1);
          }),
          { numRuns: 25 },
        );
      }
      assert.equal((await reader.call("RebootStatus")).count, 0);
    });

    it("restarts: another process of the same number, with its configuration, that says why it is there", async () => {
      const { child, log } = router.process;
      await admin.call("Reboot", { method: "COLD", message: "an exercise" });
      await router.process.logged(/"event":"router\.running"/, log.length);
      assert.equal(child.exitCode, null);
      const told = await operator("admin").call("RebootStatus");
      assert.deepEqual([told.active, told.count, told.reason, told.method], [false, 1, "an exercise", "COLD"]);
      assert.deepEqual([told.status.status, told.status.message], ["STATUS_SUCCESS", "restarted for admin"]);
      assert.match(router.process.log, /"reason":"an exercise".*"event":"router\.restarting"/);
      const environment = await readFile(`/proc/${child.pid}/cmdline`, "utf8");
      assert.match(environment, /src\/main\.ts\0--config\0/);
      assert.equal(await router.process.end("SIGTERM"), 0, "it still ends when it is told to");
      await assert.rejects(stat(path.join(router.folder, "r1", "grpc.sock")), { code: "ENOENT" });
    });
  });

async function noPing(): Promise<boolean> {
  try {
    await run("ping", ["-V"]);
    return false;
  } catch {
    return true;
  }
}
