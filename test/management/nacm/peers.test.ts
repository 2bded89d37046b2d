import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { after, before, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { ADDRESS, json, PASSWORD, PORT } from "../gnmi/gnmi-router.ts";
import { startAccessRouter } from "./access-router.ts";
import { NODES, touched } from "./nodes.ts";
import { may, mayCall } from "./rfc8341.ts";
import { NACM, USERS } from "./roles.ts";
import { gnmiAt, xmlAt } from "./wire.ts";

/** Debian's, which has both clients; another python on the path may not. */
const PYTHON = "/usr/bin/python3";
const PATIENCE = 180_000;

let router: Awaited<ReturnType<typeof startAccessRouter>>;
before(async () => {
  router = await startAccessRouter();
});
after(() => router?.[Symbol.asyncDispose]());

const missing = (module: string, name: string): string | undefined =>
  spawnSync(PYTHON, ["-c", `import ${module}`]).status === 0
    ? undefined
    : `skipped: ${PYTHON} has no ${module} (apt-get install ${name})`;

async function python<T>(script: string, input: object, t: TestContext): Promise<readonly T[]> {
  const file = fileURLToPath(new URL(`peers/${script}`, import.meta.url));
  const child = spawn(PYTHON, [file], { stdio: ["pipe", "pipe", "pipe"], timeout: PATIENCE });
  t.after(() => child.kill("SIGKILL"));
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  child.stdin.end(JSON.stringify(input));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, `${out.slice(-2_000)}\n${err}`);
  return JSON.parse(out);
}

const READ = NODES.filter(({ seen }) => seen !== undefined);
const GONE = NODES.filter(({ changes }) => changes.includes("delete"));
const calls = (user: string, rpc: string): boolean => mayCall(NACM, user, "ietf-netconf", rpc);

it("ncclient: what each role reads, and may delete", { timeout: PATIENCE }, async (t) => {
  const why = missing("ncclient", "python3-ncclient");
  if (why !== undefined) return t.skip(why);
  const operation = ' xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"';
  const cells = USERS.flatMap((user) => [
    ...READ.slice(0, 6).map((node) => ({ user, node, kind: "read", xml: xmlAt(node.path, "") })),
    ...GONE.slice(0, 3).map((node) => ({
      ...{ user, node, kind: "delete" },
      xml: `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">${xmlAt(node.path, "", operation)}</config>`,
    })),
  ]);
  const sent = cells.map(({ node: _, ...cell }) => cell);
  const got = await python<{ text?: string; tag?: string }>(
    "roles_ncclient.py",
    { host: ADDRESS, password: PASSWORD, cells: sent },
    t,
  );
  for (const [i, { user, node, kind }] of cells.entries()) {
    const { text, tag } = got[i]!;
    const about = `${user}: ${kind} ${node.title}: ${JSON.stringify(got[i])}`;
    if (!calls(user, kind === "read" ? "get-config" : "edit-config")) assert.equal(tag, "access-denied", about);
    else if (kind === "read")
      assert.equal(text!.includes(`>${node.seen}`), may(NACM, user, "read", node.path, node.mark), about);
    else {
      const isAllowed = touched(node, "delete").every((one) => may(NACM, user, one.access, one.path, one.mark));
      assert.equal(isAllowed ? text : tag, isAllowed ? "ok" : "access-denied", about);
    }
  }
  t.diagnostic(`${cells.length} cells`);
});

it("grpcio: what each role is answered to Get and Set", { timeout: PATIENCE }, async (t) => {
  const why = missing("grpc", "python3-grpcio");
  if (why !== undefined) return t.skip(why);
  const service = loadProto()["gnmi.gNMI"] as unknown as Record<string, { requestSerialize(message: object): Buffer }>;
  const message = (method: string, of: object): string => service[method]!.requestSerialize(of).toString("base64");
  const text = NODES[1]!;
  const read = READ.filter((node) => node !== text).slice(0, 6);
  const cells = USERS.flatMap((user) => [
    ...read.map((node) => ({
      ...{ user, node, method: "Get" },
      message: message("Get", { path: [gnmiAt(node.path)], type: "CONFIG", encoding: "JSON_IETF" }),
    })),
    {
      ...{ user, node: text, method: "Set" },
      message: message("Set", { replace: [{ path: gnmiAt(text.path), val: json(`of ${user}`) }] }),
    },
  ]);
  const input = {
    ...{ target: `${ADDRESS}:${PORT}`, certificate: path.join(router.folder, "server.pem"), password: PASSWORD },
    cells: cells.map(({ node: _, ...cell }) => cell),
  };
  const got = await python<{ code: string; answer?: string }>("roles_grpcio.py", input, t);
  for (const [i, { user, node, method }] of cells.entries()) {
    const { code, answer } = got[i]!;
    const about = `${user}: ${method} ${node.title}: ${JSON.stringify(got[i])}`;
    if (method === "Set") {
      const isAllowed = calls(user, "edit-config") && may(NACM, user, "update", node.path);
      assert.equal(code, isAllowed ? "OK" : "PERMISSION_DENIED", about);
    } else if (!calls(user, "get-config")) assert.equal(code, "PERMISSION_DENIED", about);
    else if (!may(NACM, user, "read", node.path, node.mark)) assert.equal(code, "NOT_FOUND", about);
    else assert.ok(code === "OK" && Buffer.from(answer!, "base64").toString("latin1").includes(node.seen!), about);
  }
  t.diagnostic(`${cells.length} cells`);
});
