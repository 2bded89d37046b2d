import {
  bracesView,
  LineFault,
  type Model,
  nearest,
  type Place,
  placeOfPath,
  readAssignments,
  readDeletion,
  readPlace,
  splitWords,
  valueAt,
  type Word,
  type WordedStep,
  wordLines,
} from "../../words/index.ts";
import { CommandFailure } from "../exit.ts";
import { notJson } from "../json-text.ts";
import type { TableStyle } from "../table.ts";
import { printable } from "../terminal.ts";
import { commitView, configurationStatusView, consequencesView, logView } from "../views/index.ts";
import { COMMANDS, commandOf, FORMS, type SessionCommand } from "./commands.ts";
import { readCommitWords } from "./commit-words.ts";
import { readLoadWords, readSaveWords, textOfFile, writeToFile } from "./files.ts";
import { commandsHelp, nodeHelp } from "./help.ts";
import { differencesView } from "./render.ts";
import type { CandidateRouter } from "./router.ts";

/** Where a session says what it has to say. */
export interface Console {
  readonly style: TableStyle;
  out(text: string): Promise<void>;
  /** Text that may be longer than the screen. */
  page(text: string): Promise<void>;
  /** Absent where nobody can be asked. */
  readonly ask?: (question: string) => Promise<boolean>;
}

/** A configure session: one line after the other, each of them a command. */
export class ConfigureSession {
  readonly model: Model;
  readonly #router: CandidateRouter;
  readonly #console: Console;
  readonly #yes: boolean;
  /** Where it is, and where it was before. */
  #place: Place;
  readonly #before: Place[] = [];
  #isModified: boolean;

  constructor(
    model: Model,
    router: CandidateRouter,
    console: Console,
    options: { readonly yes: boolean; readonly isModified: boolean },
  ) {
    this.model = model;
    this.#router = router;
    this.#console = console;
    this.#yes = options.yes;
    this.#place = model.top;
    this.#isModified = options.isModified;
  }

  get place(): Place {
    return this.#place;
  }

  /** Whether there is something to commit, as far as this session knows. */
  get isModified(): boolean {
    return this.#isModified;
  }

  /**
   * Carries out one line. The answer: whether the session goes on.
   *
   * @throws {LineFault} for a word that is wrong
   * @throws {CommandFailure} for what the router refuses
   */
  async run(line: string): Promise<"goes-on" | "left"> {
    const words = splitWords(line);
    const [first] = words;
    if (first === undefined) return "goes-on";
    const command = commandOf(first.text);
    if (command === undefined) throw unknownCommand(first);
    if (command.takes === "none" && words.length > 1) throw new LineFault(`${command.name} takes nothing`, words[1]!);
    return (await this.#carryOut(command, words)) ?? "goes-on";
  }

  async #carryOut(command: SessionCommand, words: readonly Word[]): Promise<"left" | undefined> {
    const { model } = this;
    switch (command.name) {
      case "set":
        await this.#edit(readAssignments(model, this.#place, words, 1));
        return;
      case "delete":
        await this.#edit([readDeletion(model, this.#place, words, 1)]);
        return;
      case "edit":
        this.#enter(words);
        return;
      case "up":
        if (this.#place.length > model.top.length) this.#move(this.#place.slice(0, -1));
        return;
      case "top":
        this.#move(model.top);
        return;
      case "show":
        await this.#show(words);
        return;
      case "compare":
        await this.#compare(model.top, words, 1);
        return;
      case "validate":
        await this.#validate();
        return;
      case "commit":
        await this.#commit(words);
        return;
      case "confirm":
        await this.#router.confirm();
        await this.#console.out("confirmed\n");
        return;
      case "cancel":
        await this.#router.cancel();
        await this.#console.out("the commit is undone\n");
        return;
      case "rollback":
        await this.#router.rollback(wholeNumber(words, 1) ?? 1);
        this.#isModified = true;
        return;
      case "discard":
        await this.#router.discard();
        this.#isModified = false;
        return;
      case "load": {
        const { operation, file } = readLoadWords(words);
        const text = await textOfFile(file);
        await this.#router.load(text, operation).catch(async (cause: unknown) => {
          const place = await notJson(file.text, text);
          throw place === undefined ? cause : new LineFault(place, file);
        });
        this.#isModified = true;
        return;
      }
      case "save": {
        const file = readSaveWords(words);
        await writeToFile(file, await this.#router.document([]));
        await this.#console.out(`the candidate is in ${file.text}\n`);
        return;
      }
      case "status":
        await this.#console.out(configurationStatusView(await this.#router.status(), this.#console.style));
        return;
      case "log":
        await this.#console.page(logView(await this.#router.log(), this.#console.style));
        return;
      case "help":
        await this.#help(words);
        return;
      case "exit": {
        const before = this.#before.pop();
        if (before === undefined) return this.leave();
        this.#place = before;
        return;
      }
      default:
        return this.leave();
    }
  }

  /** Asks first where something would be lost or left behind. */
  async leave(options: { readonly ask: boolean } = { ask: true }): Promise<"left" | undefined> {
    if (!this.#isModified || (await this.#router.compare()).length === 0) return "left";
    const isOwn = this.#router.candidate === "private-candidate";
    const what = isOwn
      ? "changes that are not committed, and end with this session"
      : "changes that are not committed, and stay in the candidate";
    if (this.#console.ask === undefined || this.#yes || !options.ask) {
      await this.#console.out(`note: there are ${what}\n`);
      return "left";
    }
    return (await this.#console.ask(`there are ${what}. Leave?`)) ? "left" : undefined;
  }

  async #edit(steps: readonly WordedStep[]): Promise<void> {
    try {
      await this.#router.edit(steps.map(({ step }) => step));
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      throw atWords(error, steps);
    }
    this.#isModified = true;
  }

  #enter(words: readonly Word[]): void {
    if (words.length === 1) throw new LineFault("edit what? a path is expected", behind(words[0]!));
    const place = readPlace(this.model, this.#place, words, 1, { list: "entry" });
    const kind = place.at(-1)?.node.kind;
    if (kind !== "container" && kind !== "list" && kind !== undefined)
      throw new LineFault("a leaf has nothing below it: set it from here", words.at(-1)!);
    this.#move(place);
  }

  #move(place: Place): void {
    this.#before.push(this.#place);
    this.#place = place;
    if (place === this.model.top) this.#before.length = 0;
  }

  async #show(words: readonly Word[]): Promise<void> {
    const bar = words.findIndex(({ text, quoted }) => text === "|" && !quoted);
    const path = bar < 0 ? words : words.slice(0, bar);
    const place = readPlace(this.model, this.#place, path, 1, { list: "whole" });
    const form = bar < 0 ? undefined : words[bar + 1];
    if (bar >= 0 && form === undefined) throw new LineFault(`one of ${formNames()} is expected next`, words[bar]!);
    if (form?.text === "compare") return this.#compare(place, words, bar + 2);
    if (form !== undefined && !FORMS.some(({ name }) => name === form.text))
      throw new LineFault(`show knows no ${JSON.stringify(form.text)}: there are ${formNames()}`, form);
    const value = valueAt(await this.#router.document(place), place);
    if (value === undefined) {
      await this.#console.out("nothing is set here\n");
      return;
    }
    if (form?.text === "json") return this.#console.page(`${JSON.stringify(value, undefined, 2)}\n`);
    if (form?.text === "set") {
      const lines = wordLines(this.model, this.#place, place, value);
      return this.#console.page(lines.map((line) => `set ${line}\n`).join(""));
    }
    const text = bracesView(this.model, place, value);
    if (form === undefined) return this.#console.page(text);
    const wanted = words[bar + 2];
    if (wanted === undefined) throw new LineFault("the text that lines should have is expected next", form);
    const lines = text.split("\n").filter((one) => one.includes(wanted.text));
    return this.#console.page(lines.map((one) => `${one}\n`).join(""));
  }

  async #compare(place: Place, words: readonly Word[], at: number): Promise<void> {
    const changes = await this.#router.compare(wholeNumber(words, at));
    const within = changes.filter(({ path }) => {
      const other = this.model.words(placeOfPath(this.model, path).place);
      const own = this.model.words(place);
      return own === "" || other === own || other.startsWith(`${own} `);
    });
    await this.#console.page(differencesView(this.model, within, this.#console.style.paint));
  }

  async #validate(): Promise<void> {
    const consequences = await this.#router.validate();
    await this.#console.out(`the candidate is valid\n${consequencesView(consequences, this.#console.style)}`);
  }

  async #commit(words: readonly Word[]): Promise<void> {
    const { check, yes, comment, confirmedSeconds } = readCommitWords(words, 1);
    if (check) return this.#validate();
    const { ask, style } = this.#console;
    const consequences = await this.#router.validate();
    if (consequences.length > 0) {
      await this.#console.out(`this commit brings about:\n${consequencesView(consequences, style)}`);
      if (ask !== undefined && !yes && !this.#yes && !(await ask("Commit?"))) {
        await this.#console.out("not committed\n");
        return;
      }
    }
    const waited = (await this.#router.status()).pending !== undefined;
    const done = await this.#router.commit({
      ...(comment === undefined ? {} : { comment }),
      ...(confirmedSeconds === undefined ? {} : { confirmedSeconds }),
    });
    this.#isModified = false;
    if (done.commit === undefined && waited && confirmedSeconds === undefined) {
      await this.#console.out("confirmed\n");
      return;
    }
    // What it brings about has been said.
    await this.#console.out(commitView({ ...done, consequences: [] }, style));
    if (confirmedSeconds !== undefined && done.commit !== undefined)
      await this.#console.out(`undone in ${confirmedSeconds / 60} min unless confirmed: confirm\n`);
  }

  async #help(words: readonly Word[]): Promise<void> {
    const [, what] = words;
    if (what === undefined) return this.#console.page(commandsHelp(COMMANDS, this.#console.style));
    const command = words.length === 2 ? commandOf(what.text) : undefined;
    if (command !== undefined) return this.#console.out(`${command.usage}\n  ${command.help}\n`);
    const place = readPlace(this.model, this.#place, words, 1, { list: "whole" });
    return this.#console.page(nodeHelp(this.model, place, this.#console.style));
  }
}

const formNames = (): string => FORMS.map(({ name }) => name).join(", ");

const behind = ({ end }: Word) => ({ start: end + 1, end: end + 2 });

function wholeNumber(words: readonly Word[], at: number): number | undefined {
  const word = words[at];
  if (word === undefined) return undefined;
  const extra = words[at + 1];
  if (extra !== undefined) throw new LineFault("nothing is expected behind this number", extra);
  if (!/^\d{1,9}$/.test(word.text) || Number(word.text) < 1)
    throw new LineFault("a whole number from 1 on is expected", word);
  return Number(word.text);
}

function unknownCommand(word: Word): LineFault {
  const names = COMMANDS.map(({ name }) => name);
  const begun = names.filter((name) => name.startsWith(word.text));
  if (begun.length > 1) return new LineFault(`${JSON.stringify(word.text)} may be ${begun.join(" or ")}`, word);
  const near = nearest(word.text, names);
  const advice = near === undefined ? "help says which there are" : `is ${near} meant?`;
  return new LineFault(`there is no command ${JSON.stringify(word.text)}: ${advice}`, word);
}

/** Without modules and entries: `/router/bgp/neighbors/neighbor/address`. */
const namesOfPath = (path: string): string =>
  path.replace(/\[(?:[^\]'"]|'[^']*'|"[^"]*")*\]/g, "").replace(/\/[^/:]+:/g, "/");

/** The refusal of an edit at the words that were refused, if they can be told. */
function atWords(error: CommandFailure, steps: readonly WordedStep[]): Error {
  const [fault] = error.faults;
  if (fault === undefined) return error;
  const names = fault.path === undefined ? undefined : namesOfPath(fault.path);
  const key = steps.flatMap(({ keyWords }) => keyWords).find((one) => one.names === names);
  if (key !== undefined) return new LineFault(printable(fault.reason), key.word);
  const step = steps.length === 1 ? steps[0] : steps.find((one) => one.step.path === fault.path);
  return step === undefined ? error : new LineFault(printable(fault.reason), step);
}
