import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Client, credentials, loadPackageDefinition, Metadata, status } from "@grpc/grpc-js";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import type { RouterProcess } from "../../daemon/router-process.ts";
import { type GnmiRouter, gnmiPath, type Message, refusal, Stream, sentValue, update } from "./gnmi-router.ts";

const run = promisify(execFile);
const LOCAL = fileURLToPath(new URL("./peers/local.py", import.meta.url));
const CONTROL = fileURLToPath(new URL("./peers/control.py", import.meta.url));
const PYTHON = "/usr/bin/python3";
const LEVEL = "/router/telemetry/log-level";

export const localSocketCases = (given: () => GnmiRouter): Promise<void> =>
  describe("gNMI on the local socket", () => {
    let router: RouterProcess;
    let [folder, socket] = ["", ""];
    const clients: Client[] = [];
    before(() => {
      router = given().process;
      folder = given().folder;
      socket = path.join(folder, "r1", "grpc.sock");
    });
    after(() => {
      for (const client of clients) client.close();
    });

    const client = (): Message => {
      const { gnmi } = loadPackageDefinition(loadProto()) as Message;
      const made = new gnmi.gNMI(`unix:${socket}`, credentials.createInsecure());
      clients.push(made);
      return made;
    };
    let isPatient = false;
    const call = (from: Message, method: string, request: object): Promise<Message> =>
      new Promise((resolve, reject) => {
        // The channels of a process share their failures, which a call may wait for the end of.
        const patient = new Metadata({ waitForReady: isPatient });
        from[method](request, patient, { deadline: Date.now() + 60_000 }, (cause: Error | null, answer: Message) =>
          cause === null ? resolve(answer) : reject(cause),
        );
      });
    const level = async (from: Message): Promise<unknown> => {
      const { notification } = await call(from, "Get", { path: [gnmiPath(LEVEL)], encoding: "JSON_IETF" });
      return sentValue(notification[0].update[0]);
    };

    it("is its owner's alone, and serves without login and TLS, although no rule lets root write", async () => {
      assert.equal((await stat(socket)).mode & 0o7777, 0o600);
      const own = client();
      await call(own, "Set", { update: [update(LEVEL, "debug")] });
      assert.equal(await level(own), "debug");
      const entries = (await router.ctl("config", "log")) as { user: string; protocol: string; source: string }[];
      const { user, protocol, source } = entries[0]!;
      const { stdout } = await run("id", ["-un"]);
      assert.deepEqual([user, protocol, source], [stdout.trim(), "gnmi", "local socket"]);
      const stream = new Stream(own.Subscribe());
      stream.call.write({
        subscribe: { mode: "STREAM", encoding: "JSON_IETF", subscription: [{ path: gnmiPath(LEVEL) }] },
      });
      await stream.synced();
      await call(client(), "Set", { update: [update(LEVEL, "info")] });
      await stream.until(() => stream.has(LEVEL, "info"), "the change");
      stream.cancel();
    });

    it("grpcio", async (t) => {
      try {
        await run(PYTHON, ["-c", "import grpc, google.protobuf"]);
      } catch {
        return t.skip("skipped: there is no python3-grpcio");
      }
      const { stdout } = await run(PYTHON, ["-B", LOCAL, socket], { timeout: 60_000 });
      assert.deepEqual(JSON.parse(stdout), { results: 1, level: "warn" });
    });

    it("grpcio on the control socket: origin semrd-control", async (t) => {
      try {
        await run(PYTHON, ["-c", "import grpc, google.protobuf"]);
      } catch {
        return t.skip("skipped: there is no python3-grpcio");
      }
      const { stdout } = await run(PYTHON, ["-B", CONTROL, router.socket], { timeout: 60_000 });
      assert.deepEqual(JSON.parse(stdout), {
        ...{ name: "r1", drain: [{ draining: true }, { draining: false }] },
        refused: ["NOT_FOUND", "directory.unknown-agent"],
      });
    });

    it("somebody else is not served, even where the socket's mode would let him", async (t) => {
      if (process.getuid?.() !== 0) return t.skip("skipped: another user can only be taken by root");
      const script = `import os, socket, sys
os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    s.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")
    print(len(s.recv(100)))
except OSError as cause:
    print(type(cause).__name__)`;
      const asNobody = async (): Promise<string> => (await run(PYTHON, ["-c", script, socket])).stdout.trim();
      assert.equal(await asNobody(), "PermissionError");
      await Promise.all([folder, path.dirname(socket)].map((one) => chmod(one, 0o755)));
      await chmod(socket, 0o666);
      try {
        assert.match(await asNobody(), /^(0|ConnectionResetError|BrokenPipeError)$/);
        await router.logged(/neither root nor the router/);
      } finally {
        await chmod(socket, 0o600);
        await chmod(path.dirname(socket), 0o700);
      }
    });

    it("connections that say nothing, or nonsense, keep nobody out for long and harm nothing", async () => {
      const open = async (): Promise<Socket> => {
        const one = connect(socket);
        one.on("error", () => undefined);
        await once(one, "connect");
        return one;
      };
      const silent = await Promise.all(Array.from({ length: 40 }, open));
      for (const octets of [
        "GET / HTTP/1.1\r\n\r\n",
        "\0".repeat(100),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff",
      ]) {
        const one = await open();
        one.end(octets, "latin1");
        one.resume();
        await once(one, "close");
      }
      assert.equal(await level(client()), "warn");
      for (const one of silent) one.destroy();
    });

    it("goes and comes as the configuration says", async () => {
      const leaf = "/router/management/grpc/local-socket";
      // By the socket itself, which answers first.
      const last = client();
      await call(last, "Set", { update: [update("/router/management/grpc/maximum-message-size", 1 << 20)] });
      await call(last, "Set", { update: [update(leaf, false)] });
      const late = AbortSignal.timeout(60_000);
      const isThere = (): Promise<boolean> =>
        stat(socket).then(
          () => true,
          () => false,
        );
      while (await isThere()) assert.ok(!late.aborted, "it is still there");
      assert.equal((await refusal(level(client()))).code, status.UNAVAILABLE);
      await router.ctl("config", "set", "management", "grpc", "local-socket", "true");
      await router.ctl("config", "set", "telemetry", "log-level", "info");
      await router.ctl("config", "commit");
      isPatient = true;
      assert.equal(await level(client()), "info");
    });
  });
