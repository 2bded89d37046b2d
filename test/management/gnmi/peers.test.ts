import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ADDRESS, PASSWORD, PORT, signed, startGnmiRouter } from "./gnmi-router.ts";

const run = promisify(execFile);
const SMOKE = fileURLToPath(new URL("./peers/smoke.py", import.meta.url));
/** Distributions install their Python modules for this one. */
const PYTHON = "/usr/bin/python3";
/** Of other makers, fetched from their registries where `npm run test:peers` asks for them. */
const PYGNMI = "pygnmi==0.8.15";
const GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";
const GNMI_CLI = "github.com/openconfig/gnmi/cmd/gnmi_cli@v0.14.1";

/** A folder that goes with its block. */
async function temporary(): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(path.join(tmpdir(), "semrd-peer-"));
  // Go makes what it downloads read-only, for folders as well.
  const remove = async (): Promise<void> => {
    await run("chmod", ["-R", "u+w", folder]);
    await rm(folder, { recursive: true, force: true });
  };
  return { path: folder, [Symbol.asyncDispose]: remove };
}

const isAskedFor = (t: TestContext): boolean => {
  if (process.env.SEMRD_PEERS === "1") return true;
  t.skip("skipped: fetches a client of other makers; npm run test:peers does");
  return false;
};

it("grpcio with the messages of pygnmi", async (t) => {
  if (!isAskedFor(t)) return;
  try {
    await run(PYTHON, ["-c", "import grpc, google.protobuf"]);
  } catch {
    t.skip("skipped: there is no python3-grpcio");
    return;
  }
  await using folder = await temporary();
  await run("pip", ["download", "--quiet", "--no-deps", "--dest", folder.path, PYGNMI], { timeout: 120_000 });
  const wheel = (await readdir(folder.path)).find((name) => name.endsWith(".whl"))!;
  const unpacked = path.join(folder.path, "pygnmi");
  await run(PYTHON, ["-m", "zipfile", "-e", path.join(folder.path, wheel), unpacked]);
  await using router = await startGnmiRouter();
  const certificate = path.join(router.folder, "server.pem");
  const args = [SMOKE, unpacked, `${ADDRESS}:${PORT}`, certificate, "admin", PASSWORD];
  const told = JSON.parse((await run(PYTHON, args, { timeout: 60_000 })).stdout);
  assert.equal(told.version, "0.10.0");
  assert.ok(told.models.includes("semrd-router"));
  assert.deepEqual([told.origin, told.index, told.key], ["semrd-router", 1, { name: "acme" }]);
  assert.deepEqual(told.set, ["UPDATE"]);
  assert.equal(told.leaves["router/taxonomy/revision"], 1);
  assert.equal(told.leaves["router/taxonomy/capability/description"], "set by grpcio");
  assert.equal(told.syncs, 1);
  assert.equal(told.error[0], "NOT_FOUND");
});

it("pygnmi itself, as its users write it", async (t) => {
  if (!isAskedFor(t)) return;
  await using folder = await temporary();
  await run("pip", ["install", "--quiet", "--target", folder.path, PYGNMI], { timeout: 240_000 });
  await using router = await startGnmiRouter();
  const script = fileURLToPath(new URL("./peers/pygnmi_session.py", import.meta.url));
  const args = [script, ADDRESS, String(PORT), path.join(router.folder, "server.pem"), "admin", PASSWORD];
  const env = { ...process.env, PYTHONPATH: folder.path };
  const { stdout } = await run("python3", args, { env, timeout: 100_000 });
  const told = JSON.parse(stdout.trim().split("\n").at(-1)!); // it prints the errors that it is told of as well
  assert.deepEqual([told.version, told.encodings], ["0.10.0", ["json", "json_ietf", "proto", "ascii"]]);
  assert.ok(told.models.includes("semrd-tenant"));
  assert.deepEqual(told.get, { "router/tenants/tenant[name=acme]/index": 1, "router/name": "r1" });
  assert.deepEqual([told.update, told.replace, told.delete], [["UPDATE"], ["DELETE", "REPLACE"], ["DELETE"]]);
  assert.equal(told.state["router/tenants/tenant[name=acme]/state"].instances, 0);
  assert.deepEqual(told.stream["router/tenants/tenant[name=beta]/export-target"], ["65000:2"]);
  assert.deepEqual(told.changed, { "router/tenants/tenant[name=beta]/export-target": ["65000:9"] });
  assert.equal(told.once["router/taxonomy/revision"], 1);
  assert.deepEqual(told.poll, ["r1"]);
  const left = told.left["router/tenants"].tenant.map(({ name }: { readonly name: string }) => name);
  assert.deepEqual([left, told.left], [["acme"], told.config]);
  const at = "/semrd-router:router/semrd-tenant:tenants/tenant";
  assert.deepEqual(told.refused, [
    ["INVALID_ARGUMENT", `${at}[name='beta']/index: a number is expected`],
    ["NOT_FOUND", "/router/nonsense: the model has no node nonsense there"],
    ["NOT_FOUND", `${at}[name='acme']/index: missing, and it is mandatory`],
  ]);
  assert.deepEqual(told.believed, { "router/name": "r1" });
  assert.equal(told["wrong password"], "UNAUTHENTICATED");
});

/** A program of `module`, made in `folder`; `undefined` where there is no go. */
async function goProgram(module: string, folder: string): Promise<string | undefined> {
  try {
    await run("go", ["version"]);
  } catch {
    return undefined;
  }
  const env = { ...process.env, GOPATH: folder, GOBIN: path.join(folder, "bin") };
  await run("go", ["install", module], { env, timeout: 600_000 });
  return path.join(folder, "bin", module.replace(/^.*\/|@.*$/g, ""));
}

it("gnmi_cli of openconfig/gnmi", async (t) => {
  if (!isAskedFor(t)) return;
  await using folder = await temporary();
  const program = process.env.SEMRD_GNMI_CLI ?? (await goProgram(GNMI_CLI, folder.path));
  if (program === undefined) {
    t.skip("skipped: there is no go");
    return;
  }
  await using router = await startGnmiRouter({ tls: { "client-ca-certs": "operators" } });
  await signed(router, "admin");
  const file = (name: string): string => path.join(router.folder, name);
  const keys = ["-ca_crt", file("server.pem"), "-client_crt", file("admin.pem"), "-client_key", file("admin.key")];
  const cli = async (...args: string[]): Promise<string> => {
    const all = ["-address", `${ADDRESS}:${PORT}`, "-timeout", "20s", ...keys, ...args];
    const { stdout, stderr } = await run(program, all, { timeout: 60_000 });
    return stdout + stderr;
  };
  assert.match(await cli("-capabilities"), /gNMI_version:\s*"0\.10\.0"/);
  const name = 'path: { elem: { name: "router" } elem: { name: "name" } } encoding: JSON_IETF';
  assert.match(await cli("-get", "-proto", name), /json_ietf_val:\s*"\\"r1\\""/);
  const everything = await cli("-query", "router/tenants/tenant[name=acme]", "-query_type", "once");
  assert.match(everything, /0:65000:1/);
});

it("grpcurl with no .proto but what reflection tells", async (t) => {
  if (!isAskedFor(t)) return;
  await using folder = await temporary();
  const program = process.env.SEMRD_GRPCURL ?? (await goProgram(GRPCURL, folder.path));
  if (program === undefined) {
    t.skip("skipped: there is no go");
    return;
  }
  await using router = await startGnmiRouter();
  const login = ["-H", "username: admin", "-H", `password: ${PASSWORD}`];
  const curl = async (...args: string[]): Promise<string> => {
    const all = ["-cacert", path.join(router.folder, "server.pem"), ...login, ...args];
    return (await run(program, all, { timeout: 60_000 })).stdout;
  };
  const target = `${ADDRESS}:${PORT}`;
  assert.match(await curl(target, "list"), /^gnmi\.gNMI$/m);
  assert.match(await curl(target, "list", "gnmi.gNMI"), /^gnmi\.gNMI\.Subscribe$/m);
  assert.match(await curl(target, "describe", "gnmi.PathElem"), /map<string, string> key = 2;/);
  const wanted = { path: [{ elem: [{ name: "router" }, { name: "name" }] }], encoding: "JSON_IETF" };
  const got = JSON.parse(await curl("-d", JSON.stringify(wanted), target, "gnmi.gNMI/Get"));
  const { jsonIetfVal = "" } = got.notification?.[0]?.update?.[0]?.val ?? {};
  const local = ["-plaintext", `unix://${path.join(router.folder, "r1", "grpc.sock")}`];
  const { stdout } = await run(program, [...local, "gnoi.system.System/Time"], { timeout: 60_000 });
  assert.ok(Number(JSON.parse(stdout).time) > 1e18, stdout);
  assert.equal(Buffer.from(jsonIetfVal, "base64").toString(), '"r1"', JSON.stringify(got));
});
