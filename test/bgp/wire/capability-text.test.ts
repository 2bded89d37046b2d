import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fromHex } from "../../../src/base/index.ts";
import { ownOpen } from "../../../src/bgp/session/index.ts";
import { encodeMessage, encodeOpen, MessageType, offeredCapabilities } from "../../../src/bgp/wire/index.ts";
import { settingsSample } from "../session/samples.ts";

const FIXED = "04 fde8 005a 0a000001";
/** An OPEN with these capabilities in one parameter. */
function open(capabilities: string): Uint8Array {
  const octets = fromHex(capabilities.replaceAll(" ", ""));
  const length = (n: number): string => n.toString(16).padStart(2, "0");
  const body = `${FIXED} ${length(octets.length + 2)} 02 ${length(octets.length)}`.replaceAll(" ", "");
  return encodeMessage(MessageType.Open, Uint8Array.of(...fromHex(body), ...octets));
}

const shown = (message: Uint8Array): string[] =>
  offeredCapabilities(message).map(({ code, name, value }) =>
    [code, name, value].filter((part) => part !== "").join(" "),
  );

describe("what an OPEN offers, in words (RFC 5492)", () => {
  for (const { name, wire, want } of [
    {
      name: "families",
      wire: "0104 0002 00 01  0104 0002 00 fb",
      want: ["1 multiprotocol ipv6/unicast", "1 multiprotocol ipv6/251"],
    },
    { name: "one without a value", wire: "0200", want: ["2 route-refresh"] },
    { name: "IPv6 next hops of IPv4", wire: "0506 0001 0001 0002", want: ["5 extended-next-hop ipv4/unicast by ipv6"] },
    { name: "a role, and one that nobody knows", wire: "0901 03 0901 09", want: ["9 role customer", "9 role role 9"] },
    {
      name: "restart",
      wire: "400a c078 0002 01 80 0001 01 00",
      want: ["64 graceful-restart 120 s, restarted, over notifications, ipv6/unicast forwards on, ipv4/unicast"],
    },
    { name: "restart without a family", wire: "4002 0078", want: ["64 graceful-restart 120 s"] },
    { name: "an AS number", wire: "4104 fffffffe", want: ["65 four-octet-as 4294967294"] },
    {
      name: "several paths",
      wire: "4508 0002 01 03 0001 01 02",
      want: ["69 add-path ipv6/unicast send and receive, ipv4/unicast send"],
    },
    {
      name: "long-lived restart",
      wire: "4707 0002 01 80 000e10",
      want: ["71 long-lived-graceful-restart ipv6/unicast 3600 s forwards on"],
    },
    { name: "a name, with what moves cursors taken out", wire: "4906 03 721b5d 01 65", want: ["73 fqdn r?].e"] },
    { name: "a version", wire: "4b05 04 46525239", want: ["75 software-version FRR9"] },
    { name: "what is not known", wire: "c802 abcd", want: ["200 capability-200 abcd"] },
    { name: "a known one that is cut short", wire: "4102 fde8", want: ["65 four-octet-as fde8"] },
    { name: "a length that lies: what was read before it", wire: "0200 0510 0001", want: ["2 route-refresh"] },
  ])
    it(name, () => assert.deepEqual(shown(open(wire)), want));

  it("extended parameters (RFC 9072)", () => {
    const body = fromHex(`${FIXED} ff ff 0005 02 0002 0200`.replaceAll(" ", ""));
    assert.deepEqual(shown(encodeMessage(MessageType.Open, body)), ["2 route-refresh"]);
  });

  it("no OPEN makes it throw: this router's own cut at each octet, and octets by chance", () => {
    const own = encodeOpen(ownOpen(settingsSample()));
    const all = offeredCapabilities(own);
    assert.ok(all.length >= 3);
    for (let end = 0; end < own.length; end++) {
      assert.deepEqual(
        offeredCapabilities(own.subarray(0, end)),
        all.slice(0, offeredCapabilities(own.subarray(0, end)).length),
      );
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (octets) => {
        offeredCapabilities(Uint8Array.of(...new Uint8Array(19), 4, 0, 1, 0, 90, 1, 2, 3, 4, octets.length, ...octets));
      }),
      { numRuns: 3000 },
    );
  });
});
