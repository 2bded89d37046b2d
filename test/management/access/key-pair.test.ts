import assert from "node:assert/strict";
import { describe, it } from "node:test";
import ssh2 from "ssh2";
import { type SshKeyKind, type SshKeyPair, sshKeyPair } from "../../../src/management/access/index.ts";

describe("pairs of SSH keys", () => {
  for (const kind of ["ed25519", "ecdsa"] as const satisfies SshKeyKind[]) {
    it(`${kind}: both halves can be read, and are of one pair`, () => {
      const { private: own, public: others } = sshKeyPair(kind, "r1@example");
      const key = ssh2.utils.parseKey(own);
      assert.ok(!(key instanceof Error) && key.isPrivateKey());
      const signature = key.sign(Buffer.from("hello"));
      const known = ssh2.utils.parseKey(others);
      assert.ok(!(known instanceof Error) && known.comment === "r1@example");
      assert.equal(known.verify(Buffer.from("hello"), signature as Buffer), true);
    });
  }

  it("are made again where one cannot be read or its halves differ", () => {
    const good = sshKeyPair("ed25519");
    const other = sshKeyPair("ed25519");
    const made: SshKeyPair[] = [
      { ...good, private: good.private.replace(/\n.{8}/, "\n") },
      { ...good, public: good.public.slice(0, 60) },
      { private: good.private, public: other.public },
      good,
    ];
    assert.equal(
      sshKeyPair("ed25519", "", () => made.shift() as SshKeyPair),
      good,
    );
    assert.equal(made.length, 0);
  });

  it("are given up where none can be read", () => {
    assert.throws(() => sshKeyPair("ed25519", "", () => ({ private: "", public: "" })), /none of 16 new ed25519/);
  });
});
