import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type NetconfRouter, startNetconfRouter } from "./netconf-router.ts";
import { readReply } from "./oracle.ts";
import { BASE, type RawClient } from "./raw-client.ts";

let router: NetconfRouter;
before(async () => {
  router = await startNetconfRouter();
});
after(() => router[Symbol.asyncDispose]());

describe("as Ansible's netconf_rpc writes what its user has named without a namespace", () => {
  const asked = async (inner: string): Promise<string> => {
    await using client = await router.open();
    await client.message(
      `<?xml version="1.0" encoding="UTF-8"?><nc:rpc xmlns:nc="${BASE}" message-id="1">${inner}</nc:rpc>`,
    );
    return await client.answer();
  };

  for (const operation of [
    "<lock><target><candidate/></target></lock>",
    "<discard-changes/>",
    "<copy-config><source><running/></source><target><startup/></target></copy-config>",
  ])
    it(operation, async () => assert.ok(readReply(await asked(operation)).ok));

  it("get with a filter", async () => {
    const schemas =
      '<netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><schemas/></netconf-state>';
    assert.match(await asked(`<get><filter>${schemas}</filter></get>`), /<identifier>semrd-router<\/identifier>/);
  });

  it("what is no operation is refused as it was written", async () => {
    const { errors } = readReply(await asked("<frobnicate/>"));
    assert.deepEqual([errors[0]?.tag, errors[0]?.badElement], ["unknown-namespace", "frobnicate"]);
  });
});

const MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";
const LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library";

/** The text of each leaf of this name, in its order. */
const leaves = (xml: string, name: string): readonly string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`, "g"))].map(([, text]) => text!);
const entries = (xml: string, name: string): readonly string[] =>
  [...xml.matchAll(new RegExp(`<${name}>.*?</${name}>`, "gs"))].map(([text]) => text);

const TENANT = (inner: string, operation = ""): string =>
  `<router xmlns="urn:semrd:yang:semrd-router"><tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant${operation}>${inner}</tenant></tenants></router>`;
const WHOLE =
  "<name>odl</name><index>9</index><route-distinguisher>0:65000:9</route-distinguisher><import-target>65000:9</import-target><export-target>65000:9</export-target>";

/**
 * OpenDaylight's connector: prefixed attributes of filters, identifiers of messages with letters, all schemas before
 * anything else, and writes as edits without a default operation.
 */
describe("as OpenDaylight mounts a device and writes to it", () => {
  const NS0 = `xmlns:ns0="${BASE}"`;
  let sent = 0;
  const rpc = async (client: RawClient, inner: string): Promise<string> => {
    const id = `m-${sent++}`;
    await client.message(`<rpc message-id="${id}" xmlns="${BASE}">${inner}</rpc>`);
    const answer = await client.answer();
    assert.match(answer, new RegExp(`message-id="${id}"`));
    return answer;
  };
  const get = (filter: string): string =>
    `<get xmlns="${BASE}"><filter ${NS0} ns0:type="subtree">${filter}</filter></get>`;
  const edit = (operation: string, inner: string): string =>
    `<edit-config xmlns="${BASE}"><target><candidate/></target><default-operation>none</default-operation><error-option>rollback-on-error</error-option><config xmlns="${BASE}">${TENANT(inner, ` xmlns:a="${BASE}" a:operation="${operation}"`)}</config></edit-config>`;

  it("finds the same modules in both lists, and the text of each", async () => {
    await using client = await router.open({ versions: ["1.1"] });
    const monitored = entries(
      await rpc(client, get(`<netconf-state xmlns="${MONITORING}"><schemas/></netconf-state>`)),
      "schema",
    );
    const listed = await rpc(client, get(`<modules-state xmlns="${LIBRARY}"><module/></modules-state>`));
    assert.equal(leaves(listed, "module-set-id").length, 0, "a filter for the list gives the list alone");
    const modules = entries(listed, "module");
    assert.ok(modules.length > 30);
    const known = new Set(
      monitored.map((text) => `${leaves(text, "identifier")[0]}@${leaves(text, "version")[0] ?? ""}`),
    );
    for (const module of modules) {
      const [name, revision] = [leaves(module, "name")[0]!, leaves(module, "revision")[0]!];
      assert.ok(known.has(`${name}@${revision}`), `${name}@${revision} is not among the schemas`);
      assert.match(module, /<namespace>.+<\/namespace>.*<conformance-type>(?:implement|import)</s, name);
      const text = await rpc(
        client,
        `<get-schema xmlns="${MONITORING}"><format>yang</format><version>${revision}</version><identifier>${name}</identifier></get-schema>`,
      );
      assert.match(text, new RegExp(`module ${name} \\{`), name);
    }
  });

  it("has the library of YANG 1.1, with each datastore's schema", async () => {
    await using client = await router.open();
    const library = await rpc(client, get(`<yang-library xmlns="${LIBRARY}"/>`));
    const named = entries(library, "datastore").map((text) => leaves(text, "name")[0]!.replace(/^.*:/, ""));
    assert.deepEqual(named.sort(), ["candidate", "intended", "operational", "running", "startup"]);
    const [contentId] = leaves(library, "content-id");
    assert.match(client.hello, new RegExp(`content-id=${contentId}<`));
  });

  it("keeps the session alive by asking for nothing", async () => {
    await using client = await router.open();
    const answer = await rpc(
      client,
      `<get-config xmlns="${BASE}"><source><running/></source><filter ${NS0} ns0:type="subtree"/></get-config>`,
    );
    assert.match(answer, /<data[^>]*\/>|<data[^>]*><\/data>/);
  });

  it("subscribes, writes as one transaction, and hears of it", async () => {
    await using client = await router.open();
    await using watcher = await router.open();
    assert.ok(
      readReply(
        await rpc(
          watcher,
          '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><stream>NETCONF</stream></create-subscription>',
        ),
      ).ok,
    );
    const steps = [
      `<lock xmlns="${BASE}"><target><candidate/></target></lock>`,
      `<discard-changes xmlns="${BASE}"/>`,
      edit("replace", WHOLE),
      `<validate xmlns="${BASE}"><source><candidate/></source></validate>`,
      `<commit xmlns="${BASE}"/>`,
      `<unlock xmlns="${BASE}"><target><candidate/></target></unlock>`,
    ];
    for (const step of steps) assert.ok(readReply(await rpc(client, step)).ok, step);
    let heard = "";
    while (!heard.includes("netconf-config-change")) heard = await watcher.answer();
    assert.match(heard, /^<notification[^>]*><eventTime>[^<]+<\/eventTime><netconf-config-change /);

    // What fails is taken back, and the lock with it.
    const failing = [edit("delete", "<name>odl</name>"), edit("delete", "<name>nobody</name>")];
    assert.ok(readReply(await rpc(client, steps[0]!)).ok);
    assert.ok(readReply(await rpc(client, failing[0]!)).ok);
    assert.equal(readReply(await rpc(client, failing[1]!)).errors[0]?.tag, "data-missing");
    for (const step of [steps[1]!, steps[5]!]) assert.ok(readReply(await rpc(client, step)).ok, step);
    assert.ok(readReply(await rpc(client, edit("delete", "<name>odl</name>"))).ok, "it is still there");
    assert.ok(readReply(await rpc(client, "<commit/>")).ok);
  });

  it("calls an action inside its data", async () => {
    await using client = await router.open();
    const answer = await rpc(
      client,
      `<action xmlns="urn:ietf:params:xml:ns:yang:1"><router xmlns="urn:semrd:yang:semrd-router"><agents xmlns="urn:semrd:yang:semrd-agent"><agent><id>spiffe://example.net/acme/agent/none</id><drain/></agent></agents></router></action>`,
    );
    assert.equal(readReply(answer).errors[0]?.tag, "data-missing");
  });
});

/** Cisco NSO's: everything it may use of the capabilities, confirmed with a persist id, and whether anybody else has changed it. */
describe("as NSO synchronises and commits", () => {
  const datastore = (xml: string, name: string): string =>
    entries(xml, "datastore").find((text) => leaves(text, "name")[0] === name)!;
  const transactionId = async (client: RawClient): Promise<string> => {
    const filter = `<netconf-state xmlns="${MONITORING}"><datastores/></netconf-state>`;
    const answer = await client.rpc(`<get><filter type="subtree">${filter}</filter></get>`);
    return leaves(datastore(answer, "running"), "transaction-id")[0]!;
  };
  const edit = (inner: string, operation = ""): string =>
    `<edit-config><target><candidate/></target><test-option>test-then-set</test-option><error-option>rollback-on-error</error-option><config>${TENANT(inner, operation)}</config></edit-config>`;

  it("reads what it knows of in one go, by a filter with many parts", async () => {
    await using client = await router.open();
    const parts = ["taxonomy", "tenant", "policy", "bgp", "agent", "interface", "dataplane", "telemetry"];
    const top = { tenant: "tenants", policy: "routing-policy", agent: "agents", interface: "interfaces" } as const;
    const filter = parts
      .map((part) => `<${top[part as keyof typeof top] ?? part} xmlns="urn:semrd:yang:semrd-${part}"/>`)
      .join("");
    const both = `<router xmlns="urn:semrd:yang:semrd-router">${filter}</router><nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"/>`;
    for (const mode of ["report-all", "report-all-tagged", "trim", "explicit"]) {
      const defaults = `<with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">${mode}</with-defaults>`;
      const answer = await client.rpc(
        `<get-config><source><running/></source><filter type="subtree">${both}</filter>${defaults}</get-config>`,
      );
      assert.match(answer, /<name>acme<\/name>/);
      assert.match(answer, /<nacm /);
      assert.equal(/<log-level/.test(answer), mode.startsWith("report-all"), `${mode}: ${answer}`);
      assert.doesNotMatch(answer, /<site>/, "nobody asked for it");
    }
  });

  it("commits on trial, confirms from another session, and finds that nobody else has changed anything", async () => {
    const before = await (async () => {
      await using client = await router.open();
      const known = await transactionId(client);
      for (const step of [
        "<lock><target><running/></target></lock>",
        "<lock><target><candidate/></target></lock>",
        "<discard-changes/>",
        edit(WHOLE),
        edit("<name>odl</name><index>8</index>", ` xmlns:nc="${BASE}" nc:operation="merge"`),
        "<validate><source><candidate/></source></validate>",
        "<commit><confirmed/><confirm-timeout>120</confirm-timeout><persist>nso</persist></commit>",
        "<unlock><target><candidate/></target></unlock>",
        "<unlock><target><running/></target></unlock>",
      ])
        assert.ok(readReply(await client.rpc(step)).ok, step);
      return known;
    })();
    await using client = await router.open();
    const trial = await transactionId(client);
    assert.notEqual(trial, before);
    assert.ok(readReply(await client.rpc("<commit><persist-id>nso</persist-id></commit>")).ok);
    assert.ok(
      readReply(await client.rpc("<copy-config><source><running/></source><target><startup/></target></copy-config>"))
        .ok,
    );
    assert.equal(await transactionId(client), trial, "a confirmation changes nothing");

    const whole = await client.rpc("<get-config><source><running/></source></get-config>");
    const config = /<data[^>]*>(.*)<\/data>/s.exec(whole)![1]!;
    assert.ok(readReply(await client.rpc(`<validate><source><config>${config}</config></source></validate>`)).ok);
    const copied = `<copy-config><source><config>${config}</config></source><target><candidate/></target></copy-config>`;
    assert.ok(readReply(await client.rpc(copied)).ok, "what was read can be written back whole");
    assert.ok(readReply(await client.rpc("<commit/>")).ok);
    assert.equal(await transactionId(client), trial, "the same configuration is no new one");
    assert.ok(readReply(await client.rpc(edit("<name>odl</name>", ` xmlns:nc="${BASE}" nc:operation="delete"`))).ok);
    assert.ok(readReply(await client.rpc("<commit/>")).ok);
  });

  it("locks and validates the datastores by their NMDA names (RFC 8526 §3.2)", async () => {
    await using client = await router.open();
    const named = (operation: string, parameter: string, name: string): string =>
      `<${operation}><${parameter}><datastore xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores">ds:${name}</datastore></${parameter}></${operation}>`;
    for (const [operation, parameter, name] of [
      ["lock", "target", "candidate"],
      ["unlock", "target", "candidate"],
      ["validate", "source", "candidate"],
      ["validate", "source", "intended"],
    ] as const)
      assert.ok(readReply(await client.rpc(named(operation, parameter, name))).ok, `${operation} ${name}`);
    for (const [operation, parameter, name] of [
      ["lock", "target", "operational"],
      ["lock", "target", "intended"],
      ["validate", "source", "operational"],
    ] as const)
      assert.equal(readReply(await client.rpc(named(operation, parameter, name))).errors[0]?.tag, "invalid-value");
  });
});
