import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { type GnmiClient, type GnmiRouter, json, PASSWORD, refusal } from "../gnmi/gnmi-router.ts";
import { readReply } from "../netconf/oracle.ts";
import type { RawClient } from "../netconf/raw-client.ts";
import { symmetricKeys } from "../stores.ts";
import { startAccessRouter } from "./access-router.ts";
import { KEY, KEY_TEXT, NODES, type NodeCase, touched } from "./nodes.ts";
import { may, mayAct, mayCall, mayHear, type Step } from "./rfc8341.ts";
import { NACM, OTHER, OWN, USERS } from "./roles.ts";
import { gnmiAt, xmlAt, xmlOf } from "./wire.ts";

/*
 * Roles × nodes × operations on both protocols. What is expected is worked out by `rfc8341.ts` for each cell; how many
 * cells there are, and how many of them are refused, is checked at the end, so that a table that says always the same
 * is noticed.
 */

let router: Awaited<ReturnType<typeof startAccessRouter>>;
let admin: RawClient;
let adminGnmi: GnmiClient;
const sessions = new Map<string, RawClient>();
const clients = new Map<string, GnmiClient>();
const cells = { permitted: 0, refused: 0 };

before(async () => {
  router = await startAccessRouter();
  for (const user of USERS) {
    sessions.set(user, await router.netconf(user));
    clients.set(user, (router as GnmiRouter).client({ username: user, password: PASSWORD }));
  }
  admin = sessions.get("admin")!;
  adminGnmi = clients.get("admin")!;
});
after(async () => {
  for (const session of sessions.values()) await session[Symbol.asyncDispose]();
  await router?.[Symbol.asyncDispose]();
});

function agentAt(id: string): readonly Step[] {
  return [{ name: "semrd-router:router" }, { name: "semrd-agent:agents" }, { name: "semrd-agent:agent", keys: { id } }];
}

const AGENTS_AT_START = {
  agent: [OWN, OTHER].map((id) => ({
    id,
    tenant: "acme",
    capability: [{ name: "/vision/ocr", "major-version": 1, address: "fd00:a::10", port: 8080, weight: 30 }],
  })),
};

const TAXONOMY_AT_START = {
  revision: 1,
  capability: [
    { name: "/vision/ocr", "major-version": 1, description: "reads text", "service-port": 80 },
    { name: "/audio/speech", "major-version": 1, "service-port": 81 },
  ],
};

const EVENTS = [
  ["ietf-netconf-notifications", "netconf-config-change"],
  ["ietf-netconf-notifications", "netconf-session-start"],
  ["ietf-netconf-notifications", "netconf-session-end"],
  ["semrd-events", "agent-change"],
] as const;

const ACTIONS: readonly (readonly [string, readonly Step[], string])[] = [
  ["drain of the own agent", agentAt(OWN), "<drain><on>false</on></drain>"],
  ["drain of another agent", agentAt(OTHER), "<drain><on>false</on></drain>"],
  ["drain of the router", [{ name: "semrd-router:router" }], "<drain><on>false</on></drain>"],
];

const cell = (isPermitted: boolean): boolean => {
  cells[isPermitted ? "permitted" : "refused"]++;
  return isPermitted;
};

/** Whether it was carried out; anything but access-denied that went wrong fails the test. */
function outcome(reply: string): boolean {
  const { ok, errors, messages } = readReply(reply);
  if (errors.length === 0) return ok || !reply.includes("rpc-error");
  assert.deepEqual(new Set(errors.map(({ tag }) => tag)), new Set(["access-denied"]), messages.join("; "));
  return false;
}

async function gnmiOutcome(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (cause) {
    const { code, details } = cause as { code: number; details: string };
    assert.equal(code, status.PERMISSION_DENIED, details);
    return false;
  }
}

const calls = (user: string, rpc: string): boolean => mayCall(NACM, user, "ietf-netconf", rpc);

for (const user of USERS) {
  describe(`${user} reads`, () => {
    for (const { title, path, mark, seen, isSecret } of NODES.filter((node) => node.seen !== undefined)) {
      const isSeen = (): boolean => cell(isSecret !== true && may(NACM, user, "read", path, mark));

      it(`${title}, by get-config`, async () => {
        const reply = await sessions
          .get(user)!
          .rpc(
            `<get-config><source><running/></source><filter type="subtree">${xmlAt(path, "")}</filter></get-config>`,
          );
        if (!cell(calls(user, "get-config"))) return assert.ok(!outcome(reply));
        assert.deepEqual(readReply(reply).errors, []);
        assert.equal(reply.includes(`>${seen}`), isSeen(), reply);
      });

      it(`${title}, by get with XPath`, async () => {
        const steps = path.map(({ name, keys = {} }) => {
          const [module] = name.split(":");
          return `/${name}${Object.entries(keys)
            .map(([key, value]) => `[${module}:${key}='${value}']`)
            .join("")}`;
        });
        const modules = new Set(path.map(({ name }) => name.split(":")[0]!));
        const declared = [...modules].map((module) => {
          const namespace = /xmlns="([^"]+)"/.exec(xmlAt([{ name: `${module}:x` }], ""))![1];
          return ` xmlns:${module}="${namespace}"`;
        });
        const reply = await sessions
          .get(user)!
          .rpc(`<get><filter type="xpath" select="${steps.join("")}"${declared.join("")}/></get>`);
        if (!cell(calls(user, "get"))) return assert.ok(!outcome(reply));
        assert.deepEqual(readReply(reply).errors, []);
        assert.equal(reply.includes(`>${seen}`), isSeen(), reply);
      });

      it(`${title}, by gNMI Get and Subscribe`, async () => {
        const client = clients.get(user)!;
        const get = client.call("Get", { path: [gnmiAt(path)], type: "CONFIG", encoding: "JSON_IETF" });
        if (!cell(calls(user, "get-config"))) {
          assert.equal((await refusal(get)).code, status.PERMISSION_DENIED);
        } else if (isSeen()) {
          const { notification } = await get;
          assert.ok(JSON.stringify(notification[0].update.map(valueText)).includes(seen!));
        } else {
          assert.equal((await refusal(get)).code, status.NOT_FOUND);
        }
        const stream = client.subscribe({ mode: "ONCE", subscription: [{ path: gnmiAt(path) }] });
        await stream.over();
        if (!cell(calls(user, "get"))) return assert.equal(stream.error?.code, status.PERMISSION_DENIED);
        assert.equal(stream.error, undefined);
        assert.equal(JSON.stringify(stream.leaves).includes(seen!), isSeen(), JSON.stringify(stream.leaves));
      });
    }
  });

  describe(`${user} changes`, () => {
    for (const node of NODES) {
      for (const change of node.changes) {
        const isAllowed = (): boolean =>
          cell(
            calls(user, "edit-config") &&
              touched(node, change).every(({ access, path, mark }) => may(NACM, user, access, path, mark)),
          );

        it(`${node.title}: ${change}, by edit-config`, async () => {
          const reply = await sessions
            .get(user)!
            .rpc(
              `<edit-config><target><candidate/></target><default-operation>none</default-operation><config>${edit(node, change)}</config></edit-config>`,
            );
          await admin.rpc("<discard-changes/>");
          assert.equal(outcome(reply), isAllowed(), reply);
        });

        it(`${node.title}: ${change}, by gNMI Set`, async () => {
          const set =
            change === "delete"
              ? { delete: [gnmiAt(node.path)] }
              : { update: [{ path: gnmiAt(node.path), val: json(node.value) }] };
          const done = await gnmiOutcome(clients.get(user)!.set(set));
          // Not everything that may be edited is valid then; what is, is put back.
          if (done) await restore();
          assert.equal(done, isAllowed());
        });
      }
    }
  });

  describe(`${user} calls`, () => {
    for (const { module, rpc, xml } of RPCS()) {
      it(`${rpc}`, async () => {
        const reply = await sessions.get(user)!.rpc(xml);
        const denied = readReply(reply).errors.filter(({ tag }) => tag === "access-denied");
        const isAllowed = cell(mayCall(NACM, user, module, rpc));
        const paths = denied.map(({ path }) => path);
        assert.deepEqual(paths, isAllowed ? [] : [`/ietf-netconf:rpc/${module}:${rpc}`], reply);
        if (rpc === "lock" && isAllowed)
          await sessions.get(user)!.rpc("<unlock><target><candidate/></target></unlock>");
      });
    }

    for (const [name, target, xml] of ACTIONS) {
      it(name, async () => {
        const reply = await sessions
          .get(user)!
          .rpc(`<action xmlns="urn:ietf:params:xml:ns:yang:1">${xmlAt(target, xml)}</action>`);
        const isDenied = readReply(reply).errors.some(({ tag }) => tag === "access-denied");
        assert.equal(!isDenied, cell(mayAct(NACM, user, target, "drain")), reply);
      });
    }
  });
}

describe("notifications", () => {
  it("of a commit and of sessions come to those who may hear of them", async () => {
    const listeners = await Promise.all(
      USERS.filter((user) => mayCall(NACM, user, "notifications", "create-subscription")).map(async (user) => {
        const session = await router.netconf(user);
        const subscribed = await session.rpc(
          '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>',
        );
        assert.ok(readReply(subscribed).ok, subscribed);
        return { user, session };
      }),
    );
    assert.ok(listeners.length >= 8);
    const last = await router.netconf("admin");
    await restore("error");
    await restore();
    await last[Symbol.asyncDispose]();
    await adminGnmi.set({ delete: [gnmiAt(agentAt(OTHER))] });
    await restore();
    for (const { user, session } of listeners) {
      const heard = new Set<string>();
      const wanted = EVENTS.filter(([module, name]) => cell(mayHear(NACM, user, module, name)));
      // What is last for everybody who hears of anything.
      while (wanted.length > 0 && !wanted.every(([, name]) => heard.has(name))) {
        const said = await session.answer();
        for (const [, name] of EVENTS) if (said.includes(`<${name} `)) heard.add(name);
      }
      assert.deepEqual([...heard].sort(), wanted.map(([, name]) => name).sort(), user);
      await session[Symbol.asyncDispose]();
    }
  });
});

it("the table has cells of both kinds, and what was denied is counted", async () => {
  const { permitted, refused } = cells;
  console.log(`# ${permitted + refused} cells, ${refused} of them refused`);
  assert.ok(permitted >= 200 && refused >= 200, JSON.stringify(cells));
  const state = await admin.rpc(
    '<get><filter><nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"><denied-operations/><denied-data-writes/><denied-notifications/></nacm></filter></get>',
  );
  for (const name of ["operations", "data-writes", "notifications"])
    assert.ok(Number(new RegExp(`<denied-${name}>(\\d+)<`).exec(state)?.[1]) > 2, state);
});

function edit({ path, value }: NodeCase, change: "create" | "update" | "delete"): string {
  const step = path.at(-1)!;
  const operation = change === "update" ? "replace" : change;
  const attribute = ` xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="${operation}"`;
  return xmlAt(path, change === "delete" ? "" : xmlOf(value, step.keys), attribute);
}

/** Everything that a permitted change has changed, as it was at the start. */
async function restore(level = "debug"): Promise<void> {
  await adminGnmi.set({
    replace: [
      { path: gnmiAt([{ name: "semrd-router:router" }, { name: "semrd-agent:agents" }]), val: json(AGENTS_AT_START) },
      {
        path: gnmiAt([{ name: "semrd-router:router" }, { name: "semrd-taxonomy:taxonomy" }]),
        val: json(TAXONOMY_AT_START),
      },
      {
        path: gnmiAt([
          { name: "semrd-router:router" },
          { name: "semrd-telemetry:telemetry" },
          { name: "semrd-telemetry:log-level" },
        ]),
        val: json(level),
      },
      {
        path: gnmiAt([{ name: "ietf-netconf-acm:nacm" }, { name: "ietf-netconf-acm:enable-external-groups" }]),
        val: json(false),
      },
      {
        path: gnmiAt([
          ...[{ name: "semrd-router:router" }, { name: "semrd-keystore:keystore" }],
          { name: "semrd-keystore:symmetric-keys" },
        ]),
        val: json(symmetricKeys({ [KEY]: KEY_TEXT })["symmetric-keys"]),
      },
    ],
    delete: [
      gnmiAt([
        ...[{ name: "semrd-router:router" }, { name: "semrd-router:management" }, { name: "semrd-access:users" }],
        ...[{ name: "semrd-access:user", keys: { name: "reader" } }, { name: "semrd-access:description" }],
      ]),
    ],
  });
}

const valueText = ({ val }: { val: Record<string, unknown> & { value: string } }): string => String(val[val.value]);

/** `xml`: parameters that do no harm where it is permitted. */
function RPCS() {
  const NMDA =
    'xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"';
  const nothing = '<config><router xmlns="urn:semrd:yang:semrd-router"/></config>';
  return [
    { module: "ietf-netconf", rpc: "get", xml: '<get><filter type="subtree"/></get>' },
    {
      module: "ietf-netconf",
      rpc: "get-config",
      xml: '<get-config><source><running/></source><filter type="subtree"/></get-config>',
    },
    {
      module: "ietf-netconf",
      rpc: "edit-config",
      xml: `<edit-config><target><candidate/></target>${nothing}</edit-config>`,
    },
    { module: "ietf-netconf", rpc: "validate", xml: "<validate><source><running/></source></validate>" },
    { module: "ietf-netconf", rpc: "discard-changes", xml: "<discard-changes/>" },
    { module: "ietf-netconf", rpc: "commit", xml: "<commit/>" },
    { module: "ietf-netconf", rpc: "cancel-commit", xml: "<cancel-commit/>" },
    { module: "ietf-netconf", rpc: "lock", xml: "<lock><target><candidate/></target></lock>" },
    {
      module: "ietf-netconf",
      rpc: "kill-session",
      xml: "<kill-session><session-id>999999</session-id></kill-session>",
    },
    { module: "ietf-netconf", rpc: "delete-config", xml: "<delete-config><target><startup/></target></delete-config>" },
    {
      module: "ietf-netconf",
      rpc: "copy-config",
      xml: "<copy-config><target><candidate/></target><source><candidate/></source></copy-config>",
    },
    {
      module: "ietf-netconf-nmda",
      rpc: "get-data",
      xml: `<get-data ${NMDA}><datastore>ds:running</datastore><subtree-filter/></get-data>`,
    },
    {
      module: "ietf-netconf-nmda",
      rpc: "edit-data",
      xml: `<edit-data ${NMDA}><datastore>ds:candidate</datastore>${nothing}</edit-data>`,
    },
    {
      module: "ietf-netconf-monitoring",
      rpc: "get-schema",
      xml: '<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><identifier>semrd-router</identifier></get-schema>',
    },
    {
      module: "ietf-netconf-partial-lock",
      rpc: "partial-unlock",
      xml: '<partial-unlock xmlns="urn:ietf:params:xml:ns:netconf:partial-lock:1.0"><lock-id>1</lock-id></partial-unlock>',
    },
    {
      module: "semrd-rib",
      rpc: "explain",
      xml: '<explain xmlns="urn:semrd:yang:semrd-rib"><capability>/vision/ocr</capability></explain>',
    },
  ];
}
