import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { execInNode } from "../../lab/runner/process.ts";
import { type LabState, readState } from "../../lab/runner/state.ts";

const ROOT = path.join(import.meta.dirname, "../..");

interface Shown {
  readonly command: string;
  /** Lines as printed; `…` stands for anything, as a line of its own for any lines. */
  readonly lines: readonly string[];
}

function shownIn(text: string): Shown[] {
  return Array.from(text.matchAll(/```console\n([\s\S]*?)```/g), ([, block]) => block!)
    .flatMap((block) => block.split(/^# /m).slice(1))
    .map((part) => {
      const [command, ...lines] = part.trimEnd().split("\n");
      return { command: command!, lines };
    });
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** However many blanks there are between words: columns are as wide as what else is in them. */
function patternOf(lines: readonly string[]): RegExp {
  const parts = lines.map((line) =>
    line.trim() === "…"
      ? "(?:.*\\n)*?"
      : `\\s*${line
          .trim()
          .split("…")
          .map((text) => text.trim().split(/\s+/).map(escaped).join("[ \\t]+"))
          .join(".*")}[ \\t]*\\n`,
  );
  return new RegExp(`^${parts.join("")}$`);
}

/**
 * Runs what the run book shows in a lab, from top to bottom, and compares what is printed.
 *
 * @returns how many commands it was
 */
export async function followRunBook(lab: string): Promise<number> {
  const shown = shownIn(await readFile(path.join(ROOT, "lab/runbook/README.md"), "utf8"));
  const state = (await readState(lab))!;
  for (const { command, lines } of shown) {
    const printed = await run(command, state);
    assert.match(
      printed,
      patternOf(lines),
      `${command}\nprinted\n${printed}\nand is said to print\n${lines.join("\n")}`,
    );
  }
  return shown.length;
}

/** What `lab/in NODE …` prints on both its outputs; the words are taken apart by a shell inside the node. */
async function run(command: string, state: LabState): Promise<string> {
  const [, node, line] = /^lab\/in (\S+) (.*)$/.exec(command) ?? [];
  assert.ok(node !== undefined && line !== undefined, `no command in a node: ${command}`);
  const { stdout, stderr } = await execInNode(state.nodes.find(({ name }) => name === node)!, ["sh", "-c", line], {
    timeout: 20_000,
  });
  return stdout + stderr;
}
