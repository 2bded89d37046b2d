import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../../src/host/index.ts";
import { type Model, parsePath, type Tree } from "../../../src/management/datastore/index.ts";
import { KeptSecrets } from "../../../src/management/transaction/kept-secrets.ts";
import { semrctl } from "../../cli/in-process.ts";
import {
  ADDRESS,
  type GnmiClient,
  type GnmiRouter,
  gnmiPath,
  json,
  PASSWORD,
  refusal,
  sentValue,
  startGnmiRouter,
  update,
} from "../gnmi/gnmi-router.ts";
import { readReply } from "../netconf/oracle.ts";
import { RawClient } from "../netconf/raw-client.ts";
import { base64, stores } from "../stores.ts";

/*
 * What is read has no octets of keys in it. Written back with something else changed, or under another name, by each door: what
 * was committed is read from the disk.
 */

const KEY = "/router/keystore/symmetric-keys/symmetric-key";
const LEAF = "/semrd-router:router/semrd-keystore:keystore/symmetric-keys/symmetric-key/cleartext-symmetric-key";
const STORE = "urn:semrd:yang:semrd-keystore";
const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0";
const ROUTER = "semrd-router:router";
const KEYS = { first: base64("of the first"), second: base64("of the second") };
const ORDINARY = ["admin", "reader"];

// biome-ignore lint/suspicious/noExplicitAny: a configuration as somebody's tool has it
type Document = any;

describe("octets that nobody is told stay where an entry is replaced without them", () => {
  let router: GnmiRouter;
  let gnmi: GnmiClient;
  let netconf: RawClient;
  /** May do everything but read or write octets. */
  let reader: RawClient;
  let folder: string;

  before(async () => {
    const octets = { path: LEAF, action: "deny", name: "no octets" } as const;
    router = await startGnmiRouter(
      {},
      stores({
        pairs: { server: ["server.pem", "server.key"] },
        keys: { first: "of the first", second: "of the second" },
      }),
      {
        nacm: {
          groups: { group: ORDINARY.map((name) => ({ name, "user-name": [name] })) },
          "rule-list": [
            { name: "admin", group: ["admin"], rule: [{ name: "all", action: "permit" }] },
            { name: "reader", group: ["reader"], rule: [octets, { name: "all", action: "permit" }] },
          ],
        },
        management: { "semrd-netconf:netconf": { ssh: { listen: [{ address: ADDRESS, port: 830 }] } } },
      },
    );
    folder = path.join(router.folder, "r1", "configuration");
    gnmi = router.client();
    const login = { host: ADDRESS, port: 830, password: PASSWORD };
    netconf = await RawClient.open({ ...login, username: "admin" });
    reader = await RawClient.open({ ...login, username: "reader" });
  });
  after(async () => {
    await netconf?.[Symbol.asyncDispose]();
    await reader?.[Symbol.asyncDispose]();
    await router?.[Symbol.asyncDispose]();
  });

  /** What runs, as it is kept. */
  const committed = async (): Promise<Document> => {
    const { documents } = JSON.parse(await readFile(path.join(folder, "head.json"), "utf8"));
    const names = (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name)).map((name) => parseInt(name, 10));
    const newest = Math.max(...(documents ?? names));
    return JSON.parse(await readFile(path.join(folder, `${newest}.json`), "utf8"))[ROUTER];
  };
  const keysIn = (configuration: Document): Record<string, string> =>
    Object.fromEntries(
      configuration["semrd-keystore:keystore"]["symmetric-keys"]["symmetric-key"].map((key: Document) => [
        key.name,
        key["cleartext-symmetric-key"],
      ]),
    );
  /** The domain's name too, so that it is seen that the edit was made. */
  const now = async (): Promise<[string, Record<string, string>]> => {
    const configuration = await committed();
    return [configuration.domain["dns-zone"], keysIn(configuration)];
  };
  const done = async (client: RawClient, operation: string): Promise<string> => {
    const reply = await client.rpc(operation);
    assert.ok(readReply(reply).ok, reply);
    return reply;
  };
  const refusedWith = async (client: RawClient, operation: string) => {
    const { ok, errors, messages } = readReply(await client.rpc(operation));
    assert.equal(ok, false, operation);
    return { tags: errors.map(({ tag }) => tag), message: messages.join(" ") };
  };
  /** The configuration as one reads it. */
  const xml = async (client: RawClient, from = "running"): Promise<string> => {
    const reply = await client.rpc(`<get-config><source><${from}/></source></get-config>`);
    const data = /<data[^>]*>(.*)<\/data>/s.exec(reply)?.[1];
    assert.ok(data?.includes("<name>first</name>") === true, reply);
    assert.ok(!data.includes("<cleartext"), "octets are not told");
    return data;
  };
  const zone = (text: string, to: string): string => {
    const changed = text.replace(/(<dns-zone>)[^<]*/, `$1${to}`);
    assert.notEqual(changed, text);
    return changed;
  };
  const replacing = (config: string): string =>
    `<edit-config><target><candidate/></target><default-operation>replace</default-operation><config>${config}</config></edit-config>`;
  const copying = (config: string, to = "candidate"): string =>
    `<copy-config><target><${to}/></target><source><config>${config}</config></source></copy-config>`;
  const keystore = (inside: string): string =>
    `<router xmlns="urn:semrd:yang:semrd-router"><keystore xmlns="${STORE}" xmlns:nc="${BASE}"><symmetric-keys nc:operation="replace">${inside}</symmetric-keys></keystore></router>`;
  const entry = (name: string, inside = ""): string => `<symmetric-key><name>${name}</name>${inside}</symmetric-key>`;
  const ctl = (args: readonly string[], script = "") => semrctl(["--socket", router.process.socket, ...args], script);

  it("NETCONF: edit-config by replace, edit-data by replace, copy-config, as who may write octets and as who may not", async () => {
    let count = 0;
    const nmda =
      'xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"';
    for (const client of [netconf, reader]) {
      for (const write of [
        replacing,
        copying,
        (config: string) =>
          `<edit-data ${nmda}><datastore>ds:candidate</datastore><default-operation>replace</default-operation><config>${config}</config></edit-data>`,
      ]) {
        const name = `n${++count}.example`;
        await done(client, write(zone(await xml(client), name)));
        await done(client, "<validate><source><candidate/></source></validate>");
        await done(client, "<commit/>");
        assert.deepEqual(await now(), [name, KEYS]);
      }
      // Running at once, and what is only to be looked at.
      const read = zone(await xml(client), `n${++count}.example`);
      await done(client, `<validate><source><config>${read}</config></source></validate>`);
      await done(client, copying(read, "running"));
      assert.deepEqual(await now(), [`n${count}.example`, KEYS]);
    }
  });

  it("a key that gets octets has them, one that is left out is gone, and one of another name inherits nothing", async () => {
    const other = base64("another");
    const octets = (text: string): string => `<cleartext-symmetric-key>${text}</cleartext-symmetric-key>`;
    const merged = (config: string): string =>
      `<edit-config><target><candidate/></target><config>${config}</config></edit-config>`;
    const edit = (inside: string): string => merged(keystore(inside));
    await done(netconf, edit(entry("first") + entry("third", octets(other))));
    await done(netconf, "<commit/>");
    assert.deepEqual((await now())[1], { first: KEYS.first, third: other });
    await done(netconf, edit(entry("first") + entry("third", octets(base64("a third time")))));
    await done(netconf, edit(entry("first") + entry("third")));
    await done(netconf, "<commit/>");
    assert.deepEqual((await now())[1], { first: KEYS.first, third: base64("a third time") }, "those of the candidate");

    const { tags, message } = await refusedWith(netconf, edit(entry("first") + entry("renamed")));
    assert.deepEqual(tags, ["data-missing"]);
    assert.match(message, /the key renamed has no octets: give them as cleartext-symmetric-key, in base64/);
    // A name that was given up has no octets to come back to.
    await done(netconf, edit(entry("first")));
    assert.deepEqual((await refusedWith(netconf, edit(entry("first") + entry("third")))).tags, ["data-missing"]);
    await done(netconf, "<discard-changes/>");
    // And who says that octets are to go is not passed over.
    const gone = keystore(entry("third", '<cleartext-symmetric-key nc:operation="remove"/>'));
    const merging = merged(gone.replace(' nc:operation="replace"', ""));
    assert.deepEqual((await refusedWith(netconf, merging)).tags, ["data-missing"]);
    await done(netconf, edit(entry("first") + entry("second", octets(KEYS.second))));
    await done(netconf, "<commit/>");
    assert.deepEqual((await now())[1], KEYS);
  });

  it("who may not write octets can leave them as they are, and neither give, take away nor carry them elsewhere", async () => {
    const read = await xml(reader);
    const own = (inside: string): string =>
      copying(read.replace(/<symmetric-keys>.*<\/symmetric-keys>/s, `<symmetric-keys>${inside}</symmetric-keys>`));
    const octets = `<cleartext-symmetric-key>${base64("mine")}</cleartext-symmetric-key>`;
    for (const inside of [
      entry("first", octets) + entry("second"),
      entry("first"),
      entry("first") + entry("second") + entry("mine", octets),
    ])
      assert.ok((await refusedWith(reader, own(inside))).tags.includes("access-denied"), inside);
    await done(reader, own(entry("first") + entry("second") + entry("renamed")));
    // That octets are missing is not said either to who may not read them.
    assert.deepEqual((await refusedWith(reader, "<commit/>")).tags, ["access-denied"]);
    await done(reader, "<discard-changes/>");
    assert.deepEqual((await now())[1], KEYS);
  });

  it("a copy of a datastore takes octets along for who may neither read nor write them, to where they are already (RFC 8341 §3.2.6)", async () => {
    const copied = (from: string, to: string): string =>
      `<copy-config><target><${to}/></target><source><${from}/></source></copy-config>`;
    const was = await now();
    const kept = await xml(reader);
    await done(reader, copying(zone(kept, "copied.example")));
    await done(reader, copied("running", "candidate")); // so what was edited there is gone
    await done(reader, "<commit/>");
    assert.deepEqual(await now(), was);
    await done(reader, copying(zone(kept, "copied.example")));
    await done(reader, copied("candidate", "running"));
    assert.deepEqual(await now(), ["copied.example", KEYS]);
    await done(reader, copied("running", "startup"));
    await done(reader, copied("startup", "candidate"));
    assert.ok(!(await reader.rpc("<get-config><source><candidate/></source></get-config>")).includes("<cleartext"));
    // Where they are others, it would be writing them.
    const octets = `<cleartext-symmetric-key>${base64("others")}</cleartext-symmetric-key>`;
    await done(netconf, copying(kept.replace("<name>first</name>", `<name>first</name>${octets}`)));
    const refused = await refusedWith(reader, copied("candidate", "running"));
    assert.deepEqual(refused.tags, ["access-denied"]);
    assert.ok(!refused.message.includes(base64("others")));
    await done(netconf, copied("candidate", "running"));
    assert.deepEqual((await now())[1], { ...KEYS, first: base64("others") });
    assert.deepEqual((await refusedWith(reader, copied("startup", "running"))).tags, ["access-denied"]);
    await done(netconf, copied("startup", "running"));
    assert.deepEqual(await now(), ["copied.example", KEYS]);
    await done(netconf, "<discard-changes/>");
  });

  it("gNMI: replace of everything, of the keystore, of an entry, and union_replace", async () => {
    const read = async (at: string): Promise<Document> =>
      sentValue((await gnmi.get([at], { type: "CONFIG" })).notification[0].update[0]);
    const all = (value: Document) => ({ path: { elem: [] }, val: json(value) });
    for (const operation of ["replace", "union_replace"]) {
      const whole = await read("/");
      whole[ROUTER].domain["dns-zone"] = `${operation.replace("_", "-")}.example`;
      await gnmi.set({ [operation]: [all(whole)] });
      assert.deepEqual(await now(), [whole[ROUTER].domain["dns-zone"], KEYS]);
    }
    const stored = await read("/router/keystore");
    await gnmi.set({ replace: [update("/router/keystore", stored)] });
    await gnmi.set({ replace: [update(`${KEY}[name=first]`, { name: "first" })] });
    await gnmi.set({
      delete: [gnmiPath(`${KEY}[name=second]`)],
      update: [update(`${KEY}[name=second]`, { name: "second" })],
    });
    assert.deepEqual((await now())[1], KEYS);
    const renamed = await refusal(gnmi.set({ replace: [update(`${KEY}[name=third]`, { name: "third" })] }));
    assert.match(renamed.details, /the key third has no octets/);
    const gone = await refusal(gnmi.set({ delete: [gnmiPath(`${KEY}[name=first]/cleartext-symmetric-key`)] }));
    assert.match(gone.details, /the key first has no octets/);
    assert.deepEqual((await now())[1], KEYS);
  });

  it("origin cli, and semrctl: what is shown is taken again", async () => {
    const words = { origin: "cli", elem: [] };
    const { notification } = await gnmi.call("Get", { path: [words], encoding: "ASCII" });
    const lines: string = notification[0].update[0].val.ascii_val;
    assert.match(lines, /^set keystore symmetric-keys symmetric-key first$/m);
    const changed = lines.replace(/^(set domain dns-zone) .*$/m, "$1 cli.example");
    await gnmi.set({ replace: [{ path: words, val: { ascii_val: changed } }] });
    assert.deepEqual(await now(), ["cli.example", KEYS]);

    const { out } = await ctl(["config", "show"]);
    assert.doesNotMatch(out, /"cleartext-symmetric-key":/);
    const file = path.join(router.folder, "read.json");
    // Names in JSON may be written in escapes.
    await writeFile(
      file,
      out.replace("cli.example", "document.example").replace('"symmetric-key"', '"symmetric\\u002dkey"'),
    );
    for (const args of [
      ["config", "edit", "--replace", file],
      ["config", "commit"],
    ]) {
      const { exitCode, err } = await ctl(args);
      assert.equal(exitCode, 0, err);
    }
    assert.deepEqual(await now(), ["document.example", KEYS]);
    const {
      exitCode,
      out: said,
      err,
    } = await ctl(["configure"], "set keystore symmetric-keys symmetric-key new\ncommit\n");
    assert.equal(exitCode, 1);
    assert.match(said + err, /the key new has no octets/);
    await ctl(["config", "discard"]);
  });

  it("a confirmed commit that nobody confirms brings back the octets of before", async () => {
    const octets = `<cleartext-symmetric-key>${base64("for a while")}</cleartext-symmetric-key>`;
    const read = zone(await xml(netconf), "while.example");
    const [was] = await now();
    await done(netconf, copying(read.replace("<name>first</name>", `<name>first</name>${octets}`)));
    await done(netconf, "<commit><confirmed/></commit>");
    assert.deepEqual(await now(), ["while.example", { ...KEYS, first: base64("for a while") }]);
    // What follows it up keeps what runs for a while, and does not outlive it.
    await done(netconf, replacing(zone(await xml(netconf), "later.example")));
    await done(netconf, "<commit><confirmed/></commit>");
    assert.deepEqual(await now(), ["later.example", { ...KEYS, first: base64("for a while") }]);
    await done(netconf, "<cancel-commit/>");
    assert.deepEqual(await now(), [was, KEYS]);
  });

  it("a startup datastore keeps its own; a file that is read at SIGHUP has to have them itself", async () => {
    const file = path.join(router.folder, "r1.json");
    await done(netconf, "<copy-config><target><startup/></target><source><running/></source></copy-config>");
    await done(netconf, copying(zone(await xml(netconf, "startup"), "startup.example"), "startup"));
    const saved = JSON.parse(await readFile(file, "utf8"));
    assert.deepEqual([saved[ROUTER].domain["dns-zone"], keysIn(saved[ROUTER])], ["startup.example", KEYS]);
    const [first] = saved[ROUTER]["semrd-keystore:keystore"]["symmetric-keys"]["symmetric-key"];
    delete first["cleartext-symmetric-key"];
    await writeFile(file, JSON.stringify(saved));
    const { exitCode, out, err } = await ctl(["config", "reload"]);
    assert.notEqual(exitCode, 0);
    assert.match(out + err, /the key first has no octets/);
    assert.notEqual((await now())[0], "startup.example");
  });
});

describe("an edit without entries of keys", () => {
  it("is no work for the model", async () => {
    const untouched = new Proxy({} as Model, {
      get: (_, name) => assert.fail(`the model is asked for ${String(name)}`),
    });
    const [path, none] = [parsePath(LEAF), {} as Tree];
    assert.ok(path.ok);
    const kept = new KeptSecrets(untouched, systemClock, [{ path: path.value, cases: [], permit: false }]);
    const agents = '{"semrd-router:router": {"semrd-agent:agents": {"agent": [{"id": "spiffe://example.net/a"}]}}}';
    const steps = Array.from({ length: 10_000 }, (_, i) => {
      return {
        operation: "merge",
        path: `/semrd-router:router/semrd-agent:agents/agent[id='${i}']`,
        value: "{}",
      } as const;
    });
    for (const sent of [agents, steps, [{ operation: "remove", path: "/" } as const]])
      assert.deepEqual(await kept.in(none, none, sent), { ok: true, value: none });
    // Wherever the name stands in a long text.
    for (const before of [0, 2 ** 20 - 20, 2 ** 20 - 5, 2 ** 20]) {
      const sent = `${" ".repeat(before)}{"symmetric-key": []}`;
      await assert.rejects(kept.in(none, none, sent), /the model is asked for restrict/, String(before));
    }
  });
});
