import assert from "node:assert/strict";
import { it } from "node:test";
import { parseIpv6 } from "../../../src/base/index.ts";
import { PolicyBook, type PolicyPeer, type RpkiState } from "../../../src/bgp/policy/index.ts";
import { encodeUnicast } from "../../../src/bgp/wire/index.ts";
import { setSample } from "../wire/samples.ts";

const PEER: PolicyPeer = {
  address: "2001:db8::b",
  kind: "internal",
  remoteAs: 65000,
  family: "ipv6-unicast",
  ownNextHop: parseIpv6("2001:db8::a")!,
};
const DEFINITION = {
  name: "origins",
  statements: [
    { name: "bad", conditions: { rpkiStates: ["invalid"] as const }, actions: {}, result: "reject" as const },
  ],
};
const key = encodeUnicast({ family: "ipv6-unicast", address: parseIpv6("2a00::")!, length: 32 });

it("the state is asked for at each look, with the origin of the set (RFC 6811 §3)", () => {
  let state: RpkiState = "not-found";
  const asked: unknown[] = [];
  const origins = (family: string, octets: Uint8Array, start: number, origin: number | undefined): RpkiState => {
    asked.push([family, octets[start], origin]);
    return state;
  };
  const policy = new PolicyBook([DEFINITION], { localAs: 65000, origins }).chain(["origins"]);
  assert.equal(policy.looksAtOrigin, true);
  const judgement = policy(setSample({ asPath: [{ type: "sequence", numbers: [1, 2] }] }), PEER);
  assert.ok(judgement.verdict === "by-key");
  assert.equal(judgement.of(key, 0).verdict, "accept");
  state = "invalid";
  assert.equal(judgement.of(key, 0).verdict, "reject");
  assert.deepEqual(asked, [
    ["ipv6-unicast", 32, 2],
    ["ipv6-unicast", 32, 2],
  ]);
});

it("capability routes have no state; without validation every prefix is not found", () => {
  const book = new PolicyBook([DEFINITION], { localAs: 65000 });
  assert.equal(book.chain(["origins"])(setSample(), { ...PEER, family: "capability" }).verdict, "accept");
  assert.equal(book.chain(["origins"])(setSample(), PEER).verdict, "accept");
  const unknown = {
    ...DEFINITION,
    statements: [{ ...DEFINITION.statements[0]!, conditions: { rpkiStates: ["not-found"] as const } }],
  };
  assert.equal(new PolicyBook([unknown], { localAs: 65000 }).chain(["origins"])(setSample(), PEER).verdict, "reject");
});
