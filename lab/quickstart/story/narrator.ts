import { durationText, fit, type Ink, WIDTH, wrap } from "./terminal.ts";

/** One fact that was measured, and where it makes sense how long it took. */
export interface Fact {
  readonly text: string;
  readonly milliseconds?: number;
}

/** What a step of the story saw, for people and for programs. */
export interface SeenStep {
  readonly number: number;
  readonly title: string;
  readonly facts: readonly Fact[];
  /** What the step measured. */
  readonly data: unknown;
  readonly milliseconds: number;
}

/** Prints the story as it happens. With `silent` it only collects. */
export class Narrator {
  readonly ink: Ink;
  readonly #out: (text: string) => void;
  #facts: Fact[] = [];

  constructor(ink: Ink, out: (text: string) => void) {
    this.ink = ink;
    this.#out = out;
  }

  line(text = ""): void {
    this.#out(`${text}\n`);
  }

  heading(title: string, number: number): void {
    this.#facts = [];
    const label = ` ${number} `;
    const rule = "─".repeat(Math.max(0, WIDTH - 3 - label.length - title.length - 2));
    this.line();
    this.line(`${this.ink.dim("──")}${this.ink.accent(label)}${this.ink.bold(title)} ${this.ink.dim(rule)}`);
  }

  /** One line for one fact that was checked; a duration stands at the right edge. */
  fact(text: string, milliseconds?: number): void {
    this.#facts.push(milliseconds === undefined ? { text } : { text, milliseconds });
    const took = milliseconds === undefined ? "" : durationText(milliseconds);
    const room = WIDTH - 5 - (took === "" ? 0 : took.length + 2);
    const [first, ...rest] = wrap(text, room);
    this.line(`   ${this.ink.good("✔")} ${took === "" ? first : `${first!.padEnd(room)}  ${this.ink.dim(took)}`}`);
    for (const line of rest) this.line(`     ${line}`);
  }

  /** Something that is shown as it is, below a fact. */
  quote(lines: readonly string[]): void {
    for (const line of lines) this.line(`     ${this.ink.dim("│")} ${fit(line, WIDTH - 7)}`);
  }

  /** Rows in columns, the first one as their heading. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    for (const [index, row] of rows.entries()) {
      const text = fit(
        row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join("  ")
          .trimEnd(),
        WIDTH - 7,
      );
      this.line(`     ${this.ink.dim("│")} ${index === 0 ? this.ink.dim(text) : text}`);
    }
  }

  failure(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    for (const [index, line] of message
      .split("\n")
      .flatMap((text) => wrap(text, WIDTH - 5))
      .entries()) {
      this.line(`   ${index === 0 ? this.ink.bad("✖") : " "} ${line}`);
    }
  }

  /** The facts since the last heading. */
  get facts(): readonly Fact[] {
    return this.#facts;
  }
}
