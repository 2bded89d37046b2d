import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { negotiate, ownOpen, type SessionSettings } from "../../../src/bgp/session/index.ts";
import {
  type BgpRole,
  decodeControl,
  encodeOpen,
  frameMessage,
  type OpenMessage,
} from "../../../src/bgp/wire/index.ts";
import { settingsSample } from "./samples.ts";

const ours = (role: SessionSettings["role"]): SessionSettings =>
  settingsSample({ remoteAs: 65001, ...(role === undefined ? {} : { role }) });

/** Their OPEN with these roles, over the wire. */
function theirs(roles: readonly number[]): OpenMessage {
  const open = ownOpen(settingsSample({ localAs: 65001, remoteAs: 65000, bgpIdentifier: 0x0a000002 }));
  const wire = encodeOpen({ ...open, capabilities: { ...open.capabilities, roles } });
  const frame = frameMessage(wire, 0, wire.length);
  const message = frame.kind === "message" ? decodeControl(frame) : undefined;
  if (!message?.ok || message.value.type !== "open") throw new Error("no OPEN");
  return message.value.open;
}

const outcome = (local: BgpRole | undefined, strict: boolean, roles: readonly number[]): unknown => {
  const settings = ours(local === undefined ? undefined : { local, strict });
  const answer = negotiate(settings, ownOpen(settings), theirs(roles));
  return answer.ok ? (answer.value.role ?? "no role") : `${answer.fault.code}/${answer.fault.subcode}`;
};

const CASES: readonly { name: string; local?: BgpRole; strict?: true; roles: number[]; want: unknown }[] = [
  { name: "provider and customer", local: "provider", roles: [3], want: { local: "provider", peerSaid: true } },
  { name: "customer and provider", local: "customer", roles: [0], want: { local: "customer", peerSaid: true } },
  {
    name: "route server and client",
    local: "route-server",
    roles: [2],
    want: { local: "route-server", peerSaid: true },
  },
  { name: "two peers", local: "peer", roles: [4], want: { local: "peer", peerSaid: true } },
  { name: "two providers", local: "provider", roles: [0], want: "2/11" },
  { name: "peer and customer", local: "peer", roles: [3], want: "2/11" },
  { name: "a value that is not assigned", local: "peer", roles: [9], want: "2/11" },
  { name: "the same twice", local: "peer", roles: [4, 4], want: { local: "peer", peerSaid: true } },
  { name: "two different ones", local: "peer", roles: [4, 3], want: "2/11" },
  { name: "nothing said", local: "peer", roles: [], want: { local: "peer", peerSaid: false } },
  { name: "nothing said in strict mode", local: "peer", strict: true, roles: [], want: "2/11" },
  { name: "theirs where we have none", roles: [0], want: "no role" },
];

describe("roles (RFC 9234 §4.2)", () => {
  for (const { name, local, strict, roles, want } of CASES) {
    it(name, () => assert.deepEqual(outcome(local, strict === true, roles), want));
  }

  it("inside an AS no role is said and none is looked at (§4.1)", () => {
    const settings = settingsSample({ role: { local: "provider", strict: true } });
    const open = ownOpen(settings);
    assert.equal(open.capabilities.roles, undefined);
    const answer = negotiate(settings, open, ownOpen(settingsSample({ bgpIdentifier: 0x0a000002 })));
    assert.ok(answer.ok && answer.value.role === undefined);
  });
});
