import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Answer, type DecodedPacket, decode, type OptAnswer } from "dns-packet";
import fc from "fast-check";
import {
  formatIpv4,
  formatIpv6,
  milliseconds,
  parseCapabilityName,
  parseIpv4Prefix,
  SourceRates,
  seconds,
} from "../../src/base/index.ts";
import { type ResponderParts, respond, type Transport, truncated } from "../../src/discovery/dns-response.ts";
import { CapabilityZones } from "../../src/discovery/zone.ts";
import { OCR, SPEECH, taxonomy } from "../directory/samples.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { named, type QueryShape, query, TYPE } from "./queries.ts";

const LONG = parseCapabilityName(`/${Array.from({ length: 8 }, (_, i) => `${"long".repeat(6)}x${i}`).join("/")}`)!;

const known = taxonomy({
  capabilities: [...taxonomy().capabilities, { name: LONG, majorVersion: 1, servicePort: 80, protocol: "tcp" }],
  ipv4Pools: new Map([["globex", parseIpv4Prefix("198.18.0.0/24")!]]),
});
const parts: ResponderParts = {
  zones: new CapabilityZones(known),
  serial: 7,
  options: { ttl: seconds(60), nameServer: "r1.example.net" },
};
const NAME = "ocr.vision.cap.acme.example.net";
const ADDRESS = formatIpv6(known.address("acme", OCR, 1)!);

function reply(octets: Uint8Array, transport: Transport = "udp"): DecodedPacket & { readonly size: number } {
  const got = respond(octets, transport, parts);
  assert.ok("octets" in got);
  return { ...decode(Buffer.from(got.octets)), size: got.octets.length };
}

/** `rcode aa? tc? | answers | authorities`, as a person reads it. */
function summary(packet: DecodedPacket): string {
  const head = [(packet as { rcode?: string }).rcode, packet.flag_aa && "aa", packet.flag_tc && "tc"];
  const text = (records: readonly Answer[] | undefined) =>
    (records ?? [])
      .map((r) => `${r.name} ${r.type} ${r.type === "AAAA" || r.type === "A" ? r.data : ""}`.trim())
      .join(", ");
  return [head.filter(Boolean).join(" "), text(packet.answers), text(packet.authorities)].join(" | ");
}

const SOA = "cap.acme.example.net SOA";
const VECTORS: readonly { name: string; see: string; ask: Uint8Array; want: string }[] = [
  {
    name: "the address of a capability",
    see: "DESIGN 3",
    ask: named(NAME),
    want: `NOERROR aa | ${NAME} AAAA ${ADDRESS} | `,
  },
  {
    name: "another tenant has another address",
    see: "DESIGN 3",
    ask: named("ocr.vision.cap.globex.example.net"),
    want: `NOERROR aa | ocr.vision.cap.globex.example.net AAAA ${formatIpv6(known.address("globex", OCR, 1)!)} | `,
  },
  {
    name: "A where the tenant has a pool of IPv4 addresses",
    see: "RFC 1035 §3.4.1",
    ask: named("OCR.vision.cap.globex.example.net", { type: TYPE.A }),
    want: `NOERROR aa | OCR.vision.cap.globex.example.net A ${formatIpv4(known.ipv4Address("globex", OCR, 1)!)} | `,
  },
  {
    name: "ANY prefers the IPv6 address",
    see: "RFC 8482 §4.1",
    ask: named("ocr.vision.cap.globex.example.net", { type: TYPE.ANY }),
    want: `NOERROR aa | ocr.vision.cap.globex.example.net AAAA ${formatIpv6(known.address("globex", OCR, 1)!)} | `,
  },
  {
    name: "a known name has no A elsewhere",
    see: "RFC 2308 §2.2",
    ask: named(NAME, { type: TYPE.A }),
    want: `NOERROR aa |  | ${SOA}`,
  },
  { name: "nor SVCB", see: "RFC 9460 §2", ask: named(NAME, { type: TYPE.SVCB }), want: `NOERROR aa |  | ${SOA}` },
  { name: "nor HTTPS", see: "RFC 9460 §9", ask: named(NAME, { type: TYPE.HTTPS }), want: `NOERROR aa |  | ${SOA}` },
  {
    name: "ANY gets one RRset",
    see: "RFC 8482 §4.1",
    ask: named(NAME, { type: TYPE.ANY }),
    want: `NOERROR aa | ${NAME} AAAA ${ADDRESS} | `,
  },
  {
    name: "an empty non-terminal exists",
    see: "RFC 4592 §2.2.2",
    ask: named("vision.cap.acme.example.net"),
    want: `NOERROR aa |  | ${SOA}`,
  },
  {
    name: "SOA at the apex",
    see: "RFC 1035 §3.3.13",
    ask: named("cap.acme.example.net", { type: TYPE.SOA }),
    want: `NOERROR aa | ${SOA} | `,
  },
  {
    name: "NS at the apex",
    see: "RFC 1035 §3.3.11",
    ask: named("cap.acme.example.net", { type: TYPE.NS }),
    want: "NOERROR aa | cap.acme.example.net NS | ",
  },
  {
    name: "the apex has no address",
    see: "RFC 2308 §2.2",
    ask: named("cap.acme.example.net"),
    want: `NOERROR aa |  | ${SOA}`,
  },
  {
    name: "an unknown name",
    see: "RFC 1035 §4.1.1",
    ask: named("asr.audio.cap.acme.example.net"),
    want: `NXDOMAIN aa |  | ${SOA}`,
  },
  { name: "a name below a known one", see: "RFC 8020", ask: named(`www.${NAME}`), want: `NXDOMAIN aa |  | ${SOA}` },
  {
    name: "an unknown tenant",
    see: "RFC 1035 §4.1.1",
    ask: named("ocr.vision.cap.nobody.example.net"),
    want: "REFUSED |  | ",
  },
  {
    name: "the domain above is not ours",
    see: "RFC 1035 §4.1.1",
    ask: named("acme.example.net"),
    want: "REFUSED |  | ",
  },
  { name: "the root", see: "RFC 1035 §4.1.1", ask: query({ labels: [] }), want: "REFUSED |  | " },
  { name: "another class", see: "RFC 1035 §3.2.4", ask: named(NAME, { class: 3 }), want: "REFUSED |  | " },
  {
    name: "a zone transfer",
    see: "RFC 5936 §2.2.1",
    ask: named("cap.acme.example.net", { type: TYPE.AXFR }),
    want: "REFUSED |  | ",
  },
  { name: "an update", see: "RFC 2136 §3", ask: named(NAME, { flags: 5 << 11 }), want: "NOTIMP |  | " },
  {
    name: "one label with a dot is not two labels",
    see: "RFC 2181 §11",
    ask: query({ labels: ["ocr.vision", "cap", "acme", "example", "net"] }),
    want: `NXDOMAIN aa |  | ${SOA}`,
  },
  {
    name: "octets that are not text are a name nobody has",
    see: "RFC 2181 §11",
    ask: query({ labels: [Uint8Array.of(0, 0xff, 0x5c), "cap", "acme", "example", "net"] }),
    want: `NXDOMAIN aa |  | ${SOA}`,
  },
];

describe("answers", () => {
  for (const { name, see, ask, want } of VECTORS) it(`${name} (${see})`, () => assert.equal(summary(reply(ask)), want));

  it("the header repeats ID and RD, and offers no recursion (RFC 1035 §4.1.1)", () => {
    for (const flags of [0, 0x0100, 0x0110]) {
      const got = respond(named(NAME, { id: 0xbeef, flags }), "udp", parts);
      assert.ok("octets" in got);
      assert.equal(Buffer.from(got.octets).readUInt32BE(0), ((0xbeef << 16) | 0x8400 | flags) >>> 0);
    }
  });

  it("SOA: the serial is the taxonomy's revision, negative answers are short-lived (RFC 2308 §5)", () => {
    const soa = reply(named("no.cap.acme.example.net")).authorities![0] as Extract<Answer, { type: "SOA" }>;
    assert.deepEqual([soa.ttl, soa.data.serial, soa.data.minimum, soa.data.mname], [30, 7, 30, "r1.example.net"]);
    assert.equal((reply(named(NAME)).answers![0] as { ttl: number }).ttl, 60);
  });

  it("the question comes back octet for octet, whatever its case (draft-vixie-dnsext-dns0x20)", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: NAME.length, maxLength: NAME.length }), (upper) => {
        const mixed = [...NAME].map((c, i) => (upper[i] ? c.toUpperCase() : c)).join("");
        const ask = named(mixed);
        const got = respond(ask, "udp", parts);
        assert.ok("octets" in got);
        assert.deepEqual(got.octets.slice(12, ask.length), ask.slice(12));
        assert.equal(summary(decode(Buffer.from(got.octets))), `NOERROR aa | ${mixed} AAAA ${ADDRESS} | `);
      }),
    );
  });
});

describe("EDNS (RFC 6891)", () => {
  const optOf = (packet: DecodedPacket) => packet.additionals!.find(({ type }) => type === "OPT") as OptAnswer;

  it("an OPT is answered with an OPT, none with none; DO is copied (RFC 3225 §3)", () => {
    assert.deepEqual(reply(named(NAME)).additionals, []);
    const opt = optOf(reply(named(NAME, { opt: { flags: 0x8000 } })));
    assert.deepEqual([opt.udpPayloadSize, opt.flags, opt.ednsVersion], [1232, 0x8000, 0]);
  });

  it("a later version is BADVERS (§6.1.3)", () => {
    const got = reply(named(NAME, { opt: { version: 1 } }));
    assert.deepEqual([optOf(got).extendedRcode, got.answers!.length, got.flags! & 0xf], [1, 0, 0]);
  });

  it("two OPTs, one elsewhere than in the additional section, or one with a name is FORMERR (§6.1.1)", () => {
    const one = Buffer.from(named(NAME, { opt: {} }));
    const two = Buffer.concat([one, one.subarray(-11)]);
    two.writeUInt16BE(2, 10);
    const misplaced = Buffer.from(one);
    misplaced.writeUInt16BE(1, 6);
    misplaced.writeUInt16BE(0, 10);
    const bare = named(NAME);
    const owned = Buffer.concat([bare, Buffer.from([1, 0x61]), one.subarray(-11)]);
    owned.writeUInt16BE(1, 10);
    for (const ask of [two, misplaced, owned]) assert.equal(summary(reply(ask)), "FORMERR |  | ");
  });

  it("what does not fit is cut to the question with TC, and comes whole over TCP or with a larger size (§6.2.3)", () => {
    const name = known.dnsName("acme", LONG);
    const plain = reply(named(name));
    assert.equal(summary(plain), "NOERROR aa tc |  | ");
    assert.equal(plain.questions![0]!.name, name);
    assert.ok(plain.size <= 512);
    const whole = `NOERROR aa | ${name} AAAA ${formatIpv6(known.address("acme", LONG, 1)!)} | `;
    assert.equal(summary(reply(named(name), "tcp")), whole);
    assert.equal(summary(reply(named(name, { opt: { size: 1232 } }))), whole);
    assert.equal(summary(reply(named(name, { opt: { size: 100 } }))), "NOERROR aa tc |  | ");
  });
});

function changed(ask: Buffer, at: number, to: Buffer): Buffer {
  to.copy(ask, at);
  return ask;
}

describe("what is not a query", () => {
  it("a response, and less than a header, get no answer", () => {
    assert.deepEqual(respond(named(NAME, { flags: 0x8000 }), "udp", parts), { type: "ignored", reason: "response" });
    assert.deepEqual(respond(new Uint8Array(11), "udp", parts), { type: "ignored", reason: "short" });
    assert.equal(truncated(new Uint8Array(20)), undefined);
  });

  const malformed: readonly [string, (ask: Buffer) => Buffer][] = [
    ["no question", (ask) => changed(ask, 4, Buffer.of(0 >> 8, 0 & 255))],
    ["two questions (RFC 9619)", (ask) => changed(ask, 4, Buffer.of(2 >> 8, 2 & 255))],
    ["a record that is not there", (ask) => changed(ask, 10, Buffer.of(1 >> 8, 1 & 255))],
    ["65535 records that are not there", (ask) => changed(ask, 6, Buffer.of(0xffff >> 8, 0xffff & 255))],
    ["octets behind the end", (ask) => Buffer.concat([ask, Buffer.of(0)])],
    ["a compressed question", (ask) => changed(ask, 12, Buffer.of(0xc00c >> 8, 0xc00c & 255))],
    ["a label of a reserved kind", (ask) => changed(ask, 12, Buffer.of(0x80))],
  ];
  for (const [name, change] of malformed) {
    it(`${name} is FORMERR with the ID`, () => {
      const got = reply(change(Buffer.from(named(NAME))));
      assert.deepEqual([summary(got), got.id, got.questions!.length], ["FORMERR |  | ", 0x1234, 0]);
    });
  }

  it("a name of 255 octets is the longest (RFC 1035 §2.3.4)", () => {
    const labels = (last: number) => [...Array.from({ length: 3 }, () => "x".repeat(63)), "x".repeat(last)];
    assert.equal(summary(reply(query({ labels: labels(61) }))), "REFUSED |  | ");
    assert.equal(summary(reply(query({ labels: labels(62) }))), "FORMERR |  | ");
  });
});

/** Whatever comes in: silence, an error, or the truth about exactly the name that was asked. */
function neverWrong(ask: Uint8Array): void {
  for (const transport of ["udp", "tcp"] as const) {
    const got = respond(ask, transport, parts);
    if (!("octets" in got)) continue;
    const packet = decode(Buffer.from(got.octets));
    assert.equal(packet.id, (ask[0]! << 8) | ask[1]!);
    assert.equal(packet.type, "response");
    for (const record of packet.answers ?? []) {
      const labels: Uint8Array[] = [];
      for (let at = 12; ask[at] !== 0; at += 1 + ask[at]!) labels.push(ask.subarray(at + 1, at + 1 + ask[at]!));
      const asked = labels.map((label) => Buffer.from(label).toString("latin1"));
      assert.ok(asked.every((label) => /^[A-Za-z0-9-]+$/.test(label)));
      assert.equal(record.name.toLowerCase(), asked.join(".").toLowerCase());
      if (record.type !== "AAAA") continue;
      const capability = parseCapabilityName(
        `/${asked
          .slice(0, asked.length - 4)
          .reverse()
          .join("/")}`,
      )!;
      const tenant = asked.at(-3)!.toLowerCase();
      assert.ok([OCR, SPEECH, LONG].includes(capability));
      assert.equal(record.data, formatIpv6(known.address(tenant, capability, 1)!));
    }
  }
}

describe("property: no input crashes the responder or gets a wrong answer", () => {
  const whole = query({ labels: NAME.split("."), opt: { size: 4096, flags: 0x8000 } });

  it("every truncation is FORMERR or silence", () => {
    for (let length = 0; length < whole.length; length++) {
      const got = respond(whole.subarray(0, length), "udp", parts);
      if ("octets" in got) assert.equal(got.rcode, "FORMERR", `cut to ${length}`);
      else assert.ok(length < 12);
    }
  });

  it("every single bit flip", () => {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const ask = Uint8Array.from(whole);
      ask[bit >> 3] = ask[bit >> 3]! ^ (1 << (bit & 7));
      neverWrong(ask);
    }
  });

  it("random changes of a query, and random octets", () => {
    const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
        const ask = Uint8Array.from(whole);
        for (const { at, to } of changes) ask[at] = to;
        neverWrong(ask);
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), neverWrong), { numRuns: 1000 });
  });

  it("any labels, of any octets, below and around the zone", () => {
    const label = fc.oneof(
      fc.constantFrom("ocr", "OCR", "vision", "cap", "acme", "example", "net", "ocr.vision", "a\\b"),
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
    );
    const shape = fc.record({
      labels: fc.oneof(
        fc.array(label, { maxLength: 8 }),
        fc.array(label, { maxLength: 3 }).map((some) => [...some, "cap", "acme", "example", "net"]),
      ),
      type: fc.constantFrom(...Object.values(TYPE)),
    });
    fc.assert(
      fc.property(shape, (given: QueryShape) => neverWrong(query(given))),
      { numRuns: 2000 },
    );
  });
});

it("a source has its rate, a /64 is one source, and others are not touched", () => {
  const clock = new VirtualClock();
  const rates = new SourceRates({ perSecond: 10, burst: 3 }, clock);
  const take = (address: string, times: number) =>
    Array.from({ length: times }, () => rates.take(address)).filter(Boolean).length;
  assert.equal(take("fd00::1", 2) + take("fd00::2:0:0:1", 5), 3);
  assert.equal(take("fd00:0:0:1::1", 5), 3);
  assert.equal(take("::ffff:192.0.2.1", 5) + take("::ffff:192.0.2.2", 5), 6);
  assert.equal(rates.has("fd00::1"), false);
  clock.advance(milliseconds(200));
  assert.equal(rates.has("fd00::1"), true);
  assert.equal(take("fd00::1", 5), 2);
});
