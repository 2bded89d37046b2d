import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { CandidateRouter } from "../../../src/cli/configure/index.ts";
import { RouterLink } from "../../../src/cli/router/connection.ts";
import { RouterFolder, type RouterProcess } from "../../daemon/router-process.ts";
import { OWN_PORT } from "../../management/own-port.ts";
import { type Said, semrctl } from "../in-process.ts";

const GOLDEN = fileURLToPath(new URL("golden/", import.meta.url));
/** Set to write what was seen instead of comparing it; then look at the difference. */
const REWRITE = (process.env.SEMRD_REWRITE_GOLDEN ?? "") !== "";

let folder: string;
let router: RouterProcess;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "semrd-configure-"));
  const routers = new RouterFolder(folder);
  const bgp = { "local-as": 65000, address: "::1", port: OWN_PORT };
  router = await routers.started("r1", routers.configuration("r1", { "semrd-bgp:bgp": bgp }));
});
after(async () => {
  await router[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function configure(script: string, ...options: string[]): Promise<Said> {
  const env = { SEMRD_SOCKET: router.socket, XDG_CACHE_HOME: folder, USER: "ann" };
  return semrctl(["configure", ...options], script, env);
}

/** Commit numbers and times are of the run. */
const steady = (text: string): string =>
  text
    .replace(/^commit \d+:/gm, "commit N:")
    .replace(/^ +\d+ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/gm, "     N  TIME               ");

describe("what a configure session prints", async () => {
  const names = (await readdir(GOLDEN)).filter((file) => file.endsWith(".in")).map((file) => file.slice(0, -3));
  assert.ok(names.length > 5);
  for (const name of names.sort())
    it(name, async () => {
      const { exitCode, out, err } = await configure(
        await readFile(path.join(GOLDEN, `${name}.in`), "utf8"),
        "--private",
      );
      const text = steady(`${out}${err}exit code ${exitCode}\n`);
      const file = path.join(GOLDEN, `${name}.out`);
      if (REWRITE) await writeFile(file, text);
      assert.equal(text, await readFile(file, "utf8"), `differs from ${file}; SEMRD_REWRITE_GOLDEN=1 rewrites it`);
    });
});

describe("files", () => {
  it("what is saved can be loaded: merged, or in place of what is there", async () => {
    const file = path.join(folder, "saved.json");
    const saved = await configure(`set telemetry log-level warn\nsave ${file}\n`, "--private");
    assert.match(saved.out, /^the candidate is in .*saved\.json\nnote: there are changes/);
    const document = JSON.parse(await readFile(file, "utf8"));
    assert.equal(document["semrd-router:router"]["semrd-telemetry:telemetry"]["log-level"], "warn");
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const loaded = async (how: string) => (await configure(`${how}\ncompare\n`, "--private")).out;
    assert.match(await loaded(`load override ${file}`), /^[~+] telemetry log-level .*warn\nnote:/);
    const part = path.join(folder, "part.json");
    await writeFile(
      part,
      JSON.stringify({ "semrd-router:router": { "semrd-telemetry:telemetry": { "log-level": "error" } } }),
    );
    assert.match(await loaded(`load merge ${part}`), /^[~+] telemetry log-level .*error\nnote:/);
    assert.match(await loaded(`load override ${part}`), /^- tenants tenant acme/m);
  });

  it("that cannot be read, written or understood: what is wrong, and nothing is changed", async () => {
    const refused = async (line: string): Promise<string> => {
      const { exitCode, err } = await configure(`${line}\n`, "--private");
      assert.equal(exitCode, 1);
      return err;
    };
    assert.match(
      await refused("load merge /nowhere/x.json"),
      /nowhere\/x\.json cannot be read: there is no such file or folder/,
    );
    assert.match(await refused(`save ${folder}`), /cannot be written: it is a folder/);
    assert.match(await refused("load overide x"), /load knows no "overide": is override meant\?/);
    assert.match(await refused("load"), /merge or override is expected next/);
    assert.match(await refused("load merge"), /the name of a file is expected next/);
    assert.match(await refused("save a b"), /nothing is expected behind the name of a file/);
    const file = path.join(folder, "wrong.json");
    await writeFile(file, '{"semrd-router:router": {"no-such-leaf": 1}}');
    assert.match(await refused(`load merge ${file}`), /no-such-leaf/);
    await writeFile(file, "{");
    assert.match(await refused(`load override ${file}`), /wrong\.json:1: not JSON: column 2: .* the end of the text/);
  });
});

describe("candidates", () => {
  const isSaid = async (): Promise<string> => (await configure("show telemetry log-level\n")).out;

  it("a private one ends with its session, the shared one stays", async () => {
    const set = "set telemetry log-level debug\n";
    const own = await configure(set, "--private");
    assert.deepEqual([own.exitCode, own.err], [0, ""]);
    assert.equal(own.out, "note: there are changes that are not committed, and end with this session\n");
    assert.equal(await isSaid(), "nothing is set here\n");
    const shared = await configure(set);
    assert.equal(shared.out, "note: there are changes that are not committed, and stay in the candidate\n");
    assert.match(await isSaid(), /^log-level debug;\n/);
    assert.equal((await configure("discard\nexit\nshow")).out, "");
  });

  it("the router knows no private candidate without a session", async () => {
    await assert.rejects(router.ctl("config", "show", "--datastore", "private-candidate"));
    await using link = new RouterLink({ kind: "socket", path: router.socket });
    const client = { link, timeoutSeconds: 10 };
    const session = await CandidateRouter.open(client, "private-candidate");
    await session.edit([{ operation: "merge", path: "/router/telemetry/log-level", text: "debug" }]);
    assert.equal((await session.compare()).length, 1);
    await session[Symbol.asyncDispose]();
    // Its end is seen by the router a moment later.
    for (;;) {
      try {
        await session.compare();
      } catch (error) {
        assert.match((error as Error).message, /there is no session "\d+".*control\.no-such-session/);
        return;
      }
    }
  });

  it("what the model does not allow is said at the value, or with its path", async () => {
    const value = await configure("set tenants tenant acme index 99999999\n", "--private");
    assert.match(value.err, /^semrctl: line 1: out of .*range.*\n {2}set .* 99999999\n {32}\^{8}\n$/);
    const script = "set agents agent spiffe://example.net/x tenant nobody\nvalidate\n";
    const reference = await configure(script, "--private");
    assert.match(reference.err, /^semrctl: line 2: .*\n {2}validate\n {2}.*agent\[id='.*'\]\/tenant: .*tenant.*\n$/);
    assert.deepEqual([value.exitCode, reference.exitCode], [1, 1]);
  });

  it("a script stops at its first error, and nothing behind it is done", async () => {
    const { exitCode, err } = await configure("# ok\nset telemetry log-level nonsense\nset telemetry log-level warn\n");
    assert.equal(exitCode, 1);
    assert.match(err, /^semrctl: line 2: .*\n {2}set telemetry log-level nonsense\n {26}\^{8}\n$/);
    assert.equal(await isSaid(), "nothing is set here\n");
  });

  // The last one, as the router sees the ends of its sessions a moment later.
  it("there are at most 32 sessions, so that others can still ask", async () => {
    await using link = new RouterLink({ kind: "socket", path: router.socket });
    const client = { link, timeoutSeconds: 10 };
    await using opened = new AsyncDisposableStack();
    const open = async () => opened.use(await CandidateRouter.open(client, "candidate"));
    const refused = async (): Promise<string> => {
      for (let count = 0; count <= 33; count++) {
        try {
          await open();
        } catch (error) {
          return (error as Error).message;
        }
      }
      return "never";
    };
    assert.match(await refused(), /there are 32 configure sessions already.*control\.too-many-sessions/);
    assert.ok(await router.ctl("config", "status"));
  });
});
