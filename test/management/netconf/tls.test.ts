import assert from "node:assert/strict";
import { on, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket, connect as tcpConnect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import ssh2 from "ssh2";
import { pair, stores } from "../stores.ts";
import { Authority, type Certificate, hasOpenssl, NO_OPENSSL } from "./certificates.ts";
import { ADDRESS, type NetconfRouter, startNetconfRouter } from "./netconf-router.ts";
import { readReply } from "./oracle.ts";
import { RawClient, subsystem } from "./raw-client.ts";

const NAME = "<get-config><source><running/></source></get-config>";

describe("NETCONF over TLS and call home", { skip: hasOpenssl ? false : NO_OPENSSL }, () => {
  let folder: string;
  let router: NetconfRouter;
  let ours: Authority;
  let admin: Certificate;
  let stranger: Certificate;
  const waiting = { ssh: createServer(), tls: createServer() };
  /** Connections that the router has made, also those that nobody has waited for yet. */
  const signal = AbortSignal.timeout(90_000);
  const calls = { ssh: on(waiting.ssh, "connection", { signal }), tls: on(waiting.tls, "connection", { signal }) };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "semrd-netconf-tls-"));
    ours = new Authority(path.join(folder, "ours"), "authority");
    admin = ours.signed("operator", "DNS:admin");
    stranger = ours.signed("stranger");
    const server = ours.signed("router", `IP:${ADDRESS}`);
    for (const [transport, port] of [
      ["ssh", 4334],
      ["tls", 4335],
    ] as const) {
      waiting[transport].listen(port, ADDRESS);
      await once(waiting[transport], "listening");
    }
    router = await startNetconfRouter(
      {
        tls: {
          listen: [{ address: ADDRESS, port: 6513 }],
          ...pair("router"),
          "client-ca-certs": "operators",
          "user-of-certificate": [
            { id: 1, fingerprint: admin.fingerprint, take: "san-dns-name" },
            { id: 2, fingerprint: stranger.fingerprint, take: "common-name" },
          ],
        },
        "call-home": {
          client: [
            { name: "manager-ssh", address: ADDRESS, port: 4334 },
            { name: "manager-tls", transport: "tls", address: ADDRESS, port: 4335 },
          ],
          "retry-interval": 1,
          "maximum-retry-interval": 4,
        },
      },
      stores({
        pairs: { router: [server.certificateFile, server.keyFile] },
        bags: { operators: [ours.own.certificateFile] },
      }),
    );
  });
  after(async () => {
    await router?.[Symbol.asyncDispose]();
    for (const server of Object.values(waiting)) server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const secured = async (of: Certificate | undefined, socket?: Socket): Promise<TLSSocket> => {
    const stream = connect({
      ...(socket === undefined ? { host: ADDRESS, port: 6513 } : { socket }),
      ...{ ca: ours.own.certificate, servername: "", checkServerIdentity: () => undefined },
      ...(of === undefined ? {} : { cert: of.certificate, key: of.key }),
    });
    await once(stream, "secureConnect");
    return stream;
  };

  it("a certificate says who its bearer is (RFC 7589 §7)", async () => {
    const stream = await secured(admin);
    await using client = await RawClient.on(stream, () => stream.destroy());
    const reply = await client.rpc(NAME);
    assert.deepEqual(readReply(reply).errors, []);
    assert.match(reply, /<name>r1<\/name>/);
    assert.match(router.process.log, /"user":"admin","source":"[^"]*","transport":"tls"/);
  });

  for (const [what, certificate] of [
    ["no certificate", () => undefined],
    [
      "one of another authority",
      () => new Authority(path.join(folder, "theirs"), "theirs").signed("operator", "DNS:admin"),
    ],
    ["one that stands for nobody here", () => stranger],
    ["one without a rule", () => ours.signed("third", "DNS:admin")],
  ] as const) {
    it(`${what} lets nobody in`, async () => {
      // With TLS 1.3 the client believes that all is well until it reads.
      const seen: string[] = [];
      try {
        const stream = await secured(certificate());
        stream.on("data", (octets) => seen.push(String(octets))).on("error", () => undefined);
        if (!stream.closed) await once(stream, "close");
      } catch (cause) {
        assert.match(String((cause as { code?: unknown }).code), /ERR_SSL|ECONNRESET/);
      }
      assert.deepEqual(seen, []);
    });
  }

  it("what is no TLS does not disturb anybody", async () => {
    const socket = tcpConnect(6513, ADDRESS);
    socket.on("error", () => undefined).write("<hello/>]]>]]>\n\n\n\n\n\n\n\n\n");
    await once(socket, "close");
    const stream = await secured(admin);
    await using client = await RawClient.on(stream, () => stream.destroy());
    assert.deepEqual(readReply(await client.rpc(NAME)).errors, []);
  });

  const called = async (transport: "ssh" | "tls"): Promise<Socket> => {
    const { value } = await calls[transport].next();
    return value![0] as Socket;
  };

  it("the router calls, and the client logs in, over SSH; after it left it is called again (RFC 8071 §3.1)", async () => {
    for (let round = 0; round < 2; round++) {
      const socket = await called("ssh");
      const ssh = new ssh2.Client();
      ssh.connect({ sock: socket, username: "admin", privateKey: router.login.privateKey! });
      await once(ssh, "ready");
      await using client = await RawClient.on(await subsystem(ssh), () => ssh.end());
      assert.match(await client.rpc(NAME), /<name>r1<\/name>/);
    }
  });

  it("and over TLS, where the client is the client of TLS too", async () => {
    const stream = await secured(admin, await called("tls"));
    await using client = await RawClient.on(stream, () => stream.destroy());
    assert.match(await client.rpc(NAME), /<name>r1<\/name>/);
  });

  it("a client that does not log in is called ever less often", async () => {
    // From when it can know that nobody logs in; what else the machine does only makes them longer.
    const waits: number[] = [];
    let ended = 0;
    for (let round = 0; round < 4; round++) {
      const socket = await called("ssh");
      if (round > 0) waits.push(performance.now() - ended);
      ended = performance.now();
      socket.destroy();
    }
    for (const [i, seconds] of [1, 2, 4].entries())
      assert.ok(waits[i]! >= 1_000 * seconds, `${seconds} s: ${waits.join(" ms, ")} ms`);
  });
});
