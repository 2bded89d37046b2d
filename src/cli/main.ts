#!/usr/bin/env node
import { EXIT } from "./exit.ts";
import { runCommandLine } from "./program.ts";
import { processTerminal } from "./terminal.ts";

// A reader that has seen enough (`semrctl show routes | head`) is no failure; a file that has no room for the answer is one.
process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  if (code !== "EPIPE") process.stderr.write(`semrctl: the answer cannot be written: ${message}\n`);
  process.exit(code === "EPIPE" ? EXIT.ok : EXIT.refused);
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
