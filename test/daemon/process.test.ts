import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { semrctl } from "../cli/in-process.ts";
import { ADDRESS, certificate } from "../management/gnmi/gnmi-router.ts";
import { pair, stores } from "../management/stores.ts";
import { ended, RouterFolder } from "./router-process.ts";

let folder: string;
let routers: RouterFolder;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "semrd-process-"));
  routers = new RouterFolder(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

const OCR_AGENT = "spiffe://example.net/acme/agent/ocr-a";
const ADD = [
  "agent",
  "add",
  OCR_AGENT,
  "--tenant",
  "acme",
  "--capability",
  "/vision/ocr",
  "--address",
  "fd00:a::10",
  "--version",
  "1.0",
];

describe("what is wrong is said in one line, with an exit code for it", () => {
  it("--help and --version", async () => {
    assert.equal((await ended(["--help"])).code, 0);
    assert.match((await ended(["--version"])).out, /^\d+\.\d+\.\d+\n$/);
  });

  it("an unknown option: 64", async () => assert.equal((await ended(["--confg", "x"])).code, 64));

  it("a file that is not there: 78, with its name", async () => {
    const { code, err } = await ended(["--config", path.join(folder, "absent.json")]);
    assert.equal(code, 78);
    assert.match(err, /absent\.json.*(not exist|no such|missing)/i);
  });

  it("every fault of a wrong configuration with path, value and reason: 78", async () => {
    const wrong = JSON.stringify(routers.configuration("wrong"))
      .replace('"selector":1', '"selector":70000')
      .replace("192.0.2.1", "x");
    const { code, err } = await ended(["--config", await routers.written("wrong", wrong)]);
    assert.equal(code, 78);
    assert.match(err, /site\/selector is "?70000/);
    assert.match(err, /router-id is "x"/);
  });

  it("--check says the same and starts nothing", async () => {
    const { code, out } = await ended([
      "--check",
      "--config",
      await routers.written("checked", routers.configuration("checked")),
    ]);
    assert.deepEqual([code, existsSync(path.join(folder, "checked.sock"))], [0, false]);
    assert.match(out, /valid configuration of router checked/);
  });

  it("a port that is taken: 69, naming it", async () => {
    const taken = net.createServer().listen(0, "::1");
    await once(taken, "listening");
    const { port } = taken.address() as net.AddressInfo;
    const telemetry = { "semrd-telemetry:telemetry": { prometheus: { address: "::1", port } } };
    const { code, err } = await ended([
      "--config",
      await routers.written("port", routers.configuration("port", telemetry)),
    ]);
    taken.close();
    assert.equal(code, 69, err);
    assert.match(err, new RegExp(`${port}`));
    assert.equal(err.trim().split("\n").length, 1, err);
  });

  it("a state directory that another semrd uses: 69, naming the process", async () => {
    await using first = await routers.started("twice", routers.configuration("twice"));
    const second = { ...routers.configuration("second", { "state-directory": path.join(folder, "twice") }) };
    const { code, err } = await ended(["--config", await routers.written("second", second)]);
    assert.equal(code, 69, err);
    assert.match(err, new RegExp(`process ${first.child.pid}`));
  });
});

it("--remove-forwarding does not take the tables from under a router that runs: 69, naming the process", async () => {
  await using router = await routers.started("serving", routers.configuration("serving"));
  const { code, err } = await ended(["--remove-forwarding", "--config", path.join(folder, "serving.json")]);
  assert.equal(code, 69, err);
  assert.match(err, new RegExp(`process ${router.child.pid}: stop it`));
});

describe("without the right to load BPF programs", () => {
  const strip = ["setpriv", "--bounding-set", "-bpf,-perfmon,-sys_admin,-net_admin"];
  const skip = (t: TestContext): boolean => {
    if (process.getuid?.() === 0) return false;
    t.skip("skipped: only root can give rights away for a process it starts");
    return true;
  };

  it("driver auto: runs on the memory data plane and says so loudly", async (t) => {
    if (skip(t)) return;
    const auto = routers.configuration("rights", { "semrd-dataplane:dataplane": { driver: "auto" } });
    await using router = await routers.started("rights", auto, strip);
    const status = (await router.ctl("show", "status")) as { dataplane: { driver: string }; warnings: string[] };
    assert.equal(status.dataplane.driver, "memory");
    assert.match(status.warnings.join(), /No packet of this host is forwarded/);
    assert.match(router.log, /"level":"error".*dataplane\.memory-instead-of-kernel/);
    assert.match(router.log, /CAP_/);
  });

  it("driver kernel: 77, naming the right that is missing", async (t) => {
    if (skip(t)) return;
    const kernel = routers.configuration("kernel", { "semrd-dataplane:dataplane": { driver: "kernel" } });
    const { code, err } = await ended(["--config", await routers.written("kernel", kernel)], strip);
    assert.equal(code, 77, err);
    assert.match(err, /CAP_/);
  });
});

describe("a key pair that is none", () => {
  const kept = (): Promise<string> => readFile(path.join(folder, "paired", "configuration", "head.json"), "utf8");
  const start = () => ended(["--config", path.join(folder, "paired.json")]);
  const file = (name: string): string => path.join(folder, name);

  it("is refused before anything is done: by a commit, without a server started anew, and at start, with 78", async () => {
    for (const name of ["own", "other", "next"]) await certificate(folder, name, ["-subj", `/CN=${name}`]);
    const jwk = createPublicKey(await readFile(file("own.key"))).export({ format: "jwk" });
    await writeFile(file("jwks.json"), JSON.stringify({ keys: [jwk] }));
    const content = routers.configuration("paired", {
      ...stores({ pairs: { own: ["own.pem", "own.key"] } }),
      "semrd-registration:registration": {
        listen: [{ address: ADDRESS, port: 8443 }],
        tls: pair("own"),
        issuer: [{ name: "lab", issuer: "https://issuer.example.net", audience: "semrd", "jwks-file": "jwks.json" }],
      },
    });
    const keys = "set keystore asymmetric-keys asymmetric-key";
    {
      await using router = await routers.started("paired", content);
      const configured = async (...lines: readonly string[]): Promise<string> => {
        const told = `discard\n${lines.join("\n")}\ncommit yes\n`;
        const { exitCode, out, err } = await semrctl(["--socket", router.socket, "configure"], told);
        return `${exitCode} ${out}${err}`;
      };
      const head = await kept();
      const refused = await configured(`${keys} own private-key-file other.key`);
      assert.match(refused, /^1 [\s\S]*certificate-file.*does not belong to the private key of this entry/);
      // Nor where the files have become wrong, and another setting is what starts it anew.
      await copyFile(file("other.key"), file("own.key"));
      const lease = await configured("set registration lease minimum 7");
      assert.match(lease, /^1 [\s\S]*the registration server: the certificate .* cannot be used/);
      assert.equal(await kept(), head);
      assert.equal(router.log.split('"event":"registration.listening"').length, 2, router.log);

      await certificate(folder, "own", ["-subj", "/CN=own"]);
      const added = await configured(
        `${keys} next private-key-file next.key`,
        `${keys} next certificates certificate next certificate-file next.pem`,
      );
      assert.match(added, /^0 /);
    }
    // The file is in order, but what was committed last is not: nothing else runs instead.
    const head = await kept();
    await copyFile(file("other.key"), file("next.key"));
    const committed = await start();
    assert.equal(committed.code, 78, committed.err);
    assert.match(
      committed.err,
      /^semrd: configuration\.invalid: .*\[name='next'\].*: the certificate does not belong/m,
    );

    await copyFile(file("other.key"), file("own.key"));
    await writeFile(file("paired.json"), JSON.stringify(content));
    const edited = await start();
    assert.equal(edited.code, 78, edited.err);
    assert.match(edited.err, /^semrd: .*paired\.json:1: .*certificate-file is "own\.pem": the certificate does not/);
    assert.equal(edited.err.trim().split("\n").length, 1, edited.err);
    assert.equal(await kept(), head);
  });
});

describe("state", () => {
  it("what was acknowledged survives kill -9; SIGTERM ends with 0 and removes the socket", async () => {
    const content = routers.configuration("killed");
    {
      await using router = await routers.started("killed", content);
      await router.ctl(...ADD, "--port", "8080", "--weight", "7");
      await router.ctl("agent", "drain", OCR_AGENT);
      await router.end("SIGKILL");
    }
    await using router = await routers.started("killed", content);
    const [agent] = (await router.ctl("show", "agents")) as { agent: string; weight: number; adminState: string }[];
    assert.deepEqual([agent?.agent, agent?.weight, agent?.adminState], [OCR_AGENT, 7, "draining"]);
    await router.ctl("agent", "undrain", OCR_AGENT);
    const [back] = (await router.ctl("show", "agents")) as { adminState: string }[];
    assert.equal(back?.adminState, "up");
    assert.equal(await router.end("SIGTERM"), 0, router.log);
    assert.equal(existsSync(router.socket), false);
  });

  it("connections of semrctl do not stay: more commands than there may be connections", async () => {
    await using router = await routers.started("often", routers.configuration("often"));
    const descriptors = () => readdirSync(`/proc/${router.child.pid}/fd`).length;
    await router.ctl("show", "agents");
    const before = descriptors();
    for (let n = 0; n < 80; n++) assert.deepEqual(await router.ctl("show", "agents"), []);
    assert.ok(descriptors() <= before + 2, `${before} descriptors, then ${descriptors()}`);
  });

  it("an unknown agent is named, with where to look", async () => {
    await using router = await routers.started("unknown", routers.configuration("unknown"));
    for (const command of ["drain", "undrain", "remove"]) {
      await assert.rejects(router.ctl("agent", command, OCR_AGENT), (cause: { code?: number; stderr?: string }) => {
        assert.equal(cause.code, 1);
        assert.match(cause.stderr ?? "", new RegExp(`${OCR_AGENT} is not registered here: see semrctl show agents`));
        return true;
      });
    }
  });

  it("an agent that was added is explained, routed and counted; removed, it is gone", async () => {
    await using router = await routers.started("routed", routers.configuration("routed"));
    await router.ctl(...ADD, "--port", "8080");
    const explained = (await router.ctl("explain", "/vision/ocr")) as {
      winner: string;
      step: string;
      instances: unknown[];
    };
    assert.deepEqual([explained.winner, explained.instances.length], ["192.0.2.1", 1]);
    const routes = (await router.ctl("show", "routes")) as { type: string; status: string; peer: string }[];
    assert.deepEqual(routes.map(({ type, status, peer }) => `${type} ${status} ${peer}`).sort(), [
      "agent best local",
      "site best local",
    ]);
    await router.ctl("agent", "remove", OCR_AGENT);
    assert.deepEqual(await router.ctl("show", "routes"), []);
    const left = (await router.ctl("explain", "/vision/ocr")) as { winner?: string; known: boolean };
    assert.deepEqual([left.winner, left.known], [undefined, true]);
  });
});

it("two routers with the same pinned tables: the second one is refused, 69", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("skipped: needs root");
  const kernel = {
    "semrd-dataplane:dataplane": { driver: "auto", "pin-directory": `/sys/fs/bpf/semrd-two-${process.pid}` },
  };
  const strip = ["setpriv", "--bounding-set", "-bpf,-perfmon,-sys_admin,-net_admin"]; // the name is what is tested
  await using _first = await routers.started("tables-a", routers.configuration("tables-a", kernel), strip);
  const second = routers.configuration("tables-b", kernel);
  const { code, err } = await ended(["--config", await routers.written("tables-b", second)], strip);
  assert.equal(code, 69, err);
  assert.match(err, /another semrd forwards here/);
});
