import { LineFault, type Word } from "../../words/index.ts";
import { COMMIT_WORDS } from "./commands.ts";

export interface CommitWords {
  readonly check: boolean;
  readonly yes: boolean;
  readonly comment?: string;
  readonly confirmedSeconds?: number;
}

const DEFAULT_MINUTES = 10;
const MAX_MINUTES = 71_582_788; // seconds are 32 bits

/** @throws {LineFault} */
export function readCommitWords(words: readonly Word[], at: number): CommitWords {
  let read: CommitWords = { check: false, yes: false };
  for (let next = at; next < words.length; next++) {
    const word = words[next]!;
    const after = words[next + 1];
    switch (word.text) {
      case "check":
        read = { ...read, check: true };
        break;
      case "yes":
      case "--yes":
        read = { ...read, yes: true };
        break;
      case "comment":
        if (after === undefined) throw new LineFault("the text of the comment is expected next", word);
        read = { ...read, comment: after.text };
        next++;
        break;
      case "confirmed": {
        if (after === undefined || !/^\d/.test(after.text)) {
          read = { ...read, confirmedSeconds: DEFAULT_MINUTES * 60 };
          break;
        }
        const minutes = Number(after.text);
        if (!(Number.isInteger(minutes) && minutes >= 1 && minutes <= MAX_MINUTES))
          throw new LineFault("a whole number of minutes from 1 on is expected", after);
        read = { ...read, confirmedSeconds: minutes * 60 };
        next++;
        break;
      }
      default:
        throw new LineFault(
          `commit knows no ${JSON.stringify(word.text)}: there are ${COMMIT_WORDS.map(({ name }) => name).join(", ")}`,
          word,
        );
    }
  }
  return read;
}
