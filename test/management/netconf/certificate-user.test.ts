import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type CertificateRule,
  fingerprintOf,
  type ShownCertificate,
  userOfCertificate,
} from "../../../src/management/netconf/certificate-user.ts";

const authority: ShownCertificate = { raw: Buffer.from("authority") };
(authority as { issuerCertificate?: ShownCertificate }).issuerCertificate = authority;
const shown: ShownCertificate = {
  raw: Buffer.from("client"),
  subject: { CN: "carol" },
  subjectaltname:
    'DNS:"evil, DNS:root", URI:spiffe://x/y, DNS:Host.Example.NET, email:Al@EXAMPLE.net, IP Address:FD00:0:0:0:0:0:0:1',
  issuerCertificate: authority,
};
const rule = (id: number, take: CertificateRule["take"], of = shown, user?: string): CertificateRule => ({
  ...{ id, take, fingerprint: fingerprintOf(of.raw) },
  ...(user === undefined ? {} : { user }),
});

describe("the user of a certificate (RFC 7407, cert-to-name)", () => {
  for (const [what, rules, user] of [
    ["specified, by its own fingerprint", [rule(1, "specified", shown, "alice")], "alice"],
    [
      "by the fingerprint of its authority, in capitals",
      [{ ...rule(1, "common-name", authority), fingerprint: fingerprintOf(authority.raw).toUpperCase() }],
      "carol",
    ],
    ["DNS name, in lower case; a quoted one is passed over", [rule(1, "san-dns-name")], "host.example.net"],
    ["mail address, its host in lower case", [rule(1, "san-rfc822-name")], "Al@example.net"],
    ["IPv6 address, as 32 digits", [rule(1, "san-ip-address")], "fd000000000000000000000000000001"],
    ["the first of any", [rule(1, "san-any")], "host.example.net"],
    ["the rule with the lowest id that fits", [rule(9, "common-name"), rule(2, "specified", shown, "bob")], "bob"],
    ["a rule that names nobody is passed over", [rule(1, "specified"), rule(2, "common-name")], "carol"],
    ["nobody, for another fingerprint", [rule(1, "common-name", { raw: Buffer.from("other") })], undefined],
    ["nobody, without rules", [], undefined],
  ] as [string, CertificateRule[], string | undefined][]) {
    it(what, () => assert.equal(userOfCertificate(shown, rules), user));
  }

  it("of several common names none is taken", () => {
    assert.equal(userOfCertificate({ ...shown, subject: { CN: ["a", "b"] } }, [rule(1, "common-name")]), undefined);
  });

  it("no name with a quote or a comma comes out of what is written in a certificate", () => {
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (name, quoted) => {
        const written = quoted ? JSON.stringify(name) : name;
        const user = userOfCertificate({ ...shown, subjectaltname: `DNS:${written}` }, [rule(1, "san-any")]);
        assert.ok(user === undefined || !/^"|,/.test(user), user);
      }),
    );
  });
});
