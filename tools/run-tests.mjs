// Runs test files with the project's Node: `run-tests.mjs CONCURRENCY TEST_MS FILE_MS FILE… -- FILE…`. The files after
// `--` come last and one by one: nothing of ours takes their processors then. One report over both. A test has TEST_MS, and
// a file with all that it began FILE_MS.

import { Readable } from "node:stream";
import { run } from "node:test";
import { endOverdue } from "./overdue.mjs";
import report from "./test-reporter.mjs";

const [concurrency, testMs, fileMs, ...files] = process.argv.slice(2);
const apart = files.indexOf("--");
const [together, alone] = [files.slice(0, apart), files.slice(apart + 1)];

const OWN_MODULES = new URL("own-modules.mjs", import.meta.url).href;

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(name, () => {
    process.exitCode = 130;
    stop.abort();
  });

async function* events() {
  for (const [these, atOnce] of [
    [together, Number(concurrency)],
    [alone, 1],
  ]) {
    if (these.length === 0 || stop.signal.aborted) continue;
    for await (const event of run({
      files: these,
      concurrency: atOnce,
      timeout: Number(testMs),
      signal: stop.signal,
      execArgv: ["--import", OWN_MODULES],
    })) {
      if (event.type === "test:fail" && !event.data.todo) process.exitCode ||= 1;
      yield event;
    }
  }
}

const notes = [];
const endLooking = endOverdue(Number(fileMs), (text) => {
  console.error(text);
  notes.push(text);
});
Readable.from(report(events(), notes)).on("end", endLooking).pipe(process.stdout);
