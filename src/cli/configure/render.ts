import type { Change } from "../../management/index.ts";
import { type Model, placeOfPath, valueWords, word, wordLines } from "../../words/index.ts";
import type { Paint } from "../terminal.ts";

/** One line a difference, as words of `set`: `+` what comes, `-` what goes, `~` what changes, `>` what moves. */
export function differencesView(model: Model, changes: readonly Change[], paint: Paint): string {
  if (changes.length === 0) return "no differences\n";
  return changes
    .map(({ operation, path, value, was }) => {
      const { place, entry } = placeOfPath(model, path);
      const where = [model.words(place), ...(entry === undefined ? [] : [word(entry)])].join(" ");
      const whole = (sign: string, content: unknown): string =>
        content === undefined || entry !== undefined
          ? `${sign} ${where}\n`
          : wordLines(model, model.top, place, content)
              .map((line) => `${sign} ${line}\n`)
              .join("");
      switch (operation) {
        case "create":
          return paint("green", whole("+", value));
        case "delete":
          return paint("red", whole("-", was));
        case "replace":
          return paint("yellow", `~ ${where} ${valueWords(was)} -> ${valueWords(value)}\n`);
        default:
          return `> ${where}\n`;
      }
    })
    .join("");
}
