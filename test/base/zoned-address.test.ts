import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalZoned } from "../../src/base/index.ts";

describe("addresses with a zone (RFC 4007 §11)", () => {
  for (const [text, want] of [
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["FE80:0::1%eth0.100", "fe80::1%eth0.100"],
    ["febf::1%br-lan", "febf::1%br-lan"],
    ["fe80::1", "fe80::1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["2001:db8::1%eth0", undefined],
    ["fec0::1%eth0", undefined],
    ["fe80::1%", undefined],
    ["fe80::1%eth0%eth1", undefined],
    ["fe80::1%eth 0", undefined],
    ["fe80::1%sixteen-octets-o", undefined],
    ["%eth0", undefined],
    ["192.0.2.1%eth0", undefined],
    ["", undefined],
  ] as const)
    it(`${JSON.stringify(text)}: ${want ?? "none"}`, () => assert.equal(canonicalZoned(text), want));
});
