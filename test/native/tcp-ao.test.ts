import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/*
 * TCP-AO as far as it can be shown where no kernel has it: `tcp-ao-kernel.c` is put between the addon and the kernel, reads what the
 * addon hands over with the layouts of Linux 6.7, and refuses what Linux refuses.
 */

const run = promisify(execFile);
const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(HERE, "../..");
const COMPILER = "/usr/bin/cc";

interface Call {
  readonly call: "add" | "delete" | "use";
  readonly on: "listener" | "socket" | "established";
  readonly fd: number;
  readonly send?: number;
  readonly current: number;
}

/** Runs node in a process whose kernel seems to have TCP-AO; what it asked of it, in order. */
async function inside(t: TestContext, args: readonly string[]): Promise<{ calls: Call[]; output: string } | undefined> {
  if (!existsSync(COMPILER) || !existsSync(path.join(ROOT, "build/semrd.node"))) {
    t.skip("skipped: there is no C compiler, or the native addon is not built");
    return undefined;
  }
  const where = await mkdtemp(path.join(tmpdir(), "st-tcp-ao-"));
  t.after(() => rm(where, { recursive: true, force: true }));
  const [library, log] = [path.join(where, "kernel.so"), path.join(where, "log")];
  const source = path.join(HERE, "tcp-ao-kernel.c");
  await run(COMPILER, ["-std=gnu11", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"]);
  // The tests inside report to nobody but their own output.
  const { NODE_TEST_CONTEXT: _, ...own } = process.env;
  const env = { ...own, LD_PRELOAD: library, TCP_AO_LOG: log };
  const { stdout, stderr } = await run(process.execPath, args, { cwd: ROOT, env, timeout: 240_000 });
  const lines = existsSync(log) ? (await readFile(log, "utf8")).trim().split("\n") : [];
  return { calls: lines.map((line) => JSON.parse(line) as Call), output: stdout + stderr };
}

it("keys are handed over as Linux lays them out (include/uapi/linux/tcp.h: tcp_ao_add, tcp_ao_del, tcp_ao_info_opt)", async (t) => {
  const script = `
    const { loadNative } = await import("./native/index.ts");
    const { sock } = loadNative();
    const octets = (n) => Uint8Array.from({ length: n }, (_, i) => i + 1);
    const say = (work) => { try { work(); return "done"; } catch ({ code, message }) { return code + ": " + message; } };
    const v6 = sock.socket({ family: "ipv6", type: "stream" });
    const v4 = sock.socket({ family: "ipv4", type: "stream" });
    const key = (sendId, receiveId, length = 3, algorithm = "hmac-sha-1-96") =>
      ({ sendId, receiveId, algorithm, key: octets(length) });
    const answers = [sock.hasTcpAo(),
      say(() => sock.addAoKey(v6, "2001:db8::5", 128, key(1, 2), true)),
      say(() => sock.addAoKey(v6, "2001:db8::", 32, key(3, 255, 80, "aes-128-cmac-96"), false)),
      say(() => sock.addAoKey(v4, "192.0.2.7", 32, key(0, 0, 1), false)),
      say(() => sock.addAoKey(v6, "192.0.2.0", 24, key(5, 6), false)),
      say(() => sock.useAoKey(v6, key(3, 255))),
      say(() => sock.deleteAoKey(v6, "2001:db8::5", 128, key(1, 2), key(3, 255))),
      say(() => sock.addAoKey(v6, "2001:db8::5", 32, key(1, 2), true)),
      say(() => sock.addAoKey(v4, "2001:db8::5", 128, key(1, 2), true)),
      say(() => sock.deleteAoKey(v6, "2001:db8::5", 128, key(1, 2), undefined)),
    ];
    sock.bind(v4, "127.0.0.1", 0);
    sock.listen(v4, 1);
    answers.push(
      say(() => sock.addAoKey(v4, "192.0.2.8", 32, key(1, 2), true)),
      say(() => sock.addAoKey(v4, "192.0.2.8", 32, key(1, 2), false)),
      say(() => sock.deleteAoKey(v4, "192.0.2.8", 32, key(1, 2), undefined)),
      say(() => sock.deleteAoKey(v4, "192.0.2.8", 32, key(1, 2), key(3, 4))),
    );
    console.log(JSON.stringify(answers));`;
  const seen = await inside(t, ["--input-type=module", "-e", script]);
  if (seen === undefined) return;
  const [own, other, both, mapped] = ["2001:db8::5/128", "2001:db8::/32", "192.0.2.7/32", "192.0.2.0/24"];
  const hex = (n: number): string => Buffer.from(Array.from({ length: n }, (_, i) => i + 1)).toString("hex");
  const sha = { algorithm: "hmac(sha1)", mac: 12, key: hex(3) };
  const calls = seen.calls.map(({ fd: _, ...call }) => call);
  assert.deepEqual(calls, [
    { call: "add", on: "socket", peer: own, ...sha, send: 1, receive: 2, current: 1, rnext: 1 },
    {
      ...{ call: "add", on: "socket", peer: other, algorithm: "cmac(aes128)", mac: 12, key: hex(80) },
      ...{ send: 3, receive: 255, current: 0, rnext: 0 },
    },
    { call: "add", on: "socket", peer: both, ...sha, key: hex(1), send: 0, receive: 0, current: 0, rnext: 0 },
    { call: "add", on: "socket", peer: mapped, ...sha, send: 5, receive: 6, current: 0, rnext: 0 },
    { call: "use", on: "socket", current: 3, rnext: 255, required: 0, icmps: 0, counters: 0 },
    { call: "delete", on: "socket", peer: own, send: 1, receive: 2, async: 0, current: 3, rnext: 255 },
    { call: "add", on: "listener", peer: "192.0.2.8/32", ...sha, send: 1, receive: 2, current: 0, rnext: 0 },
    { call: "delete", on: "listener", peer: "192.0.2.8/32", send: 1, receive: 2, async: 1, current: -1, rnext: -1 },
  ]);
  const answers = JSON.parse(seen.output) as (string | boolean)[];
  const refused = (answer: string | boolean | undefined): boolean => String(answer).startsWith("EINVAL: ");
  assert.equal(answers[0], true, "the probe finds it");
  assert.deepEqual(answers.slice(1, 7), new Array(6).fill("done"));
  assert.deepEqual(
    [...answers.slice(7, 11), answers[13]].map(refused),
    new Array(5).fill(true),
    "bits behind a prefix, another protocol, a wait on a connection, a key in use on a listener",
  );
  assert.deepEqual(answers.slice(11, 13), ["done", "done"]);
});

it("a session's keys are added before it connects, take each other's place on it, and are named where they go (RFC 5925 §7.3)", async (t) => {
  const name = "TCP-AO keys";
  const seen = await inside(t, ["--test", "--test-name-pattern", name, "test/bgp/speaker/tcp.test.ts"]);
  if (seen === undefined) return;
  assert.match(seen.output, /pass 1\b/, seen.output);
  const { calls } = seen;
  const of = (on: Call["on"]): string[] =>
    calls.filter((call) => call.on === on).map(({ call, send, current }) => `${call} ${send ?? ""} ${current}`);
  // Both listeners know the peer's key before anybody connects.
  assert.deepEqual([calls[0]?.call, calls[0]?.on], ["add", "listener"]);
  assert.ok(
    of("socket").every((text) => /^add \d 1$/.test(text)),
    `before connecting: ${of("socket")}`,
  );
  const live = of("established");
  // A new key is used from its addition on; the older one, told to be first again, is only named; and goes with its successor's name.
  for (const wanted of ["add 3 1", "use  1", "use  3", "delete 1 3"])
    assert.ok(live.includes(wanted), `${wanted} on a connection: ${live.join(", ")}`);
  assert.ok(!calls.some(({ on, current }) => on === "listener" && current === 1), "a listener uses none");
});
