import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fieldNumber, fieldOctets, fieldText, MalformedMessage, messageFields } from "../../src/base/index.ts";

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");
const read = (octets: Uint8Array): readonly (readonly [number, string | bigint])[] =>
  Array.from(
    messageFields(octets),
    ({ field, number, octets: own }) => [field, number ?? Buffer.from(own!).toString("hex")] as const,
  );

describe("protobuf without a .proto", () => {
  const VECTORS = [
    { name: "nothing", wire: "", want: [] },
    { name: "a number", wire: "08 96 01", want: [[1, 150n]] },
    { name: "a number of 64 bits", wire: "08 ff ff ff ff ff ff ff ff ff 01", want: [[1, 0xffff_ffff_ffff_ffffn]] },
    { name: "text", wire: "12 07 74 65 73 74 69 6e 67", want: [[2, "74657374696e67"]] },
    {
      name: "fixed ones",
      wire: "09 01 00 00 00 00 00 00 00 15 02 00 00 00",
      want: [
        [1, 1n],
        [2, 2n],
      ],
    },
    { name: "a field beyond 15", wire: "fa 01 00", want: [[31, ""]] },
  ] as const;
  for (const { name, wire, want } of VECTORS) it(name, () => assert.deepEqual(read(hex(wire)), want));

  const REFUSED = [
    { name: "a number cut off", wire: "08 96" },
    { name: "a number of eleven octets", wire: "08 ff ff ff ff ff ff ff ff ff ff 01" },
    { name: "no field", wire: "00 01" },
    { name: "a field number beyond 29 bits", wire: "80 80 80 80 10 01" },
    { name: "a length beyond the end", wire: "12 08 74 65" },
    { name: "a length beyond all", wire: "12 ff ff ff ff ff ff ff ff ff 01 00" },
    { name: "a group, which proto3 has not", wire: "0b 0c" },
    { name: "eight octets cut off", wire: "09 01 00" },
    { name: "four octets cut off", wire: "15 01" },
  ];
  for (const { name, wire } of REFUSED)
    it(`refuses ${name}`, () => assert.throws(() => read(hex(wire)), MalformedMessage));

  const field = fc.oneof(
    fc.record({ field: fc.integer({ min: 1, max: 15 }), number: fc.maxSafeNat() }),
    fc.record({ field: fc.integer({ min: 1, max: 15 }), octets: fc.uint8Array({ maxLength: 300 }) }),
  );
  const written = (fields: readonly { field: number; number?: number; octets?: Uint8Array }[]): Buffer =>
    Buffer.concat(
      fields.map(({ field, number, octets }) =>
        number === undefined ? fieldOctets(field, octets!) : fieldNumber(field, number),
      ),
    );

  it("reads what it writes", () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
        const want = fields.map((one) => [
          one.field,
          "number" in one ? BigInt(one.number) : Buffer.from(one.octets).toString("hex"),
        ]);
        assert.deepEqual(read(written(fields)), want);
      }),
    );
    assert.deepEqual(read(fieldText(3, "größer")), [[3, Buffer.from("größer").toString("hex")]]);
  });

  it("cut off at each octet, or with bits flipped, it is fields within the message, or malformed", () => {
    const check = (octets: Uint8Array): void => {
      try {
        for (const { octets: own } of messageFields(octets)) assert.ok((own?.length ?? 0) <= octets.length);
      } catch (cause) {
        assert.ok(cause instanceof MalformedMessage, String(cause));
      }
    };
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 4 }), fc.nat(), (fields, bit) => {
        const message = written(fields);
        for (let length = 0; length < message.length; length++) check(message.subarray(0, length));
        const flipped = Uint8Array.from(message);
        flipped[(bit >> 3) % flipped.length]! ^= 1 << (bit & 7);
        check(flipped);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), check));
  });
});
