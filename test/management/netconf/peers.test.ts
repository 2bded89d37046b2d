import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { subscription } from "./cases.ts";
import { ADDRESS, PASSWORD, startNetconfRouter } from "./netconf-router.ts";

const run = promisify(execFile);
const PLAYBOOK = "/usr/bin/ansible-playbook";
const PLAYS = fileURLToPath(new URL("../../../lab/operators/tools/ansible", import.meta.url));
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
  await play("confirmed.yml", "-e", "keep=false", "-e", "seconds=1");
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
