import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadNative } from "../../native/index.ts";
import { sameValue } from "../../src/base/index.ts";
import { hashPassword } from "../../src/management/index.ts";
import { until } from "../bgp/interop/lab.ts";
import { RouterFolder, type RouterProcess } from "./router-process.ts";

const run = promisify(execFile);
const PYTHON = "/usr/bin/python3";
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
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

async function printed(name: string, ...args: readonly string[]): Promise<unknown> {
  const login = ["127.0.0.1", "830", "ann", PASSWORD];
  const [command, ...rest] = [...INSIDE, PYTHON, script(name), ...login, ...args];
  const { stdout } = await run(command!, rest, { timeout: 60_000, maxBuffer: 2 ** 24 });
  return JSON.parse(stdout);
}

/** An element of XML: its name, its text, and what is in it. */
type Element = readonly [name: string, text: string, inner: readonly Element[]];
type Called = readonly Element[] | { readonly tag: string; readonly appTag: string; readonly message: string };

const under = (elements: Called, ...names: readonly string[]): string | undefined => {
  if (!Array.isArray(elements)) return undefined;
  const found = elements.find(([name]) => name === names[0]);
  return names.length === 1 ? found?.[1] : found && under(found[2], ...names.slice(1));
};

/** With all that a session has state for. */
const speaker = (address: string, neighbor: string) => ({
  ...{ "local-as": 65000, address },
  "graceful-restart": { enabled: true },
  neighbors: {
    neighbor: [
      {
        ...{ address: neighbor, "remote-as": 65000, description: "the other", "connect-retry": 1 },
        families: { family: [{ name: "capability" }, { name: "ipv6-unicast" }, { name: "route-target" }] },
        bfd: { enabled: true },
        "semrd-brownfield:brownfield": {},
      },
    ],
  },
});

describe("operational state of a router, as ncclient reads it", { skip }, () => {
  let folder: string;
  let routers: RouterFolder;
  let router: RouterProcess;
  let answer: Answer;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "semrd-operational-"));
    await run("ip", ["netns", "add", NAMESPACE]);
    await run("ip", ["-n", NAMESPACE, "link", "set", "lo", "up"]);
    for (const address of ["fd00::8", "fd00::9"])
      await run("ip", ["-n", NAMESPACE, "address", "add", `${address}/128`, "dev", "lo", "nodad"]);
    routers = new RouterFolder(folder);
    const configuration = routers.configuration("r1", {
      management: {
        "control-socket": path.join(folder, "r1.sock"),
        "semrd-access:users": { user: [{ name: "ann", "password-hash": await hashPassword(PASSWORD) }] },
        "semrd-netconf:netconf": { ssh: { listen: [{ address: "127.0.0.1", port: 830 }] } },
      },
      "semrd-interface:interfaces": { interface: [{ name: "st-client", role: "client", tenant: "acme" }] },
      "semrd-bgp:bgp": speaker("fd00::8", "fd00::9"),
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
    answer = (await printed("ncclient-state.py")) as Answer;
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

  it("says where what is in use comes from, once for all that is in it (RFC 8342 §5.3.4)", () => {
    const [[top, origin] = [], ...others] = answer.origins as unknown as readonly (readonly [string, string])[];
    assert.deepEqual([top, origin], ["router", "or:intended"]);
    assert.deepEqual(new Set(others.map(([, from]) => from)), new Set(["or:default"]));
    const names = others.map(([name]) => name);
    assert.ok(names.includes("payload") && !names.includes("remote-as"), names.join());
  });

  describe("rpcs and actions", () => {
    let called: Readonly<Record<string, Called>>;
    before(async () => {
      called = (await printed("ncclient-operations.py", CONFIGURED)) as typeof called;
    });

    it("explain and resolve", () => {
      assert.equal(under(called.explain!, "winner"), "192.0.2.1");
      assert.equal(under(called.explain!, "candidate", "judgement"), "winner");
      assert.equal(under(called.explain!, "instance", "state"), "up");
      assert.equal(under(called.resolve!, "dns-name"), "ocr.vision.cap.acme.example.net");
      assert.equal(under(called.resolve!, "service-port"), "80");
      assert.equal(under(called.resolve!, "site", "origin"), "192.0.2.1");
      const { tag, appTag } = called.resolveElsewhere as { tag: string; appTag: string };
      assert.deepEqual([tag, appTag], ["data-missing", "control.no-such-tenant"]);
    });

    it("explain-packet: where it goes and why, and an interface that is none", () => {
      assert.equal(under(called.packet!, "verdict"), "delivered");
      assert.equal(under(called.packet!, "capability"), "/vision/ocr");
      assert.equal(under(called.packet!, "client-tenant"), "acme");
      assert.equal(under(called.packet!, "sites", "probe", "fate"), "taken");
      assert.equal(under(called.packet!, "instances", "probe", "kind"), "instance");
      assert.match(under(called.packet!, "leaves", "to")!, /^fd00:a::1[01]$/);
      const { tag, appTag, message } = called.packetNowhere as { tag: string; appTag: string; message: string };
      assert.deepEqual([tag, appTag], ["invalid-value", "dataplane.no-such-port"]);
      assert.match(message, /lo9 is no port of the data plane; its ports are: st-client \(client\)/);
    });

    it("rib-audit finds the tables as they should be", () => {
      assert.equal(under(called.audit!, "capabilities"), "1");
      assert.equal(under(called.audit!, "mismatches"), "0");
    });

    it("reset-counters says when, as the state does from then on", () => {
      const [first, all] = [called.reset!, called.resetAll!].map((answer) => under(answer, "discontinuity-time")!);
      assert.ok(Date.parse(under(called.discontinuity!, "before")!) < Date.parse(first!));
      assert.ok(Date.parse(first!) <= Date.parse(all!));
      assert.equal(under(called.discontinuityAfter!, "after"), all);
      assert.equal((called.resetBadly as { tag: string }).tag, "invalid-value");
    });

    it("reset-counters of a neighbour, of all, and of policies", () => {
      const time = (answer: Called): string | undefined => under(answer, "discontinuity-time");
      assert.equal(time(called.neighbor!), time(called.resetNeighbor!));
      assert.equal(time(called.neighborAfter!), time(called.resetNeighbors!));
      assert.ok(Date.parse(time(called.resetNeighbor!)!) <= Date.parse(time(called.resetNeighbors!)!));
      assert.equal(under(called.neighborAfter!, "refused-connections"), "0");
      assert.ok(!Number.isNaN(Date.parse(time(called.resetPolicies!)!)));
      const faults = [called.resetStranger!, called.resetNoPolicy!] as unknown as readonly {
        readonly appTag: string;
      }[];
      assert.deepEqual(
        faults.map(({ appTag }) => appTag),
        ["control.no-such-peer", "control.no-such-policy"],
      );
    });

    it("drain and its end, of an instance, an agent and the router", () => {
      assert.deepEqual(called.drainInstance, [["ok", "", []]]);
      const states = (called.explainDrained as Element[])
        .filter(([name]) => name === "instance")
        .map(([, , inner]) => `${under(inner, "address")} ${under(inner, "state")}`);
      assert.deepEqual(states.toSorted(), ["fd00:a::10 draining", "fd00:a::11 up"]);
      assert.match(under(called.drainAgent!, "instance")!, /^[0-9a-f]{16}$/);
      assert.equal(under(called.drainRouter!, "draining"), "true");
      assert.equal(under(called.undrainRouter!, "draining"), "false");
      assert.equal((called.drainStranger as { tag: string }).tag, "data-missing");
    });

    it("clear says what it cannot do", () => {
      assert.deepEqual(called.clearHard, [["ok", "", []]]);
      assert.equal((called.clearSoft as { appTag: string }).appTag, "control.no-session");
      assert.equal((called.clearStranger as { appTag: string }).appTag, "control.no-such-peer");
      assert.equal((called.clearBadly as { tag: string }).tag, "invalid-value");
    });
  });

  it("what NETCONF says about itself and its modules (RFC 6022, RFC 8525)", async () => {
    const said = (await printed("ncclient-monitoring.py")) as {
      readonly id: string;
      readonly capabilities: readonly string[];
      readonly hello: readonly string[];
      readonly sessions: readonly Texts[];
      readonly statistics: Texts;
      readonly lock: Texts;
      readonly schemas: readonly Texts[];
      readonly contentId: string;
      readonly helloContentId: string;
      readonly modules: readonly string[];
    };
    assert.deepEqual(said.capabilities, said.hello);
    const [own, ...others] = said.sessions;
    assert.deepEqual(others, []);
    assert.equal(own!["session-id"], said.id);
    assert.deepEqual([own!.username, own!["source-host"]], ["ann", "127.0.0.1"]);
    assert.match(own!.transport!, /^(\w+:)?netconf-ssh$/);
    assert.equal(own!["in-rpcs"], "1", "the lock; the get is not answered yet");
    assert.ok(Number(said.statistics["in-sessions"]) >= 1);
    assert.ok(Number(said.statistics["in-rpcs"]) >= 1);
    assert.equal(said.lock["locked-by-session"], said.id);
    assert.ok(!Number.isNaN(Date.parse(said.lock["locked-time"]!)));
    assert.equal(said.contentId, said.helloContentId);
    const schemas = new Set(said.schemas.map(({ identifier }) => identifier!));
    for (const module of ["semrd-router", "semrd-bgp", "ietf-netconf"]) {
      assert.ok(said.modules.includes(module), module);
      assert.ok(schemas.has(module), module);
    }
  });

  it("notifications of agents and capabilities", async () => {
    const login = ["127.0.0.1", "830", "ann", PASSWORD, "capability-change unreachable"];
    const [command, ...rest] = [...INSIDE, PYTHON, script("ncclient-events.py"), ...login];
    const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    const kill = setTimeout(() => child.kill("SIGKILL"), 60_000);
    const heard: Texts[] = [];
    try {
      for await (const line of createInterface({ input: child.stdout! })) {
        const said = JSON.parse(line) as Texts;
        if ("subscribed" in said) {
          await router.ctl("agent", "drain", ADDED);
          await router.ctl("agent", "remove", ADDED);
          await router.ctl("agent", "remove", CONFIGURED);
        } else heard.push(said);
      }
    } finally {
      clearTimeout(kill);
      child.kill("SIGKILL");
      await ended;
    }
    assert.deepEqual(
      heard.map(({ name, event, agent, capability }) => [name, event, agent ?? capability]),
      [
        ["agent-change", "changed", ADDED],
        ["agent-change", "withdrawn", ADDED],
        ["agent-change", "withdrawn", CONFIGURED],
        ["capability-change", "unreachable", "/vision/ocr"],
      ],
    );
  });

  it("a session that is established, with its families, BFD and routes", async () => {
    const other = routers.configuration("r2", {
      "router-id": "192.0.2.2",
      site: { selector: 2, locator: "fd00:ffff::2" },
      "semrd-bgp:bgp": speaker("fd00::9", "fd00::8"),
      "semrd-agent:agents": {
        agent: [
          {
            id: CONFIGURED,
            tenant: "acme",
            capability: [{ name: "/vision/ocr", "major-version": 1, address: "fd00:b::10", port: 8080 }],
          },
        ],
      },
    });
    await using _second = await routers.started("r2", other, INSIDE);
    for (const family of ["capability", "ipv6-unicast"])
      await until(`the ${family} routes of r2 at r1`, async () => {
        const rows = (await router.ctl("show", "routes", "--family", family)) as { readonly local: boolean }[];
        return rows.some(({ local }) => !local);
      });
    const answer = (await printed("ncclient-state.py")) as Answer;
    const { neighbors, ribs, paths, prefixes, bfd, agreed, bgp } = answer;
    assert.equal(neighbors![0]!["session-state"], "established");
    assert.equal(neighbors![0]!["router-id"], "192.0.2.2");
    assert.equal(neighbors![0]!["hold-time"], "90");
    // Both ends are the same program: whatever it offers is agreed on.
    const both = ["four-octet-as", "route-refresh", "enhanced-route-refresh", "extended-messages", "graceful-restart"];
    assert.deepEqual(agreed!.map(({ name }) => name).sort(), both.sort());
    const said = answer.capabilities!.map(({ name, sent, received, agreed: inUse }) => [name, sent, received, inUse]);
    for (const [name, value] of [
      ["route-refresh", "offered"],
      ["extended-messages", "offered"],
      ["enhanced-route-refresh", "offered"],
      ["four-octet-as", "65000"],
    ])
      assert.ok(
        said.some((row) => sameValue(row, [name, value, value, "true"])),
        `${name} in ${JSON.stringify(said)}`,
      );
    const multiprotocol = answer.capabilities!.find(({ code }) => code === "1");
    assert.deepEqual([multiprotocol!.name, multiprotocol!.agreed], ["multiprotocol", "true"]);
    const counts = (type: string): number[] =>
      ["received", "sent"].map((direction) => Number(neighbors![0]![`${type}-${direction}`]));
    // Two that connect to each other at once have more than one OPEN.
    for (const type of ["opens", "keepalives", "updates"])
      assert.ok(
        counts(type).every((count) => count > 0),
        type,
      );
    const [received, sent] = ["opens", "keepalives", "updates", "notifications", "refreshes"]
      .map(counts)
      .reduce(([a, b], [c, d]) => [a! + c!, b! + d!]);
    assert.deepEqual(counts("messages"), [received, sent]);
    assert.equal(bgp![0]!["tcp-ao"], String(loadNative().sock.hasTcpAo()));
    assert.deepEqual(
      ribs!.map(({ name }) => name),
      ["capability", "ipv6-unicast"],
    );
    assert.ok(paths!.some(({ origin, peer, status }) => `${origin} ${peer} ${status}` === "192.0.2.2 fd00::9 best"));
    assert.ok(
      prefixes!.some(({ peer }) => peer === "fd00::9"),
      "the same routes as IPv6 prefixes",
    );
    assert.match(bfd![0]!["session-state"]!, /^(down|init|up)$/);
  });
});
