import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { hashPassword } from "../../src/management/index.ts";
import { RouterFolder, type RouterProcess } from "../daemon/router-process.ts";
import { firstLine, killed } from "../host/child.ts";
import { certificate, signed } from "../management/gnmi/gnmi-router.ts";
import { pair, stores } from "../management/stores.ts";

const ELSEWHERE = fileURLToPath(new URL("elsewhere.ts", import.meta.url));
const SEMRCTL = fileURLToPath(new URL("../../tools/semrctl", import.meta.url));
const PYTHON = "/usr/bin/python3";
/** A terminal for the program, whose keys and screen are our pipes. */
const THROUGH_PTY = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const PASSWORD = "correct horse";
const ADDRESS = "fd00:c11::1";
/** Of the router's namespace, and of the laptop's. */
const ROUTER = `semctl-r-${process.pid}`;
const LAPTOP = `semctl-l-${process.pid}`;
const OWN = "spiffe://example.net/acme/agent/own";
const OTHER = "spiffe://example.net/globex/agent/other";

const RULES = {
  groups: {
    group: [
      { name: "admins", "user-name": ["alice"] },
      { name: "readers", "user-name": ["bob"] },
    ],
  },
  "rule-list": [
    { name: "admins", group: ["admins"], rule: [{ name: "all", action: "permit" }] },
    {
      name: "readers",
      group: ["readers"],
      rule: [
        { name: "own", path: `/semrd-router:router/semrd-agent:agents/agent[id='${OWN}']`, action: "permit" },
        { name: "no other", path: "/semrd-router:router/semrd-agent:agents/agent", action: "deny" },
        { name: "no tenants", path: "/semrd-router:router/semrd-tenant:tenants", action: "deny" },
        { name: "no routes", path: "/semrd-router:router/semrd-rib:ribs", action: "deny" },
        { name: "no drain", path: "/semrd-router:router/drain", action: "deny" },
        { name: "no reset", path: "/semrd-router:router/semrd-dataplane:dataplane/reset-counters", action: "deny" },
        { name: "no explain", "module-name": "semrd-rib", "rpc-name": "explain", action: "deny" },
      ],
    },
  ],
};

const canNamespace = process.geteuid?.() === 0;

/** Two namespaces with a wire between them. */
function wire(): void {
  const ip = (...args: readonly string[]): void => void execFileSync("ip", args, { stdio: "pipe" });
  for (const name of [ROUTER, LAPTOP]) ip("netns", "add", name);
  ip("-n", ROUTER, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", LAPTOP);
  for (const [name, address] of [
    [ROUTER, ADDRESS],
    [LAPTOP, "fd00:c11::2"],
  ] as const) {
    ip("-n", name, "address", "add", `${address}/64`, "dev", "eth0", "nodad");
    for (const link of ["lo", "eth0"]) ip("-n", name, "link", "set", link, "up");
  }
}

function unwire(): void {
  for (const name of [ROUTER, LAPTOP]) {
    try {
      execFileSync("ip", ["netns", "delete", name], { stdio: "pipe" });
    } catch {
      // It was not made
    }
  }
}

interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** semrctl on the laptop. */
class Laptop implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor() {
    this.#child = spawn("ip", ["netns", "exec", LAPTOP, process.execPath, ELSEWHERE], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#reader = createInterface({ input: this.#child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async run(args: readonly string[], env: Readonly<Record<string, string>>, script?: string): Promise<Ran> {
    this.#child.stdin!.write(`${JSON.stringify({ args, env, script })}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("it has ended");
    return JSON.parse(value) as Ran;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killed(this.#child);
  }
}

describe("semrctl of a router elsewhere", {
  skip: canNamespace ? false : "skipped: needs root, for namespaces",
}, () => {
  let folder = "";
  let router: RouterProcess;
  let laptop: Laptop;
  const file = (name: string): string => path.join(folder, name);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "semrd-remote-"));
    wire();
    const names = "subjectAltName=DNS:r1.example";
    await certificate(folder, "server", ["-subj", "/CN=r1.example", "-addext", names, "-days", "60"]); // no alarm about it
    await certificate(folder, "ca", ["-subj", "/CN=test authority"]);
    const tenant = (name: string, index: number) => ({
      ...{ name, index, "route-distinguisher": `0:65000:${index}` },
      ...{ "import-target": [`65000:${index}`], "export-target": [`65000:${index}`] },
    });
    const instance = { name: "/vision/ocr", "major-version": 1, address: "fd00:a::10", port: 8080 };
    const hash = await hashPassword(PASSWORD);
    const routers = new RouterFolder(folder);
    const configuration = routers.configuration(
      "r1",
      {
        management: {
          "control-socket": file("r1.sock"),
          "semrd-access:users": { user: ["alice", "bob"].map((name) => ({ name, "password-hash": hash })) },
          "semrd-grpc-server:grpc": {
            listen: [{ address: ADDRESS, port: 9339 }],
            tls: pair("server"),
          },
        },
        ...stores({ pairs: { server: ["server.pem", "server.key"] }, bags: { operators: ["ca.pem"] } }),
        "semrd-tenant:tenants": { tenant: [tenant("acme", 1), tenant("globex", 2)] },
        "semrd-agent:agents": {
          agent: [
            { id: OWN, tenant: "acme", capability: [instance] },
            { id: OTHER, tenant: "globex", capability: [{ ...instance, address: "fd00:a::11" }] },
          ],
        },
      },
      { "ietf-netconf-acm:nacm": RULES },
    );
    await Promise.all([
      writeFile(file("password"), `${PASSWORD}\n`),
      writeFile(file("wrong"), "wrong horse\n"),
      writeFile(file("token"), "not.a.token\n"),
      mkdir(file("semrctl")),
    ]);
    await writeFile(
      file("semrctl/routers.yaml"),
      `routers:
  r1:
    address: "[${ADDRESS}]:9339"
    tls-ca: ../server.pem
    tls-server-name: r1.example
    username: alice
    password-file: ../password
`,
    );
    router = await routers.started("r1", configuration, ["ip", "netns", "exec", ROUTER]);
    laptop = new Laptop();
  });
  after(async () => {
    await laptop?.[Symbol.asyncDispose]();
    await router?.[Symbol.asyncDispose]();
    unwire();
    await rm(folder, { recursive: true, force: true });
  });

  /** By the profile, as alice or somebody else. */
  const remote = (args: readonly string[], script?: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    laptop.run(args, { XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: file("far"), SEMRD_ROUTER: "r1", ...env }, script);
  const BOB = () => ({ SEMRD_USERNAME: "bob", SEMRD_PASSWORD_FILE: file("password") });
  const asBob = (args: readonly string[], script?: string): Promise<Ran> => remote(args, script, BOB());
  /** On the router's host; where network namespaces are does not matter to a UNIX socket. */
  const local = (args: readonly string[], script?: string): Promise<Ran> =>
    laptop.run(args, { SEMRD_SOCKET: router.socket, XDG_CACHE_HOME: file("near") }, script);

  /** Without what time makes of it. */
  const steady = ({ exitCode, out, err }: Ran): Ran => {
    const text = out
      // As views write a span, of one unit or two
      .replace(/\b(\d+(\.\d+)? ?(ms|min|[smhdw]))+\b/g, "T")
      .replace(/ +/g, " ")
      .replace(/\b\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, "TIME")
      .replace(/"(uptimeSeconds|\w*[aA]geSeconds|\w*[rR]emainingSeconds)":\d+/g, '"$1":0');
    return { exitCode, out: text, err };
  };

  it("prints what it prints beside the router", async () => {
    for (const args of [
      ...["status", "agents", "capabilities", "routes", "peers", "policies", "fib", "counters", "events"].map(
        (what) => ["show", what],
      ),
      ...[["alarms", "--all"], ["flows"], ["mrt"], ["bmp"], ["rpki"], ["dataplane"]].map((what) => ["show", ...what]),
      ["show", "agents", "--tenant", "acme"],
      ["--json", "show", "agents"],
      ["--json", "show", "routes"],
      ["show", "routes", "--family", "ipv6-unicast"],
      ["show", "events", "--watch"],
      ["explain", "/vision/ocr", "--tenant", "acme"],
      ["explain", "/vision/nothing", "--tenant", "acme"],
      ["config", "show"],
      ["config", "show", "tenants", "tenant", "acme"],
      ["config", "show", "--datastore", "operational", "agents", "agent", OWN, "tenant"],
      ["config", "status"],
      ["config", "compare"],
      ["complete", "config", "set", "tenants", "tenant", ""],
      ["agent", "drain", "urn:nobody"],
      ["show", "received", "2001:db8::9"],
      ["config", "commit"],
    ]) {
      const [far, near] = [steady(await remote(args)), steady(await local(args))];
      assert.deepEqual(far, near, args.join(" "));
      const isRefused = ["flows", "received", "/vision/nothing", "drain"].includes(args[1]!);
      assert.equal(far.exitCode, isRefused ? 1 : 0, `${args.join(" ")}: ${far.err}`);
    }
  });

  it("operates: drains, resets, changes the configuration, dumps", async () => {
    assert.equal((await remote(["drain", "router"])).out, "this router is draining\n");
    assert.equal((await remote(["undrain", "router"])).out, "this router takes new flows again\n");
    assert.match((await remote(["clear", "counters"])).out, /^the counters begin at zero, /);
    assert.match((await remote(["agent", "drain", OWN])).out, /^draining .*: instance [0-9a-f]{16}\n$/);
    const dumped = await remote(["dump", "mrt", "--file", file("rib.mrt"), "--family", "capability"]);
    assert.match(dumped.out, /^\d+ octets in /);
    const script = `set telemetry log-level debug\ncompare\ncommit comment "from the laptop"\n`;
    const configured = await remote(["configure", "--private"], script);
    assert.deepEqual([configured.exitCode, configured.err], [0, ""]);
    assert.match(configured.out, /log-level debug[\s\S]*commit \d+: 1 change\n/);
    const [entry] = JSON.parse((await remote(["--json", "config", "log"])).out);
    const { user, comment, source } = entry;
    assert.deepEqual([user, comment], ["alice", "from the laptop"]);
    assert.match(source, /^(\[?fd00:c11::2\]?):\d+$/);
    const wrong = await remote(["configure", "--private"], "set telemetry log-level nonsense\n");
    assert.match(wrong.err, /^semrctl: line 1: .*\n {2}set telemetry log-level nonsense\n {26}\^{8}\n$/);
  });

  it("access control is that of the user, whatever is asked", async () => {
    const agents = JSON.parse((await asBob(["--json", "show", "agents"])).out) as { agent: string }[];
    assert.deepEqual(
      agents.map(({ agent }) => agent),
      [OWN],
    );
    const { out } = await asBob(["config", "show"]);
    assert.ok(out.includes(OWN) && !out.includes(OTHER) && !out.includes("globex") && !out.includes("nacm"));
    for (const args of [
      ["show", "routes"],
      ["dump", "mrt", "--file", file("bob.mrt")],
      ["explain", "/vision/ocr", "--tenant", "acme"],
      ["drain", "router"],
      ["clear", "counters"],
      ["agent", "drain", OTHER],
      ["agent", "remove", OTHER],
    ]) {
      const { exitCode, err, out } = await asBob(args);
      assert.deepEqual([exitCode, out], [1, ""], args.join(" "));
      assert.match(err, /^semrctl: .*\(control\.access-denied\)\n$/, args.join(" "));
    }
    const committed = await asBob(["configure", "--private"], "set telemetry log-level error\ncommit\n");
    assert.equal(committed.exitCode, 1);
    assert.match(committed.err, /access/);
    // What waits to be confirmed is seen, but not the id by which it can be.
    await remote(["configure", "--private"], "set telemetry log-level info\ncommit confirmed 5\n");
    const waiting = async (ask: typeof asBob) => JSON.parse((await ask(["--json", "config", "status"])).out).pending;
    assert.deepEqual([(await waiting(remote)).persist, (await waiting(asBob)).persist], ["semrctl", undefined]);
    assert.equal((await waiting(asBob)).user, "alice");
    assert.equal((await remote(["config", "cancel"])).exitCode, 0);
    // Whatever a request says of itself.
    const { exitCode } = await remote(["drain", "router"], undefined, { ...BOB(), USER: "root" });
    assert.equal(exitCode, 1);
  });

  const CREDENTIALS = {
    SEMRD_ROUTER: `[${ADDRESS}]:9339`,
    SEMRD_TLS_CA: "server.pem",
    SEMRD_TLS_SERVER_NAME: "r1.example",
  };
  const FAULTS: readonly {
    readonly name: string;
    readonly env: Readonly<Record<string, string>>;
    readonly args?: readonly string[];
    readonly exitCode: number;
    readonly err: RegExp;
  }[] = [
    {
      name: "no login",
      env: {},
      exitCode: 1,
      err: /does not let you in: .*Give --username, --token-file, or --tls-cert/,
    },
    {
      name: "a wrong password",
      env: { SEMRD_USERNAME: "alice", SEMRD_PASSWORD_FILE: "wrong" },
      exitCode: 1,
      err: /does not let you in: user name or password is wrong/,
    },
    {
      name: "an unknown name",
      env: { SEMRD_USERNAME: "mallory", SEMRD_PASSWORD_FILE: "password" },
      exitCode: 1,
      err: /does not let you in: user name or password is wrong/,
    },
    {
      name: "a token of nobody",
      env: { SEMRD_TOKEN_FILE: "token" },
      exitCode: 1,
      err: /the access token is not good here/,
    },
    {
      name: "nobody to ask for the password",
      env: { SEMRD_USERNAME: "alice" },
      exitCode: 1,
      err: /no terminal .* --password-file/,
    },
    {
      name: "a password file that is not there",
      env: { SEMRD_USERNAME: "alice", SEMRD_PASSWORD_FILE: "none" },
      exitCode: 1,
      err: /none cannot be read \(ENOENT\)/,
    },
    {
      name: "another name in the certificate",
      env: { SEMRD_TLS_SERVER_NAME: "" },
      exitCode: 69,
      err: /certificate of \[fd00:c11::1\]:9339 is for another name \(DNS:r1\.example\): .* --tls-server-name/,
    },
    {
      name: "an authority that nobody trusts",
      env: { SEMRD_TLS_CA: "" },
      exitCode: 69,
      err: /nobody whom this host trusts: .*--tls-ca/,
    },
    {
      name: "a file that is no certificate",
      env: { SEMRD_TLS_CA: "password" },
      exitCode: 1,
      err: /password cannot be used: it holds no certificate in PEM/,
    },
    {
      name: "nobody there",
      env: { SEMRD_ROUTER: `[${ADDRESS}]:9340` },
      exitCode: 69,
      err: /\[fd00:c11::1\]:9340 \(nobody listens\): check/,
    },
    {
      name: "no way there",
      env: { SEMRD_ROUTER: "192.0.2.1" },
      exitCode: 69,
      err: /192\.0\.2\.1:9339 cannot be reached \(ENETUNREACH\)/,
    },
    {
      name: "a name without address",
      env: { SEMRD_ROUTER: "r9.invalid" },
      exitCode: 69,
      err: /r9\.invalid has no address .*DNS/,
    },
    { name: "no address", env: { SEMRD_ROUTER: "r1:port" }, exitCode: 2, err: /"r1:port" is no address of a router/ },
    {
      name: "a certificate without its key",
      env: { SEMRD_TLS_CERT: "server.pem" },
      exitCode: 2,
      err: /--tls-cert and --tls-key/,
    },
    {
      name: "two ways of logging in",
      env: { SEMRD_USERNAME: "alice", SEMRD_TOKEN_FILE: "token" },
      exitCode: 2,
      err: /do not go together/,
    },
    {
      name: "a login for nowhere",
      env: { SEMRD_ROUTER: "" },
      args: ["--username", "alice"],
      exitCode: 2,
      err: /--router/,
    },
  ];
  for (const { name, env, args = [], exitCode, err } of FAULTS)
    it(`says what is wrong: ${name}`, async () => {
      const all: Record<string, string> = { ...CREDENTIALS, ...env, XDG_CONFIG_HOME: "/nowhere" };
      for (const [variable, value] of Object.entries(all))
        if (/_(FILE|CA|CERT|KEY)$/.test(variable) && value !== "") all[variable] = file(value);
      const ran = await laptop.run([...args, "show", "status"], all);
      assert.match(ran.err, err);
      assert.match(ran.err, /^semrctl: [^\n]*\n$/);
      assert.deepEqual([ran.exitCode, ran.out], [exitCode, ""]);
      assert.ok(!ran.err.includes(PASSWORD) && !ran.err.includes("horse"));
    });

  it("a private candidate ends with its session, also where semrctl is killed", async () => {
    const env = { ...process.env, XDG_CONFIG_HOME: folder, SEMRD_ROUTER: "r1" };
    const child = spawn("ip", ["netns", "exec", LAPTOP, process.execPath, ELSEWHERE, "hold"], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let session = "";
    try {
      session = await firstLine(child);
      const { status, text } = await differences(session);
      assert.deepEqual([status, JSON.parse(text).length], [200, 1]);
      // It is alice's: somebody else's is none.
      const bobs = await asBob(["config", "status"]);
      assert.equal(bobs.exitCode, 0);
    } finally {
      await killed(child);
    }
    const late = AbortSignal.timeout(60_000);
    for (;;) {
      const { status, text } = await differences(session);
      if (status === 409) return assert.match(text, /control\.no-such-session/);
      assert.ok(!late.aborted, "it is still there");
    }
  });

  /** What the private candidate of a session has, as root sees it beside the router. */
  async function differences(session: string): Promise<{ readonly status: number; readonly text: string }> {
    const target = "/v1/config/compare?before=running&after=private-candidate";
    const headers = { "semrd-session": session };
    const request = http.get({ socketPath: router.socket, path: target, headers, agent: false });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk;
    return { status: response.statusCode!, text };
  }

  it("asks for the password at a terminal, and shows nothing of it", async (t) => {
    if (!existsSync(PYTHON)) return t.skip(`skipped: no ${PYTHON}, whose pty module makes a terminal`);
    const env = { ...process.env, ...CREDENTIALS, SEMRD_TLS_CA: file("server.pem"), NO_COLOR: "1", PAGER: "cat" };
    const command = [
      "netns",
      "exec",
      LAPTOP,
      PYTHON,
      "-c",
      THROUGH_PTY,
      SEMRCTL,
      "--username",
      "alice",
      "show",
      "status",
    ];
    const child = spawn("ip", command, { env, stdio: ["pipe", "pipe", "inherit"] });
    const exited = once(child, "exit");
    try {
      let text = "";
      let isTyped = false;
      for await (const part of child.stdout.setEncoding("utf8")) {
        text += part;
        if (isTyped || !text.includes("Password of alice at [fd00:c11::1]:9339: ")) continue;
        isTyped = true;
        child.stdin.write(`${PASSWORD}\r`);
      }
      assert.match(text, /r1: running for/);
      assert.ok(!text.includes("horse"));
      assert.deepEqual(await exited, [0, null]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("logs in with a client certificate, where the router has an authority of those", async () => {
    const steps = "set management grpc tls client-ca-certs operators\ncommit\n";
    assert.equal((await local(["configure", "--private"], steps)).exitCode, 0);
    await signed({ folder }, "bob");
    await certificate(folder, "own", ["-subj", "/CN=bob"]);
    const own = { ...CREDENTIALS, SEMRD_TLS_CA: file("server.pem") };
    const show = (name: string): Promise<Ran> =>
      laptop.run(["--json", "show", "agents"], {
        ...own,
        SEMRD_TLS_CERT: file(`${name}.pem`),
        SEMRD_TLS_KEY: file(`${name}.key`),
      });
    const bob = await show("bob");
    assert.deepEqual([bob.exitCode, bob.err], [0, ""]);
    assert.equal(JSON.parse(bob.out).length, 1);
    const refused = [await laptop.run(["show", "status"], own), await show("own")];
    assert.deepEqual(
      refused.map(({ exitCode }) => exitCode),
      [69, 69],
    );
    assert.match(refused[0]!.err, /wants a client certificate: give --tls-cert and --tls-key/);
    assert.match(
      refused[1]!.err,
      /closed the connection: it may not take .*own\.pem: give one that its client CA has signed/,
    );
  });
});
