// An ordinary HTTP server in front of an ordinary program: the body of a POST is the program's standard input, its
// standard output is the answer. It knows nothing of routers or capabilities. Node 18 or newer, nothing else.
//
//   node exec-http.mjs --port 8080 --name ocr-a --accept image/ --type text/plain -- tesseract stdin stdout
//
//   POST /                          run the program
//   GET  /                          who this is
//   GET  /healthz                   200 while it serves
//   GET  /corpus?bytes=N&rate=R     N octets of a known text (corpus.mjs), at most R a second

import { createServer } from "node:http";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openCorpus } from "./corpus.mjs";
import { JobQueue } from "./job-queue.mjs";

const MAX_CORPUS = 2 ** 30;
const SLICE_MILLISECONDS = 20;

const OPTIONS = {
  port: { type: "string", default: "8080" },
  host: { type: "string", default: "::" },
  name: { type: "string", default: "agent" },
  type: { type: "string", default: "application/octet-stream" },
  accept: { type: "string", default: "" },
  "max-body": { type: "string", default: String(8 * 2 ** 20) },
  "max-output": { type: "string", default: String(64 * 2 ** 20) },
  jobs: { type: "string", default: "2" },
  queue: { type: "string", default: "64" },
  timeout: { type: "string", default: "20000" },
};

function usage(message) {
  process.stderr.write(
    `exec-http: ${message}\nusage: exec-http.mjs [--port N] [--name X] [--accept type/] [--type type/x] -- program …\n`,
  );
  process.exit(64);
}

function readOptions() {
  let parsed;
  try {
    parsed = parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    usage(error.message);
  }
  const { values, positionals } = parsed;
  const number = (key, min) => {
    const value = Number(values[key]);
    if (!Number.isInteger(value) || value < min) usage(`--${key} must be a whole number from ${min}`);
    return value;
  };
  if (positionals.length === 0) usage("which program? It follows --");
  return {
    command: positionals,
    host: values.host,
    name: values.name,
    type: values.type,
    accept: values.accept === "" ? [] : values.accept.split(","),
    port: number("port", 0),
    maxBody: number("max-body", 1),
    maxOutput: number("max-output", 1),
    jobs: number("jobs", 1),
    queue: number("queue", 0),
    timeoutMilliseconds: number("timeout", 1),
  };
}

const options = readOptions();
const jobs = new JobQueue(options);

function answer(response, status, text, headers = {}) {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers });
  response.end(`${text}\n`);
}

/** The whole body; `undefined` if it is longer than allowed. */
async function readBody(request) {
  if (Number(request.headers["content-length"] ?? 0) > options.maxBody) return undefined;
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > options.maxBody) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function runProgram(request, response) {
  const type = (request.headers["content-type"] ?? "application/octet-stream").toLowerCase();
  // curl's --data-binary says "form" unless told otherwise; that names no type of its own.
  const named = type !== "application/octet-stream" && !type.startsWith("application/x-www-form-urlencoded");
  if (named && options.accept.length > 0 && !options.accept.some((prefix) => type.startsWith(prefix))) {
    return answer(response, 415, `send ${options.accept.join(" or ")}, not ${type}`);
  }
  if (jobs.full) return answer(response, 503, "too many requests are waiting", { "retry-after": "1" });
  const body = await readBody(request);
  if (body === undefined) {
    return answer(response, 413, `at most ${options.maxBody} octets`, { connection: "close" });
  }
  if (body.length === 0) return answer(response, 400, "the body is empty");

  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const { outcome, output, said } = await jobs.run(body, gone.signal);
  const program = path.basename(options.command[0]);
  switch (outcome) {
    case "done":
      response.writeHead(200, { "content-type": options.type, "content-length": output.length });
      return response.end(output);
    case "refused":
      return answer(response, 422, `${program}: ${said.split("\n").at(-1) || "could not make anything of this"}`);
    case "late":
      return answer(response, 504, `${program} took longer than ${options.timeoutMilliseconds} ms`);
    case "too-long":
      return answer(response, 500, `${program} wrote more than ${options.maxOutput} octets`);
    case "missing":
      return answer(response, 500, `there is no program ${program} here`);
    default: // cancelled: nobody listens any more
      return response.destroy();
  }
}

/** Streams the corpus at a limited rate: what is due by now, slice by slice, never faster than the reader takes it. */
async function sendCorpus(response, parameters) {
  const number = (key, fallback, max) => {
    const value = Number(parameters.get(key) ?? fallback);
    return Number.isInteger(value) && value >= 1 && value <= max ? value : undefined;
  };
  const bytes = number("bytes", 1_000_000, MAX_CORPUS);
  const rate = number("rate", MAX_CORPUS, MAX_CORPUS);
  if (bytes === undefined || rate === undefined) {
    return answer(response, 400, `bytes and rate are whole numbers from 1 to ${MAX_CORPUS}`);
  }
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes });
  const next = openCorpus();
  const began = performance.now();
  for (let sent = 0; sent < bytes && !response.destroyed; ) {
    const due = Math.floor((rate * (performance.now() - began + SLICE_MILLISECONDS)) / 1000);
    const count = Math.min(due - sent, bytes - sent, 262_144);
    if (count > 0) {
      sent += count;
      if (!response.write(next(count))) await drained(response);
    } else {
      await delay(SLICE_MILLISECONDS);
    }
  }
  return response.end();
}

function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

async function handle(request, response) {
  response.setHeader("x-agent", options.name);
  let url;
  try {
    url = new URL(request.url, "http://agent");
  } catch {
    return answer(response, 400, "that is no path");
  }
  const reads = request.method === "GET" || request.method === "HEAD";
  switch (url.pathname) {
    case "/":
      if (reads) return answer(response, 200, `${options.name}: ${path.basename(options.command[0])}`);
      if (request.method === "POST") return runProgram(request, response);
      return answer(response, 405, "POST something to work on", { allow: "GET, HEAD, POST" });
    case "/healthz":
      if (reads) return answer(response, 200, "ok");
      return answer(response, 405, "only GET", { allow: "GET, HEAD" });
    case "/corpus":
      if (request.method === "GET") return sendCorpus(response, url.searchParams);
      return answer(response, 405, "only GET", { allow: "GET" });
    default:
      return answer(response, 404, `there is no ${url.pathname} here`);
  }
}

const server = createServer((request, response) => {
  response.on("error", () => {}); // the reader went away
  handle(request, response).catch((error) => {
    // A body that breaks off is the sender's doing; everything else is ours.
    if (!request.destroyed) process.stderr.write(`exec-http: ${error.stack}\n`);
    answer(response, 500, "internal error");
  });
});
server.headersTimeout = 10_000;
server.requestTimeout = 30_000;
server.on("error", (error) => {
  process.stderr.write(`exec-http: cannot listen on port ${options.port}: ${error.message}\n`);
  process.exit(1);
});
server.listen(options.port, options.host, () => {
  process.stdout.write(`${options.name} listens on port ${server.address().port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
process.on("SIGINT", () => process.exit(0));
