import assert from "node:assert/strict";
import { on, once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket, connect as tcpConnect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import ssh2 from "ssh2";
import { OWN_PORT } from "../own-port.ts";
import { pair, stores } from "../stores.ts";
import { Authority, type Certificate, hasOpenssl, NO_OPENSSL } from "./certificates.ts";
import { ADDRESS, type NetconfRouter, startNetconfRouter } from "./netconf-router.ts";
import { readReply } from "./oracle.ts";
import { BASE, RawClient, subsystem } from "./raw-client.ts";

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

  for (const [what, certificate, reason] of [
    ["no certificate", () => undefined, "peer did not return a certificate"],
    [
      "one of another authority",
      () => new Authority(path.join(folder, "theirs"), "theirs").signed("operator", "DNS:admin"),
      "the client's certificate is refused: [A-Z_]+",
    ],
    ["one that stands for nobody here", () => stranger, "there is no user stranger"],
    ["one without a rule", () => ours.signed("third", "DNS:admin"), "no rule names a user for it"],
  ] as const) {
    it(`${what} lets nobody in, and the log says who and why`, async () => {
      const behind = router.process.log.length;
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
      const told = new RegExp(`"source":"127[^ ]* port [1-9]\\d*".*"reason":"${reason}".*netconf.login-failed`);
      await router.process.logged(told, behind);
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

  /** What `client` is answered who changes something within the container of NETCONF and commits it. */
  const changed = async (client: RawClient, inside: string): Promise<readonly string[]> => {
    const edited = await client.rpc(
      `<edit-config><target><candidate/></target><config><router xmlns="urn:semrd:yang:semrd-router"><management>` +
        `<netconf xmlns="urn:semrd:yang:semrd-netconf" xmlns:nc="${BASE}">${inside}</netconf></management></router></config></edit-config>`,
    );
    assert.match(edited, /<ok\/>/);
    const { ok, messages } = readReply(await client.rpc("<commit/>"));
    assert.equal(ok, messages.length === 0);
    if (!ok) await client.rpc("<discard-changes/>");
    return messages;
  };
  const place = (address: string, port: number, operation = "merge"): string =>
    `<listen nc:operation="${operation}"><address>${address}</address><port>${port}</port></listen>`;
  const serves = async (client: RawClient): Promise<void> => assert.match(await client.rpc(NAME), /<name>r1<\/name>/);
  const byTls = async (): Promise<RawClient> => {
    const stream = await secured(admin);
    return RawClient.on(stream, () => stream.destroy());
  };

  it("and over TLS, where the client is the client of TLS too; who is to be called no more has his answer, and stays", async () => {
    const stream = await secured(admin, await called("tls"));
    await using client = await RawClient.on(stream, () => stream.destroy());
    await serves(client);
    const gone = '<call-home><client nc:operation="delete"><name>manager-tls</name></client></call-home>';
    assert.deepEqual(await changed(client, gone), []);
    await serves(client);
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

  const listened = (): string[] =>
    [
      ...router.process.log.matchAll(/"address":"([^"]*)","port":(\d+),"transport":"\w+","event":"netconf.listening"/g),
    ].map(([, address, port]) => `${address} ${port}`);

  it("who changes what is listened on has his answer; nobody's session ends, and what stays is not opened anew", async () => {
    await using client = await router.open();
    await using other = await byTls();
    assert.deepEqual(await changed(client, `<ssh>${place(ADDRESS, OWN_PORT)}</ssh>`), []);
    await using there = await RawClient.open({ ...router.login, port: OWN_PORT });
    // The address for all is in the way of the one for itself, which goes for it.
    const instead = `<ssh>${place(ADDRESS, OWN_PORT, "delete")}${place("0.0.0.0", OWN_PORT)}</ssh>`;
    assert.deepEqual(await changed(there, instead), []);
    await using again = await RawClient.open({ ...router.login, port: OWN_PORT });
    // From one transport to the other.
    const over = `<ssh>${place("0.0.0.0", OWN_PORT, "delete")}</ssh><tls>${place("0.0.0.0", OWN_PORT)}</tls>`;
    assert.deepEqual(await changed(again, over), []);
    assert.deepEqual(await changed(other, `<tls>${place("0.0.0.0", OWN_PORT, "delete")}</tls>`), []);
    for (const each of [client, other, there, again]) await serves(each);
    await router.process.logged(/"0.0.0.0".*"transport":"tls".*"netconf.listening-ended"/);
    await assert.rejects(once(tcpConnect(OWN_PORT, ADDRESS), "connect"), /ECONNREFUSED/);
    const own = `${ADDRESS} ${OWN_PORT}`;
    const all = `0.0.0.0 ${OWN_PORT}`;
    assert.deepEqual(listened(), [`${ADDRESS} 830`, `${ADDRESS} 6513`, own, all, all]);
  });

  it("an address that cannot be listened on is refused with the reason, also where another one had to go for it", async () => {
    await using client = await byTls();
    const before = listened().length;
    assert.deepEqual(await changed(client, `<ssh>${place(ADDRESS, OWN_PORT)}</ssh>`), []);
    const somebody = createServer().listen(OWN_PORT, "127.0.0.3");
    await once(somebody, "listening");
    try {
      for (const inside of [
        place("192.0.2.77", OWN_PORT),
        place(ADDRESS, 4334),
        `${place(ADDRESS, OWN_PORT, "delete")}${place("0.0.0.0", OWN_PORT)}`,
      ]) {
        const [message] = await changed(client, `<ssh>${inside}</ssh>`);
        assert.match(message!, /the NETCONF server.*: listen EADDR(NOTAVAIL|INUSE): .*(192\.0\.2\.77|4334|0\.0\.0\.0)/);
      }
    } finally {
      somebody.close();
    }
    await using again = await RawClient.open({ ...router.login, port: OWN_PORT });
    for (const each of [client, again]) await serves(each);
    await router.process.logged(/management.apply-failed/);
    assert.deepEqual(listened().slice(before), [`${ADDRESS} ${OWN_PORT}`, `${ADDRESS} ${OWN_PORT}`]);
  });

  it("a file that asks for such an address changes nothing, however often it is loaded", async () => {
    await using client = await router.open();
    const file = path.join(router.folder, "r1.json");
    const document = JSON.parse(await readFile(file, "utf8"));
    const { ssh } = document["semrd-router:router"].management["semrd-netconf:netconf"];
    ssh.listen.push({ address: "192.0.2.77", port: 830 });
    await writeFile(file, JSON.stringify(document));
    const before = listened();
    for (let round = 0; round < 2; round++) {
      const { length } = router.process.log;
      router.process.child.kill("SIGHUP");
      assert.match(
        await router.process.logged(/management.reload-refused/, length),
        /EADDRNOTAVAIL.*nothing has changed/,
      );
    }
    await serves(client);
    assert.deepEqual(listened(), before);
  });

  it("what is for sessions and logins is for those to come", async () => {
    await using client = await router.open();
    await using other = await byTls();
    const few = "<maximum-sessions>1</maximum-sessions><ssh><maximum-attempts>2</maximum-attempts></ssh>";
    assert.deepEqual(await changed(client, `${few}<tls><login-timeout>7</login-timeout></tls>`), []);
    await assert.rejects(router.open());
    assert.deepEqual(await changed(other, "<maximum-sessions>9</maximum-sessions>"), []);
    await using third = await byTls();
    for (const each of [client, other, third]) await serves(each);
  });

  it("who switches NETCONF off has his answer; then all sessions end, and the log says why", async () => {
    await using client = await router.open();
    await using other = await byTls();
    await using idle = await router.open();
    await client.rpc(
      `<edit-config><target><candidate/></target><config><router xmlns="urn:semrd:yang:semrd-router"><management>` +
        `<netconf xmlns="urn:semrd:yang:semrd-netconf" xmlns:nc="${BASE}" nc:operation="delete"/></management></router></config></edit-config>`,
    );
    assert.match(await client.rpc("<commit/>"), /<ok\/>/);
    for (const each of [client, other, idle]) assert.equal(await each.received(), undefined);
    const why = '"reason":"NETCONF is switched off by the configuration"';
    await router.process.logged(new RegExp(`"session":${client.sessionId},.*${why}.*netconf.session-closed`));
    await assert.rejects(router.open(), /ECONNREFUSED/);
    await router.process.ctl("config", "rollback", "1");
    await router.process.ctl("config", "commit");
    await using again = await router.open();
    await serves(again);
    const sessions = await again.rpc(
      '<get><filter><netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><sessions/></netconf-state></filter></get>',
    );
    assert.deepEqual(
      [...sessions.matchAll(/<session-id>(\d+)</g)].map(([, id]) => Number(id)),
      [again.sessionId],
    );
  });
});
