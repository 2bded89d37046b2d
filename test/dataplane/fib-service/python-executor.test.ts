import assert from "node:assert/strict";
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { runFibConformance } from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { comparable } from "../../contract/dataplane/expected.ts";
import { GROUPS, INSTANCE, LOCAL, TUNNEL } from "../memory/story.ts";
import { driven } from "./rig.ts";

const PYTHON = "/usr/bin/python3";
const LAB = fileURLToPath(new URL("../../../lab/fib-executor/", import.meta.url));

function whyNot(): string | undefined {
  try {
    execFileSync(PYTHON, ["-c", "import grpc, google.protobuf"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "skipped: gRPC for Python is missing (Debian: python3-grpcio, python3-protobuf)";
  }
}

it("the executor in Python, written from the protocol's README: it conforms, and a router works with it", async (t) => {
  const why = whyNot();
  if (why !== undefined) {
    t.skip(why);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "semr-fib-python-"));
  let child: ChildProcessByStdio<null, Readable, null> | undefined;
  try {
    const proto = join(folder, "fib.pb");
    execFileSync(process.execPath, [join(LAB, "descriptor.ts"), proto]);
    const words = [join(LAB, "executor.py"), "--proto", proto, "--listen", "[::1]:0"];
    child = spawn(PYTHON, ["-W", "ignore", ...words], { stdio: ["ignore", "pipe", "inherit"] });
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    const port = Number(/^listening on \[::1\]:(\d+)$/.exec(String(value))?.[1]);
    const seed = Math.floor(Math.random() * 0x7fffffff);
    const report = await runFibConformance({ executor: { host: "::1", port }, entries: 1000, deadline: 20_000, seed });
    assert.deepEqual(
      report.results.filter(({ result }) => result === "failed"),
      [],
      `seed ${seed}`,
    );
    assert.deepEqual(
      report.results.filter(({ result }) => result === "cannot").map(({ name }) => name.split(":")[0]),
      ["connection-affinity"],
    );
    const plan: readonly Operation[] = [TUNNEL, LOCAL, INSTANCE, ...GROUPS];
    const first = await driven(port);
    first.driver.apply(plan, 7);
    first.driver.setHealth(1, "draining");
    await first.driver.settled();
    const before = comparable(first.driver.snapshot());
    await first[Symbol.asyncDispose]();
    await using second = await driven(port);
    assert.equal(second.driver.adopted, true);
    assert.deepEqual(comparable(second.driver.snapshot()), before);
  } finally {
    if (child !== undefined && child.exitCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(folder, { recursive: true });
  }
});
