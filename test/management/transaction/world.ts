import assert from "node:assert/strict";
import type { Log } from "../../../src/base/index.ts";
import type { Answer, ManagementEvent, ManagementFault, Tree } from "../../../src/management/datastore/index.ts";
import { answered, fault, refused } from "../../../src/management/datastore/index.ts";
import {
  CommitStore,
  type Engine,
  openEngine,
  type Prepared,
  type Provider,
  type StartupFile,
  type StoreFiles,
} from "../../../src/management/transaction/index.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { flatModel, valuesOf } from "./flat-model.ts";

export type Values = Readonly<Record<string, unknown>>;

/** Fails where `fail` says so, and notes what is asked of it. */
export class FakePart implements Provider<Values> {
  readonly name: string;
  readonly #journal: string[];
  /** What it does now. */
  state: Values;
  fail: "plan" | "prepare" | "prepare-throws" | "apply" | "apply-late" | "revert" | undefined;

  constructor(name: string, state: Values, journal: string[]) {
    this.name = name;
    this.state = state;
    this.#journal = journal;
  }

  plan(change: Values) {
    if (this.fail === "plan") return refused(fault("operation-failed", `${this.name} cannot`));
    const waits = "/restart" in change && change["/restart"] !== this.state["/restart"];
    if (!waits) return answered([]);
    const message = "takes effect at the next start";
    return answered([{ when: "at-restart", code: "restart-needed", path: "/restart", message } as const]);
  }

  prepare(change: Values): Answer<Prepared | undefined> {
    this.#note("prepare");
    if (this.fail === "prepare") return refused(fault("in-use", `${this.name} found a port taken`));
    if (this.fail === "prepare-throws") throw new Error("a defect");
    const before = this.state;
    return answered({
      apply: () => {
        this.#note("apply");
        if (this.fail === "apply") throw new Error(`${this.name} broke`);
        this.state = change;
        if (this.fail === "apply-late") throw new Error(`${this.name} broke half way`);
      },
      revert: () => {
        this.#note("revert");
        if (this.fail === "revert") throw new Error("no way back");
        this.state = before;
      },
      finish: () => this.#note("finish"),
      abandon: () => this.#note("abandon"),
    });
  }

  #note(what: string): void {
    this.#journal.push(`${this.name} ${what}`);
  }
}

export const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** Files in memory. */
export class MemoryFiles implements StoreFiles {
  readonly files: Map<string, string>;
  /** Called before each step. */
  before: (step: string) => void = () => {};

  constructor(files = new Map<string, string>()) {
    this.files = files;
  }

  async read(name: string): Promise<string | undefined> {
    return this.files.get(name);
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    this.before(`write ${name}`);
    this.files.set(name, Buffer.from(content).toString());
  }

  async rename(from: string, to: string): Promise<void> {
    this.before(`rename ${from}`);
    this.files.set(to, this.files.get(from)!);
    this.files.delete(from);
  }

  async syncNames(): Promise<void> {
    this.before("sync");
  }

  async remove(name: string): Promise<void> {
    this.before(`remove ${name}`);
    this.files.delete(name);
  }

  async list(): Promise<readonly string[]> {
    return [...this.files.keys()];
  }
}

export class World<F extends StoreFiles = MemoryFiles> {
  readonly clock: VirtualClock;
  readonly files: F;
  readonly journal: string[] = [];
  readonly events: ManagementEvent[] = [];
  readonly startup: { text: string };
  engine!: Engine<Values, Values>;
  parts: FakePart[] = [];
  /** So often the model was asked whether a tree is valid. */
  validations = 0;

  constructor(begin: Values, files = new MemoryFiles() as StoreFiles as F, clock = new VirtualClock()) {
    this.files = files;
    this.clock = clock;
    this.startup = { text: JSON.stringify(begin) };
  }

  async start(...names: string[]): Promise<this> {
    const { startup } = this;
    const file: StartupFile = {
      path: "start.json",
      read: async () => ({ text: startup.text, digest: startup.text }),
      write: async (text) => {
        startup.text = text;
        return text;
      },
    };
    const store = await CommitStore.open(this.files, "lineage", silent);
    const opened = await openEngine<Values, Values>({
      model: {
        ...flatModel,
        validate: async (tree, since) => {
          this.validations++;
          const valid = await flatModel.validate(tree);
          if (valid.ok) this.noteValid(valid.value, since?.valid);
          return valid;
        },
        document: (tree) => {
          this.noteDocument(tree);
          return flatModel.document(tree);
        },
      },
      binder: {
        bind: async (tree) => answered(valuesOf(tree)),
        begin: async () => undefined,
        change: async (_, tree) => answered({ after: valuesOf(tree), change: valuesOf(tree) }),
      },
      ...{ store, startup: file, clock: this.clock, log: silent, isSecret: (leaf) => leaf === "password" },
    });
    this.engine = value(opened);
    this.parts = names.map((name) => new FakePart(name, this.engine.initial, this.journal));
    this.engine.attach(this.parts);
    this.engine.subscribe((event) => this.events.push(event));
    return this;
  }

  /** Called with what was found valid, and what it was to follow. */
  noteValid(_valid: Tree, _since: Tree | undefined): void {}

  /** Called with what becomes running. */
  noteDocument(_tree: Tree): void {}

  session(user = "ann") {
    return this.engine.openSession({ user, protocol: "netconf", source: "test" });
  }

  /** What running holds. */
  async running(): Promise<Values> {
    const session = this.session("reader");
    const data = value(await this.engine.get(session, "running", { format: "json" }));
    await this.engine.closeSession(session);
    return JSON.parse(data.text);
  }
}

export function value<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  return assert.fail(answer.faults.map(({ errorTag, message }) => `${errorTag}: ${message}`).join("; "));
}

export function faults<T>(answer: Answer<T>): readonly ManagementFault[] {
  return answer.ok ? assert.fail(`was not refused: ${JSON.stringify(answer.value)}`) : answer.faults;
}

export const tags = <T>(answer: Answer<T>): string[] => faults(answer).map(({ errorTag }) => errorTag);
