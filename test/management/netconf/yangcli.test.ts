import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { PASSWORD, startNetconfRouter } from "./netconf-router.ts";

const YANGCLI = "/usr/bin/yangcli";
const MODULES = [fileURLToPath(new URL("../../../yang", import.meta.url)), "/usr/share/yuma/modules"].join(":");
const PATIENCE = 60_000;
const SCRIPT = `sget-config source=running /router/name
create /router/tenants/tenant -- name=beta index=2 route-distinguisher=0:65000:2 import-target=65000:2 export-target=65000:2
commit
xget-config source=running select=/router/tenants
delete /router/tenants/tenant[name='beta']
commit
sget-config source=running /router/tenants
`;

/** It knows YANG 1.0 only, so it does without some of the modules, and says so before its first answer. */
it("yangcli reads, edits and commits", { timeout: 2 * PATIENCE }, async (t) => {
  if (!existsSync(YANGCLI)) return t.skip(`skipped: there is no ${YANGCLI} (apt-get install yangcli)`);
  await using router = await startNetconfRouter();
  const { host, port, username } = router.login;
  const home = path.join(router.folder, "home");
  await mkdir(home);
  const script = path.join(router.folder, "script");
  await writeFile(script, SCRIPT);
  const login = [`--server=${host}`, `--ncport=${port}`, `--user=${username}`, `--password=${PASSWORD}`];
  const how = ["--batch-mode", "--display-mode=xml", `--run-script=${script}`, `--modpath=${MODULES}`, "--timeout=20"];
  const child = spawn(YANGCLI, [...login, ...how], {
    ...{ cwd: router.folder, stdio: ["ignore", "pipe", "pipe"], timeout: PATIENCE },
    env: { HOME: home, TERM: "dumb", PATH: process.env.PATH },
  });
  t.after(() => child.kill("SIGKILL"));
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (out += text));
  await new Promise((resolve) => child.once("close", resolve));
  const replies = out.split(/^RPC /m).slice(1);
  assert.deepEqual(
    replies.map((reply) => /^(\w+) (?:\w+ )?Reply/.exec(reply)?.[1]),
    ["Data", "OK", "OK", "Data", "OK", "OK", "Data"],
    out,
  );
  assert.match(replies[0]!, /<name>r1<\/name>/);
  assert.match(replies[3]!, /<name>acme<\/name>[\s\S]*<name>beta<\/name>/);
  assert.match(replies[6]!, /<name>acme<\/name>/);
  assert.doesNotMatch(replies[6]!, /beta/);
});
