import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { after, describe, it } from "node:test";
import { corpusDigest } from "../../lab/quickstart/agents/corpus.mjs";
import { firstLine } from "../host/child.ts";

const QUICKSTART = path.join(import.meta.dirname, "../../lab/quickstart");
const running: ChildProcess[] = [];
after(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts an agent on a free port; gives its URL. */
async function startAgent(options: readonly string[], program: readonly string[]): Promise<string> {
  const file = path.join(QUICKSTART, "agents/exec-http.mjs");
  const args = [file, "--port", "0", "--host", "::1", "--name", "under-test", ...options, "--", ...program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  running.push(child);
  return `http://[::1]:${/port (\d+)/.exec(await firstLine(child))![1]}`;
}

const post = (url: string, body: RequestInit["body"] & {}, type = "application/octet-stream") =>
  fetch(url, { method: "POST", body, headers: { "content-type": type }, duplex: "half" } as RequestInit);

const missing = (program: string) =>
  spawnSync(program, ["--version"]).error === undefined ? undefined : `skipped: ${program} is not installed`;

describe("the agents of the quickstart", () => {
  it("tesseract reads the page, exactly", { skip: missing("tesseract") }, async () => {
    const url = await startAgent(
      ["--accept", "image/", "--type", "text/plain; charset=utf-8"],
      ["tesseract", "stdin", "stdout", "--psm", "6"],
    );
    const answer = await post(url, readFileSync(path.join(QUICKSTART, "page.png")), "image/png");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("x-agent"), "under-test");
    assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
    const lines = (await answer.text()).split("\n").filter((line) => line.trim() !== "");
    assert.deepEqual(lines, readFileSync(path.join(QUICKSTART, "page.txt"), "utf8").trimEnd().split("\n"));

    const broken = await post(url, "this is no image");
    assert.equal(broken.status, 422);
    assert.match(await broken.text(), /^tesseract: /);
    assert.equal((await post(url, "x", "text/plain")).status, 415);
  });

  it("espeak-ng speaks", { skip: missing("espeak-ng") }, async () => {
    const url = await startAgent(
      ["--accept", "text/plain", "--type", "audio/wav"],
      ["espeak-ng", "--stdin", "--stdout"],
    );
    const sound = Buffer.from(await (await post(url, "good morning", "text/plain")).arrayBuffer());
    assert.equal(sound.subarray(0, 4).toString(), "RIFF");
    assert.ok(sound.length > 10_000);
  });
});

describe("a program behind HTTP", () => {
  it("standard input in, standard output out, octet for octet", async () => {
    const url = await startAgent([], ["cat"]);
    const octets = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i * 7));
    assert.deepEqual(Buffer.from(await (await post(url, octets)).arrayBuffer()), octets);
    assert.equal(await (await fetch(`${url}/healthz`)).text(), "ok\n");
    assert.equal(await (await fetch(url)).text(), "under-test: cat\n");
  });

  it("an answer for every mistake", async () => {
    const url = await startAgent(["--max-body", "1000"], ["cat"]);
    assert.equal((await post(url, "")).status, 400);
    assert.equal((await post(url, "x".repeat(1001))).status, 413);
    const chunked = ReadableStream.from([Buffer.alloc(600), Buffer.alloc(600)]); // no length is announced
    assert.equal((await post(url, chunked)).status, 413);
    assert.equal((await fetch(`${url}/nothing`)).status, 404);
    const put = await fetch(url, { method: "PUT", body: "x" });
    assert.deepEqual([put.status, put.headers.get("allow")], [405, "GET, HEAD, POST"]);
    assert.equal((await fetch(`${url}/corpus?bytes=-1`)).status, 400);
    assert.equal((await fetch(`${url}/corpus?bytes=1&rate=x`)).status, 400);
    assert.equal((await fetch(`${url}/healthz`, { method: "DELETE" })).status, 405);
    assert.match(await raw(url, "GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.1 400 /);
    assert.match(await raw(url, "no HTTP at all\r\n\r\n"), /^HTTP\/1\.1 400 /);
    assert.equal((await post(url, "still serves")).status, 200);
  });

  it("programs that fail, hang, are missing or say too much", async () => {
    const failing = await startAgent([], ["sh", "-c", "echo wrong >&2; exit 1"]);
    const refused = await post(failing, "x");
    assert.deepEqual([refused.status, await refused.text()], [422, "sh: wrong\n"]);
    const hanging = await startAgent(["--timeout", "200"], ["sleep", "1000"]);
    assert.equal((await post(hanging, "x")).status, 504);
    const absent = await startAgent([], ["no-such-program"]);
    assert.equal((await post(absent, "x")).status, 500);
    const loud = await startAgent(["--max-output", "1000"], ["yes"]);
    assert.equal((await post(loud, "x")).status, 500);
  });

  it("no more programs at once than allowed; a full queue is refused", async () => {
    const url = await startAgent(["--jobs", "1", "--queue", "1", "--timeout", "1000"], ["sleep", "1000"]);
    const answers = await Promise.all([post(url, "1"), post(url, "2"), post(url, "3")]);
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [503, 504, 504]);
    assert.equal(answers.find((answer) => answer.status === 503)!.headers.get("retry-after"), "1");
  });

  it("wrong options are refused", () => {
    const file = path.join(QUICKSTART, "agents/exec-http.mjs");
    for (const args of [[], ["--port", "x", "--", "cat"], ["--no-such", "--", "cat"], ["--jobs", "0", "--", "cat"]]) {
      const done = spawnSync(process.execPath, [file, ...args]);
      assert.equal(done.status, 64, args.join(" "));
      assert.match(done.stderr.toString(), /^exec-http: .*\nusage: /);
    }
  });
});

describe("the corpus", () => {
  it("is the same at both ends, at the rate asked for", async () => {
    const url = await startAgent([], ["cat"]);
    const began = performance.now();
    const answer = await fetch(`${url}/corpus?bytes=300001&rate=600000`);
    const octets = Buffer.from(await answer.arrayBuffer());
    const took = performance.now() - began;
    assert.equal(octets.length, 300_001);
    assert.equal(createHash("sha256").update(octets).digest("hex"), corpusDigest(300_001));
    assert.ok(took > 400, `300 kB at 600 kB a second took ${took} ms`);
  });

  it("its checksum is known beforehand (AES-128-CTR of zeros, FIPS 197 and SP 800-38A)", () => {
    // The first block is AES-128 of zeros under the zero key: 66e94bd4 ef8a2c3b 884cfa59 ca342b2e.
    const block = Buffer.from("66e94bd4ef8a2c3b884cfa59ca342b2e", "hex");
    assert.equal(corpusDigest(16), createHash("sha256").update(block).digest("hex"));
  });
});

function raw(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "::1", port: Number(new URL(url).port) }, () => socket.write(text));
    let answer = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      answer += part;
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}
