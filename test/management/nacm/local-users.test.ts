import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RouterFolder, type RouterProcess } from "../../daemon/router-process.ts";

const run = promisify(execFile);
const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
/** Runs what comes behind the first two words with the folder that is the first of them seen at the second one, too. */
const BOUND = 'from=$1 to=$2; shift 2; mkdir -p "$to"; mount --bind "$from" "$to"; exec "$@"';
const isRoot = process.geteuid?.() === 0;
const OWN = "spiffe://example.net/acme/agent/own";
const OTHER = "spiffe://example.net/globex/agent/other";

/** Asks as another user of the host, who is in the group of the socket. */
const ASK = `
const [socketPath, method, path, body, session] = process.argv.slice(1);
const headers = { "semrd-user": "root", ...(session ? { "semrd-session": session } : {}) };
const request = require("node:http").request({ socketPath, method, path, headers }, (response) => {
  let text = "";
  response.on("data", (part) => { text += part; });
  response.on("end", () => console.log(JSON.stringify({ status: response.statusCode, text })));
});
request.end(body);`;

const RULES = {
  groups: { group: [{ name: "local", "user-name": ["nobody"] }] },
  "rule-list": [
    {
      name: "local",
      group: ["local"],
      rule: [
        { name: "own", path: `/semrd-router:router/semrd-agent:agents/agent[id='${OWN}']`, action: "permit" },
        { name: "no other", path: "/semrd-router:router/semrd-agent:agents/agent", action: "deny" },
        { name: "log", path: "/semrd-router:router/semrd-telemetry:telemetry/log-level", action: "permit" },
        { name: "no routes", path: "/semrd-router:router/semrd-rib:ribs", action: "deny" },
        { name: "no drain", path: "/semrd-router:router/drain", action: "deny" },
        { name: "no reset", path: "/semrd-router:router/semrd-dataplane:dataplane/reset-counters", action: "deny" },
        { name: "no peers", path: "/semrd-router:router/semrd-bgp:bgp/neighbors/reset-counters", action: "deny" },
        { name: "no policies", path: "/semrd-router:router/semrd-policy:routing-policy", action: "deny" },
        { name: "no explain", "module-name": "semrd-rib", "rpc-name": "explain", action: "deny" },
      ],
    },
    { name: "of the host", group: ["daemon"], rule: [{ name: "all", action: "permit" }] },
  ],
};

describe("access control at the control socket", { skip: isRoot ? false : "skipped: needs root, to be others" }, () => {
  let folder: string;
  let router: RouterProcess;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "semrd-local-"));
    await chmod(folder, 0o755);
    const routers = new RouterFolder(folder);
    const tenant = (name: string, index: number) => ({
      ...{ name, index, "route-distinguisher": `0:65000:${index}` },
      ...{ "import-target": [`65000:${index}`], "export-target": [`65000:${index}`] },
    });
    const instance = { name: "/vision/ocr", "major-version": 1, address: "fd00:a::10", port: 8080 };
    const configuration = routers.configuration(
      "r1",
      {
        "semrd-tenant:tenants": { tenant: [tenant("acme", 1), tenant("globex", 2)] },
        "semrd-agent:agents": {
          agent: [
            { id: OWN, tenant: "acme", capability: [instance] },
            { id: OTHER, tenant: "globex", capability: [instance] },
          ],
        },
      },
      { "ietf-netconf-acm:nacm": RULES },
    );
    router = await routers.started("r1", configuration);
  });
  after(async () => {
    await router?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /**
   * Runs node as another user of the host, who is in the group of the socket. He sees the project at `project`, as its own place may be
   * root's alone.
   */
  function nodeAs(user: string, ...args: readonly string[]) {
    const id = execFileSync("id", ["-u", user], { encoding: "utf8" }).trim();
    const groups = user === "nobody" ? "--clear-groups" : "--init-groups";
    const node = process.execPath.startsWith(PROJECT)
      ? project(process.execPath.slice(PROJECT.length))
      : process.execPath;
    const as = ["setpriv", `--reuid=${id}`, "--regid=0", groups, node, ...args];
    const argv = ["--mount", "sh", "-ec", BOUND, "sh", PROJECT, project(""), ...as];
    return run("unshare", argv, { cwd: "/", env: { ...process.env, HOME: "/nonexistent", USER: "root" } });
  }
  const project = (file: string): string => path.join(folder, "project", file);

  async function ask(user: string, method: string, target: string, body = "", session = "") {
    const { stdout } = await nodeAs(user, "-e", ASK, router.socket, method, `/v1/${target}`, body, session);
    return JSON.parse(stdout) as { status: number; text: string };
  }

  /** Several commands, one after the other, in one process. */
  async function semrctl(user: string, ...commands: readonly (readonly string[])[]) {
    const running = nodeAs(user, project("test/cli/elsewhere.ts"));
    const env = { SEMRD_SOCKET: router.socket, USER: "root" };
    running.child.stdin!.end(commands.map((args) => `${JSON.stringify({ args, env })}\n`).join(""));
    const lines = (await running).stdout.trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as { exitCode: number; out: string; err: string });
  }
  const set = (where: string, value: unknown): string => JSON.stringify([{ operation: "merge", path: where, value }]);

  it("rows are those of what may be read", async () => {
    const { status, text } = await ask("nobody", "GET", "agents");
    assert.equal(status, 200);
    assert.deepEqual(
      JSON.parse(text).map(({ agent }: { agent: string }) => agent),
      [OWN],
    );
    assert.equal(((await router.ctl("show", "agents")) as unknown[]).length, 2);
  });

  it("what may not be read or done is 403, and says why", async () => {
    for (const [method, target] of [
      ["GET", "routes"],
      ["GET", "mrt/table"],
      ["GET", "explain?name=/vision/ocr"],
      ["POST", "router/drain"],
      ["POST", "counters/reset"],
      ["POST", "peers/reset-counters"],
      ["POST", "policies/reset-counters"],
      ["POST", `agents/${encodeURIComponent(OTHER)}/drain`],
      ["DELETE", `agents/${encodeURIComponent(OTHER)}`],
    ] as const) {
      const { status, text } = await ask("nobody", method, target);
      assert.deepEqual([status, JSON.parse(text).code], [403, "control.access-denied"], `${target}: ${text}`);
    }
    assert.equal((await ask("nobody", "GET", "status")).status, 200);
    assert.equal((await ask("nobody", "POST", `agents/${encodeURIComponent(OWN)}/drain`)).status, 200);
  });

  it("the configuration is that of NETCONF: read in part, changed in part, whatever name the request gives itself", async () => {
    const { text } = await ask("nobody", "GET", "config");
    assert.ok(text.includes(OWN) && !text.includes(OTHER) && !text.includes("nacm"));
    const denied = await ask(
      "nobody",
      "POST",
      "config/steps",
      set("/semrd-router:router/semrd-taxonomy:taxonomy/revision", 2),
    );
    assert.equal(denied.status, 403);
    assert.equal(JSON.parse(denied.text).faults[0].path, "/semrd-router:router/semrd-taxonomy:taxonomy/revision");
    const level = "/semrd-router:router/semrd-telemetry:telemetry/log-level";
    assert.equal((await ask("nobody", "POST", "config/steps", set(level, "debug"))).status, 200);
    assert.equal((await ask("nobody", "POST", "config/commit", "{}")).status, 200);
    const [last] = JSON.parse((await ask("nobody", "GET", "config/log")).text);
    assert.equal(last.user, "nobody");
    await router.ctl(
      "agent",
      "add",
      "spiffe://example.net/globex/agent/more",
      "--tenant",
      "globex",
      "--capability",
      "/vision/ocr",
      "--version",
      "1.0",
      "--address",
      "fd00:a::11",
      "--port",
      "80",
    );
    const log = await ask("nobody", "GET", "config/log");
    assert.ok(
      !JSON.stringify(JSON.parse(log.text).map(({ changes }: { changes: unknown }) => changes)).includes("globex"),
      log.text,
    );
  });

  it("semrctl is let do as much, over gNMI on the same socket", async () => {
    const [agents, drain, routes] = await semrctl(
      "nobody",
      ["--json", "show", "agents"],
      ["drain", "router"],
      ["show", "routes"],
    );
    assert.deepEqual(
      JSON.parse(agents!.out).map(({ agent }: { agent: string }) => agent),
      [OWN],
    );
    for (const { exitCode, err } of [drain!, routes!]) {
      assert.equal(exitCode, 1);
      assert.match(err, /^semrctl: .*\(control\.access-denied\)\n$/);
    }
    // By the group that it is in on this host.
    assert.equal((await semrctl("daemon", ["show", "routes"]))[0]!.exitCode, 0);
  });

  it("a session of somebody else is not there", async () => {
    const request = http.request({ socketPath: router.socket, method: "POST", path: "/v1/config/session" });
    request.end();
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const [line] = (await once(response, "data")) as [Buffer];
    const { session } = JSON.parse(line.toString()) as { session: number };
    const target = "config?datastore=private-candidate";
    assert.equal((await ask("root", "GET", target, "", String(session))).status, 200);
    const { status, text } = await ask("nobody", "GET", target, "", String(session));
    assert.deepEqual([status, JSON.parse(text).code], [409, "control.no-such-session"]);
    request.destroy();
  });

  it("groups of the host are groups of rules, where they are to be", async () => {
    assert.match(await readFile("/etc/group", "utf8"), /^daemon:/m);
    assert.equal((await ask("daemon", "GET", "routes")).status, 200);
    await router.ctl("config", "set", "/ietf-netconf-acm:nacm/enable-external-groups", "false");
    await router.ctl("config", "commit");
    const revision = set("/semrd-router:router/semrd-taxonomy:taxonomy/revision", 7);
    assert.equal((await ask("daemon", "POST", "config/steps", revision)).status, 403);
  });
});
