import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { request } from "node:http";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type Said, semrctl } from "../../cli/in-process.ts";
import {
  ADDRESS,
  type GnmiClient,
  type GnmiRouter,
  gnmiPath,
  PASSWORD,
  refusal,
  startGnmiRouter,
  update,
} from "../gnmi/gnmi-router.ts";
import { NACM } from "../nacm/roles.ts";
import { readReply } from "../netconf/oracle.ts";
import { RawClient } from "../netconf/raw-client.ts";
import { OWN_PORT } from "../own-port.ts";
import { base64, stores } from "../stores.ts";

/*
 * Every secret has a canary in it, and whatever any door says about it, to whoever may do everything, is searched for it: as
 * text, as base64 and as hexadecimal digits.
 */

const WITH_KEYS = "urn:semrd:yang:semrd-keystore";
const ROUTER_NS = "urn:semrd:yang:semrd-router";
const KEYS = "/router/keystore/symmetric-keys";
const canaries: string[] = [];

/** A new secret, known as such from now on. */
function canary(): string {
  const text = `canary${randomBytes(9).toString("hex")}`;
  canaries.push(text);
  return text;
}

/** How a canary looks. */
const looks = (text: string): readonly string[] => [
  text,
  // Without its end, which is different where something follows.
  base64(text).replace(/=+$/, "").slice(0, -1),
  Buffer.from(text).toString("hex"),
];

/** What was said, with where, so that a test that looks at nothing is noticed. */
let said = 0;
function clean(where: string, text: string): string {
  said++;
  for (const one of canaries)
    for (const look of looks(one)) {
      const at = text.indexOf(look);
      assert.ok(at < 0, `${where} tells a secret: …${text.slice(Math.max(0, at - 200), at + 40)}…`);
    }
  return text;
}

const keystoreXml = (inside: string): string =>
  `<router xmlns="${ROUTER_NS}"><keystore xmlns="${WITH_KEYS}"><symmetric-keys>${inside}</symmetric-keys></keystore></router>`;
const keyXml = (name: string, text: string): string =>
  keystoreXml(
    `<symmetric-key><name>${name}</name><cleartext-symmetric-key>${text}</cleartext-symmetric-key></symmetric-key>`,
  );
const edit = (inside: string, more = ""): string =>
  `<edit-config><target><candidate/></target>${more}<config>${inside}</config></edit-config>`;

describe("secrets of the keystore are told by no door", () => {
  let router: GnmiRouter;
  let netconf: RawClient;
  let watcher: RawClient;
  let gnmi: GnmiClient;
  let privateKey: string;

  before(async () => {
    const keys = { first: canary(), second: canary(), unused: canary() };
    router = await startGnmiRouter(
      {},
      {
        ...stores({ pairs: { server: ["server.pem", "server.key"] }, keys }),
        "semrd-telemetry:telemetry": { prometheus: { enabled: false }, "log-level": "debug" },
        "semrd-bgp:bgp": {
          ...{ "local-as": 65000, address: "::1", port: OWN_PORT },
          neighbors: { neighbor: [{ address: "fd00:ffff::9", "remote-as": 65000, "md5-key": ["first", "second"] }] },
        },
      },
      {
        nacm: NACM,
        management: { "semrd-netconf:netconf": { ssh: { listen: [{ address: ADDRESS, port: 830 }] } } },
      },
    );
    const login = { host: ADDRESS, port: 830, username: "admin", password: PASSWORD };
    netconf = await RawClient.open(login);
    watcher = await RawClient.open(login);
    const subscribed = await watcher.rpc(
      '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>',
    );
    assert.ok(readReply(subscribed).ok, subscribed);
    gnmi = router.client();
    // A line from the middle of the PEM.
    privateKey = (await readFile(path.join(router.folder, "server.key"), "utf8")).split("\n")[1]!;
  });
  after(async () => {
    await netconf?.[Symbol.asyncDispose]();
    await watcher?.[Symbol.asyncDispose]();
    await router?.[Symbol.asyncDispose]();
  });

  const ctl = (args: readonly string[], script = ""): Promise<Said> =>
    semrctl(["--socket", router.process.socket, ...args], script);
  const ran = async (args: readonly string[], script = ""): Promise<string> => {
    const { out, err } = await ctl(args, script);
    return clean(`semrctl ${args.join(" ")}`, out + err);
  };
  const asked = async (operation: string): Promise<string> => clean(operation, await netconf.rpc(operation));
  const done = async (operation: string): Promise<void> => {
    const reply = await asked(operation);
    assert.ok(readReply(reply).ok, reply);
  };

  it("NETCONF: get, get-config, get-data, with every filter and all defaults", async () => {
    const subtree = (inside: string): string => `<filter type="subtree">${keystoreXml(inside)}</filter>`;
    const nmda = 'xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"';
    const ds = 'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"';
    const filters = [
      "",
      subtree("<symmetric-key/>"),
      subtree("<symmetric-key><cleartext-symmetric-key/></symmetric-key>"),
    ];
    const xpath = `<filter type="xpath" xmlns:k="${WITH_KEYS}" select="//k:cleartext-symmetric-key | //k:symmetric-key"/>`;
    const modes = ["report-all", "report-all-tagged", "trim", "explicit"].map(
      (mode) => `<with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">${mode}</with-defaults>`,
    );
    for (const source of ["running", "candidate", "startup"]) {
      for (const filter of [...filters, xpath]) {
        const reply = await asked(`<get-config><source><${source}/></source>${filter}</get-config>`);
        if (!filter.includes("<cleartext")) assert.match(reply, /<name>unused<\/name>/, reply.slice(0, 400));
      }
      for (const mode of modes) await asked(`<get-config><source><${source}/></source>${mode}</get-config>`);
    }
    for (const filter of [...filters, xpath]) await asked(`<get>${filter}</get>`);
    for (const datastore of ["running", "intended", "operational", "candidate", "startup"])
      for (const more of ["", "<with-origin/>"].slice(0, datastore === "operational" ? 2 : 1)) {
        const reply = await asked(`<get-data ${nmda} ${ds}><datastore>ds:${datastore}</datastore>${more}</get-data>`);
        assert.match(reply, /<name>unused<\/name>/);
      }
    // A filter by value finds nothing, whether the value is right or not.
    const right = subtree(
      `<symmetric-key><name/><cleartext-symmetric-key>${base64(canaries[2]!)}</cleartext-symmetric-key></symmetric-key>`,
    );
    const reply = await netconf.rpc(`<get-config><source><running/></source>${right}</get-config>`);
    assert.doesNotMatch(reply, /unused/);
    const probing = `<filter type="xpath" xmlns:k="${WITH_KEYS}" select="//k:symmetric-key[starts-with(k:cleartext-symmetric-key, 'Y')]"/>`;
    assert.doesNotMatch(await netconf.rpc(`<get-config><source><running/></source>${probing}</get-config>`), /unused/);
  });

  it("gNMI: Get, Subscribe, the words of origin cli, history", async () => {
    for (const encoding of ["JSON_IETF", "JSON", "PROTO"])
      for (const at of ["/", "/router/keystore", KEYS, `${KEYS}/symmetric-key[name=first]`]) {
        const answer = await gnmi.get([at], { encoding }).catch((cause: Error) => cause.message);
        clean(`Get ${encoding} ${at}`, shown(answer));
      }
    const leaf = `${KEYS}/symmetric-key[name=first]/cleartext-symmetric-key`;
    const own = await gnmi.get([leaf], {}).catch((cause: Error) => cause.message);
    clean(`Get ${leaf}`, shown(own));
    for (const encoding of ["JSON_IETF", "PROTO"]) {
      const once = gnmi.subscribe({
        mode: "ONCE",
        encoding,
        subscription: ["/", leaf].map((at) => ({ path: gnmiPath(at) })),
      });
      await once.over();
      assert.ok(once.has(`${KEYS}/symmetric-key[name=first]/name`), "the key itself is there");
      clean(`Subscribe ONCE ${encoding}`, shown(once.responses));
    }
    const past = gnmi.subscribe({ mode: "ONCE", subscription: [{ path: gnmiPath("/router") }] }, [
      { history: { snapshot_time: String(BigInt(Date.now()) * 1_000_000n) } } as never,
    ]);
    await past.over();
    assert.ok(past.has(`${KEYS}/symmetric-key[name=first]/name`), "what ran then has the key, too");
    clean("Subscribe with history", shown(past.responses));
    const words = { origin: "cli", elem: [] };
    const cli = await gnmi.call("Get", { path: [words], encoding: "ASCII" });
    clean("Get of origin cli", shown(cli));
    assert.match(cli.notification[0].update[0].val.ascii_val, /md5-key/);
  });

  it("changes: what is told of an edit, a commit and a roll-over by each door, and of what is refused", async () => {
    const stream = gnmi.subscribe({
      mode: "STREAM",
      subscription: [{ path: gnmiPath("/router"), mode: "ON_CHANGE" }],
    });
    await stream.synced();

    await done(edit(keyXml("first", base64(canary()))));
    assert.match(await ran(["config", "compare", "running", "candidate"]), /cleartext-symmetric-key/);
    await done("<validate><source><candidate/></source></validate>");
    await done("<commit/>");
    await gnmi.set({
      update: [
        update(`${KEYS}/symmetric-key[name=made]`, { name: "made", "cleartext-symmetric-key": base64(canary()) }),
      ],
    });
    await gnmi.set({ update: [update(`${KEYS}/symmetric-key[name=made]/cleartext-symmetric-key`, base64(canary()))] });
    const line = `set keystore symmetric-keys symmetric-key typed cleartext-symmetric-key ${base64(canary())}`;
    const session = await ran(["configure"], `${line}\nshow\nshow | compare\ncommit\nshow keystore\n`);
    assert.match(session, /typed/);
    await stream.until(() => stream.has(`${KEYS}/symmetric-key[name=typed]/name`), "the new key");
    clean("Subscribe STREAM", shown(stream.responses));
    stream.cancel();

    for (const [operation, tag] of [
      [edit(keyXml("bad", `${canary()}!`)), "invalid-value"],
      [
        edit(keyXml("first", base64(canary())).replaceAll("cleartext-symmetric-key", "cleartext-key")),
        "unknown-element",
      ],
      [
        edit(
          keyXml("first", base64(canary())).replace(
            "<symmetric-key>",
            '<symmetric-key xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0" n:operation="create">',
          ),
        ),
        "data-exists",
      ],
    ] as const) {
      const reply = await asked(operation);
      assert.equal(readReply(reply).errors[0]?.tag, tag, reply);
    }
    for (const value of [`${canary()}!`, { inside: canary() }, 7]) {
      const { details } = await refusal(
        gnmi.set({ update: [update(`${KEYS}/symmetric-key[name=first]/cleartext-symmetric-key`, value)] }),
      );
      clean("a refused Set", details);
    }
    await ran(["configure"], `${line.replace(/ \S*$/, ` ${canary()}!`)}\ncommit\n`);
    const [leaf] = [`${KEYS}/symmetric-key[name=first]/cleartext-symmetric-key`];
    const own = leaf!.replace("[name=first]", "[name='first']");
    const refused = await ctl(["config", "set", own, `${canary()}!`]);
    assert.notEqual(refused.exitCode, 0);
    clean("semrctl config set", refused.out + refused.err);
    for (const value of [`"${canary()}`, `${canary()} more`, `${canary()}!`]) {
      const lines = `${line.replace(/ \S*$/, "")} ${value}`;
      const set = { path: { origin: "cli", elem: [] }, val: { ascii_val: lines } };
      clean("a refused Set of origin cli", (await refusal(gnmi.set({ update: [set] }))).details);
      assert.notEqual((await ctl(["configure"], `${lines}\ncommit\n`)).exitCode, 0);
      await ran(["configure"], `${lines}\ncommit\n`);
    }
    await ran(["config", "discard"]);
  });

  it("semrctl, the control socket, the log of commits, a rollback", async () => {
    for (const datastore of ["running", "candidate", "startup", "operational"])
      assert.match(await ran(["config", "show", "--datastore", datastore]), /symmetric-key/);
    for (const args of [
      ["config", "log"],
      ["--json", "config", "log"],
      ["config", "compare", "1", "running"],
      ["--json", "config", "compare", "1", "running"],
      ["config", "status"],
      ["show", "peers", "--detail"],
      ["--json", "show", "peers"],
      ["show", "events"],
      ["explain", "/vision/ocr", "--tenant", "acme"],
      ["dump", "help"],
    ])
      await ran(args);
    assert.match(await ran(["config", "compare", "1", "running"]), /\*\*\*/);
    for (const where of [
      "",
      "?datastore=startup",
      "?defaults=report-all",
      "?path=/semrd-router:router/semrd-keystore:keystore",
    ])
      assert.match(clean(`GET /v1/config${where}`, await got(router, `/v1/config${where}`)), /symmetric-key/);
    clean("GET /v1/config/log", await got(router, "/v1/config/log"));
    await ran(["config", "rollback", "1"]);
    await ran(["config", "compare", "running", "candidate"]);
    await ran(["config", "commit"]);
    clean("GET of an earlier commit", await got(router, "/v1/config/compare?before=1&after=2"));
  });

  it("notifications, and the log of the router", async () => {
    await done("<commit/>");
    const told: string[] = [];
    // The sixth change of the tests before.
    while (told.filter((text) => text.includes("netconf-config-change")).length < 4) told.push(await watcher.answer());
    clean("notifications", told.join("\n"));
    assert.match(told.join(), /symmetric-key/);
    assert.ok(router.process.log.length > 1_000);
    const log = clean("the log", router.process.log);
    assert.ok(!log.includes(privateKey));
  });

  it("on disk only the router's owner reads them, and a saved startup file has them", async () => {
    const folder = path.join(router.folder, "r1", "configuration");
    const files = await readdir(folder);
    assert.ok(files.length > 5, String(files));
    for (const name of files) {
      const { mode } = await stat(path.join(folder, name));
      assert.equal(mode & 0o777, 0o600, name);
      if (name.endsWith("entry.json")) clean(name, await readFile(path.join(folder, name), "utf8"));
    }
    const text = (await Promise.all(files.map((name) => readFile(path.join(folder, name), "utf8")))).join("");
    assert.ok(text.includes(base64(canaries[2]!)), "they are kept, so what was searched is not empty");
    await ran(["config", "save"]);
    assert.ok((await readFile(path.join(router.folder, "r1.json"), "utf8")).includes(base64(canaries[2]!)));
    await done("<copy-config><target><candidate/></target><source><startup/></source></copy-config>");
    await done("<validate><source><candidate/></source></validate>");
    assert.ok(said > 80, `only ${said} answers were looked at`);
  });
});

/** Whatever is in it, as text: buffers too. */
function shown(value: unknown): string {
  return JSON.stringify(value, (_, one) => {
    if (one?.type === "Buffer" && Array.isArray(one.data)) return Buffer.from(one.data).toString("latin1");
    return one;
  });
}

function got(router: GnmiRouter, where: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: router.process.socket, path: where }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more) => (text += more));
      response.on("end", () => resolve(text));
    });
    asked.on("error", reject).end();
  });
}
