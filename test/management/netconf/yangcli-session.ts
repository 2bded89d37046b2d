import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { MessageFramer } from "../../../src/management/netconf/framing.ts";
import { PASSWORD } from "./netconf-router.ts";
import type { Login } from "./raw-client.ts";

const YANGCLI = "/usr/bin/yangcli";
/** It is a program for people: where it has no terminal it ends, or with the first answer that is an error. */
const TERMINAL = "/usr/bin/script";
const OURS = path.resolve(import.meta.dirname, "../../../yang");
const YUMA = "/usr/share/yuma/modules";
/** What it takes for ietf-netconf. */
const BASE_MODULE = "yuma123-netconf.yang";
const PATIENCE = 30_000;
const MAX_MESSAGE = 1 << 26;
/** When a command is over, or when it asks for something that the command did not say. */
const PROMPT = /^yangcli [^\s:]*?(:\S+)?> $/m;

/** Why there is none; undefined if there is. */
export function missingYangcli(): string | undefined {
  const absent = [YANGCLI, TERMINAL].find((file) => !existsSync(file));
  return absent === undefined ? undefined : `skipped: there is no ${absent} (apt-get install yangcli bsdutils)`;
}

/** Its options for a router, and for reading our modules; and for a folder of modules that it reads first. */
export const yangcliOptions = ({ host, port, username }: Login, first?: string): readonly string[] => [
  ...[`--server=${host}`, `--ncport=${port}`, `--user=${username}`, `--password=${PASSWORD}`, "--timeout=20"],
  ...["--display-mode=xml", `--modpath=${[...(first === undefined ? [] : [first]), OURS, YUMA].join(":")}`],
];

/** What a command came to. */
export interface Said {
  /** What it printed. */
  readonly printed: string;
  /** Messages of the server meanwhile, as they came. */
  readonly answers: readonly string[];
}

/** yangcli at a terminal, with a session: what is typed is what an operator would type. */
export class YangcliSession implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #framer = new MessageFramer(MAX_MESSAGE);
  readonly #dump: string;
  readonly #isChunked: boolean;
  #out = "";
  #wake = Promise.withResolvers<void>();
  #isOver = false;
  #read = 0;
  /** The hello of the server. */
  hello = "";

  private constructor(child: ChildProcessWithoutNullStreams, folder: string, isChunked: boolean) {
    this.#child = child;
    this.#isChunked = isChunked;
    this.#dump = path.join(folder, "dump-in");
    const heard = (text: string): void => {
      this.#out += text;
      this.#woken();
    };
    child.stdout.setEncoding("utf8").on("data", heard);
    child.stderr.setEncoding("utf8").on("data", heard);
    child.stdin.on("error", () => undefined); // its end is said by "close"
    child.once("close", () => {
      this.#isOver = true;
      this.#woken();
    });
  }

  /** Logs in, and keeps what it needs in `folder`, which is made. */
  static async open(login: Login, folder: string, framing: "1.0" | "1.1" = "1.1"): Promise<YangcliSession> {
    const first = path.join(folder, "modules");
    await mkdir(first, { recursive: true });
    // It does not take over from the server's hello what is a feature of its own module: nobody could ask it for a confirmed commit.
    const own = await readFile(path.join(YUMA, "yuma123", BASE_MODULE), "utf8");
    await writeFile(path.join(first, BASE_MODULE), own.replaceAll(/^\s+if-feature [\w-]+;$/gm, ""));
    const how = [...yangcliOptions(login, first), "--autohistory=false", `--dump-session=${folder}/dump-`];
    if (framing === "1.0") how.push("--protocols=netconf1.0");
    const command = ["exec", YANGCLI, ...how.map((option) => `'${option}'`)].join(" ");
    const child = spawn(TERMINAL, ["-qfc", `stty -echo cols 4000; ${command}`, "/dev/null"], {
      cwd: folder,
      env: { HOME: folder, TERM: "dumb", PATH: process.env.PATH },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const session = new YangcliSession(child, folder, framing === "1.1");
    await session.#prompted();
    const messages = await session.#received();
    session.hello = messages[0]!;
    return session;
  }

  get sessionId(): string {
    return /<session-id>(\d+)</.exec(this.hello)![1]!;
  }

  /** Types a command, and then what it asks for; whatever else it asks for cancels the command. */
  async type(command: string, ...answers: readonly string[]): Promise<Said> {
    const left = [...answers];
    let printed = "";
    let line = command;
    for (;;) {
      this.#child.stdin.write(`${line}\n`);
      const said = await this.#prompted();
      printed += said.printed;
      if (!said.asks) return { printed, answers: await this.#received() };
      line = left.shift() ?? "?c";
    }
  }

  /** Until it has printed this without being asked. */
  async printed(text: string): Promise<void> {
    await this.#until(() => (this.#out.includes(text) ? true : undefined));
    await this.#received(); // these were not asked for
    this.#out = "";
  }

  #prompted(): Promise<{ readonly printed: string; readonly asks: boolean }> {
    return this.#until(() => {
      const text = stripVTControlCharacters(this.#out).replaceAll("\r", "");
      const found = PROMPT.exec(text);
      if (found === null || found.index + found[0].length !== text.length) return undefined;
      this.#out = "";
      return { printed: text.slice(0, found.index), asks: found[1] !== undefined };
    });
  }

  async #until<T>(found: () => T | undefined): Promise<T> {
    const late = AbortSignal.timeout(PATIENCE);
    late.addEventListener("abort", () => this.#woken());
    for (;;) {
      const there = found();
      if (there !== undefined) return there;
      const state = this.#isOver ? "ended" : "says no more";
      assert.ok(!late.aborted && !this.#isOver, `yangcli ${state}: ${this.#out.slice(-2_000)}`);
      await this.#wake.promise;
    }
  }

  /** What the server has said since the last time. */
  async #received(): Promise<readonly string[]> {
    const octets = await readFile(this.#dump);
    this.#framer.push(octets.subarray(this.#read));
    this.#read = octets.length;
    const messages: string[] = [];
    for (;;) {
      const next = this.#framer.next();
      if (next.kind !== "message") {
        assert.equal(next.kind, "need-more");
        return messages;
      }
      messages.push(Buffer.from(next.text).toString());
      if (this.#isChunked) this.#framer.framing = "chunked"; // from after the hello
    }
  }

  #woken(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE);
    this.#child.stdin.end("quit\n");
    await closed;
    clearTimeout(timer);
  }
}
