import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toHex } from "../../src/base/index.ts";
import { routeDistinguisherOf, routeTargetOf } from "../../src/management/yang/values.ts";

const VECTORS = [
  {
    name: "RD with a two-octet AS",
    see: "RFC 4364 §4.2",
    read: routeDistinguisherOf,
    text: "0:65000:1",
    wire: "0000fde800000001",
  },
  {
    name: "RD with an address",
    see: "RFC 4364 §4.2",
    read: routeDistinguisherOf,
    text: "1:10.0.0.2:513",
    wire: "00010a0000020201",
  },
  {
    name: "RD with a four-octet AS",
    see: "RFC 4364 §4.2",
    read: routeDistinguisherOf,
    text: "2:4200000000:65535",
    wire: "0002fa56ea00ffff",
  },
  {
    name: "largest number of a type 0 RD",
    see: "RFC 4364 §4.2",
    read: routeDistinguisherOf,
    text: "0:1:4294967295",
    wire: "00000001ffffffff",
  },
  {
    name: "RT of a two-octet AS",
    see: "RFC 4360 §3.1",
    read: routeTargetOf,
    text: "65000:1",
    wire: "0002fde800000001",
  },
  {
    name: "RT of an address",
    see: "RFC 4360 §3.2",
    read: routeTargetOf,
    text: "10.0.0.2:513",
    wire: "01020a0000020201",
  },
  { name: "RT of a four-octet AS", see: "RFC 5668 §2", read: routeTargetOf, text: "65536:1", wire: "0202000100000001" },
];

describe("values of the model", () => {
  for (const { name, see, read, text, wire } of VECTORS)
    it(`${name} (${see})`, () => assert.equal(toHex(read(text)), wire));
});
