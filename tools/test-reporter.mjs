// Reporter for node --test: one line per file while it goes well, everything about a failure, and a summary at the end.

import path from "node:path";
import { inspect } from "node:util";
import { durationText, style } from "./progress.mjs";

const FILE_WIDTH = 62;

/** The errors of one: of a SuppressedError what the test failed with, and then what could not be cleaned up. */
function errorsOf(error) {
  const cause = error?.cause ?? error;
  if (cause?.name !== "SuppressedError" || cause.suppressed === undefined) return [cause];
  return [...errorsOf({ cause: cause.suppressed }), ...errorsOf({ cause: cause.error })];
}

/** What is worth reading of an error: the assertion's own message and the stack outside the runner. */
function errorText(error) {
  const lines = errorsOf(error).flatMap((one, at) =>
    `${at === 0 ? "" : "and then: "}${inspect(one)}`
      .split("\n")
      .filter((line) => !/\(?node:internal|node_modules\//.test(line))
      .slice(0, 60),
  );
  return lines.join("\n");
}

/** The last lines of a long run are what is read first, or all that is kept: they say what was wrong. */
function firstOf(error) {
  const [cause, ...others] = errorsOf(error);
  const lines = `${cause?.message ?? cause ?? "no error given"}`.split("\n").filter((line) => line.trim() !== "");
  const where = /\(?((?:file:\/\/)?[^\s(]+\.test\.ts:\d+:\d+)\)?/.exec(cause?.stack ?? "")?.[1];
  const at = where === undefined ? [] : [`at ${path.relative(process.cwd(), where.replace(/^file:\/\//, ""))}`];
  const then = others.map((other) => `and then: ${other?.message ?? other}`.split("\n")[0].slice(0, 300));
  return [...lines.slice(0, 8).map((line) => line.slice(0, 300)), ...at, ...then].join("\n");
}

const indent = (text, by) => text.replace(/^/gm, " ".repeat(by));

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

class FileReport {
  passed = 0;
  failures = [];
  skips = [];
  output = "";
  #path = [];

  enter(event) {
    this.#path[event.nesting] = event.name;
    this.#path.length = event.nesting + 1;
  }

  with(later) {
    this.passed += later.passed;
    this.failures.push(...later.failures);
    this.skips.push(...later.skips);
    return this;
  }

  /** Tests and suites end children first, so the names above are still known from their start events. */
  finish(event, passed) {
    const name = [...this.#path.slice(0, event.nesting), event.name].join(" › ");
    if (event.skip !== undefined && event.skip !== false) {
      this.skips.push({
        name,
        reason: typeof event.skip === "string" && event.skip !== "" ? event.skip : "no reason given",
      });
    } else if (!passed) {
      // A suite that fails only because its tests did has nothing to say of its own.
      if (event.details?.error?.failureType !== "subtestsFailed")
        this.failures.push({ name, error: event.details?.error });
    } else if (event.details?.type !== "suite") {
      this.passed += 1;
    }
  }
}

/** @param notes what is to be said of the run at its end */
export default async function* report(source, notes = []) {
  const files = new Map();
  // What a test says of its file is where it was written, which may be a part that several files share. The files end
  // one after the other, each with a summary: what came since the last one is its own.
  let current = new FileReport();
  const end = (file, duration) => {
    const name = path.relative(process.cwd(), file);
    const ended = current;
    current = new FileReport();
    // After its summary when the process did not end well: one more failure of the same file.
    const before = files.get(name);
    files.set(name, before === undefined ? ended : before.with(ended));
    return fileLines(name, ended, duration);
  };
  let duration = 0;
  for await (const { type, data } of source) {
    switch (type) {
      case "test:start":
        current.enter(data);
        break;
      case "test:pass":
        current.finish(data, true);
        break;
      case "test:fail":
        current.finish(data, false);
        // A file that could not be loaded, or whose process ended by itself, is a test of that name, and has no summary.
        if (data.nesting === 0 && path.resolve(data.name) === path.resolve(data.file))
          yield end(data.file, data.details?.duration_ms ?? 0);
        break;
      case "test:stderr":
      case "test:stdout":
        current.output += data.message;
        break;
      case "test:summary":
        if (data.file === undefined) {
          duration += data.duration_ms;
        } else {
          yield end(data.file, data.duration_ms);
        }
        break;
    }
  }
  yield* summary(files, duration, notes);
}

function fileLines(name, file, duration) {
  const failed = file.failures.length > 0;
  const mark = failed
    ? style.red("✖")
    : file.passed === 0 && file.skips.length > 0
      ? style.yellow("–")
      : style.green("✔");
  const counts = [plural(file.passed + file.failures.length, "test")];
  if (failed) counts.push(style.red(`${file.failures.length} failed`));
  if (file.skips.length > 0) counts.push(style.yellow(`${file.skips.length} skipped`));
  let text = `  ${mark} ${name.padEnd(FILE_WIDTH)} ${style.dim(durationText(duration).padStart(9))}  ${counts.join(", ")}\n`;
  for (const { name: test, error } of file.failures) {
    text += `      ${style.red("✖")} ${test}\n${indent(errorText(error), 8)}\n`;
  }
  if (failed && file.output.trim() !== "") {
    const shown = file.output.trimEnd().split("\n").slice(-40).join("\n");
    text += `${style.dim(`      what ${name} printed`)}\n${indent(shown, 8)}\n`;
  }
  return text;
}

function* summary(files, duration, notes) {
  const all = [...files.entries()];
  const sum = (of) => all.reduce((count, [, file]) => count + of(file), 0);
  const failed = sum((file) => file.failures.length);

  // Many tests are left out for one reason: say it once.
  const reasons = new Map();
  for (const [name, file] of all)
    for (const skip of file.skips) {
      const entry = reasons.get(skip.reason) ?? { count: 0, files: new Set() };
      entry.count += 1;
      entry.files.add(name);
      reasons.set(skip.reason, entry);
    }
  if (reasons.size > 0) yield "\n";
  for (const [reason, { count, files: where }] of reasons) {
    const said = reason.startsWith("skipped") ? reason : `skipped: ${reason}`;
    yield `  ${style.yellow("–")} ${said} ${style.dim(`(${plural(count, "test")} in ${[...where].join(", ")})`)}\n`;
  }
  const failing = all.filter(([, file]) => file.failures.length > 0);
  if (failing.length > 0) yield `\n${style.bold("failed")}\n`;
  for (const [name, file] of failing)
    for (const { name: test, error } of file.failures)
      yield `  ${style.red("✖")} ${name}: ${test}\n${indent(style.dim(firstOf(error)), 6)}\n`;

  for (const note of notes) yield `\n${indent(note, 2)}\n`;

  const passed = sum((file) => file.passed);
  const skipped = sum((file) => file.skips.length);
  yield `\n  ${plural(all.length, "file")} in ${durationText(duration)}\n`;
  // The last line is for whoever reads it by program, so it has no colour.
  yield `tests: ${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}
