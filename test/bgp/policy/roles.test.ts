import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLeak, markReceived, markSent, wouldLeak } from "../../../src/bgp/policy/index.ts";
import type { BgpRole } from "../../../src/bgp/wire/index.ts";
import { setSample } from "../wire/samples.ts";

const OURS = 65000;
const THEIRS = 65001;

/** What happens to a route without the attribute, and with it, in each direction. @see RFC 9234 §5 */
const TABLE: readonly {
  readonly role: BgpRole;
  readonly received: number | undefined;
  readonly leaks: { readonly theirs: boolean; readonly others: boolean };
  readonly sent: number | undefined;
  readonly mayAscend: boolean;
}[] = [
  { role: "provider", received: undefined, leaks: { theirs: true, others: true }, sent: OURS, mayAscend: true },
  { role: "route-server", received: undefined, leaks: { theirs: true, others: true }, sent: OURS, mayAscend: true },
  { role: "peer", received: THEIRS, leaks: { theirs: false, others: true }, sent: OURS, mayAscend: false },
  { role: "customer", received: THEIRS, leaks: { theirs: false, others: false }, sent: undefined, mayAscend: false },
  {
    role: "route-server-client",
    received: THEIRS,
    leaks: { theirs: false, others: false },
    sent: undefined,
    mayAscend: false,
  },
];

describe("only to customer (RFC 9234 §5)", () => {
  for (const { role, received, leaks, sent, mayAscend } of TABLE) {
    it(`this router is ${role}`, () => {
      const plain = setSample();
      const marked = (by: number) => setSample({ onlyToCustomer: by });
      assert.equal(isLeak(plain, role, THEIRS), false);
      assert.deepEqual(
        { theirs: isLeak(marked(THEIRS), role, THEIRS), others: isLeak(marked(64999), role, THEIRS) },
        leaks,
      );
      assert.equal(markReceived(plain, role, THEIRS).onlyToCustomer, received);
      assert.equal(markReceived(marked(64999), role, THEIRS).onlyToCustomer, 64999, "what is there stays");
      assert.equal(wouldLeak(false, role), false);
      assert.equal(wouldLeak(true, role), !mayAscend);
      assert.equal(markSent(plain, role, OURS).onlyToCustomer, sent);
      assert.equal(markSent(marked(64999), role, OURS).onlyToCustomer, 64999);
    });
  }
});
