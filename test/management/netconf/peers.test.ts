import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp } from "node:fs/promises";
import path from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { subscription } from "./cases.ts";
import { ADDRESS, type NetconfRouter, PASSWORD, startNetconfRouter } from "./netconf-router.ts";

const run = promisify(execFile);
const PLAYBOOK = "/usr/bin/ansible-playbook";
const PLAYS = fileURLToPath(new URL("../../../lab/operators/tools/ansible", import.meta.url));
/** Of other makers, fetched where `npm run test:peers` asks for them. scrapli-netconf is of scrapli before its rewriting. */
const SCRAPLI = ["scrapli<2026.7", "scrapli-netconf==2026.1.12", "asyncssh==2.24.1", "paramiko"];
const NETCONF_CLIENT = ["netconf-client==3.6.0"];
const SCRAPLIGO = "github.com/scrapli/scrapligo@v1.4.3";
const PATIENCE = 60_000;

const isAskedFor = (t: TestContext): boolean => {
  if (process.env.SEMRD_PEERS === "1") return true;
  t.skip("skipped: takes long, or fetches a client of other makers; npm run test:peers does");
  return false;
};

it("Ansible changes once, shows what it would, and takes back what nobody confirms", {
  timeout: 4 * PATIENCE,
}, async (t) => {
  if (!isAskedFor(t)) return;
  if (!existsSync(PLAYBOOK)) return t.skip("skipped: there is no ansible (apt-get install ansible python3-ncclient)");
  await using router = await startNetconfRouter();
  const env = {
    ...process.env,
    ...{ SEMRD_HOST: ADDRESS, SEMRD_USER: router.login.username, SEMRD_PASSWORD: PASSWORD },
    ...{ HOME: router.folder, LC_ALL: "C.UTF-8", ANSIBLE_NOCOLOR: "1" },
  };
  const play = async (file: string, ...more: readonly string[]): Promise<string> => {
    const argv = [`--inventory=${PLAYS}/routers.yml`, "--limit=r1", ...more, `${PLAYS}/${file}`];
    return (await run(PLAYBOOK, argv, { env, timeout: PATIENCE })).stdout;
  };
  const counted = (said: string): readonly string[] => said.match(/(?:changed|failed)=\d+/g) ?? [];
  const tenants = async (): Promise<string> => {
    await using client = await router.open();
    return await client.rpc("<get-config><source><running/></source></get-config>");
  };

  const shown = await play("change.yml", "--check", "--diff");
  assert.deepEqual(counted(shown), ["changed=1", "failed=0"]);
  assert.match(shown, /^\+ +<name>globex<\/name>$/m);
  assert.doesNotMatch(await tenants(), /globex/, "--check changes nothing");

  await using watcher = await router.open();
  await watcher.rpc(subscription());
  await play("confirmed.yml", "-e", "keep=false", "-e", "seconds=8");
  while (!(await watcher.answer()).includes("<confirm-event>timeout<"));
  assert.doesNotMatch(await tenants(), /globex/, "nobody confirmed it");
  assert.match(await play("confirmed.yml"), /failed=0/);
  assert.match(await tenants(), /globex/);
  assert.deepEqual(counted(await play("change.yml")), ["changed=0", "failed=0"], "it is there already");

  const mistakes = await play("mistakes.yml");
  assert.deepEqual(
    [...mistakes.matchAll(/"msg": "(.*)"\}$/gm)].map(([, text]) => text),
    [
      "there is no /router/tenants/tenant with the name nobody",
      "there is no indx in the model here",
      "index: not a number: 0 to 65535 is allowed",
      "no module has the namespace urn:semrd:yang:semrd-tenants",
      "tenant: the entry has no name, which is its key",
    ],
  );
});

/** What a script of `peers/` with packages of PyPI prints of this router. */
async function told(router: NetconfRouter, script: string, packages: readonly string[]): Promise<unknown> {
  const folder = path.join(router.folder, "packages");
  await run("pip", ["install", "--quiet", "--target", folder, ...packages], { timeout: 4 * PATIENCE });
  const file = fileURLToPath(new URL(`peers/${script}`, import.meta.url));
  const child = spawn("python3", [file], { env: { ...process.env, PYTHONPATH: folder }, timeout: PATIENCE });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  child.stdin.end(JSON.stringify({ ...router.login, keyFile: router.keyFile, password: PASSWORD }));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

it("scrapli over OpenSSH, paramiko and asyncssh", { timeout: 6 * PATIENCE }, async (t) => {
  if (!isAskedFor(t)) return;
  await using router = await startNetconfRouter();
  const seen = (await told(router, "scrapli_session.py", SCRAPLI)) as Record<string, Session>;
  assert.deepEqual(Object.keys(seen), ["system", "paramiko", "asyncssh"]);
  for (const [transport, { version, failed, running, state, mistake }] of Object.entries(seen)) {
    assert.equal(version, "1.1", transport);
    assert.deepEqual(
      Object.keys(failed).filter((name) => failed[name]),
      ["mistake"],
      transport,
    );
    assert.match(running, /scrapli/, transport);
    assert.match(state, /<state>/, transport);
    assert.match(mistake, /index: not a number: 0 to 65535 is allowed/, transport);
  }
});

interface Session {
  readonly version: string;
  readonly failed: Readonly<Record<string, boolean>>;
  readonly running: string;
  readonly state: string;
  readonly mistake: string;
}

it("scrapligo, in both framings", { timeout: 8 * PATIENCE }, async (t) => {
  if (!isAskedFor(t)) return;
  try {
    await run("go", ["version"]);
  } catch {
    return t.skip("skipped: there is no go");
  }
  await using router = await startNetconfRouter();
  const folder = path.join(router.folder, "go");
  await cp(fileURLToPath(new URL("peers/scrapligo", import.meta.url)), folder, { recursive: true });
  const env = { ...process.env, GOPATH: path.join(router.folder, "go-path"), GOFLAGS: "-modcacherw" };
  for (const args of [
    ["mod", "init", "session"],
    ["get", SCRAPLIGO],
    ["mod", "tidy"],
    ["build", "-o", "session", "."],
  ])
    await run("go", args, { cwd: folder, env, timeout: 4 * PATIENCE });
  const login = [ADDRESS, "830", router.login.username, PASSWORD];
  const { stdout } = await run(path.join(folder, "session"), login, { timeout: PATIENCE });
  const seen = JSON.parse(stdout) as readonly { readonly version: string; readonly steps: readonly GoStep[] }[];
  assert.deepEqual(
    seen.map(({ version }) => version),
    ["1.1", "1.0"],
  );
  for (const { version, steps } of seen) {
    const result = (wanted: string): string => steps.find(({ name }) => name === wanted)!.result;
    assert.deepEqual(
      steps.filter(({ failed }) => failed).map(({ name }) => name),
      ["mistake"],
      version,
    );
    assert.match(result("running"), /<name>acme<\/name>[\s\S]*<name>beta<\/name>/, version);
    assert.match(result("state"), /<state>/, version);
    assert.match(result("mistake"), /index: not a number: 0 to 65535 is allowed/, version);
  }
});

interface GoStep {
  readonly name: string;
  readonly failed: boolean;
  readonly result: string;
}

it("netconf-client, which hears of its own change", { timeout: 6 * PATIENCE }, async (t) => {
  if (!isAskedFor(t)) return;
  await using router = await startNetconfRouter();
  const seen = (await told(router, "netconf_client_session.py", NETCONF_CLIENT)) as Record<string, unknown>;
  assert.match(String(seen.running), /<name>client<\/name>/);
  assert.match(String(seen.state), /<state>/);
  assert.match(String(seen.heard), /<netconf-confirmed-commit |<netconf-config-change /);
  assert.deepEqual(seen.refused, ["invalid-value", "index: not a number: 0 to 65535 is allowed"]);
});
