import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { hashPassword } from "../../src/management/index.ts";
import { RouterFolder, type RouterProcess } from "./router-process.ts";

const run = promisify(execFile);
const PYTHON = "/usr/bin/python3";
const READER = fileURLToPath(new URL("ncclient-state.py", import.meta.url));
const PASSWORD = "only for this test";
const NAMESPACE = `semr-op-${process.pid}`;
const INSIDE = ["ip", "netns", "exec", NAMESPACE];
const CONFIGURED = "spiffe://example.net/acme/agent/ocr-a";
const ADDED = "spiffe://example.net/acme/agent/ocr-b";

type Texts = Readonly<Record<string, string>>;
type Answer = Readonly<Record<string, readonly Texts[]>> & { readonly depth2: readonly string[] };

async function whyNot(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "skipped: needs root for a network namespace";
  const found = await run(PYTHON, ["-c", "import ncclient"]).catch(() => undefined);
  return found === undefined ? "skipped: ncclient is missing (Debian: python3-ncclient)" : undefined;
}

const skip = await whyNot();

describe("operational state of a router, as ncclient reads it", { skip }, () => {
  let folder: string;
  let router: RouterProcess;
  let answer: Answer;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "semrd-operational-"));
    await run("ip", ["netns", "add", NAMESPACE]);
    await run("ip", ["-n", NAMESPACE, "link", "set", "lo", "up"]);
    const routers = new RouterFolder(folder);
    const configuration = routers.configuration("r1", {
      management: {
        "control-socket": path.join(folder, "r1.sock"),
        "semrd-access:users": { user: [{ name: "ann", "password-hash": await hashPassword(PASSWORD) }] },
        "semrd-netconf:netconf": { ssh: { listen: [{ address: "127.0.0.1", port: 830 }] } },
      },
      "semrd-bgp:bgp": {
        "local-as": 65000,
        address: "::1",
        neighbors: { neighbor: [{ address: "fd00::9", "remote-as": 65000, description: "r9" }] },
      },
      "semrd-agent:agents": {
        agent: [
          {
            id: CONFIGURED,
            tenant: "acme",
            capability: [{ name: "/vision/ocr", "major-version": 1, address: "fd00:a::10", port: 8080 }],
          },
        ],
      },
    });
    router = await routers.started("r1", configuration, INSIDE);
    const offer = [
      "--tenant",
      "acme",
      "--capability",
      "/vision/ocr",
      "--version",
      "1.4",
      "--address",
      "fd00:a::11",
      "--port",
      "8080",
    ];
    await router.ctl("agent", "add", ADDED, ...offer);
    const [command, ...rest] = [...INSIDE, PYTHON, READER, "127.0.0.1", "830", "ann", PASSWORD];
    const { stdout } = await run(command!, rest, { timeout: 60_000, maxBuffer: 2 ** 24 });
    answer = JSON.parse(stdout);
  });
  after(async () => {
    await router?.[Symbol.asyncDispose]();
    await run("ip", ["netns", "del", NAMESPACE]).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  });

  it("a neighbour, whose address the filter spells in another way", () => {
    const [state, ...more] = answer.neighbors!;
    assert.equal(more.length, 0);
    assert.match(state!["session-state"]!, /^(idle|connect|active)$/);
    assert.equal(state!["remote-as"], "65000");
    assert.equal(state!["peer-type"], "internal");
    assert.ok(!Number.isNaN(Date.parse(state!["last-change"]!)));
  });

  it("agents and their instances, also one that was added meanwhile", () => {
    assert.deepEqual(
      new Set(answer.agents!.map(({ id, tenant }) => `${id} ${tenant}`)),
      new Set([`${CONFIGURED} acme`, `${ADDED} acme`]),
    );
    const sources = answer.instances!.map(({ source, state }) => `${source} ${state}`);
    assert.deepEqual(sources, ["configuration up", "configuration up"]);
  });

  it("the router, its tables and its routes", () => {
    assert.equal(answer.router![0]!.phase, "running");
    assert.equal(answer.router![0]!["process-id"], String(router.child.pid));
    assert.deepEqual(
      answer.tables!.map(({ name, size, used, free }) => [name, Number(size) - Number(used) - Number(free)]),
      [
        ["capabilities", 0],
        ["groups", 0],
        ["next-hops", 0],
      ],
    );
    const [rib] = answer.ribs!;
    assert.equal(rib!.name, "capability");
    assert.equal(Number(rib!["route-count"]), answer.paths!.length);
    assert.ok(
      answer.paths!.some(({ type, subject, peer }) => `${type} ${subject} ${peer}` === "site /vision/ocr local"),
    );
  });

  it("running has no state, and content and depth narrow what operational has (RFC 8526 §3.1.1)", () => {
    assert.deepEqual(answer.running, []);
    assert.deepEqual(
      answer.stateOnly!.map((agent) => Object.keys(agent)),
      [["id"], ["id"]],
    );
    assert.deepEqual(
      answer.stateOfStateOnly!.map(({ source }) => source),
      ["configuration", "configuration"],
    );
    assert.deepEqual(answer.configOnly, []);
    assert.deepEqual(answer.depth2, ["agent", "id", "agent", "id"]);
  });
});
