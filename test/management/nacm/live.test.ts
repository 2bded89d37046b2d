import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { RouterFolder } from "../../daemon/router-process.ts";
import { json, PASSWORD, refusal } from "../gnmi/gnmi-router.ts";
import { readReply } from "../netconf/oracle.ts";
import type { RawClient } from "../netconf/raw-client.ts";
import { startAccessRouter } from "./access-router.ts";
import type { Step } from "./rfc8341.ts";
import { CAPABILITY_PATH, NACM, OTHER, OWN } from "./roles.ts";
import { gnmiAt, xmlAt } from "./wire.ts";

const ROUTER: Step = { name: "semrd-router:router" };
const agents: readonly Step[] = [ROUTER, { name: "semrd-agent:agents" }];
const agent = (id: string): readonly Step[] => [...agents, { name: "semrd-agent:agent", keys: { id } }];
const TAXONOMY: readonly Step[] = [ROUTER, { name: "semrd-taxonomy:taxonomy" }];
const DESCRIPTION: readonly Step[] = [
  ...TAXONOMY,
  { name: "semrd-taxonomy:capability", keys: { name: "/vision/ocr", "major-version": "1" } },
  { name: "semrd-taxonomy:description" },
];
const RULES: readonly Step[] = [{ name: "ietf-netconf-acm:nacm" }, { name: "ietf-netconf-acm:rule-list" }];

const edit = (xml: string, target = "candidate"): string =>
  `<edit-config><target><${target}/></target><config>${xml}</config></edit-config>`;
const getConfig = (filter: string, source = "running"): string =>
  `<get-config><source><${source}/></source><filter>${filter}</filter></get-config>`;
const errors = (reply: string) => readReply(reply).errors.map(({ type, tag, path }) => ({ type, tag, path }));

describe("access control of a router that runs", () => {
  let router: Awaited<ReturnType<typeof startAccessRouter>>;
  let admin: RawClient;
  before(async () => {
    router = await startAccessRouter();
    admin = await router.netconf("admin");
  });
  after(async () => {
    await admin?.[Symbol.asyncDispose]();
    await router?.[Symbol.asyncDispose]();
  });
  const asked = async (session: RawClient, operation: string): Promise<string> => {
    const reply = await session.rpc(operation);
    assert.deepEqual(errors(reply), [], reply);
    return reply;
  };
  const client = (username: string) => router.client({ username, password: PASSWORD });

  describe("edits", () => {
    it("the refusal of data names the node; what may not be read is named as far as it may (§3.4.5)", async () => {
      await using session = await router.netconf("tenant");
      const weight = xmlAt([...agent(OTHER)], "<tenant>acme</tenant>");
      await asked(admin, edit(xmlAt(TAXONOMY, "<revision>1</revision>")));
      const deleted = xmlAt(
        agent(OTHER),
        "",
        ' xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"',
      );
      const place = "/semrd-router:router/semrd-agent:agents";
      assert.deepEqual(errors(await session.rpc(edit(deleted))), [
        { type: "application", tag: "access-denied", path: place },
      ]);
      // Nothing of it is different, so nothing has to be allowed (§3.2.5).
      await asked(session, edit(weight));
      const own = xmlAt(TAXONOMY, "<revision>2</revision>");
      assert.deepEqual(errors(await session.rpc(edit(own))), [
        {
          type: "application",
          tag: "access-denied",
          path: "/semrd-router:router/semrd-taxonomy:taxonomy/semrd-taxonomy:revision",
        },
      ]);
      await asked(admin, "<discard-changes/>");
    });

    it("to create what is there but may not be seen says the same as where it is not there", async () => {
      await using session = await router.netconf("tenant");
      const created = (id: string): string =>
        xmlAt(
          agent(id),
          "<tenant>acme</tenant>",
          ' xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="create"',
        );
      const there = errors(await session.rpc(edit(created(OTHER))));
      const not = errors(await session.rpc(edit(created("spiffe://example.net/acme/agent/nobody"))));
      assert.deepEqual(there, not);
      assert.deepEqual(
        there.map(({ tag }) => tag),
        ["access-denied"],
      );
      await asked(admin, "<discard-changes/>");
    });

    it("a commit asks about what differs from running, whoever has edited (§3.2.8)", async () => {
      await using session = await router.netconf("editor");
      await asked(admin, edit(xmlAt(TAXONOMY, "<revision>5</revision>")));
      await asked(session, edit(xmlAt(DESCRIPTION, "by the editor")));
      const revision = "/semrd-router:router/semrd-taxonomy:taxonomy/semrd-taxonomy:revision";
      assert.deepEqual(errors(await session.rpc("<commit/>")), [
        { type: "application", tag: "access-denied", path: revision },
      ]);
      await asked(admin, "<discard-changes/>");
      await asked(session, edit(xmlAt(DESCRIPTION, "by the editor")));
      await asked(session, "<commit/>");
      assert.match(await asked(admin, getConfig(xmlAt(DESCRIPTION, ""))), />by the editor</);
      await asked(session, edit(xmlAt(DESCRIPTION, "reads text"), "running"));
    });

    it("the default operation replace is judged by what goes (§3.2.5)", async () => {
      await using session = await router.netconf("editor");
      const replaced = `<edit-config><target><candidate/></target><default-operation>replace</default-operation><config>${xmlAt(DESCRIPTION, "only this")}</config></edit-config>`;
      const refused = errors(await session.rpc(replaced));
      assert.ok(refused.length > 3 && refused.every(({ tag }) => tag === "access-denied"), JSON.stringify(refused));
    });

    it("copy-config leaves out what may not be read, and so would delete it (§3.2.6)", async () => {
      await using session = await router.netconf("tenant");
      const copied = await session.rpc(
        "<copy-config><target><candidate/></target><source><running/></source></copy-config>",
      );
      assert.ok(errors(copied).every(({ tag }) => tag === "access-denied") && errors(copied).length > 0, copied);
      // From running to startup it is the operation alone that has to be allowed.
      await asked(session, "<copy-config><target><startup/></target><source><running/></source></copy-config>");
    });

    it("what stands in the way of a commit is not told to those who may not read it", async () => {
      await using session = await router.netconf("blind");
      const unknown =
        "<capability><name>/vision/ocr</name><major-version>9</major-version><address>fd00:a::9</address><port>80</port></capability>";
      await asked(
        admin,
        edit(xmlAt(agent(OTHER), unknown)).replace("</target>", "</target><test-option>set</test-option>"),
      );
      assert.ok((await admin.rpc("<validate><source><candidate/></source></validate>")).includes(OTHER));
      const reply = await session.rpc("<validate><source><candidate/></source></validate>");
      assert.ok(readReply(reply).errors.length > 0);
      assert.ok(!reply.includes(OTHER) && !reply.includes("taxonomy"), reply);
      await asked(admin, "<discard-changes/>");
    });

    it("a partial lock is for what may be changed", async () => {
      await using session = await router.netconf("tenant");
      const lock = (path: string): string =>
        `<partial-lock xmlns="urn:ietf:params:xml:ns:netconf:partial-lock:1.0"><select>${path}</select></partial-lock>`;
      const prefixes = ' xmlns:r="urn:semrd:yang:semrd-router" xmlns:a="urn:semrd:yang:semrd-agent"';
      const at = (id: string): string => `/r:router/a:agents/a:agent[a:id='${id}']`;
      assert.deepEqual(
        errors(await session.rpc(lock(at(OTHER)), prefixes)).map(({ tag }) => tag),
        ["access-denied"],
      );
      assert.deepEqual(errors(await session.rpc(lock(at(OWN)), prefixes)), []);
    });
  });

  describe("reads", () => {
    it("a filter is for what may be read: it does not find what may not (§3.2.4)", async () => {
      await using session = await router.netconf("outsider");
      const hash =
        '<router xmlns="urn:semrd:yang:semrd-router"><management><users xmlns="urn:semrd:yang:semrd-access"><user><name/><password-hash>$WANTED</password-hash></user></users></management></router>';
      const all = await asked(
        admin,
        getConfig(xmlAt([ROUTER, { name: "semrd-router:management" }, { name: "semrd-access:users" }], "")),
      );
      const wanted = /<password-hash>([^<]+)</.exec(all)![1]!;
      assert.ok(!(await asked(session, getConfig(hash.replace("$WANTED", wanted)))).includes("<name>"));
      assert.ok((await asked(admin, getConfig(hash.replace("$WANTED", wanted)))).includes("<name>"));
      const xpath = `<get-config><source><running/></source><filter type="xpath" xmlns:r="urn:semrd:yang:semrd-router" xmlns:a="urn:semrd:yang:semrd-access" select="/r:router/r:management/a:users/a:user[a:password-hash='${wanted}']/a:name"/></get-config>`;
      assert.ok(!(await asked(session, xpath)).includes("<name"));
      assert.ok((await asked(admin, xpath)).includes("<name"));
    });

    it("entries of a list one by one, in every datastore and with state", async () => {
      await using session = await router.netconf("tenant");
      for (const operation of [
        getConfig(xmlAt(agents, "")),
        getConfig(xmlAt(agents, ""), "candidate"),
        `<get><filter>${xmlAt(agents, "")}</filter></get>`,
        '<get-data xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"><datastore>ds:operational</datastore><subtree-filter>$FILTER</subtree-filter></get-data>'.replace(
          "$FILTER",
          xmlAt(agents, ""),
        ),
      ]) {
        const reply = await asked(session, operation);
        assert.ok(reply.includes(OWN) && !reply.includes(OTHER), operation);
      }
      assert.match(
        await asked(session, `<get><filter>${xmlAt(agents, "")}</filter></get>`),
        /<admin-state>|<health>|<state /,
      );
      const once = client("tenant").subscribe({ mode: "ONCE", subscription: [{ path: gnmiAt(agents) }] });
      await once.over();
      const paths = once.leaves.map(([path]) => path);
      assert.ok(
        paths.some((path) => path.includes(OWN) && path.includes("/state/")),
        paths.join("\n"),
      );
      assert.ok(!paths.some((path) => path.includes(OTHER)));
      const { notification } = await client("tenant").call("Get", {
        path: [gnmiAt(agents)],
        type: "ALL",
        encoding: "JSON_IETF",
      });
      const text = Buffer.from(notification[0].update[0].val.json_ietf_val).toString();
      assert.ok(text.includes(OWN) && !text.includes(OTHER));
    });
  });

  describe("rules that change", () => {
    const rule = (list: string, index: number): readonly Step[] => [
      ...RULES.slice(0, 1),
      { ...RULES[1]!, keys: { name: list } },
      {
        name: "ietf-netconf-acm:rule",
        keys: { name: NACM["rule-list"].find((one) => one.name === list)!.rule[index]!.name },
      },
    ];

    it("hold for sessions that are open, from the commit on", async () => {
      await using session = await router.netconf("tenant");
      const operation = getConfig(xmlAt(agent(OTHER), ""));
      assert.ok(!(await asked(session, operation)).includes(OTHER));
      await client("admin").set({ delete: [gnmiAt(rule("tenant", 1))] });
      assert.ok((await asked(session, operation)).includes(OTHER));
      await client("admin").set({
        replace: [{ path: gnmiAt(RULES.slice(0, 1)), val: json(NACM) }],
      });
      assert.ok(!(await asked(session, operation)).includes(OTHER));
    });

    it("hold for subscriptions: what may be seen now is told, the rest is gone", async () => {
      const stream = client("tenant").subscribe({
        mode: "STREAM",
        subscription: [{ path: gnmiAt(agents), mode: "ON_CHANGE" }],
      });
      await stream.synced();
      assert.ok(!stream.leaves.some(([path]) => path.includes(OTHER)));
      await client("admin").set({ delete: [gnmiAt(rule("tenant", 1))] });
      await stream.until(() => stream.leaves.some(([path]) => path.includes(OTHER)), "the other agent");
      const before = stream.leaves.length;
      await client("admin").set({ replace: [{ path: gnmiAt(RULES.slice(0, 1)), val: json(NACM) }] });
      await stream.until(
        () => stream.leaves.slice(before).some(([path, value]) => path === "/router/agents" && value === undefined),
        "that it is gone",
      );
      await stream.until(() => stream.leaves.slice(before).some(([path]) => path.includes(OWN)), "the own agent");
      const weight = [
        ...agent(OTHER),
        {
          name: "semrd-agent:capability",
          keys: { name: "/vision/ocr", "major-version": "1", address: "fd00:a::10", port: "8080" },
        },
        { name: "semrd-agent:weight" },
      ];
      const own = [...agent(OWN), ...weight.slice(3)];
      const set = async (value: number) =>
        client("admin").set({ update: [weight, own].map((path) => ({ path: gnmiAt(path), val: json(value) })) });
      await set(44);
      await stream.until(
        () => stream.leaves.some(([path, value]) => path.includes(OWN) && value === 44),
        "the own weight",
      );
      await set(30);
      assert.ok(!stream.leaves.slice(before).some(([path]) => path.includes(OTHER)));
      stream.cancel();
    });

    it("end subscriptions of those who may not ask any more", async () => {
      const stream = client("outsider").subscribe({
        mode: "STREAM",
        subscription: [{ path: gnmiAt(agents), mode: "ON_CHANGE" }],
      });
      await stream.synced();
      const exec = gnmiAt([...RULES.slice(0, 1), { name: "ietf-netconf-acm:exec-default" }]);
      await client("admin").set({ update: [{ path: exec, val: json("deny") }] });
      await stream.over();
      assert.equal(stream.error?.code, status.PERMISSION_DENIED);
      await client("admin").set({ delete: [exec] });
    });

    it("that name nothing of the model are refused, with the place", async () => {
      const bad = structuredClone(NACM) as unknown as { "rule-list": { rule: { path?: string }[] }[] };
      bad["rule-list"][2]!.rule[0]!.path = `${CAPABILITY_PATH}/descripton`;
      const { code, details } = await refusal(
        client("admin").set({ replace: [{ path: gnmiAt(RULES.slice(0, 1)), val: json(bad) }] }),
      );
      assert.equal(code, status.INVALID_ARGUMENT);
      assert.match(
        details,
        /rule-list\[name='reader'\]|rule\[name='own agent'\]\/path: .*has no semrd-taxonomy:descripton there/,
      );
    });

    it("a switch turns it off, and on", async () => {
      await using session = await router.netconf("outsider");
      const enable = gnmiAt([...RULES.slice(0, 1), { name: "ietf-netconf-acm:enable-nacm" }]);
      const operation = edit(xmlAt(TAXONOMY, "<revision>9</revision>"));
      assert.equal(errors(await session.rpc(operation))[0]?.tag, "access-denied");
      await client("admin").set({ update: [{ path: enable, val: json(false) }] });
      await asked(session, operation);
      await asked(session, "<discard-changes/>");
      await client("admin").set({ delete: [enable] });
      assert.equal(errors(await session.rpc(operation))[0]?.tag, "access-denied");
    });

    it("are there again after kill -9, and root repairs what has locked everybody out", async () => {
      const folder = new RouterFolder(router.folder);
      await client("admin").set({
        replace: [{ path: gnmiAt(RULES.slice(0, 1)), val: json({ "exec-default": "deny" }) }],
      });
      assert.equal((await refusal(client("admin").get(["/router/name"]))).code, status.PERMISSION_DENIED);
      await router.process.end("SIGKILL");
      await using again = await folder.restarted("r1");
      assert.equal((await refusal(client("admin").get(["/router/name"]))).code, status.PERMISSION_DENIED);
      assert.match(again.log, /management\.nobody-may-write/);
      await again.ctl("config", "set", "/ietf-netconf-acm:nacm/exec-default", "permit");
      await again.ctl("config", "commit");
      assert.equal(await client("admin").value("/router/name"), "r1");
      assert.equal(
        (await refusal(client("admin").set({ update: [{ path: gnmiAt(DESCRIPTION), val: json("x") }] }))).code,
        status.PERMISSION_DENIED,
      );
    });
  });
});
