import assert from "node:assert/strict";
import { toHex } from "../../../../src/base/index.ts";
import { FIRST_CAPABILITY_POLICY, type Operation } from "../../../../src/forwarding/index.ts";
import { address } from "../../memory/frames.ts";
import { SECOND_CAPABILITY } from "../../memory/story.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";

/** Tenant 2's, in the same family. */
const FOREIGN = address("fd5e:0:0:2:8001:1234:5678:0");

const OTHER_FOREIGN = address("fd5e:0:0:2:8001:1234:9999:0");

export const POLICY: CaseGroup = {
  title: "policy",
  cases: [
    {
      name: "a client does not reach another tenant's capability",
      needs: ["tunnels", "tenants"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1), p.leadsTo(1, { to: FOREIGN })]);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 1, to: FOREIGN })]), ["nowhere"]);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 1 })]), ["2001:db8:f::2"]);
      },
    },
    {
      name: "a capability of another tenant and one that does not exist get the same answer",
      needs: ["tenants", "answers"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1), p.leadsTo(1, { to: FOREIGN })]);
        const [foreign, absent] = [p.segment({ port: 2, to: FOREIGN }), p.segment({ port: 2, to: SECOND_CAPABILITY })];
        const answers = [];
        for (const sent of [foreign, absent]) {
          const answer = p.only(await world.send("client", [sent]), "client");
          assert.deepEqual(p.icmpError(answer, sent), { type: 1, code: 0, value: 0 });
          answers.push(toHex(answer.subarray(0, 40)));
        }
        assert.equal(answers[0], answers[1]);
      },
    },
    {
      name: "sources that no client can have are dropped without an answer",
      needs: ["tunnels", "source-check"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        for (const from of ["::", "::1", "ff02::1", "fe80::1", "fd5e:0:0:1:8001:1234:5678:0"])
          assert.deepEqual(await world.send("client", [p.segment({ port: 3, from: address(from) })]), [], from);
        assert.deepEqual(await p.sitesOf(world, [p.segment({ port: 3 })]), ["2001:db8:f::2"]);
      },
    },
    {
      name: "a tenant that a policy lets in reaches the capabilities under it, and no others, for as long",
      needs: ["tunnels", "tenants", "allow-lists"],
      async run(world) {
        const lettingIn = (allowed: readonly number[]): Operation => ({
          type: "set-policy",
          index: FIRST_CAPABILITY_POLICY,
          policy: { use: "capabilities", tenantIndex: 2, counted: false, allowed },
        });
        const entry = { address: FOREIGN, group: 1, localGroup: 0, policy: FIRST_CAPABILITY_POLICY };
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), lettingIn([1]), p.leadsTo(1, { to: OTHER_FOREIGN })]);
        await world.apply([{ type: "set-capability", entry }]);
        const [under, beside] = [p.segment({ port: 5, to: FOREIGN }), p.segment({ port: 5, to: OTHER_FOREIGN })];
        assert.deepEqual(await p.sitesOf(world, [under]), ["2001:db8:f::2"]);
        assert.deepEqual(await p.sitesOf(world, [beside]), ["nowhere"]);
        await world.apply([lettingIn([3])]);
        assert.deepEqual(await p.sitesOf(world, [under]), ["nowhere"]);
      },
    },
  ],
};
