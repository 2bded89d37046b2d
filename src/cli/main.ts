#!/usr/bin/env node
import { runCommandLine } from "./program.ts";
import { processTerminal } from "./terminal.ts";

// A reader that has seen enough (`semrctl show routes | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCommandLine(
  process.argv.slice(2),
  processTerminal(process.stdout, process.stderr, process.env),
  process.env,
  () =>
    process.stdin.isTTY && process.stdout.isTTY
      ? { kind: "terminal", input: process.stdin, output: process.stdout }
      : { kind: "script", lines: process.stdin },
);
