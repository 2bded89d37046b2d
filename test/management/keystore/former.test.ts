import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { formatIpv6 } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { withKeystore } from "../../../src/management/configuration/former-credentials.ts";
import {
  checkConfigCommand,
  checkConfiguration,
  openRouterManagement,
  parseConfiguration,
  type RouterConfiguration,
} from "../../../src/management/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { ListLog } from "../../sim/tally-metrics.ts";
import { ALL_FILES } from "../documents.ts";
import { certificate } from "../gnmi/gnmi-router.ts";
import { base64 } from "../stores.ts";
import { MemoryFiles, value } from "../transaction/world.ts";

/** As it was written before there was a keystore, with everything that has moved. */
const FORMER = readFileSync(new URL("former/r2.json", import.meta.url), "utf8");

const folder = mkdtempSync(path.join(tmpdir(), "semrd-former-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(path.join(folder, "jwks.json"), "");
for (const name of ["r2", "grpc", "netconf", "fib", "ca", "fib-ca"])
  await certificate(folder, name, ["-subj", `/CN=${name}`]);
const at = (name: string): string => path.join(folder, name);

const text = (octets: Uint8Array): string => new TextDecoder().decode(octets);

/** What of a configuration was elsewhere. */
function credentials({ bgp, registration, management, dataplane }: RouterConfiguration) {
  const { names: _, ...executor } = dataplane.executor?.tls ?? { names: undefined };
  return {
    md5: bgp!.neighbors.map(({ address, md5Keys }) => [
      formatIpv6(address),
      ...md5Keys.map(({ secret }) => text(secret.octets())),
    ]),
    ao: bgp!.neighbors.flatMap(({ aoKeys }) =>
      aoKeys.map(({ sendId, receiveId, algorithm, key }) => [
        ...[sendId, receiveId, algorithm, text(key.secret.octets())],
      ]),
    ),
    registration: registration.tls,
    grpc: management.grpc.tls,
    netconf: [management.netconf.tls!.certificateFile, management.netconf.tls!.clientCaFiles],
    executor,
  };
}

const WANTED = {
  md5: [["fd00:ffff::1", "of r1 ümlaut"], ["fd00:ffff::3", "of the core", "before", "long before"], ["fd00:ffff::4"]],
  ao: [
    [1, 2, "aes-128-cmac-96", "ao one"],
    [3, 4, "hmac-sha-1-96", "ao two"],
  ],
  registration: { certificateFile: at("r2.pem"), keyFile: at("r2.key") },
  grpc: { certificateFile: at("grpc.pem"), keyFile: at("grpc.key"), clientCaFiles: [at("ca.pem")] },
  netconf: [at("netconf.pem"), [at("ca.pem")]],
  executor: {},
};

describe("a configuration of before the keystore", () => {
  it("is read as what it says today", async () => {
    const moved: string[] = [];
    const parts = {
      files: ALL_FILES,
      moved: (all: readonly { path: string }[]) => moved.push(...all.map((one) => one.path)),
    };
    assert.deepEqual(credentials(await parseConfiguration(FORMER, folder, parts)), WANTED);
    const driven = JSON.parse(FORMER);
    driven["semrd-router:router"]["semrd-dataplane:dataplane"].driver = "fib-service";
    const { executor } = credentials(await parseConfiguration(JSON.stringify(driven), folder, parts));
    const files = { certificateFile: at("fib.pem"), keyFile: at("fib.key"), caFiles: [at("fib-ca.pem")] };
    assert.deepEqual(executor, { ...files, serverName: "card.example.net" });
    const last = moved.slice(0, moved.length / 2).map((one) => one.replace(/^\/semrd-router:router\//, ""));
    assert.equal(last.length, 18, last.join("\n"));
    assert.ok(last.includes("semrd-bgp:bgp/peer-groups/peer-group[name='core']/further-password"));
    assert.ok(last.includes("semrd-dataplane:dataplane/fib-service/tls/ca-file"));
  });

  it("starts a router, whose log says what was done; running, an earlier commit and the file are as they are written today", async () => {
    const other = JSON.parse(FORMER);
    other["semrd-router:router"].site.selector = 9;
    const entry = (id: number) => ({
      id,
      transactionId: `l-${id}`,
      time: 1,
      user: "a",
      protocol: "cli",
      source: "s",
      cause: "commit",
      changes: [],
      changeCount: 0,
    });
    const files = new Map([
      ["1.json", JSON.stringify(other)],
      ["2.json", FORMER],
      ["1.entry.json", JSON.stringify(entry(1))],
      ["2.entry.json", JSON.stringify(entry(2))],
      [
        "head.json",
        JSON.stringify({
          format: 1,
          lineage: "l",
          documents: [2, 1],
          entries: [2, 1],
          startup: { digest: "d", commit: 2 },
        }),
      ],
    ]);
    const log = new ListLog();
    let written = "";
    const startup = {
      path: "r2.json",
      read: async () => ({ text: written || FORMER, digest: written === "" ? "d" : "e", isOpen: true as const }),
      write: async (next: string) => {
        written = next;
        return "e";
      },
    };
    const commits = new MemoryFiles(files);
    await using management = await openRouterManagement({
      ...{ startup, folder, commits, clock: systemClock, random: new SeededRandom(1), log },
    });
    const { engine } = management;
    engine.attach([]);
    assert.deepEqual(credentials(engine.initial.inUse), WANTED);
    assert.equal(engine.log().length, 2, "nothing was committed for that");

    const session = engine.openSession({ user: "root", protocol: "cli", source: "test", isRecovery: true });
    const running = JSON.parse(value(await engine.get(session, "running", { format: "json" })).text);
    const router = running["semrd-router:router"];
    assert.deepEqual(router["semrd-bgp:bgp"]["peer-groups"]["peer-group"][0]["md5-key"], [
      ...["group-core", "group-core-2", "group-core-3"],
    ]);
    assert.deepEqual(router["semrd-registration:registration"].tls, {
      ...{ "asymmetric-key": "registration", certificate: "registration" },
    });
    // What differs between commits is what always did, and saving brings the file up to date.
    const changes = value(await engine.compare(session, 1, "running"));
    assert.deepEqual(
      changes.map(({ path }) => path),
      ["/semrd-router:router/site/selector"],
    );
    value(await engine.rollback(session, 1));
    value(await engine.commit(session));
    value(await engine.copy(session, "running", "startup"));
    assert.ok(written.includes(`"${base64("of the core")}"`));
    assert.equal(withKeystore(written), undefined);
    assert.equal(withKeystore(commits.files.get("3.json")!), undefined);

    const told = log.lines.filter(({ event }) => event === "management.credentials-moved");
    assert.deepEqual(
      told.map(({ fields }) => [fields?.source, fields?.count]),
      [
        ["r2.json", 18],
        ["2.json", 18],
        ["1.json", 18],
      ],
    );
    assert.ok(
      log.lines.some(({ event }) => event === "management.startup-open"),
      "others may read the file",
    );
    const all = JSON.stringify(log.lines);
    for (const secret of ["of the core", "of r1", "ao one", base64("of the core")]) assert.ok(!all.includes(secret));
  });

  it("check-config says what it is read as", async () => {
    const file = at("r2.json");
    writeFileSync(file, FORMER);
    const said: string[] = [];
    const output = { out: (line: string) => said.push(line), err: (line: string) => said.push(`! ${line}`) };
    assert.equal(await checkConfigCommand(file, output), 0);
    assert.equal(said.length, 19);
    assert.equal(
      said[0],
      `! ${file}: warning: /semrd-router:router/semrd-registration:registration/tls/certificate-file: credentials have moved, this is read as /semrd-router:router/semrd-keystore:keystore/asymmetric-keys/asymmetric-key[name='registration']`,
    );
    assert.equal(said.at(-1), `${file}: valid configuration of router r2`);
    const { valid, faults, warnings } = await checkConfiguration({ file });
    assert.deepEqual([valid, faults, warnings.length], [true, [], 18]);
    assert.deepEqual(
      warnings.map(({ path, reason }) => `! ${file}: warning: ${path}: ${reason}`),
      said.slice(0, -1),
    );
  });

  it("keeps what is there already, under names that are free", () => {
    const key = { name: "neighbor-::1", "cleartext-symmetric-key": base64("today's") };
    const router = {
      "semrd-keystore:keystore": { "symmetric-keys": { "symmetric-key": [key] } },
      "semrd-bgp:bgp": { neighbors: { neighbor: [{ address: "::1", password: 'it\'s "old"' }] } },
    };
    const { text: now } = withKeystore(JSON.stringify({ "semrd-router:router": router }))!;
    const { "semrd-keystore:keystore": store, "semrd-bgp:bgp": bgp } = JSON.parse(now)["semrd-router:router"];
    assert.deepEqual(store["symmetric-keys"]["symmetric-key"], [
      key,
      { name: "neighbor-::1-2", "cleartext-symmetric-key": base64('it\'s "old"') },
    ]);
    assert.deepEqual(bgp.neighbors.neighbor, [{ address: "::1", "md5-key": ["neighbor-::1-2"] }]);
  });

  it("is left alone where it is no configuration: any text, and any damage to one", () => {
    for (const none of ["", "{", '"password"', '{"password": 1}', '{"semrd-router:router": ["password"]}'])
      assert.equal(withKeystore(none), undefined, none);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: FORMER.length }), fc.string({ maxLength: 3 }), (cut, put) => {
        const damaged = `${FORMER.slice(0, cut)}${put}${FORMER.slice(cut + 1)}`;
        const now = withKeystore(damaged);
        if (now !== undefined)
          assert.equal(withKeystore(now.text)?.moved.some(({ path }) => path.endsWith("/password")) ?? false, false);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.jsonValue(), (any) => {
        const document = { "semrd-router:router": { "semrd-bgp:bgp": any, management: any, password: any } };
        withKeystore(JSON.stringify(document));
      }),
      { numRuns: 300 },
    );
  });
});
