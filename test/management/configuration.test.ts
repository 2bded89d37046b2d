import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { formatIpv6, fromHex, parseIpv6, seconds } from "../../src/base/index.ts";
import {
  ConfigurationError,
  type ConfigurationFault,
  checkConfigCommand,
  loadConfiguration,
  parseConfiguration,
} from "../../src/management/index.ts";
import { ALL_FILES, type Editable, edited, R2 } from "./documents.ts";
import { certificate } from "./gnmi/gnmi-router.ts";
import { INVALID } from "./invalid/index.ts";
import { keptYang } from "./kept-yang.ts";
import { LIBYANG, listed, placeOf } from "./listed.ts";
import { symmetricKeys } from "./stores.ts";

const PARTS = { yang: keptYang(), files: ALL_FILES };

async function faultsOf(text: string): Promise<readonly ConfigurationFault[]> {
  try {
    await parseConfiguration(text, "/etc/semrd", PARTS);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
  return [];
}

const ALL_SOURCES = { acceptTags: false, permittedSources: [], tenantSources: [] };

describe("a valid configuration", () => {
  it("comes out in the router's own words, with every default", async () => {
    const configuration = await parseConfiguration(R2, "/etc/semrd", PARTS);
    assert.equal(configuration.name, "r2");
    assert.equal(configuration.routerId, 0x0a000002);
    assert.deepEqual(configuration.domain, {
      dnsZone: "example.net",
      prefix: { address: parseIpv6("fd5e:3d00:1::"), length: 48 },
    });
    assert.deepEqual(configuration.site, { selector: 2, locator: parseIpv6("fd00:ffff::2") });
    assert.deepEqual(
      listed([...configuration.taxonomy.familyCodes]),
      listed([
        ["vision", 1],
        ["audio", 2],
      ]),
    );
    assert.deepEqual(
      configuration.taxonomy.capabilities.find(({ name }) => name === "/vision/ocr"),
      {
        name: "/vision/ocr",
        majorVersion: 1,
        description: "Text of a page image",
        servicePort: 80,
        protocol: "tcp",
      },
    );
    assert.deepEqual(configuration.tenants, [
      {
        name: "acme",
        index: 1,
        routeDistinguisher: fromHex("0000 fde8 00000001"),
        importTargets: [fromHex("0002 fde8 00000001")],
        exportTargets: [fromHex("0002 fde8 00000001")],
      },
    ]);
    assert.deepEqual(configuration.interfaces, [
      { name: "eth1", role: "core", tenantIndex: 0, hook: "auto", ...ALL_SOURCES },
      { name: "eth2", role: "agent", tenant: "acme", tenantIndex: 1, hook: "auto", ...ALL_SOURCES },
      { name: "eth3", role: "agent", tenant: "acme", tenantIndex: 1, hook: "auto", ...ALL_SOURCES },
    ]);
    assert.deepEqual(configuration.bgp, {
      localAs: 65000,
      address: parseIpv6("fd00:ffff::2"),
      port: 179,
      gracefulShutdown: false,
      gracefulRestart: { restartTime: 120 },
      brownfield: { gateway: false, labels: [] },
      neighbors: [1, 3].map((n) => ({
        address: parseIpv6(`fd00:ffff::${n}`),
        enabled: true,
        port: 179,
        minimumHoldTime: 0,
        idleHoldTime: 1,
        maximumBackOff: 120,
        nextHopSelf: false,
        nextHopUnchanged: false,
        thirdPartyNextHop: false,
        checkNextHop: true,
        enforceFirstAs: true,
        allowOwnAs: 0,
        md5Keys: [],
        aoKeys: [],
        remoteAs: 65000,
        kind: "internal",
        description: `r${n}`,
        holdTime: 3,
        connectRetry: 1,
        passive: false,
        families: [{ family: "capability" }],
        routeServerClient: false,
        softReconfiguration: false,
        reflectorClient: false,
        clientToClient: true,
        extendedMessages: true,
        enhancedRouteRefresh: true,
        importPolicy: [],
        exportPolicy: [],
      })),
      ranges: [],
    });
    assert.deepEqual(configuration.registration, {
      listen: [
        { address: "fd00:a:21::1", port: 8443 },
        { address: "fd00:a:22::1", port: 8443 },
      ],
      tls: { certificateFile: "/etc/semrd/r2.pem", keyFile: "/etc/semrd/r2.key" },
      issuers: [
        {
          name: "lab",
          issuer: "https://issuer.example.net",
          audience: "semrd",
          jwksFile: "/etc/semrd/jwks.json",
        },
      ],
      lease: { default: 300, minimum: 10, maximum: 86400 },
    });
    assert.deepEqual(configuration.agents[1], {
      id: "spiffe://example.net/acme/agent/ocr-b",
      tenant: "acme",
      instances: [
        {
          capability: "/vision/ocr",
          version: { major: 1, minor: 0 },
          endpoint: { address: parseIpv6("fd00:a:22::10"), port: 8080, protocol: "tcp" },
          servicePort: 80,
          weight: 10,
          labels: ["eu"],
          check: { type: "http", path: "/healthz", interval: 200, timeout: 150, fall: 2, rise: 1 },
        },
      ],
    });
    assert.deepEqual(configuration.discovery, { dns: { listen: [], ttl: 60 } });
    assert.deepEqual(configuration.dataplane, {
      driver: "auto",
      pinDirectory: "/sys/fs/bpf/semrd/r2",
      hashSeed: 1396789332,
      tunnelMtu: 1600,
      maxCapabilities: 65536,
      clampMss: false,
      tunnels: [],
    });
    assert.deepEqual(configuration.telemetry, { logLevel: "info", prometheus: { address: "::1", port: 9464 } });
    assert.equal(configuration.stateDirectory, "/var/lib/semrd/r2");
    assert.equal(configuration.management.controlSocket, "/run/semrd/r2.sock");
    assert.deepEqual(configuration.management.netconf.ssh.listen, []);
    assert.deepEqual(configuration.management.users, []);
  });

  it("of a route reflector: clients, cluster, and the nodes that it has no session with", async () => {
    const text = edited((router) => {
      router.nodes = { node: [{ locator: "fd00:ffff::9", name: "r9" }, { locator: "fd00:ffff::a" }] };
      router["semrd-bgp:bgp"]["cluster-id"] = "10.0.0.99";
      router["semrd-bgp:bgp"].neighbors.neighbor[0]["route-reflector-client"] = true;
    });
    const { nodes, bgp } = await parseConfiguration(text, "/", PARTS);
    assert.deepEqual(nodes, [
      { locator: parseIpv6("fd00:ffff::9"), name: "r9" },
      { locator: parseIpv6("fd00:ffff::a") },
    ]);
    assert.equal(bgp?.clusterId, 0x0a000063);
    assert.deepEqual(
      bgp?.neighbors.map(({ reflectorClient }) => reflectorClient),
      [true, false],
    );
  });

  it("of families: those that are named, with their bounds", async () => {
    const text = edited((router) => {
      const [first, second] = router["semrd-bgp:bgp"].neighbors.neighbor;
      first.families = {
        family: [
          {
            name: "ipv6-unicast",
            "maximum-routes": 5000,
            "restart-after": 300,
            "add-path": { send: "all", receive: true },
          },
          { name: "ipv4-unicast", "maximum-routes": 7, "warn-at": 50 },
          { name: "capability" },
        ],
      };
      second["remote-as"] = 65009;
      second["route-server-client"] = true;
    });
    const { bgp } = await parseConfiguration(text, "/", PARTS);
    assert.deepEqual(
      listed(bgp?.neighbors.map(({ families, routeServerClient }) => ({ families, routeServerClient }))),
      listed([
        {
          families: [
            {
              family: "ipv6-unicast",
              maximumRoutes: 5000,
              warnAtPercent: 75,
              restartAfter: 300,
              addPath: { send: "all", receive: true },
            },
            { family: "ipv4-unicast", maximumRoutes: 7, warnAtPercent: 50 },
            { family: "capability" },
          ],
          routeServerClient: false,
        },
        { families: [{ family: "capability" }], routeServerClient: true },
      ]),
    );
  });

  it("a member AS of a confederation", async () => {
    const text = edited((router) => {
      router["semrd-bgp:bgp"].confederation = { identifier: 64999, "member-as": [65101, 65102] };
    });
    const { bgp } = await parseConfiguration(text, "/", PARTS);
    assert.deepEqual(bgp?.confederation, { identifier: 64999, members: [65101, 65102] });
  });

  it("long-lived graceful restart is off unless it has a time", async () => {
    const text = edited((router) => {
      router["semrd-bgp:bgp"]["graceful-restart"] = { "long-lived-stale-time": 86400 };
    });
    const { bgp } = await parseConfiguration(text, "/", PARTS);
    assert.deepEqual(bgp?.gracefulRestart, { restartTime: 120, longLivedStaleTime: 86400 });
  });

  it("may be as short as the model allows", async () => {
    const text = edited((router) => {
      for (const name of Object.keys(router)) if (name.includes(":") || name === "management") delete router[name];
    });
    const configuration = await parseConfiguration(text, "/", PARTS);
    assert.equal(configuration.bgp, undefined);
    assert.equal(configuration.registration.tls, undefined);
    assert.deepEqual([configuration.tenants, configuration.agents, configuration.interfaces], [[], [], []]);
    assert.equal(configuration.management.controlSocket, "/run/semrd/semrd.sock");
    assert.equal(configuration.dataplane.tunnelMtu, 1500);
  });

  it("tunnels: what packets are wrapped in, and what is accepted", async () => {
    const text = edited((router) => {
      router["semrd-dataplane:dataplane"].tunnels = {
        tunnel: [
          { locator: "fd00:ffff::9", encapsulation: "segments", segment: ["fd00::2", "fd00::1"], vni: 9 },
          { locator: "fd00:ffff::a", encapsulation: "vxlan", vni: 16777215, "inner-mac": "02:00:5E:10:00:ff" },
        ],
      };
    });
    const { dataplane } = await parseConfiguration(text, "/", PARTS);
    assert.deepEqual(dataplane.tunnels, [
      {
        ...{ locator: parseIpv6("fd00:ffff::9"), encapsulation: "segments", vni: 9 },
        segments: [parseIpv6("fd00::2"), parseIpv6("fd00::1")],
      },
      {
        ...{ locator: parseIpv6("fd00:ffff::a"), encapsulation: "vxlan", segments: [], vni: 16777215 },
        innerMac: Uint8Array.of(2, 0, 0x5e, 0x10, 0, 0xff),
      },
    ]);
  });

  const BINDINGS: readonly {
    name: string;
    edit: (router: Editable) => void;
    got: (c: Loaded) => unknown;
    want: unknown;
  }[] = [
    {
      name: "hold time 0 is no hold time",
      edit: (router) => {
        router["semrd-bgp:bgp"]["hold-time"] = 0;
      },
      got: ({ bgp }) => bgp!.neighbors.map(({ holdTime }) => holdTime),
      want: [undefined, undefined],
    },
    {
      name: "a neighbour's own times win, and keep the others' keepalive time out",
      edit: (router) => {
        Object.assign(router["semrd-bgp:bgp"], { "hold-time": 90, "keepalive-time": 20 });
        router["semrd-bgp:bgp"].neighbors.neighbor[0]["hold-time"] = 6;
      },
      got: ({ bgp }) => bgp!.neighbors.map(({ holdTime, keepaliveTime }) => [holdTime, keepaliveTime]),
      want: [
        [seconds(6), undefined],
        [seconds(90), seconds(20)],
      ],
    },
    {
      name: "graceful restart can be off",
      edit: (router) => {
        router["semrd-bgp:bgp"]["graceful-restart"].enabled = false;
      },
      got: ({ bgp }) => bgp!.gracefulRestart,
      want: undefined,
    },
    {
      name: "a neighbour of another AS is external",
      edit: (router) => {
        Object.assign(router["semrd-bgp:bgp"].neighbors.neighbor[0], { "remote-as": 65001, "ttl-security-hops": 1 });
      },
      got: ({ bgp }) => [bgp!.neighbors[0]!.kind, bgp!.neighbors[0]!.ttlSecurityHops],
      want: ["external", 1],
    },
    {
      name: "metrics can be off",
      edit: (router) => {
        router["semrd-telemetry:telemetry"].prometheus = { enabled: false };
      },
      got: ({ telemetry }) => telemetry,
      want: { logLevel: "info" },
    },
    {
      name: "an HTTP check without a path asks for /",
      edit: (router) => {
        router["semrd-agent:agents"].agent[0].capability[0]["health-check"] = { type: "http" };
      },
      got: ({ agents }) => agents[0]!.instances[0]!.check,
      want: { type: "http", path: "/", interval: 1000, timeout: 500, fall: 2, rise: 1 },
    },
    {
      name: "names may carry the module of their parent again (RFC 7951 §4)",
      edit: (router) => {
        router["semrd-router:site"] = router.site;
        delete router.site;
      },
      got: ({ site }) => site.selector,
      want: 2,
    },
  ];
  type Loaded = Awaited<ReturnType<typeof parseConfiguration>>;
  for (const { name, edit, got, want } of BINDINGS)
    it(name, async () => assert.deepEqual(got(await parseConfiguration(edited(edit), "/", PARTS)), want));

  it("never shows a password", async () => {
    const password = "correct-horse";
    const text = edited((router) => {
      Object.assign(router["semrd-keystore:keystore"], symmetricKeys({ r1: password }));
      router["semrd-bgp:bgp"].neighbors.neighbor[0]["md5-key"] = ["r1"];
    });
    const configuration = await parseConfiguration(text, "/", PARTS);
    const { secret } = configuration.bgp!.neighbors[0]!.md5Keys[0]!;
    assert.equal(new TextDecoder().decode(secret.octets()), password);
    for (const shown of [
      inspect(configuration, { depth: 9 }),
      JSON.stringify(configuration, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
      `${secret}`,
    ])
      assert.ok(!shown.includes(password), shown);
  });
});

/** A fault as it is whichever libyang found it: without its line, which has a test of its own. */
function plain({ line: _, ...fault }: ConfigurationFault): ConfigurationFault {
  const { path: where, value } = fault;
  const address = LIBYANG < 3 || value === undefined ? undefined : parseIpv6(value.replaceAll('"', ""));
  return {
    ...fault,
    ...(where === undefined ? {} : { path: placeOf(where) }),
    ...(address === undefined ? {} : { value: JSON.stringify(formatIpv6(address)) }),
  };
}

describe("a configuration that is not valid", () => {
  for (const { name, edit, want } of INVALID)
    it(name, async () => {
      const faults = await faultsOf(edited(edit));
      assert.deepEqual(listed(faults.map(plain)), listed(want.map(plain)));
    });

  for (const [what, password] of [
    ["a password", "correct horse battery staple"],
    ["a hash that is cut", "$scrypt$ln=15,r=8,p=1$AAECAwQFBgcICQoLDA0ODw"],
    ["a password that is too long", "horse".repeat(60)],
    ["a number", 4711_0815],
    ["an object", { correct: "horse battery" }],
  ] as const)
    it(`tells nobody ${what} that stands where the hash of a password belongs`, async () => {
      const text = edited((router) => {
        router.management["semrd-access:users"] = { user: [{ name: "alice", "password-hash": password }] };
      });
      const faults = await faultsOf(text);
      assert.equal(faults.length, 1);
      assert.match(faults[0]!.path!, /user\[name='alice'\]\/password-hash$/);
      const said = new ConfigurationError(faults, "semrd.json").lines().join("\n") + JSON.stringify(faults);
      assert.doesNotMatch(said, /horse|4711|ICQoLDA0/);
    });

  it("says the line of each fault", async () => {
    const text = edited((router) => {
      router.site.selector = 0;
      router["semrd-dataplane:dataplane"]["tunnel-mtu"] = 1000;
    });
    const lines = text.split("\n");
    const faults = await faultsOf(text);
    assert.deepEqual(
      faults.map(({ line }) => lines[line! - 1]!.trim()),
      ['"selector": 0,', '"tunnel-mtu": 1000'],
    );
  });

  it("does not look for faults without end", async () => {
    const text = edited((router) => {
      router["semrd-taxonomy:taxonomy"].family = Array.from({ length: 80 }, (_, i) => ({ label: `f${i}`, code: 0 }));
    });
    const faults = await faultsOf(text);
    assert.equal(faults.length, 51);
    assert.deepEqual(faults.at(-1), { reason: "only the first 50 faults were looked for", tag: "more-faults" });
  });

  const SYNTAX = [
    {
      name: "a comma before a brace",
      text: '{"semrd-router:router": {\n  "name": "r",\n}}',
      line: 3,
      reason: 'not JSON: column 1: a member name in quotes is expected here, not "}"',
    },
    {
      name: "a name twice",
      text: '{"a": 1,\n "a": 2}',
      line: 2,
      reason: 'not JSON: column 2: a second member "a" in the same object',
    },
    {
      name: "nothing",
      text: "",
      line: 1,
      reason: "not JSON: column 1: a value is expected here, not the end of the text",
    },
    {
      name: "a string over two lines",
      text: '["a\nb"]',
      line: 1,
      reason: "not JSON: column 4: a string that is not closed on its line",
    },
    {
      name: "more behind the end",
      text: "{}\n{}",
      line: 2,
      reason: 'not JSON: column 1: the end of the text is expected here, not "{"',
    },
  ];
  for (const { name, text, line, reason } of SYNTAX)
    it(`is no JSON: ${name}`, async () => assert.deepEqual(await faultsOf(text), [{ line, reason, tag: "syntax" }]));
});

describe("a configuration file", () => {
  it("that is not there, a folder, or names files that are not there", async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), "semrd-configuration-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = path.join(folder, "r2.json");
    const linesOf = async (name: string): Promise<readonly string[]> => {
      try {
        await loadConfiguration(name);
        return [];
      } catch (error) {
        assert.ok(error instanceof ConfigurationError, String(error));
        assert.equal(error.code, "configuration.invalid");
        return error.lines();
      }
    };
    assert.deepEqual(await linesOf(file), [
      `${file}: there is no such configuration file: check the path, or make the file`,
    ]);
    assert.deepEqual(await linesOf(folder), [`${folder}: a folder, where a configuration file is expected`]);

    await writeFile(file, R2);
    await writeFile(path.join(folder, "r2.pem"), "");
    const registration = "/semrd-router:router/semrd-registration:registration";
    const keystore = "/semrd-router:router/semrd-keystore:keystore";
    assert.deepEqual(await linesOf(file), [
      `${file}:53: ${keystore}/asymmetric-keys/asymmetric-key[name='r2']/private-key-file is "r2.key": there is no such key: check the path, or make the file (${folder}/r2.key)`,
      `${file}:67: ${registration}/issuer[name='lab']/jwks-file is "jwks.json": there is no such key set: check the path, or make the file (${folder}/jwks.json)`,
    ]);

    await certificate(folder, "r2", ["-subj", "/CN=r2"]);
    await writeFile(path.join(folder, "jwks.json"), "");
    const said: string[] = [];
    const output = { out: (line: string) => said.push(line), err: (line: string) => said.push(`! ${line}`) };
    assert.equal(await checkConfigCommand(file, output), 0);
    await writeFile(file, R2.replace('"selector": 2', '"selector": 0'));
    assert.equal(await checkConfigCommand(file, output), 78);
    assert.deepEqual(said, [
      `${file}: valid configuration of router r2`,
      `! ${file}:6: /semrd-router:router/site/selector is 0: a site selector is 1 to 65534; 0 stands for any site`,
      `! ${file}: 1 fault`,
    ]);
  });

  it("that names key pairs that are none", async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), "semrd-configuration-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = path.join(folder, "r2.json");
    await writeFile(file, R2);
    await writeFile(path.join(folder, "jwks.json"), "");
    for (const name of ["own", "other"]) await certificate(folder, name, ["-subj", `/CN=${name}`]);
    const read = async (name: string): Promise<string> => readFile(path.join(folder, name), "utf8");
    const [pem, key, other] = [await read("own.pem"), await read("own.key"), await read("other.key")];
    const shape = { type: "pkcs8", format: "pem" } as const;
    const locked = createPrivateKey(key).export({ ...shape, cipher: "aes-128-cbc", passphrase: "x" }) as string;
    const shown = createPublicKey(key).export({ type: "spki", format: "pem" }) as string;
    const broken = pem.replace(/\n[^-]*\n/, "\nAAAA\n");
    const said: string[] = [];
    const output = { out: (line: string) => said.push(line), err: (line: string) => said.push(line) };
    const KEY = 'is "r2.key": ';
    const PEM = 'is "r2.pem": ';
    for (const [what, inPem, inKey, wanted] of [
      ["a pair", pem, key, undefined],
      ["a chain", `${pem}${await read("other.pem")}`, key, undefined],
      ["both in each file", `${pem}${key}`, `${pem}${key}`, undefined],
      ["another key", pem, other, `${PEM}the certificate does not belong to the private key of this entry`],
      ["a certificate for a key", pem, pem, `${KEY}a certificate, where a private key is expected`],
      ["a public key", pem, shown, `${KEY}a public key, where a private key is expected`],
      ["an encrypted key", pem, locked, `${KEY}the private key is encrypted`],
      ["an empty key", pem, "", `${KEY}no private key in PEM that can be used`],
      ["a key for a certificate", key, key, `${PEM}a private key, where a certificate is expected`],
      ["no certificate", "none", key, `${PEM}no certificate in PEM that can be used`],
      ["a broken certificate", broken, key, `${PEM}no certificate in PEM that can be used`],
      ["a broken chain", `${pem}${broken}`, key, `${PEM}no certificate in PEM that can be used`],
      ["something large", pem + "x".repeat(1 << 20), key, `${PEM}the certificate cannot be read`],
    ] as const) {
      await writeFile(path.join(folder, "r2.pem"), inPem);
      await writeFile(path.join(folder, "r2.key"), inKey);
      said.length = 0;
      assert.equal(await checkConfigCommand(file, output), wanted === undefined ? 0 : 78, what);
      const [first = "", ...more] = said;
      assert.ok(first.includes(wanted ?? "valid configuration"), `${what}: ${first}`);
      assert.deepEqual(more, wanted === undefined ? [] : [`${file}: 1 fault`], what);
      if (wanted === undefined) continue;
      assert.ok(first.includes("asymmetric-key[name='r2']/"), first);
      assert.ok(first.endsWith(`(${path.join(folder, wanted.startsWith(KEY) ? "r2.key" : "r2.pem")})`), first);
    }

    await writeFile(path.join(folder, "r2.pem"), pem);
    await writeFile(path.join(folder, "r2.key"), key);
    const trusting = JSON.parse(R2);
    const bag = { name: "operators", certificate: [{ name: "first", "certificate-file": "first.pem" }] };
    trusting["semrd-router:router"]["semrd-truststore:truststore"] = {
      "certificate-bags": { "certificate-bag": [bag] },
    };
    await writeFile(file, JSON.stringify(trusting));
    const FIRST = "certificate-bag[name='operators']/certificate[name='first']/certificate-file is \"first.pem\": ";
    for (const [what, text, wanted] of [
      ["an authority", pem, undefined],
      ["a text around two", `one\n${pem}another\n${pem}`, undefined],
      ["nobody", "", "no certificate in PEM, where certificates of authorities are expected"],
      ["a key", key, "a private key, where certificates of authorities are expected"],
      ["a damaged one", `${pem}${broken}`, "the certificate at place 2 of 2 is damaged"],
      ["nothing that is a file", undefined, "there is no such certificate: check the path"],
    ] as const) {
      if (text === undefined) await rm(path.join(folder, "first.pem"));
      else await writeFile(path.join(folder, "first.pem"), text);
      said.length = 0;
      assert.equal(await checkConfigCommand(file, output), wanted === undefined ? 0 : 78, what);
      const [first = "", ...more] = said;
      assert.ok(
        first.includes(wanted === undefined ? "valid configuration" : `${FIRST}${wanted}`),
        `${what}: ${first}`,
      );
      assert.deepEqual(more, wanted === undefined ? [] : [`${file}: 1 fault`], what);
    }
    await writeFile(file, R2);

    // Time may put that right, or has put it wrong: it is said, and is no fault.
    await writeFile(path.join(folder, "r2.pem"), pem);
    await writeFile(path.join(folder, "r2.key"), key);
    const day = 86_400_000;
    for (const [days, wanted] of [
      [-1, /^.*\/certificate-file: the certificate .*r2\.pem begins at .* only: check it/],
      [31, /^.*\/certificate-file: the certificate .*r2\.pem ended at .*: put a new one/],
    ] as const) {
      said.length = 0;
      t.mock.timers.enable({ apis: ["Date"], now: Date.now() + days * day });
      assert.equal(await checkConfigCommand(file, output), 0);
      t.mock.timers.reset();
      assert.match(said[0]!, wanted);
      assert.deepEqual([said[0]!.startsWith(`${file}: warning: `), said.length], [true, 2]);
    }
  });
});
