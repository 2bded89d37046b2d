// One line per step: what, how it ended, how long it took. On a terminal the line is shown while the step runs.

const WIDTH = 100;
const LABEL_WIDTH = 34;

const colourful = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const paint = (code) => (text) => (colourful ? `\u001b[${code}m${text}\u001b[0m` : text);

export const style = { bold: paint("1"), dim: paint("2"), green: paint("32"), yellow: paint("33"), red: paint("31") };

/** `850 ms`, `3.2 s`, `1 min 04 s`. */
export function durationText(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const whole = Math.round(milliseconds / 1000);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Label, detail and a duration at the right edge; a detail that does not fit is cut. */
function line(mark, label, detail, duration) {
  const room = WIDTH - 4 - LABEL_WIDTH - 1 - duration.length - 1;
  const shown = detail.length > room ? `${detail.slice(0, room - 1)}…` : detail;
  return `  ${mark} ${label.padEnd(LABEL_WIDTH)} ${style.dim(shown.padEnd(room))} ${style.dim(duration)}`;
}

/**
 * Runs `work` and prints its line. `work` gets `log(text)`: the last text is shown while it runs, and all texts are
 * printed if it fails. It returns what to show as the detail of the finished line.
 */
export async function step(label, work) {
  const began = performance.now();
  const texts = [];
  const show = (detail) => {
    if (!process.stdout.isTTY) return;
    process.stdout.write(`\r\u001b[K${line(style.dim("·"), label, detail, "")}`);
  };
  const finish = (mark, detail) => {
    const clear = process.stdout.isTTY ? "\r\u001b[K" : "";
    process.stdout.write(`${clear}${line(mark, label, detail, durationText(performance.now() - began))}\n`);
  };
  show("");
  try {
    const log = (text) => {
      texts.push(String(text));
      show(String(text).trimEnd().split("\n").at(-1) ?? "");
    };
    const detail = await work(log);
    finish(style.green("✔"), typeof detail === "string" ? detail : "");
  } catch (error) {
    finish(style.red("✖"), "failed");
    if (!(error instanceof SetupError)) for (const text of texts.slice(-40)) process.stderr.write(`${text}\n`);
    throw error;
  }
}

/** Something that the person at the keyboard can put right: what is wrong, and what to do. */
export class SetupError extends Error {
  constructor(what, whatToDo, output = "") {
    super(what);
    this.name = "SetupError";
    this.whatToDo = whatToDo;
    this.output = output;
  }
}

/** Prints a failure for a person, on standard error. */
export function reportFailure(error) {
  if (error instanceof SetupError) {
    if (error.output.trim() !== "") process.stderr.write(`\n${error.output.trimEnd()}\n`);
    process.stderr.write(`\n${style.red("error:")} ${error.message}\n`);
    if (error.whatToDo !== undefined) process.stderr.write(`${style.bold("what to do:")} ${error.whatToDo}\n`);
    return;
  }
  process.stderr.write(`\n${style.red("error:")} ${error?.stack ?? error}\n`);
}
