import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommandLine } from "../../src/cli/program.ts";
import { type ControlHandlers, ControlRefusal, type StatusReport } from "../../src/management/index.ts";
import { startControlRouter } from "../management/control-router.ts";
import { EXPLAIN, fixedManagement, fixedRouter, PREFIXES, ROUTES } from "../management/router.ts";

const GOLDEN = fileURLToPath(new URL("golden/", import.meta.url));
/** Set to write what was seen instead of comparing it; then look at the difference. */
const REWRITE = (process.env.SEMRD_REWRITE_GOLDEN ?? "") !== "";

interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

interface Shown {
  readonly columns?: number;
  readonly colour?: boolean;
  /** Between prints of --watch, of which there are three. */
  readonly pauses?: number[];
  /** Gets what is paged or drawn anew, where there is a screen. */
  readonly screen?: (how: "page" | "redraw", text: string) => void;
}

async function semrctl(
  args: readonly string[],
  env: Record<string, string>,
  { columns, colour = false, screen, pauses = [] }: Shown = {},
): Promise<Ran> {
  const out: Uint8Array[] = [];
  let err = "";
  const terminal = {
    out: async (text: string | Uint8Array) => {
      out.push(Buffer.from(text as string));
    },
    err: (text: string) => {
      err += text;
    },
    pause: async (milliseconds: number) => {
      pauses.push(milliseconds);
      return pauses.length < 3 ? ("on" as const) : ("over" as const);
    },
    ...(columns === undefined ? {} : { columns }),
    ...(screen && {
      page: async (text: string | AsyncIterable<string>) => {
        let whole = "";
        if (typeof text === "string") whole = text;
        else for await (const part of text) whole += part;
        screen("page", whole);
      },
      redraw: async (text: string) => screen("redraw", text),
    }),
    colour,
  };
  const exitCode = await runCommandLine(args, terminal, env, () => ({ kind: "script", lines: Readable.from([]) }));
  return { exitCode, out: Buffer.concat(out).toString(), err };
}

const folder = mkdtempSync(path.join(tmpdir(), "semrd-cli-"));
after(() => rmSync(folder, { recursive: true }));

/** Runs a router for the time of the tests around it. */
function withRouter(overrides: Partial<ControlHandlers> = {}) {
  const router = fixedRouter(overrides);
  const socket = path.join(folder, `${Math.random().toString(36).slice(2)}.sock`);
  let server: AsyncDisposable;
  before(async () => {
    server = await startControlRouter(socket, router);
  });
  after(() => server[Symbol.asyncDispose]());
  return {
    router,
    run: (args: readonly string[], shown?: Shown) => semrctl(args, { SEMRD_SOCKET: socket }, shown),
    socket,
  };
}

function compare(name: string, text: string): void {
  const file = path.join(GOLDEN, `${name}.txt`);
  if (REWRITE) {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, "utf8"), `differs from ${file}; SEMRD_REWRITE_GOLDEN=1 rewrites it`);
}

const COUNTERS_BEGIN = { exitCode: 0, out: "the counters begin at zero, 2026-11-20T12:00:00Z\n", err: "" };

describe("what people see", () => {
  const { run } = withRouter();
  const SHOWN: readonly { readonly name: string; readonly args: readonly string[]; readonly shown?: Shown }[] = [
    ...[
      "status",
      "dataplane",
      "agents",
      "capabilities",
      "routes",
      "peers",
      "policies",
      "fib",
      "counters",
      "flows",
      "mrt",
      "bmp",
      "rpki",
    ].map((what) => ({
      name: what,
      args: ["show", what],
    })),
    { name: "routes-ipv6-unicast", args: ["show", "routes", "--family", "ipv6-unicast"] },
    { name: "routes-ipv6-unicast-detail", args: ["show", "routes", "--family", "ipv6-unicast", "--detail"] },
    {
      name: "routes-of-a-prefix",
      args: ["show", "routes", "--prefix", "2001:db8:77::/48", "--peer", "fd00:ffff:0::2"],
    },
    { name: "received", args: ["show", "received", "2001:db8::2", "--family", "ipv6-unicast"] },
    {
      name: "received-refused",
      args: ["show", "received", "2001:db8::2", "--family", "ipv6-unicast", "--refused", "--detail"],
    },
    { name: "received-capability", args: ["show", "received", "2001:db8::2"] },
    { name: "advertised", args: ["show", "advertised", "2001:db8::2", "--family", "ipv6-unicast"] },
    { name: "peer", args: ["show", "peer", "FD00:ffff:0::2"] },
    { name: "peers-detail", args: ["show", "peers", "--detail"] },
    { name: "alarms", args: ["show", "alarms"] },
    { name: "alarms-detail", args: ["show", "alarms", "--all", "--detail"], shown: { columns: 100 } },
    { name: "events", args: ["show", "events"] },
    { name: "vrps", args: ["show", "rpki", "--vrps"] },
    { name: "routes-detail", args: ["show", "routes", "--detail"] },
    { name: "counters-all", args: ["show", "counters", "--all"] },
    { name: "agents-80-columns", args: ["show", "agents"], shown: { columns: 80 } },
    { name: "routes-colour", args: ["show", "routes"], shown: { colour: true } },
    { name: "explain", args: ["explain", "/vision/ocr"] },
    { name: "explain-100-columns", args: ["explain", "/vision/ocr"], shown: { columns: 100, colour: true } },
    { name: "explain-packet", args: ["explain", "packet", "fd00:c::10", "/vision/ocr"] },
    { name: "help-explain-packet", args: ["explain", "packet", "--help"], shown: { columns: 100 } },
    { name: "help", args: ["--help"], shown: { columns: 100 } },
    { name: "help-agent-add", args: ["agent", "add", "--help"], shown: { columns: 100 } },
  ];
  for (const { name, args, shown } of SHOWN)
    it(`semrctl ${args.join(" ")} (${name})`, async () => {
      const { exitCode, out, err } = await (name.startsWith("help") ? semrctl(args, {}, shown) : run(args, shown));
      assert.deepEqual([exitCode, err], [0, ""]);
      compare(name, out);
    });

  it("shows no control characters that a peer chose", async () => {
    const { out } = await run(["show", "agents"]);
    assert.ok(out.includes("connection refused\ufffd[2J"));
    assert.ok(!out.includes("\u001b"));
  });
});

describe("a data plane that an executor carries out", () => {
  const { status } = fixedRouter();
  const executor: StatusReport["dataplane"]["executor"] = {
    address: "[fd00:e::1]:9560",
    state: "differs",
    product: "Acme ASIC 7\u001b[2J",
    sinceSeconds: 75,
    ...{ generation: 11, pending: 2, differences: 1, sessions: 3, handovers: 1, lastError: "14 UNAVAILABLE" },
    refused: [{ object: "group 7", code: "table-full", reason: "there are 64 groups", sinceSeconds: 12 }],
  };
  const { run } = withRouter({
    status() {
      const report = status() as StatusReport;
      return { ...report, dataplane: { ...report.dataplane, driver: "fib-service", adopted: false, executor } };
    },
  });
  it("is shown with what the executor has and what it refuses", async () => {
    const { exitCode, out } = await run(["show", "dataplane"]);
    assert.equal(exitCode, 0);
    compare("dataplane-executor", out);
  });
});

describe("a name that nobody knows", () => {
  const nobody = { ...EXPLAIN, known: false, candidates: [], instances: [], capability: "/vision/faces" };
  const { winner: _winner, step: _step, reason: _reason, ...report } = nobody;
  const { run } = withRouter({ explain: () => report });
  it("is explained, and a failure", async () => {
    const { exitCode, out, err } = await run(["explain", "/vision/faces"]);
    assert.deepEqual([exitCode, err], [1, ""]);
    assert.match(out, /winner +nobody: no taxonomy entry and no route has this name\n$/);
  });
});

describe("what people see again and again", () => {
  const { run } = withRouter();
  it("--watch prints every so many seconds", async () => {
    const once = (await run(["show", "peers"])).out;
    const pauses: number[] = [];
    const { out } = await run(["show", "peers", "--watch", "5"], { pauses });
    assert.deepEqual(pauses.splice(0), [5000, 5000, 5000]);
    assert.equal(out, [once, once, once].join("\n"));
    await run(["show", "status", "--watch"], { pauses });
    assert.deepEqual(pauses, [2000, 2000, 2000]);
    assert.equal((await run(["show", "peers", "--watch", "none"])).exitCode, 2);
  });
  it("--watch with --json is one document a line", async () => {
    const { out, err } = await run(["show", "routes", "--watch", "--json"]);
    assert.equal(err, "");
    const lines = out.trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [ROUTES, ROUTES, ROUTES],
    );
  });
  it("on a screen it is drawn anew; what is printed once goes by the pager, but not with --no-pager", async () => {
    const seen: string[] = [];
    const screen = (how: string, text: string) => void seen.push(`${how} ${text.length > 0}`);
    await run(["show", "peers", "-w"], { screen });
    assert.deepEqual(seen.splice(0), ["redraw true", "redraw true", "redraw true"]);
    assert.equal((await run(["show", "peers"], { screen })).out, "");
    assert.deepEqual(seen.splice(0), ["page true"]);
    assert.notEqual((await run(["show", "peers", "--no-pager"], { screen })).out, "");
    assert.deepEqual(seen, []);
  });
});

describe("what programs see", () => {
  const { run } = withRouter();
  it("--json is the router's answer, before or behind the command", async () => {
    for (const args of [
      ["--json", "show", "routes"],
      ["show", "routes", "--json"],
    ])
      assert.deepEqual(JSON.parse((await run(args)).out), ROUTES);
    assert.deepEqual(JSON.parse((await run(["explain", "/vision/ocr", "--json"])).out), EXPLAIN);
  });
  it("a peer that is not there: refused, as it is for its routes", async () => {
    const missing = { exitCode: 1, out: "" };
    const err = "semrctl: fd00:ffff::99 is no BGP neighbour of this router: see semrctl show peers\n";
    assert.deepEqual(await run(["show", "peer", "fd00:ffff::99"]), { ...missing, err });
    const told = await run(["show", "peer", "fd00:ffff::99", "--json"]);
    assert.deepEqual([told.exitCode, told.out, JSON.parse(told.err).code], [1, "", "peer.unknown"]);
  });
  it("lists may be filtered", async () => {
    assert.deepEqual(JSON.parse((await run(["show", "routes", "--json", "--tenant", "other"])).out), []);
    assert.equal((await run(["show", "routes", "--tenant", "other"])).out, "no routes\n");
    assert.equal((await run(["show", "routes", "--family", "ipv4-unicast"])).out, "no routes\n");
    const { out } = await run(["show", "routes", "--json", "--family", "ipv6-unicast", "--peer", "fd00:ffff::3"]);
    assert.deepEqual(JSON.parse(out), [PREFIXES[1]]);
  });
});

describe("a packet", () => {
  const { run, router } = withRouter({});
  it("is asked about with all that was said of it, tenant included", async () => {
    const more = ["--tenant", "acme", "--source-port", "40000", "--port", "443", "--protocol", "tcp", "--flags", "ack"];
    const where = ["--hop-limit", "3", "--length", "1400", "--interface", "eth2", "--tunnel-from", "fd00:ffff::2"];
    const { exitCode, err } = await run(["explain", "packet", "fd00:c::10", "fd5e::1", ...more, ...where]);
    assert.deepEqual([exitCode, err], [0, ""]);
    assert.deepEqual(JSON.parse(router.told.at(-1)!.replace("packet ", "")), {
      ...{ source: "fd00:c::10", destination: "fd5e::1", tenant: "acme", sourcePort: 40000, port: 443 },
      ...{ protocol: "tcp", flags: "ack", hopLimit: 3, length: 1400, interface: "eth2", tunnelFrom: "fd00:ffff::2" },
    });
  });
  it("a wrong address is refused with the words of the router", async () => {
    const { exitCode, err } = await run(["explain", "packet", "fd00:c::10", "ocr"]);
    assert.equal(exitCode, 1);
    assert.match(err, /destination: "ocr" is not an IPv6 address/);
  });
});

describe("what a router is told", () => {
  const { run, router } = withRouter({});
  const ID = "spiffe://example.net/acme/agent/ocr-c";
  const needed = [
    "agent",
    "add",
    ID,
    "--tenant",
    "acme",
    "--capability",
    "/vision/ocr",
    "--version",
    "1.2",
    "--address",
    "fd00::1",
    "--port",
    "8080",
  ];
  it("agents are added, drained and removed, peers cleared", async () => {
    const said = [
      await run(needed),
      await run([
        ...needed,
        "--weight",
        "7",
        "--label",
        "eu",
        "--label",
        "gdpr",
        "--check-path",
        "/healthz",
        "--check-interval",
        "200",
      ]),
      await run(["agent", "drain", ID]),
      await run(["agent", "undrain", ID, "--instance", "ffeeddccbbaa9988"]),
      await run(["agent", "remove", ID]),
      await run(["clear", "peer", "fd00:ffff::2"]),
      await run(["clear", "peer", "fd00:ffff::3", "--message", "new fibre & cards"]),
      await run(["clear", "peer", "fd00:ffff::2", "--soft-in"]),
      await run(["clear", "peer", "fd00:ffff::2", "--soft-out"]),
      await run(["clear", "counters", "--only", "tags"]),
      await run(["clear", "counters", "--peer", "fd00:ffff::2"]),
      await run(["clear", "counters", "--peers"]),
      await run(["clear", "counters", "--policy", "in"]),
      await run(["clear", "counters", "--policies"]),
      await run(["drain", "router"]),
      await run(["undrain", "router"]),
      await run(["explain", "/vision/ocr", "--tenant", "acme", "--version", "2"]),
    ];
    assert.deepEqual(said.slice(0, 16), [
      { exitCode: 0, out: `added ${ID}: instance 00112233aabbccdd\n`, err: "" },
      { exitCode: 0, out: `added ${ID}: instance 00112233aabbccdd\n`, err: "" },
      { exitCode: 0, out: `draining ${ID}: instance 00112233aabbccdd, ffeeddccbbaa9988\n`, err: "" },
      { exitCode: 0, out: `back in service: ${ID}: instance ffeeddccbbaa9988\n`, err: "" },
      { exitCode: 0, out: `removed ${ID}: no instances\n`, err: "" },
      { exitCode: 0, out: "the session with fd00:ffff::2 is being reset\n", err: "" },
      { exitCode: 0, out: "the session with fd00:ffff::3 is being reset\n", err: "" },
      { exitCode: 0, out: "fd00:ffff::2 is asked for its routes again\n", err: "" },
      { exitCode: 0, out: "fd00:ffff::2 is sent our routes again\n", err: "" },
      ...Array.from({ length: 5 }, () => COUNTERS_BEGIN),
      { exitCode: 0, out: "this router is draining\n", err: "" },
      { exitCode: 0, out: "this router takes new flows again\n", err: "" },
    ]);
    const entry = `/semrd-router:router/semrd-agent:agents/agent[id='${ID}'] `;
    const added = router.told.filter((one) => one.startsWith("merge "));
    assert.ok(added.every((one) => one.startsWith(`merge ${entry}`)));
    const bodies = added.map((one) => one.slice(`merge ${entry}`.length));
    assert.deepEqual(router.told.slice(2), [
      `drain ${ID}`,
      `undrain ${ID} ffeeddccbbaa9988`,
      `remove ${ID}`,
      "clear 2",
      'clear 3 "new fibre & cards"',
      "clear soft-in 2",
      "clear soft-out 2",
      ...["reset tags", "reset counters of fd00:ffff::2", "reset counters of all peers"],
      ...["reset counters of in", "reset counters of all policies"],
      "drain router",
      "undrain router",
      'explain {"capability":"/vision/ocr","tenant":"acme","majorVersion":2}',
    ]);
    const capability = { name: "/vision/ocr", "major-version": 1, "minor-version": 2, address: "fd00::1", port: 8080 };
    assert.deepEqual(
      bodies.map((body) => JSON.parse(body)),
      [
        { id: ID, tenant: "acme", capability: [capability] },
        {
          id: ID,
          tenant: "acme",
          capability: [
            {
              ...capability,
              weight: 7,
              label: ["eu", "gdpr"],
              "health-check": { type: "http", path: "/healthz", "interval-ms": 200 },
            },
          ],
        },
      ],
    );
  });

  const MISUSED: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Usage: semrctl/],
    [["nonsense"], /unknown command 'nonsense'/],
    [["show"], /Usage: semrctl show/],
    [["show", "routes", "--nonsense"], /unknown option '--nonsense'/],
    [["explain"], /missing required argument 'name'/],
    [["explain", "/a", "--version", "one"], /a whole number from 1 to 65535/],
    [["agent", "add", ID], /required option '--tenant <name>' not specified/],
    [[...needed, "--weight", "101"], /a whole number from 1 to 100/],
    [[...needed, "--check", "icmp"], /Allowed choices are tcp, http/],
    [[...needed.slice(0, 8), "0.1", ...needed.slice(9)], /a version is MAJOR or MAJOR\.MINOR/],
    [["--timeout", "0", "show", "status"], /a whole number from 1 to 3600/],
  ];
  for (const [args, message] of MISUSED)
    it(`misuse: semrctl ${args.join(" ")}`, async () => {
      const { exitCode, out, err } = await run(args);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, message);
    });
});

describe("what goes wrong", () => {
  /** Rows of the list that breaks off. */
  let untilGone = 0;
  const refusal = new ControlRefusal(
    404,
    "control.no-such-agent",
    "Not found",
    "there is no agent x\u001b[1m: semrctl show agents lists them",
  );
  const { run } = withRouter({
    drainAgent: () => {
      throw refusal;
    },
    management: fixedManagement(
      [],
      [
        { errorType: "application", errorTag: "data-missing", errorSeverity: "error", path: "/a/tenant", message: "x" },
        { errorType: "application", errorTag: "invalid-value", errorSeverity: "error", message: "bad" },
      ],
    ),
    *routes() {
      for (let i = 0; i < untilGone; i++) yield ROUTES[0]!;
      throw new Error("gone");
    },
  });

  it("a refusal: 1, and what the router said", async () => {
    assert.deepEqual(await run(["agent", "drain", "x"]), {
      exitCode: 1,
      out: "",
      err: "semrctl: there is no agent x\ufffd[1m: semrctl show agents lists them (control.no-such-agent)\n",
    });
    const { exitCode, err } = await run(["--json", "agent", "drain", "x"]);
    assert.deepEqual(
      [exitCode, JSON.parse(err)],
      [1, { code: refusal.code, title: refusal.title, detail: refusal.message }],
    );
  });

  it("an agent that is not valid: 1, and every fault", async () => {
    const args = [
      "agent",
      "add",
      "x:y",
      "--tenant",
      "x",
      "--capability",
      "/a",
      "--version",
      "1",
      "--address",
      "::1",
      "--port",
      "1",
    ];
    assert.deepEqual(await run(args), {
      exitCode: 1,
      out: "",
      err: "semrctl: not valid (config.data-missing)\n  /a/tenant: x\n  bad\n",
    });
  });

  it("an answer that breaks off: 69, and never a short table that looks whole", async () => {
    untilGone = 900;
    const short = await run(["show", "routes"]);
    assert.deepEqual([short.exitCode, short.out], [69, ""]);
    assert.match(short.err, /broke off/);
    untilGone = 5000;
    const long = await run(["show", "routes"]);
    assert.equal(long.exitCode, 69);
    assert.match(long.err, /broke off/);
    // What is shown as it comes lacks what stands below a list.
    assert.match(long.out, /^ +CAPABILITY/);
    assert.doesNotMatch(long.out, /\* best/);
    const json = await run(["--json", "show", "routes"]);
    assert.throws(() => JSON.parse(json.out), SyntaxError);
  });

  it("no router: 69, and what to do", async () => {
    const nowhere = path.join(folder, "nowhere.sock");
    assert.deepEqual(await semrctl(["--socket", nowhere, "show", "status"], {}), {
      exitCode: 69,
      out: "",
      err: `semrctl: no router at ${nowhere} (there is no such socket): start semrd, or name its socket with --socket\n`,
    });
  });

  it("a router that says nothing: 69 after --timeout", async (t) => {
    const socket = path.join(folder, "silent.sock");
    const server = net.createServer(() => {}).listen(socket);
    t.after(() => server.close());
    const { exitCode, err } = await semrctl(["--socket", socket, "--timeout", "1", "show", "status"], {});
    assert.equal(exitCode, 69);
    assert.match(err, /silent for 1 s/);
  });

  it("something that is no router: 1 or 69, in one line", async (t) => {
    const socket = path.join(folder, "other.sock");
    const server = net.createServer((connection) => connection.end("220 mail ready\r\n")).listen(socket);
    t.after(() => server.close());
    const { exitCode, err } = await semrctl(["--socket", socket, "show", "status"], {});
    assert.equal(exitCode, 69);
    assert.match(err, /^semrctl: .*did not answer.*\n$/);
  });

  it("a configuration that is not valid: 78, and every fault", async () => {
    const file = path.join(folder, "bad.json");
    writeFileSync(file, '{ "semrd-router:router": {\n"name": "R 1" } }');
    const { exitCode, err } = await semrctl(["check-config", file], {});
    assert.equal(exitCode, 78);
    assert.equal(
      err,
      `${file}:2: /semrd-router:router/name is "R 1": a label is 1 to 63 of a-z, 0-9 and '-', with no '-' at an end\n${file}: 1 fault\n`,
    );
    const json = await semrctl(["--json", "check-config", file], {});
    assert.equal(json.exitCode, 78);
    const { valid, faults, warnings } = JSON.parse(json.out);
    assert.deepEqual([valid, faults[0].tag, warnings], [false, "bad-label", []]);
  });
});

describe("dump mrt", () => {
  const { run, router } = withRouter();
  it("writes what the router says, under its name when it is whole", async () => {
    const file = path.join(folder, "rib.mrt");
    const { exitCode, out, err } = await run([
      "dump",
      "mrt",
      "--file",
      file,
      "--view",
      "loc-rib",
      "--family",
      "ipv6-unicast",
    ]);
    assert.deepEqual([exitCode, out, err], [0, `3 octets in ${file}\n`, ""]);
    assert.deepEqual([...readFileSync(file)], [1, 2, 3]);
    assert.deepEqual(router.told, ['table {"view":"loc-rib","families":["ipv6-unicast"]}']);
  });

  it("where the file is a link, what it leads to is replaced", async () => {
    const [file, link] = [path.join(folder, "kept.mrt"), path.join(folder, "latest.mrt")];
    writeFileSync(file, "of before");
    symlinkSync(file, link);
    assert.equal((await run(["dump", "mrt", "--file", link])).exitCode, 0);
    assert.deepEqual([...readFileSync(file)], [1, 2, 3]);
    assert.equal(readlinkSync(link), file);
  });

  it("a pipe, as a device, is written to and stays what it is; nothing else is said", async () => {
    const pipe = path.join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [{ exitCode, out, err }, octets] = await Promise.all([run(["dump", "mrt", "--file", pipe]), readFile(pipe)]);
    assert.deepEqual([exitCode, out, err, [...octets]], [0, "", "", [1, 2, 3]]);
    assert.ok(statSync(pipe).isFIFO());
  });

  it("a file that cannot be written: 1, with the reason", async () => {
    const { exitCode, err } = await run(["dump", "mrt", "--file", path.join(folder, "nowhere", "rib.mrt")]);
    assert.equal(exitCode, 1);
    assert.match(err, /rib\.mrt cannot be written: ENOENT/);
  });
});

describe("dump mrt of a router that fails on the way", () => {
  const { run } = withRouter({
    async *mrtTable() {
      yield new Uint8Array(100_000);
      throw new Error("the table is gone");
    },
  });
  it("leaves no file behind", async () => {
    const file = path.join(folder, "half.mrt");
    const { exitCode, err } = await run(["dump", "mrt", "--file", file]);
    assert.equal(exitCode, 69);
    assert.match(err, /broke off/);
    assert.deepEqual([existsSync(file), existsSync(`${file}.part`)], [false, false]);
  });
});

it("an answer that finds no room where it is written to: 1, with the reason", (t) => {
  if (!existsSync("/dev/full")) return t.skip("skipped: there is no /dev/full");
  const full = openSync("/dev/full", "w");
  t.after(() => closeSync(full));
  const main = path.join(import.meta.dirname, "../../src/cli/main.ts");
  const { status, stderr } = spawnSync(process.execPath, [main, "completion", "bash"], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  assert.equal(stderr, "semrctl: the answer cannot be written: ENOSPC: no space left on device, write\n");
  assert.equal(status, 1);
});
