import { spawn } from "node:child_process";

/** Runs a program at most `jobs` times at once; at most `queue` more wait. */
export class JobQueue {
  #running = 0;
  #waiting = [];

  constructor({ command, jobs, queue, timeoutMilliseconds, maxOutput }) {
    this.command = command;
    this.jobs = jobs;
    this.queue = queue;
    this.timeoutMilliseconds = timeoutMilliseconds;
    this.maxOutput = maxOutput;
  }

  get full() {
    return this.#running >= this.jobs && this.#waiting.length >= this.queue;
  }

  /**
   * Feeds `input` to the program. Resolves to `{ outcome, output, said }`; outcome is "done", "refused" (the program
   * ended with another code than 0), "late", "too-long", "cancelled" or "missing" (there is no such program).
   */
  async run(input, signal) {
    if (this.#running >= this.jobs) await new Promise((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return signal.aborted ? { outcome: "cancelled" } : await this.#spawn(input, signal);
    } finally {
      // The place goes to the one who waits longest, or becomes free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #spawn(input, signal) {
    return new Promise((resolve) => {
      const [file, ...args] = this.command;
      const child = spawn(file, args, { stdio: "pipe" });
      const output = [];
      let length = 0;
      let said = "";
      let outcome;
      const stop = (why) => {
        outcome ??= why;
        child.kill("SIGKILL");
      };
      const timer = setTimeout(() => stop("late"), this.timeoutMilliseconds);
      const cancel = () => stop("cancelled");
      signal.addEventListener("abort", cancel, { once: true });
      child.on("error", () => {
        outcome ??= "missing";
      });
      child.stdout.on("data", (part) => {
        length += part.length;
        if (length > this.maxOutput) stop("too-long");
        else output.push(part);
      });
      child.stderr.setEncoding("utf8").on("data", (text) => {
        said = (said + text).slice(-2000);
      });
      child.stdin.on("error", () => {}); // a program may refuse without reading everything
      child.stdin.end(input);
      child.on("close", (code) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", cancel);
        resolve({
          outcome: outcome ?? (code === 0 ? "done" : "refused"),
          output: Buffer.concat(output),
          said: said.trim(),
        });
      });
    });
  }
}
