import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, describe, it } from "node:test";
import { deployLab } from "../../lab/runner/index.ts";
import { leftovers, whyNoNamespaces } from "./namespaces.ts";

const skip = whyNoNamespaces();
const folder = mkdtempSync(path.join(tmpdir(), "st-ending-"));
after(() => rmSync(folder, { recursive: true }));

/** A lab of one node, under a name of this process. */
function oneNode(name: string): { readonly name: string; readonly file: string } {
  const full = `st-ending-${process.pid}-${name}`;
  const file = path.join(folder, `${name}.clab.yml`);
  writeFileSync(file, `name: ${full}\ntopology: { nodes: { a: {} } }\n`);
  return { name: full, file };
}

/** Runs `script` as process 1 of a PID namespace: it reaps what it began itself, and nobody else, as in a container without an init. */
async function asProcessOne(script: string, ...words: readonly string[]): Promise<string> {
  const inside = ["--input-type=module", "--eval", script, ...words];
  const child = spawn("unshare", ["--pid", "--fork", "--kill-child", "--mount-proc", process.execPath, ...inside], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
  const closed = once(child, "close");
  const [printed, said] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.deepEqual([await closed, said], [[0, null], ""], printed);
  return printed;
}

/** What a lab does in its own process; `zombies` are children of process 1 that nobody reaps. */
const IN_LAB = `
  import { readdirSync, readFileSync } from "node:fs";
  const { deployLab } = await import(${JSON.stringify(path.join(import.meta.dirname, "../../lab/runner/index.ts"))});
  const stats = () => readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).flatMap((name) => {
    try { return [readFileSync("/proc/" + name + "/stat", "utf8")]; } catch { return []; }
  }).map((stat) => /^(\\d+) \\((.*)\\) (\\S) (\\d+)/s.exec(stat));
  const zombies = () => stats().filter(([, , , state, parent]) => state === "Z" && parent === "1").map(([, , name]) => name);
  const lab = await deployLab(process.argv[1]);
  const sleeper = lab.spawn("a", ["sh", "-c", "echo there; exec sleep 1000"]);
  for await (const _ of sleeper.stdout) break;
`;

describe("the end of what runs in a node", { skip }, () => {
  it("a command that is too late ends, and what it left behind holds nobody up", { timeout: 60_000 }, async (t) => {
    await using lab = await deployLab(oneNode("behind").file, {}, t.signal);
    t.after(() => lab[Symbol.asyncDispose]()); // also where it takes too long
    const [left, held] = ["sleep 1000 & echo there", "sleep 1000 & echo there; sleep 1000"];
    for (const [line, code] of [
      [left, 0],
      [held, 137],
    ] as const) {
      const done = await lab.exec("a", ["sh", "-c", line], { timeout: 300 });
      assert.equal(done.code, code);
      assert.equal(done.stdout, "there\n");
      assert.match(done.stderr, /sh in a was killed after 300 ms/);
    }
    const stop = new AbortController();
    const stopped = lab.exec("a", ["sh", "-c", held], { signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(stopped, /enough/);
  });

  it("leaves nothing to process 1", { timeout: 60_000 }, async () => {
    const { name, file } = oneNode("orderly");
    const script = `${IN_LAB}
      await sleeper[Symbol.asyncDispose]();
      for (let timeout = 0; timeout < 20; timeout++) await lab.exec("a", ["sleep", "1000"], { timeout });
      await lab[Symbol.asyncDispose]();
      console.log(JSON.stringify(zombies()));`;
    assert.equal(await asProcessOne(script, file), "[]\n");
    assert.deepEqual(leftovers(name), []);
  });

  it("a zombie that nobody reaps counts as ended: the lab goes, with its interfaces", { timeout: 60_000 }, async () => {
    const { name, file } = oneNode("zombie");
    const script = `${IN_LAB}
      const { readlinkSync } = await import("node:fs");
      const namespace = readlinkSync("/proc/" + lab.node("a").pid + "/ns/net");
      const [, nsenter] = stats().find(([, , name, , parent]) => name === "nsenter" && parent === "1");
      process.kill(Number(nsenter), "SIGKILL");
      // Its pipes are closed before it is a zombie.
      while (zombies().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await lab[Symbol.asyncDispose]();
      const holders = stats().map(([, pid]) => { try { return readlinkSync("/proc/" + pid + "/ns/net"); } catch {} });
      console.log(JSON.stringify({ zombies: zombies().length, isHeld: holders.includes(namespace) }));`;
    assert.deepEqual(JSON.parse(await asProcessOne(script, file)), { zombies: 1, isHeld: false });
    assert.deepEqual(leftovers(name), []);
    assert.equal(existsSync(`/run/semrd-lab/${name}`), false);
  });
});
