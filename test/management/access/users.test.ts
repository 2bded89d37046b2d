import assert from "node:assert/strict";
import { describe, it } from "node:test";
import ssh2 from "ssh2";
import {
  hashPassword,
  passwordHashFault,
  publicKeyFault,
  sshKeyPair,
  UserBook,
} from "../../../src/management/access/index.ts";

const pair = sshKeyPair("ed25519", "alice@example");

describe("passwords", () => {
  it("match their own hash only, and hashes differ by salt", async () => {
    const [first, second] = await Promise.all([hashPassword("correct horse"), hashPassword("correct horse")]);
    assert.notEqual(first, second);
    const book = new UserBook();
    book.replace([
      { name: "alice", authorizedKeys: [], passwordHash: first },
      { name: "bob", authorizedKeys: [] },
    ]);
    assert.equal(await book.passwordMatches("alice", "correct horse"), true);
    assert.equal(await book.passwordMatches("alice", "correct horse "), false);
    assert.equal(await book.passwordMatches("alice", ""), false);
    assert.equal(await book.passwordMatches("bob", "correct horse"), false);
    assert.equal(await book.passwordMatches("nobody", "correct horse"), false);
  });

  for (const text of [
    "",
    "secret",
    "$6$salt$hash",
    "$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA",
  ]) {
    it(`${JSON.stringify(text)} is no hash`, () => assert.notEqual(passwordHashFault(text), undefined));
  }
});

describe("keys", () => {
  it("are found by their octets, for their user", () => {
    const book = new UserBook();
    book.replace([
      { name: "alice", authorizedKeys: [pair.public] },
      { name: "bob", authorizedKeys: [] },
    ]);
    const key = ssh2.utils.parseKey(pair.public);
    assert.ok(!(key instanceof Error));
    const octets = key.getPublicSSH();
    assert.equal(book.keyOf("alice", octets)?.comment, "alice@example");
    assert.equal(book.keyOf("bob", octets), undefined);
    assert.equal(book.keyOf("alice", octets.subarray(1)), undefined);
    book.replace([]);
    assert.equal(book.keyOf("alice", octets), undefined);
  });

  it("a private key or no key is refused", () => {
    assert.equal(publicKeyFault(pair.public), undefined);
    assert.match(publicKeyFault(pair.private) ?? "", /private/);
    assert.match(publicKeyFault("ssh-ed25519 xyz") ?? "", /not a public key/);
  });
});
