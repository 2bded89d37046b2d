import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { judgeProcesses, judgeRequests, median, type Sample, type Second } from "../../lab/soak/judge.ts";

const LOAD = path.join(import.meta.dirname, "../../lab/soak/load.mjs");

const second = (changes: Partial<Second> = {}): Second => ({
  ...{ answered: 100, failed: 0, heldBack: 0, errors: {}, agents: {}, open: 1, p50: 5, p99: 20, longest: 30 },
  ...changes,
});
const missed = (judgements: readonly { readonly what: string; readonly holds: boolean }[]) =>
  judgements.filter(({ holds }) => !holds).map(({ what }) => what);

describe("the bars of a soak", () => {
  it("nothing failed, all were asked, and it is as quick as before", () => {
    const calm = Array.from({ length: 40 }, () => second());
    assert.deepEqual(missed(judgeRequests(calm, 4000)), []);
    assert.deepEqual(missed(judgeRequests(calm, 4001)), ["requests answered"]);
    const broken = [...calm.slice(1), second({ answered: 99, failed: 1, errors: { ECONNRESET: 1 } })];
    const judged = judgeRequests(broken, 3000);
    assert.deepEqual(missed(judged), ["requests failed"]);
    assert.equal(judged[1]!.seen, "1: 1 × ECONNRESET");
    const slower = calm.map((each, at) => (at < 30 ? each : second({ p99: 40 })));
    assert.deepEqual(missed(judgeRequests(slower, 4000)), ["p99 at the beginning and at the end"]);
  });

  it("a process that lived all the time does not grow; one that was killed is not compared", () => {
    const sample = (at: number, changes: Partial<Sample> = {}): Sample => ({
      ...{ router: "r1", pid: 1, resident: 100e6 + at * 1e3, descriptors: 90, threads: 17, processor: at },
      ...changes,
    });
    const run = (each: (at: number) => Partial<Sample>) =>
      missed(judgeProcesses(Array.from({ length: 40 }, (_, at) => sample(at, each(at)))));
    assert.deepEqual(
      run(() => ({})),
      [],
    );
    assert.deepEqual(
      run((at) => ({ resident: 100e6 + at * 1e6 })),
      ["r1: memory at the beginning and at the end"],
    );
    assert.deepEqual(
      run((at) => ({ descriptors: 90 + at })),
      ["r1: open files"],
    );
    assert.deepEqual(
      run((at) => ({ pid: at < 20 ? 1 : 2, descriptors: 90 + at })),
      [],
    );
  });

  it("medians", () => {
    assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3]), median([])], [2, 2.5, 0]);
  });
});

it("the load keeps its pace, counts what fails, and ends with its standard input", async (t) => {
  let asked = 0;
  const server = http.createServer((_, response) => {
    response.writeHead(++asked % 10 === 0 ? 503 : 200, { "x-agent": "one" }).end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const began = performance.now();
  const load = spawn(process.execPath, [LOAD, url, "50"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => load.kill("SIGKILL"));
  const all = { answered: 0, failed: 0 };
  const lines = createInterface({ input: load.stdout })[Symbol.asyncIterator]();
  // One line, of a second, is enough; on a busy machine fewer are answered in it.
  while (all.failed === 0 || all.answered <= 5) {
    const { value: line, done } = await lines.next();
    assert.ok(done !== true, "the load has ended");
    const { answered, failed, heldBack, errors, agents } = JSON.parse(line) as Second;
    assert.deepEqual(errors, failed === 0 ? {} : { "status 503": failed });
    assert.deepEqual(agents, answered === 0 ? {} : { one: answered });
    assert.equal(heldBack, 0);
    all.answered += answered;
    all.failed += failed;
  }
  const most = 1 + ((performance.now() - began) / 1000) * 50;
  assert.ok(all.answered + all.failed <= most, `${JSON.stringify(all)} of ${most}`);
  load.stdin.end();
  const [code] = await once(load, "exit");
  assert.equal(code, 0);
});
