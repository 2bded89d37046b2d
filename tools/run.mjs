import { spawn } from "node:child_process";

/**
 * Runs a command and collects what it prints (standard error after standard output is not told apart).
 * Resolves to `{ code, output }` for any exit code; a command that does not exist has code 127.
 */
export function run(command, args, { cwd, env, onText, input } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    let output = "";
    const take = (text) => {
      output += text;
      onText?.(text);
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", (error) => {
      resolve({ code: error.code === "ENOENT" ? 127 : 126, output: `${command}: ${error.message}` });
    });
    child.on("close", (code, signal) =>
      resolve({ code: code ?? 128, output: signal ? `${output}\n${signal}` : output }),
    );
    if (input !== undefined) child.stdin.end(input);
  });
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a command on this terminal and resolves to its exit code. Signals to this process reach the child, and this
 * process outlives it, so that it can clean up.
 */
export function runForeground(command, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" });
    // Ctrl-C reaches the child twice then, from the terminal and from here; asking twice to stop is asking to stop.
    const forward = (signal) => child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, forward);
    const done = () => {
      for (const signal of SIGNALS) process.off(signal, forward);
    };
    child.on("error", (error) => {
      done();
      reject(error);
    });
    child.on("close", (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === "SIGINT" ? 2 : signal === "SIGKILL" ? 9 : 15));
    });
  });
}
