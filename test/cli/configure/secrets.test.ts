import assert from "node:assert/strict";
import { it } from "node:test";
import { withoutSecrets } from "../../../src/words/index.ts";

it("a line that is shown has stars for keys, and for what stands where the hash of a password belongs", () => {
  for (const [line, shown] of [
    [
      "set keystore symmetric-key a cleartext-symmetric-key c2VjcmV0",
      "set keystore symmetric-key a cleartext-symmetric-key ***",
    ],
    ['set users user ann password-hash "correct horse"', "set users user ann password-hash ***"],
    ["set users user ann passwor correct", "set users user ann passwor ***"],
    ['{"password-hash": "correct horse", "name": "ann"}', '{"password-hash": ***, "name": "ann"}'],
    ["set bgp neighbor ::1 passive true", "set bgp neighbor ::1 passive true"],
  ] as const)
    assert.equal(withoutSecrets(line), shown);
});
