import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RouterFolder, type RouterProcess } from "../../daemon/router-process.ts";

const SEMRCTL = fileURLToPath(new URL("../../../tools/semrctl", import.meta.url));
const PYTHON = "/usr/bin/python3";
const WAIT_LIMIT = 60_000;
/** A terminal for the program, whose keys and screen are our pipes. */
const THROUGH_PTY = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

const skip = existsSync(PYTHON) ? false : `skipped: no ${PYTHON}, whose pty module makes a terminal`;

let folder: string;
let router: RouterProcess;

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(path.join(tmpdir(), "semrd-terminal-"));
  const routers = new RouterFolder(folder);
  router = await routers.started("r1", routers.configuration("r1"));
});
after(async () => {
  if (skip !== false) return;
  await router[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** semrctl at a terminal: keys are typed when the screen shows what they wait for. */
class Screen implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** What has been shown since the last match. */
  #text = "";

  constructor(args: readonly string[], rows = 40) {
    const command = `stty rows ${rows} cols 120; exec "$0" "$@"`;
    this.#child = spawn(PYTHON, ["-c", THROUGH_PTY, "/bin/sh", "-c", command, SEMRCTL, "-s", router.socket, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, TERM: "xterm", NO_COLOR: "1", XDG_CACHE_HOME: folder, PAGER: "" },
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.#text += text));
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Types a text and then Tab: completion is for keys that come one by one, what comes at once counts as pasted. */
  async completes(typed: string, wanted: RegExp): Promise<void> {
    if (typed !== "") {
      this.type(typed);
      await this.shows(new RegExp(typed));
    }
    this.type("\t");
    await this.shows(wanted);
  }

  /** Resolves with what was shown up to the end of the match. */
  async shows(wanted: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(WAIT_LIMIT);
    for (;;) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is taken out
      const plain = this.#text.replace(/\u001b\[[\d;?]*[A-Za-z]/g, "");
      const found = wanted.exec(plain);
      if (found !== null) {
        this.#text = plain.slice(found.index + found[0].length);
        return plain.slice(0, found.index + found[0].length);
      }
      try {
        await once(this.#child.stdout!, "data", { signal });
      } catch (cause) {
        throw new Error(`${wanted} was not shown, but ${JSON.stringify(plain)}`, { cause });
      }
    }
  }

  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, "exit", { signal: AbortSignal.timeout(WAIT_LIMIT) });
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
  }
}

describe("semrctl configure at a terminal", { skip }, () => {
  it("completes commands, nodes, keys and values, and shows what they mean", async () => {
    await using screen = new Screen(["configure", "--private"]);
    await screen.shows(/\[r1\]# /);
    await screen.completes("se", /^t /);
    await screen.completes("tele", /^metry /);
    await screen.completes("log", /^-level /);
    await screen.completes("", /error {2}What needs a person\.[\s\S]*debug {2}Also single messages\.[\s\S]*log-level /);
    await screen.completes("d", /^ebug /);
    screen.type("\r");
    await screen.shows(/\[r1\]\*# /);
    screen.type("set ");
    await screen.completes("ten", /^ant/); // tenants, or tenant-policies
    await screen.completes("s", /^ /);
    await screen.completes("ten", /^ant /);
    await screen.completes("ac", /^me /);
    await screen.completes("ind", /^ex /);
    screen.type("7\r");
    await screen.shows(/\[r1\]\*# /);
    screen.type("show | compare\r");
    const shown = await screen.shows(/index 1 -> 7[^#]*# /);
    assert.match(shown, /\+ telemetry log-level debug/);
    screen.type("exit\r");
    await screen.shows(/end with this session\. Leave\? \[yes,no\] /);
    screen.type("no\r");
    await screen.shows(/\[r1\]\*# /);
    screen.type("discard\rexit\r");
    assert.equal(await screen.ended(), 0);
  });

  it("points to the word that is wrong, below it, and goes on", async () => {
    await using screen = new Screen(["configure"]);
    await screen.shows(/\[r1\]# /);
    screen.type("set telemetry log-level loud\r");
    await screen.shows(/\n {30}\^\^\^\^\r\nnot one of error, warn, info and debug/);
    screen.type("edit tenants tenant acme\r");
    await screen.shows(/\[r1 tenants tenant acme\]# /);
    screen.type("\u001b[A\u001b[A\r"); // history: the line before
    await screen.shows(/log-level loud[\s\S]*there is no "telemetry" in tenants tenant acme/);
    screen.type("top\rquit\r");
    assert.equal(await screen.ended(), 0);
  });

  it("Ctrl-C gives up the line or the question, Ctrl-D leaves", async () => {
    await using screen = new Screen(["configure", "--private"]);
    await screen.shows(/\[r1\]# /);
    screen.type("set telemetry log-l\u0003");
    await screen.shows(/\^C\r\n\[r1\]# /);
    screen.type("set telemetry log-level warn\r");
    await screen.shows(/\[r1\]\*# /);
    screen.type("quit\r");
    await screen.shows(/Leave\? \[yes,no\] /);
    screen.type("\u0003");
    await screen.shows(/\^C\r\n\[r1\]\*# /);
    screen.type("\u0004");
    await screen.shows(/note: there are changes that are not committed/);
    assert.equal(await screen.ended(), 0);
  });

  it("says what a commit brings about, and asks before", async () => {
    await using screen = new Screen(["configure", "--private"]);
    await screen.shows(/\[r1\]# /);
    screen.type("set dataplane hash-seed 77\r");
    await screen.shows(/\[r1\]\*# /);
    screen.type("commit\r");
    await screen.shows(/at-restart: .*hash-seed: .*\r\nCommit\? \[yes,no\] /);
    screen.type("no\r");
    await screen.shows(/not committed\r\n\[r1\]\*# /);
    screen.type("commit yes\r");
    await screen.shows(/commit \d+: 1 change\r\n\[r1\]# /);
    screen.type("exit\r");
    assert.equal(await screen.ended(), 0);
  });

  it("shows what is longer than the screen by a pager, and takes the keys back", async (t) => {
    if (!existsSync("/usr/bin/less")) return t.skip("skipped: no /usr/bin/less");
    await using screen = new Screen(["configure"], 8);
    await screen.shows(/\[r1\]# /);
    screen.type("show\r");
    await screen.shows(/router-id[\s\S]*\n:/);
    screen.type("q");
    await screen.shows(/\[r1\]# /);
    screen.type("quit\r");
    assert.equal(await screen.ended(), 0);
  });
});
