import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { semrctl } from "../../cli/in-process.ts";
import {
  ADDRESS,
  certificate,
  type GnmiClient,
  type GnmiRouter,
  gnmiPath,
  PASSWORD,
  PORT,
  refusal,
  signed,
  startGnmiRouter,
  update,
} from "../gnmi/gnmi-router.ts";
import { ADMINS } from "../nacm/admins.ts";
import { readReply } from "../netconf/oracle.ts";
import { RawClient } from "../netconf/raw-client.ts";
import { OWN_PORT } from "../own-port.ts";
import { base64, stores } from "../stores.ts";

const PYTHON = "/usr/bin/python3";
const PEERS = fileURLToPath(new URL("peers/", import.meta.url));
const REFLECTION = fileURLToPath(new URL("../gnmi/peers", import.meta.url));
const KEYS = "/router/keystore/symmetric-keys";
const PAIRS = "/router/keystore/asymmetric-keys";

/** Another certificate for each server, and a client of theirs. */
describe("keys and certificates of a router that runs", () => {
  let router: GnmiRouter;
  let gnmi: GnmiClient;
  let netconf: RawClient;

  before(async () => {
    router = await startGnmiRouter(
      {},
      {
        ...stores({
          pairs: { server: ["server.pem", "server.key"] },
          keys: { used: "between us" },
          bags: { operators: ["ca.pem"] },
        }),
        "semrd-bgp:bgp": {
          ...{ "local-as": 65000, address: "::1", port: OWN_PORT },
          neighbors: { neighbor: [{ address: "fd00:ffff::8", "remote-as": 65000, "md5-key": ["used"] }] },
        },
      },
      {
        nacm: ADMINS["ietf-netconf-acm:nacm"],
        management: { "semrd-netconf:netconf": { ssh: { listen: [{ address: ADDRESS, port: 830 }] } } },
      },
    );
    const names = ["-addext", `subjectAltName=IP:${ADDRESS}`];
    await certificate(router.folder, "next", ["-subj", "/CN=next", ...names]);
    gnmi = router.client();
    netconf = await RawClient.open({ host: ADDRESS, port: 830, username: "admin", password: PASSWORD });
  });
  after(async () => {
    await netconf?.[Symbol.asyncDispose]();
    await router?.[Symbol.asyncDispose]();
  });

  const file = (name: string): string => path.join(router.folder, name);
  /** Lines of `semrctl configure`, and what it said. */
  const configured = async (...lines: readonly string[]) => {
    const { exitCode, out, err } = await semrctl(
      ["--socket", router.process.socket, "configure"],
      `${lines.join("\n")}\n`,
    );
    return { exitCode, said: out + err };
  };
  /** Whom the gNMI server says it is. */
  const shown = async (): Promise<string> => {
    const socket = connect({ host: ADDRESS, port: PORT, ALPNProtocols: ["h2"], rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { subject } = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    return subject;
  };
  const python = (
    t: TestContext,
    needs: string,
    script: string,
    args: readonly string[],
    input = "",
  ): Promise<string> | undefined => {
    if (spawnSync(PYTHON, ["-c", `import ${needs}`]).status !== 0) {
      t.skip(`skipped: ${PYTHON} has no ${needs}`);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const child = execFile(PYTHON, [path.join(PEERS, script), ...args], { timeout: 60_000 }, (cause, out, err) =>
        cause === null ? resolve(out) : reject(new Error(`${out}${err}`)),
      );
      child.stdin!.end(input);
    });
  };
  const grpcio = (t: TestContext, authority: string, ...who: readonly [string, string]) =>
    python(t, "grpc, google.protobuf", "keystore_grpcio.py", [
      REFLECTION,
      `${ADDRESS}:${PORT}`,
      file(authority),
      ...who,
    ]);

  it("a key that is used stays: NETCONF, gNMI and semrctl say who uses it", async () => {
    const user = "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor[address='fd00:ffff::8']/md5-key[.='used']";
    const gone =
      '<symmetric-key xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"><name>used</name></symmetric-key>';
    const keystore = `<router xmlns="urn:semrd:yang:semrd-router"><keystore xmlns="urn:semrd:yang:semrd-keystore"><symmetric-keys>${gone}</symmetric-keys></keystore></router>`;
    const edited = await netconf.rpc(
      `<edit-config><target><candidate/></target><config>${keystore}</config></edit-config>`,
    );
    const { errors } = readReply(edited);
    assert.deepEqual(
      errors.map(({ tag, appTag, path: at }) => [tag, appTag, at?.replace(/(?<=[/[])semrd-bgp:(?!bgp)/g, "")]),
      [["data-missing", "instance-required", user]],
    );
    await netconf.rpc("<discard-changes/>");
    const refused = await refusal(gnmi.set({ delete: [gnmiPath(`${KEYS}/symmetric-key[name=used]`)] }));
    assert.ok(refused.details.includes(user), refused.details);
    const { exitCode, said } = await configured("delete keystore symmetric-keys symmetric-key used", "commit");
    assert.equal(exitCode, 1);
    assert.ok(said.includes(user), said);
    await configured("discard");
    // And so for a pair, a certificate of it, and a bag.
    for (const at of ["", "/certificates/certificate[name=server]"]) {
      const pair = gnmiPath(`${PAIRS}/asymmetric-key[name=server]${at}`);
      const { details } = await refusal(gnmi.set({ delete: [pair] }));
      assert.match(
        details,
        /^\/semrd-router:router\/management\/semrd-grpc-server:grpc\/tls\/(asymmetric-key|certificate):/,
      );
    }
    await gnmi.set({ delete: [gnmiPath("/router/truststore/certificate-bags/certificate-bag[name=operators]")] });
    await gnmi.set({
      update: [
        update("/router/truststore/certificate-bags/certificate-bag[name=operators]/certificate[name=1]", {
          name: "1",
          "certificate-file": "ca.pem",
        }),
      ],
    });
  });

  it("what nobody uses concerns nobody; a new certificate is for who comes from then on", async (t) => {
    const stream = gnmi.subscribe({
      mode: "STREAM",
      subscription: [{ path: gnmiPath("/router/name"), mode: "ON_CHANGE" }],
    });
    await stream.synced();
    const set = "set keystore asymmetric-keys asymmetric-key";
    const added = await configured(
      ...[
        `${set} next private-key-file next.key`,
        `${set} next certificates certificate next certificate-file next.pem`,
      ],
      ...[
        `set keystore symmetric-keys symmetric-key spare cleartext-symmetric-key ${base64("spare")}`,
        "commit check",
        "commit",
      ],
    );
    assert.equal(added.exitCode, 0, added.said);
    assert.doesNotMatch(added.said, /started anew|reset|next start/, added.said);
    assert.equal(stream.isOver, false);
    assert.match(await shown(), /CN=router/);
    const before = await grpcio(t, "server.pem", "admin", PASSWORD);
    if (before !== undefined) assert.equal(before.trim(), "r1");

    // Another key for MD5 is said of the one neighbour, and not of the server.
    const value = await configured(
      `set keystore symmetric-keys symmetric-key used cleartext-symmetric-key ${base64("other")}`,
      "commit check",
      "commit",
    );
    assert.equal(value.exitCode, 0, value.said);
    assert.doesNotMatch(value.said, /gNMI|NETCONF/);
    assert.equal(stream.isOver, false);

    const renewed = await configured(
      ...[
        `${set} server private-key-file next.key`,
        `${set} server certificates certificate server certificate-file next.pem`,
      ],
      ...["commit check", "commit yes"],
    );
    assert.equal(renewed.exitCode, 0, renewed.said);
    assert.doesNotMatch(renewed.said, /started anew|NETCONF|reset/);
    assert.match(await shown(), /CN=next/);
    assert.equal(stream.isOver, false);
    stream.cancel();
    // The session over SSH has seen nothing of it.
    assert.ok(readReply(await netconf.rpc("<get-config><source><running/></source></get-config>")).errors.length === 0);
    const now = await grpcio(t, "next.pem", "admin", PASSWORD);
    if (now !== undefined) assert.equal(now.trim(), "r1");
    const old = await grpcio(t, "server.pem", "admin", PASSWORD);
    if (old !== undefined) assert.equal(old.trim(), "UNAVAILABLE");
  });

  it("a bag with two authorities: grpcio with a certificate of either, and of none", async (t) => {
    await certificate(router.folder, "second", ["-subj", "/CN=admin"]);
    await certificate(router.folder, "stranger", ["-subj", "/CN=admin"]);
    await signed(router, "admin");
    const bag =
      "set truststore certificate-bags certificate-bag operators certificate second certificate-file second.pem";
    const { exitCode, said } = await configured(bag, "set management grpc tls client-ca-certs operators", "commit yes");
    assert.equal(exitCode, 0, said);
    for (const [name, wanted] of [
      ["admin", "r1"],
      ["second", "r1"],
      ["stranger", "UNAVAILABLE"],
    ] as const) {
      const answer = await grpcio(t, "next.pem", file(`${name}.pem`), file(`${name}.key`));
      if (answer !== undefined) assert.equal(answer.trim(), wanted, name);
    }
  });

  it("ncclient writes a key and who uses it, and may not take it away", async (t) => {
    const octets = base64("by ncclient");
    const asked = { host: ADDRESS, port: 830, user: "admin", password: PASSWORD, octets };
    const out = await python(t, "ncclient", "keystore_ncclient.py", [], JSON.stringify(asked));
    if (out === undefined) return;
    t.diagnostic(out);
    assert.deepEqual(out.trimEnd().split("\n"), [
      ...["key: True", "neighbour: True", "commit: True", "told: True False"],
      "refused: data-missing instance-required at /semrd-router:router/semrd-bgp:bgp/semrd-bgp:neighbors/semrd-bgp:neighbor[semrd-bgp:address='fd00:ffff::9']/semrd-bgp:md5-key[.='with-r9']: md5-key: there is no /router/keystore/symmetric-keys/symmetric-key with the name with-r9",
      ...["both: True", "commit: True"],
    ]);
    assert.ok(!router.process.log.includes(octets));
    assert.ok(readFileSync(file("r1.json"), "utf8").includes(base64("between us")), "the file is as it was");
  });
});
