import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RouterFolder, type RouterProcess } from "../../daemon/router-process.ts";

const run = promisify(execFile);
const SEMRCTL = fileURLToPath(new URL("../../../tools/semrctl", import.meta.url));

let folder: string;
let router: RouterProcess;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "semrd-shell-"));
  const routers = new RouterFolder(folder);
  router = await routers.started("r1", routers.configuration("r1"));
});
after(async () => {
  await router[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const environment = () => ({ ...process.env, XDG_CACHE_HOME: folder, SEMRD_SOCKET: router.socket });

/** What semrctl offers behind these words, each with its meaning. */
async function offered(...words: string[]): Promise<Map<string, string>> {
  const { stdout } = await run(SEMRCTL, ["complete", "--", ...words], { env: environment() });
  return new Map(
    stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("\t") as [string, string]),
  );
}

const BASH = `
eval "$("$SEMRCTL" completion bash)"
COMP_LINE=$LINE COMP_POINT=\${#LINE} COMP_TYPE=\${HOW:-9}
COMP_WORDS=("$WORD") COMP_CWORD=0
_semrctl
printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** What bash is told, for a line whose last word it takes to be `word`. */
async function inBash(line: string, word: string, how?: "63"): Promise<string[]> {
  const env = { ...environment(), SEMRCTL, LINE: `${SEMRCTL} ${line}`, WORD: word, ...(how && { HOW: how }) };
  const { stdout } = await run("bash", ["--norc", "-c", BASH], { env });
  return stdout.split("\n").filter((one) => one !== "");
}

/** The functions of zsh that a script for it calls, as far as they tell what they are given. */
const ZSH = `
compdef() { }
_describe() { print -rl -- "\${(@P)argv[-1]}" }
eval "$("$SEMRCTL" completion zsh)"
words=("$SEMRCTL" "$@") CURRENT=$(($# + 1))
_semrctl
`;

async function inZsh(...words: string[]): Promise<string[]> {
  const env = { ...environment(), SEMRCTL };
  const { stdout } = await run("zsh", ["-f", "-c", ZSH, "zsh", ...words], { env });
  return stdout.split("\n").filter((one) => one !== "");
}

describe("completion in a shell", () => {
  it("knows commands, options and what they take", async () => {
    assert.equal((await offered("conf")).get("configure"), "change the configuration line by line, with completion");
    assert.ok(!(await offered("")).has("complete"));
    assert.ok((await offered("show", "")).has("routes"));
    assert.deepEqual([...(await offered("show", "routes", "--fam")).keys()], ["--family"]);
    assert.deepEqual([...(await offered("show", "routes", "--family", "")).keys()].sort(), [
      "capability",
      "ipv4-unicast",
      "ipv6-unicast",
    ]);
    assert.ok((await offered("show", "routes", "--")).has("--json"));
  });

  it("knows the nodes, keys and values of the configuration", async () => {
    assert.equal((await offered("config", "set", "tele")).get("telemetry"), "Log and metrics");
    assert.deepEqual(
      [...(await offered("config", "set", "telemetry", "log-level", "")).keys()],
      ["error", "warn", "info", "debug"],
    );
    assert.deepEqual([...(await offered("config", "delete", "tenants", "tenant", "")).keys()], ["acme"]);
    assert.deepEqual([...(await offered("config", "set", "agents", "agent", "x", "tenant", "")).keys()], ["acme"]);
    assert.ok((await offered("config", "set", "interfaces", "interface", "")).has("lo"));
    assert.equal((await offered("config", "set", "nonsense", "")).size, 0);
    assert.equal((await offered("--socket", "/nowhere", "config", "set", "")).size, 0);
  });

  it("in bash", async (t) => {
    if (!existsSync("/bin/bash")) return t.skip("skipped: no /bin/bash");
    assert.deepEqual(await inBash("config se", "se"), ["set"]);
    assert.deepEqual(await inBash("config set telemetry log-level d", "d"), ["debug"]);
    const levels = await inBash("config set telemetry log-level ", "", "63");
    assert.equal(levels.at(-1), "debug  (Also single messages.)");
  });

  it("in zsh", async (t) => {
    const folders = (process.env.PATH ?? "").split(":");
    if (!folders.some((one) => existsSync(path.join(one, "zsh")))) return t.skip("skipped: no zsh");
    assert.deepEqual(await inZsh("config", "se"), [
      "set:set a leaf of the candidate; the entries and containers on its way are made",
    ]);
    assert.deepEqual(await inZsh("config", "delete", "tenants", "tenant", ""), ["acme:Its name (text)"]);
    assert.deepEqual(await inZsh("show", "routes", "--family", "cap"), ["capability"]);
  });
});

describe("words instead of data paths", () => {
  const ctl = async (...args: string[]): Promise<string> =>
    (await run(SEMRCTL, ["config", ...args], { env: environment() })).stdout;

  it("set, show and delete take both", async () => {
    await ctl("set", "telemetry", "log-level", "debug");
    await ctl("set", "/router/tenants/tenant[name='acme']/index", "9");
    await ctl("set", "tenants", "tenant", "acme", "import-target", "[", "65000:1", "65000:7", "]");
    const shown = await ctl("show", "tenants", "tenant", "acme", "--datastore", "candidate");
    const { tenant } = JSON.parse(shown)["semrd-router:router"]["semrd-tenant:tenants"];
    assert.deepEqual([tenant[0].index, tenant[0]["import-target"]], [9, ["65000:1", "65000:7"]]);
    await ctl("delete", "telemetry", "log-level");
    await assert.rejects(ctl("set", "tenants", "tenant", "acme", "indx", "2"), (error: { stderr?: string }) => {
      assert.equal(
        error.stderr,
        'semrctl: there is no "indx" in tenants tenant acme: is index meant?\n' +
          "  tenants tenant acme indx 2\n" +
          "                      ^^^^\n",
      );
      return true;
    });
    await ctl("discard");
  });
});
