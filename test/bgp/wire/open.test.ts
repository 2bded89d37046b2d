import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Reader, seconds, toHex } from "../../../src/base/index.ts";
import {
  decodeControl,
  decodeOpen,
  encodeMessage,
  encodeNotification,
  encodeOpen,
  encodeRouteRefresh,
  frameMessage,
  notification,
  type OpenMessage,
  shutdownData,
  shutdownText,
} from "../../../src/bgp/wire/index.ts";
import { octets } from "./samples.ts";

const plain = { families: [], routeRefresh: false, unknown: [] };
const base = { autonomousSystem: 65000, holdTime: seconds(90), bgpIdentifier: 0xc0000201, capabilities: plain };
const ok = (value: OpenMessage): unknown => ({ ok: true, value });
const fault = (subcode: number, data = ""): unknown => ({ ok: false, fault: { code: 2, subcode, data: octets(data) } });

const VECTORS = [
  { name: "smallest OPEN", see: "RFC 4271 §4.2", wire: "04 fde8 005a c0000201 00", want: ok(base) },
  {
    name: "hold time 0 means no timers",
    see: "RFC 4271 §4.2",
    wire: "04 fde8 0000 c0000201 00",
    want: ok({ ...base, holdTime: undefined }),
  },
  {
    name: "multiprotocol, route refresh, 4-octet AS, unknown",
    see: "RFC 4760 §8; RFC 2918 §2; RFC 6793 §3",
    wire: "04 5ba0 005a c0000201 14 02 12 0104 000200fb 0200 4104 00010000 6302 aabb",
    want: ok({
      ...base,
      autonomousSystem: 65536,
      capabilities: { families: [{ afi: 2, safi: 251 }], routeRefresh: true, fourOctetAs: 65536, unknown: [99] },
    }),
  },
  {
    name: "graceful restart with R and N, forwarding preserved",
    see: "RFC 4724 §3; RFC 8538 §2",
    wire: "04 fde8 005a c0000201 0a 02 08 4006 c078 0002 fb 80",
    want: ok({
      ...base,
      capabilities: {
        ...plain,
        gracefulRestart: {
          restarted: true,
          notification: true,
          restartTime: seconds(120),
          families: [{ family: { afi: 2, safi: 251 }, forwardingPreserved: true }],
        },
      },
    }),
  },
  {
    name: "capabilities in two parameters, a family twice",
    see: "RFC 5492 §4",
    wire: "04 fde8 005a c0000201 10 02 06 0104 000200fb 02 06 0104 000200fb",
    want: ok({ ...base, capabilities: { ...plain, families: [{ afi: 2, safi: 251 }] } }),
  },
  {
    name: "extended parameter length",
    see: "RFC 9072 §2",
    wire: "04 fde8 005a c0000201 ff ff 0009 02 0006 0104 000200fb",
    want: ok({ ...base, capabilities: { ...plain, families: [{ afi: 2, safi: 251 }] } }),
  },
  { name: "version 3", see: "RFC 4271 §6.2", wire: "03 fde8 005a c0000201 00", want: fault(1, "0004") },
  { name: "AS 0", see: "RFC 7607 §2", wire: "04 0000 005a c0000201 00", want: fault(2) },
  { name: "4-octet AS 0", see: "RFC 7607 §2", wire: "04 5ba0 005a c0000201 08 02 06 4104 00000000", want: fault(2) },
  { name: "identifier 0", see: "RFC 6286 §2.2", wire: "04 fde8 005a 00000000 00", want: fault(3) },
  { name: "hold time 2 is refused", see: "RFC 4271 §6.2", wire: "04 fde8 0002 c0000201 00", want: fault(6) },
  { name: "authentication parameter", see: "RFC 4271 §6.2", wire: "04 fde8 005a c0000201 03 01 01 00", want: fault(4) },
  {
    name: "capability longer than its parameter",
    see: "RFC 4271 §6.2",
    wire: "04 fde8 005a c0000201 04 02 02 4104",
    want: fault(0),
  },
  {
    name: "4-octet AS of 5 octets",
    see: "RFC 4271 §6.2",
    wire: "04 fde8 005a c0000201 09 02 07 4105 0001000000",
    want: fault(0),
  },
  {
    name: "graceful restart cut",
    see: "RFC 4271 §6.2",
    wire: "04 fde8 005a c0000201 07 02 05 4003 007800",
    want: fault(0),
  },
  { name: "length beyond the message", see: "RFC 4271 §6.2", wire: "04 fde8 005a c0000201 05 02 00", want: fault(0) },
  { name: "octets behind the parameters", see: "RFC 4271 §6.2", wire: "04 fde8 005a c0000201 00 00", want: fault(0) },
];

/** Through the framer's answer, as the session reads it. */
function control(body: Uint8Array, type = 1): ReturnType<typeof decodeControl> {
  return decodeControl({ kind: "message", type, octets: body, start: 0, end: body.length });
}

describe("decodeOpen", () => {
  for (const { name, see, wire, want } of VECTORS) {
    it(`${name} (${see})`, () => {
      const answer = control(octets(wire));
      const open = answer.ok && answer.value.type === "open" ? { ok: true, value: answer.value.open } : answer;
      assert.deepEqual(open, want);
    });
  }

  it("refuses every truncation", () => {
    const whole = octets("04 5ba0 005a c0000201 14 02 12 0104 000200fb 0200 4104 00010000 6302 aabb");
    for (let length = 0; length < whole.length; length++) {
      const answer = control(whole.subarray(0, length));
      assert.equal(answer.ok, false, `${length} octets were accepted`);
    }
  });

  it("never throws and never reads past the message, whatever a bit does", () => {
    const whole = octets("04 fde8 005a c0000201 18 02 16 0104 000200fb 0200 4006 c0780002fb80 4104 00010000");
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 6 }), (flips) => {
        const bent = whole.slice();
        for (const flip of flips) bent[flip >>> 3]! ^= 1 << (flip & 7);
        const answer = control(bent);
        if (!answer.ok) assert.equal(answer.fault.code, 2);
      }),
    );
  });

  const family = fc
    .tuple(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 1, max: 255 }))
    .map(([afi, safi]) => ({ afi, safi }));
  const open = fc.record({
    autonomousSystem: fc.integer({ min: 1, max: 0xffffffff }),
    holdTime: fc.oneof(fc.constant(undefined), fc.integer({ min: 3, max: 0xffff }).map(seconds)),
    bgpIdentifier: fc.integer({ min: 1, max: 0xffffffff }),
    families: fc.uniqueArray(family, { maxLength: 5, selector: ({ afi, safi }) => (afi << 8) | safi }),
    routeRefresh: fc.boolean(),
    restart: fc.option(
      fc.record({
        restarted: fc.boolean(),
        notification: fc.boolean(),
        restartTime: fc.integer({ min: 0, max: 4095 }).map(seconds),
        families: fc.array(
          fc.tuple(family, fc.boolean()).map(([of, kept]) => ({ family: of, forwardingPreserved: kept })),
          { maxLength: 4 },
        ),
      }),
      { nil: undefined },
    ),
  });

  it("reads back what encodeOpen wrote", () => {
    fc.assert(
      fc.property(open, ({ families, routeRefresh, restart, ...fixed }) => {
        const capabilities = {
          families,
          routeRefresh,
          fourOctetAs: fixed.autonomousSystem,
          ...(restart === undefined ? {} : { gracefulRestart: { ...restart } }),
          unknown: [],
        };
        const message = encodeOpen({ ...fixed, capabilities });
        assert.equal(frameMessage(message, 0, message.length).kind, "message");
        assert.deepEqual(decodeOpen(new Reader(message, 19)), { ok: true, value: { ...fixed, capabilities } });
      }),
    );
  });
});

describe("other control messages", () => {
  it("NOTIFICATION there and back (RFC 4271 §4.5)", () => {
    const message = encodeNotification(notification(6, 4, octets("0102")));
    assert.equal(toHex(message.subarray(16)), "00170306040102");
    assert.deepEqual(control(message.subarray(19), 3), {
      ok: true,
      value: { type: "notification", notification: { code: 6, subcode: 4, data: octets("0102") } },
    });
  });

  it("ROUTE-REFRESH there and back (RFC 2918 §3)", () => {
    const message = encodeRouteRefresh({ afi: 2, safi: 251 });
    assert.equal(toHex(message.subarray(16)), "001705000200fb");
    const want = { type: "route-refresh", family: { afi: 2, safi: 251 }, subtype: 0 };
    assert.deepEqual(control(message.subarray(19), 5), { ok: true, value: want });
  });

  it("ROUTE-REFRESH of no known subtype is ignored, whatever its length; others have theirs (RFC 7313 §5)", () => {
    const subtypeOf = (body: string): unknown => {
      const decoded = control(octets(body), 5);
      return decoded.ok ? "subtype" in decoded.value && decoded.value.subtype : decoded.fault;
    };
    assert.deepEqual([subtypeOf("0002 03 01"), subtypeOf("0002 03 01 00"), subtypeOf("0002 ff")], [3, 3, 255]);
    assert.deepEqual(subtypeOf("0002 00 01 00"), notification(1, 2, octets("0018")), "nobody has agreed on filters");
    assert.deepEqual(control(octets("0002 01 01 00"), 5), {
      ok: true,
      value: {
        type: "bad-refresh",
        fault: notification(7, 1, encodeMessage(5, octets("0002 01 01 00"))),
        plain: notification(1, 2, octets("0018")),
      },
    });
  });

  it("NOTIFICATION data that does not fit is cut", () => {
    assert.equal(encodeNotification(notification(2, 0, new Uint8Array(5000))).length, 4096);
  });

  const text = (data: Uint8Array, subcode = 2): string | undefined => shutdownText(notification(6, subcode, data));

  it("shutdown communication (RFC 9003 §2)", () => {
    assert.equal(text(shutdownData("back at 10:00 \u{1f6e0}")), "back at 10:00 \u{1f6e0}");
    assert.equal(text(shutdownData("line\nbreak\u0007")), "line\u{fffd}break\u{fffd}");
    assert.equal(text(shutdownData("")), undefined);
    assert.equal(text(octets("05 61")), undefined, "a length beyond the data");
    assert.equal(text(octets("02 c328")), undefined, "not UTF-8");
    assert.equal(text(shutdownData("x"), 3), undefined, "only shutdown and reset carry a text");
  });

  it("a text longer than 255 octets is cut on the border of a character (RFC 9003 §2)", () => {
    const data = shutdownData(`a${"é".repeat(200)}`);
    assert.equal(data.length, 256);
    assert.equal(text(data), `a${"é".repeat(127)}`);
    assert.equal(text(shutdownData("é".repeat(200))), "é".repeat(127));
  });
});
