import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  capabilityAddress,
  capabilityDnsName,
  capabilityId,
  compareOctets,
  formatIpv4,
  formatIpv6,
  fromHex,
  hashedFamilyCode,
  octetsEqual,
  parseCapabilityName,
  parseIpv4,
  parseIpv6,
  parseIpv6Prefix,
  prefixContains,
  Reader,
  Scope,
  ShortRead,
  toHex,
  Writer,
} from "../../src/base/index.ts";

describe("IPv6 text", () => {
  const VECTORS = [
    { text: "::", hex: "00000000000000000000000000000000" },
    { text: "::1", hex: "00000000000000000000000000000001" },
    { text: "fd00:ffff::2", hex: "fd00ffff000000000000000000000002" },
    { text: "2001:db8:0:1:1:1:1:1", hex: "20010db8000000010001000100010001" },
    { text: "2001:0:0:1::1", hex: "20010000000000010000000000000001" },
  ];
  for (const { text, hex } of VECTORS)
    it(`${text} both ways (RFC 5952 §4)`, () => {
      assert.equal(toHex(parseIpv6(text)!), hex);
      assert.equal(formatIpv6(fromHex(hex)), text);
    });

  for (const text of [
    "",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "g::",
    "fe80::1%eth0",
    "::1.2.3.256",
  ])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseIpv6(text), undefined));

  it("reads an embedded IPv4 address (RFC 4291 §2.2)", () => {
    assert.equal(toHex(parseIpv6("::ffff:192.0.2.1")!), "00000000000000000000ffffc0000201");
  });

  it("round-trips every address", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
        assert.deepEqual(parseIpv6(formatIpv6(octets)), octets);
      }),
    );
  });

  it("never throws on arbitrary text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123456789abcdef:.g%/") }), (text) => void parseIpv6(text)),
    );
  });
});

describe("prefixes", () => {
  it("refuses bits behind the length", () => {
    assert.equal(parseIpv6Prefix("fd00::1/64"), undefined);
    assert.equal(parseIpv6Prefix("fd00::/129"), undefined);
  });
  it("contains by bits, not by octets", () => {
    const prefix = parseIpv6Prefix("fd00:8000::/17")!;
    assert.ok(prefixContains(prefix, parseIpv6("fd00:ffff::1")!));
    assert.ok(!prefixContains(prefix, parseIpv6("fd00:7fff::1")!));
  });
});

describe("IPv4 text", () => {
  it("both ways", () => assert.equal(formatIpv4(parseIpv4("192.0.2.255")!), "192.0.2.255"));
  for (const text of ["1.2.3", "01.2.3.4", "1.2.3.256", "1.2.3.4.5", ""])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseIpv4(text), undefined));
});

describe("capability names (DESIGN section 3)", () => {
  it("accepts the drafts' spelling as the same name", () => {
    assert.equal(parseCapabilityName("/capability/vision/ocr"), "/vision/ocr");
    assert.equal(parseCapabilityName("/Vision/OCR"), "/vision/ocr");
    assert.equal(parseCapabilityName("/capability"), "/capability");
  });
  const bad = [
    "",
    "/",
    "vision/ocr",
    "/vision//ocr",
    "/vision/",
    "/-x",
    "/x-",
    "/a/b/c/d/e/f/g/h/i",
    `/${"a".repeat(64)}`,
    "/a_b",
    "/ä",
  ];
  for (const text of bad)
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseCapabilityName(text), undefined));

  it("makes DNS names", () => {
    assert.equal(
      capabilityDnsName(parseCapabilityName("/vision/ocr")!, "acme", "example.net"),
      "ocr.vision.cap.acme.example.net",
    );
  });

  it("derives identifiers that depend on name and major version only", () => {
    const name = parseCapabilityName("/vision/ocr")!;
    assert.equal(toHex(capabilityId(name, 1)), toHex(capabilityId(name, 1)));
    assert.notEqual(toHex(capabilityId(name, 1)), toHex(capabilityId(name, 2)));
    assert.equal(capabilityId(name, 1).length, 16);
    assert.ok(hashedFamilyCode("vision") >= 0x8000);
  });

  it("lays the address out as DESIGN section 3 says", () => {
    const address = capabilityAddress({
      domain: parseIpv6Prefix("fd5e:3d00:1::/48")!,
      tenantIndex: 0x0102,
      familyCode: 0x0304,
      capabilityId: fromHex("a1a2a3a4 000000000000000000000000"),
      selector: 0xfffe,
    });
    assert.equal(toHex(address), "fd5e3d00000101020304a1a2a3a4fffe");
  });
});

describe("Reader", () => {
  it("never reads past its parent", () => {
    const parent = new Reader(fromHex("0102030405"));
    const child = parent.within(2);
    assert.equal(child.u16(), 0x0102);
    assert.throws(() => child.u8(), ShortRead);
    assert.equal(parent.u8(), 3);
    assert.throws(() => parent.within(3), ShortRead);
    assert.equal(parent.left, 2);
  });

  it("reads back what Writer wrote, at every truncation ShortRead", () => {
    const body = new Writer(1)
      .u8(0xfe)
      .u16(0xfffe)
      .u32(0xfffffffe)
      .u64(0xfffffffffffffffen)
      .bytes(fromHex("aabb"))
      .finish();
    const read = (octets: Uint8Array): unknown[] => {
      const reader = new Reader(octets);
      return [reader.u8(), reader.u16(), reader.u32(), reader.u64(), toHex(reader.bytes(2)), reader.left];
    };
    assert.deepEqual(read(body), [0xfe, 0xfffe, 0xfffffffe, 0xfffffffffffffffen, "aabb", 0]);
    for (let length = 0; length < body.length; length++) assert.throws(() => read(body.subarray(0, length)), ShortRead);
  });

  it("length prefixes cover what was appended, and no more than fits", () => {
    assert.equal(toHex(new Writer().lengthPrefixed16(() => undefined).finish()), "0000");
    const writer = new Writer();
    writer.lengthPrefixed16(() => writer.bytes(fromHex("010203")));
    assert.equal(toHex(writer.finish()), "0003010203");
    const large = new Writer();
    assert.throws(() => large.lengthPrefixed16(() => large.bytes(new Uint8Array(0x10000))), RangeError);
  });
});

describe("octets", () => {
  it("compares as unsigned numbers", () => {
    assert.ok(compareOctets(fromHex("7f"), fromHex("80")) < 0);
    assert.ok(octetsEqual(fromHex("00ff"), fromHex("00ff")) && !octetsEqual(fromHex("00"), fromHex("0000")));
  });
  it("refuses what is not hexadecimal", () => assert.throws(() => fromHex("0x"), SyntaxError));
});

describe("Scope", () => {
  it("closes once, in reverse order, and aborts its signal first", async () => {
    const order: string[] = [];
    const scope = new Scope();
    scope.signal.addEventListener("abort", () => order.push("abort"));
    scope.defer(() => void order.push("first"));
    scope.defer(async () => void order.push("second"));
    await Promise.all([scope[Symbol.asyncDispose](), scope[Symbol.asyncDispose]()]);
    assert.deepEqual(order, ["abort", "second", "first"]);
  });

  it("reports a failure to close beside the cause", async () => {
    const scope = new Scope();
    scope.defer(() => {
      throw new Error("will not close");
    });
    const thrown = await scope.abandon(new Error("start failed"));
    assert.ok(thrown instanceof SuppressedError);
    assert.equal((thrown.suppressed as Error).message, "will not close");
    assert.equal((thrown.error as Error).message, "start failed");
  });

  it("follows its parent's signal", () => {
    const parent = new AbortController();
    const scope = new Scope(parent.signal);
    parent.abort();
    assert.ok(scope.signal.aborted);
  });
});
