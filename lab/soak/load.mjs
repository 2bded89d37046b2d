// Asks for a URL at a steady pace, each time over a connection of its own, and prints one line of JSON a second:
//   node load.mjs URL REQUESTS-A-SECOND
// Ends with its standard input. Latencies are from the name's look-up to the end of the answer.
import http from "node:http";
import { performance } from "node:perf_hooks";

const [url, rateText] = process.argv.slice(2);
const rate = Number(rateText);
if (url === undefined || !(rate > 0)) {
  console.error("usage: node load.mjs URL REQUESTS-A-SECOND");
  process.exit(64);
}

/** More than this at a time are not begun, and counted. */
const MOST_OPEN = 500;
const PATIENCE = 10_000;
const TICK = 10;

let open = 0;
let round = fresh();

function fresh() {
  return { answered: 0, failed: 0, heldBack: 0, errors: {}, agents: {}, latencies: [] };
}

function count(kind, name) {
  kind[name] = (kind[name] ?? 0) + 1;
}

function ask() {
  if (open >= MOST_OPEN) {
    round.heldBack++;
    return;
  }
  open++;
  const began = performance.now();
  let told = false;
  const end = (error, agent) => {
    if (told) return;
    told = true;
    open--;
    if (error === undefined) {
      round.answered++;
      round.latencies.push(performance.now() - began);
      count(round.agents, agent ?? "nobody");
    } else {
      round.failed++;
      count(round.errors, error);
    }
  };
  const request = http.get(url, { agent: false, headers: { connection: "close" } }, (response) => {
    response.resume();
    response.on("end", () => {
      if (response.statusCode === 200) end(undefined, response.headers["x-agent"]);
      else end(`status ${response.statusCode}`);
    });
    response.on("error", (error) => end(error.code ?? error.message));
  });
  request.setTimeout(PATIENCE, () => request.destroy(new Error(`no answer for ${PATIENCE / 1000} s`)));
  request.on("error", (error) => end(error.code ?? error.message));
}

const start = performance.now();
let begun = 0;
const pace = setInterval(() => {
  // What is late is caught up with, so that the rate holds; a pause of the machine is one burst of at most a tenth of a second.
  const due = Math.floor(((performance.now() - start) / 1000) * rate);
  const burst = Math.ceil(rate / 10);
  if (due - begun > burst) begun = due - burst;
  while (begun < due) {
    begun++;
    ask();
  }
}, TICK);

const report = setInterval(() => {
  const { latencies, ...counts } = round;
  round = fresh();
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const line = { ...counts, open, p50: at(0.5), p99: at(0.99), longest: latencies.at(-1) ?? 0 };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}, 1000);

process.stdin.resume().on("end", () => {
  clearInterval(pace);
  clearInterval(report);
  process.exit();
});
