import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommandLine } from "../../src/cli/program.ts";
import { routeDetailsView, routesView } from "../../src/cli/views/index.ts";
import type { RouteRow } from "../../src/management/index.ts";
import { startControlRouter } from "../management/control-router.ts";
import { fixedRouter, ROUTES } from "../management/router.ts";

const COUNT = 25_000;
const MANY = 100_000;
const SEMRCTL = fileURLToPath(new URL("../../tools/semrctl", import.meta.url));
const plain = { paint: (_: string, text: string) => text };
const folder = mkdtempSync(path.join(tmpdir(), "semrd-long-"));
after(() => rmSync(folder, { recursive: true }));

/** What semrctl writes of a router with these routes, write by write. */
async function shown(routes: () => Iterable<RouteRow>, ...args: readonly string[]) {
  const socket = path.join(folder, `${Math.random().toString(36).slice(2)}.sock`);
  let taken = 0;
  function* counted() {
    for (const row of routes()) {
      taken++;
      yield row;
    }
  }
  await using _router = await startControlRouter(socket, fixedRouter({ routes: counted }));
  const writes: string[] = [];
  const takenAtWrite: number[] = [];
  const terminal = {
    out: async (text: string | Uint8Array) => {
      writes.push(Buffer.from(text as string).toString());
      takenAtWrite.push(taken);
      await new Promise((resolve) => setImmediate(resolve));
    },
    err: () => assert.fail("an error"),
    pause: async () => "over" as const,
    colour: false,
  };
  const input = () => ({ kind: "script", lines: Readable.from([]) }) as const;
  const exitCode = await runCommandLine(["show", "routes", ...args], terminal, { SEMRD_SOCKET: socket }, input);
  assert.equal(exitCode, 0);
  return { writes, takenAtWrite };
}

describe("a list that is too long to be waited for", () => {
  const numbered = (i: number): RouteRow => ({ ...ROUTES[0]!, origin: `10.1.${100 + (i >> 8)}.${100 + (i & 127)}` });
  const all = Array.from({ length: COUNT }, (_, i) => numbered(i));

  it("is shown in parts as it comes, which are together what it would be at once", async () => {
    const { writes, takenAtWrite } = await shown(() => all);
    assert.ok(writes.length >= 3, `${writes.length} writes`);
    assert.ok(takenAtWrite[0]! < COUNT, `${takenAtWrite[0]} of ${COUNT} rows were taken before the first was shown`);
    assert.equal(writes.join(""), routesView(all, plain));
  });

  it("the same with everything that is known of each, and as JSON", async () => {
    assert.equal((await shown(() => all, "--detail")).writes.join(""), routeDetailsView(all, plain));
    assert.deepEqual(JSON.parse((await shown(() => all, "--json")).writes.join("")), all);
  });

  it("a part that needs another column has a header of its own, and a wide cell is whole", async () => {
    const { labels: _labels, ...rest } = numbered(0);
    const bare: RouteRow = { ...rest, labels: [], asPath: "" };
    function* rows() {
      for (let i = 0; i < COUNT; i++)
        yield i === COUNT - 1 ? { ...bare, labels: ["eu"], origin: "a-very-long-name.example.net" } : bare;
    }
    const lines = (await shown(rows)).writes.join("").split("\n");
    const headers = lines.filter((line) => line.includes("CAPABILITY"));
    assert.equal(headers.length, 2);
    assert.ok(!headers[0]!.includes("LABELS") && headers[1]!.endsWith("LABELS"));
    assert.ok(lines.some((line) => line.includes("a-very-long-name.example.net") && line.endsWith("eu")));
    assert.equal(lines.filter((line) => line.startsWith("* best")).length, 1);
  });

  it("none are nothing", async () => {
    assert.deepEqual((await shown(() => [])).writes, ["no routes\n"]);
  });

  for (const [name, args, count, most] of [
    ["rows", [], MANY, 120],
    ["all that is known of each", ["--detail"], 40_000, 140],
  ] as const) {
    it(`takes no more memory than some thousand rows do: ${name}`, async (t) => {
      const socket = path.join(folder, `memory${args.length}.sock`);
      let taken = 0;
      function* rows() {
        for (; taken < count; taken++) yield numbered(taken);
      }
      await using _router = await startControlRouter(socket, fixedRouter({ routes: rows }));
      const command = ["--socket", socket, "show", "routes", ...args];
      const child = spawn(SEMRCTL, command, { stdio: ["ignore", "pipe", "inherit"] });
      const ended = once(child, "close");
      let [shown, peak, ahead] = [0, 0, 0];
      for await (const chunk of child.stdout) {
        shown += chunk.toString().split(args.length === 0 ? "\n" : "* ").length - 1;
        ahead = Math.max(ahead, taken - shown);
        peak = Math.max(peak, peakMegabytes(child.pid!) ?? 0);
      }
      assert.deepEqual(await ended, [0, null]);
      assert.equal(shown, args.length === 0 ? count + 2 : count, "with the header and the last line of a table");
      t.diagnostic(`${count} routes: ${peak} MB; the router was at most ${ahead} rows ahead of the reader`);
      assert.ok(peak > 0 && peak < most, `${peak} MB`);
      assert.ok(ahead < count / 2, `the router was ${ahead} rows ahead`);
    });
  }
});

/** The most that a process has had in memory; undefined: it has ended. */
function peakMegabytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1024);
  } catch {
    return undefined;
  }
}
