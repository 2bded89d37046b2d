import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { parseIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import {
  AttributeCodec,
  DEFAULT_DIALECT,
  encodeOpen,
  encodeRouteRefresh,
  encodeUnicast,
  IPV4_UNICAST,
  IPV6_UNICAST,
  mappedIpv4,
  RefreshSubtype,
  UpdateEncoder,
} from "../../../src/bgp/wire/index.ts";
import { BGP, dissect, TSHARK } from "../bmp/capture.ts";
import { encodedSet, setSample } from "./samples.ts";

const PORT = 179;

it("tshark reads ADD-PATH, the marks of a refresh and confederation paths as they were meant", async (t) => {
  if (!existsSync(TSHARK)) return t.skip("skipped: tshark is missing (apt-get install tshark)");
  const where = await mkdtemp(join(tmpdir(), "semrd-tshark-"));
  t.after(() => rm(where, { recursive: true, force: true }));
  const codec = new AttributeCodec(DEFAULT_DIALECT);
  const context = { asWidth: 4, internal: false, confederation: true } as const;
  const { semantic: _, ...set } = setSample({
    asPath: [
      { type: "confed-sequence", numbers: [65101, 65102] },
      { type: "sequence", numbers: [64999] },
    ],
  });
  const nextHop = parseIpv6("2001:db8::1")!;
  const v6 = new UpdateEncoder(IPV6_UNICAST, { pathIds: true });
  const sixth = codec.encode({ ...set, nextHop }, context);
  for (const [i, pathId] of [1, 2, 0xffffffff].entries()) {
    const key = encodeUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix(`2001:db8:${i + 1}::/48`)! });
    assert.ok(v6.announce(encodedSet(sixth, nextHop), key, 0, key.length, pathId));
  }
  const gone = encodeUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix("2001:db8:9::/48")! });
  assert.ok(v6.withdraw(gone, 0, gone.length, 7));
  const v4 = new UpdateEncoder(IPV4_UNICAST, { pathIds: true });
  const four = mappedIpv4(Uint8Array.of(192, 0, 2, 1));
  const fourth = codec.encode({ ...set, nextHop: four }, { ...context, nextHopAttribute: true });
  const prefix = encodeUnicast({ family: "ipv4-unicast", address: Uint8Array.of(10, 1, 0, 0), length: 16 });
  for (const pathId of [3, 4]) assert.ok(v4.announce(encodedSet(fourth, four), prefix, 0, prefix.length, pathId));
  const families = [IPV6_UNICAST, IPV4_UNICAST];
  const messages = [
    encodeOpen({
      autonomousSystem: 65101,
      holdTime: seconds(90),
      bgpIdentifier: 0x0a000001,
      capabilities: {
        families,
        routeRefresh: true,
        fourOctetAs: 65101,
        enhancedRouteRefresh: true,
        addPath: families.map((family, i) => ({ family, send: i === 0, receive: true })),
        unknown: [],
      },
    }),
    encodeRouteRefresh(IPV6_UNICAST, RefreshSubtype.Begin),
    v6.take()!,
    v4.take()!,
    encodeRouteRefresh(IPV6_UNICAST, RefreshSubtype.End),
  ];
  const octets = Uint8Array.from(messages.flatMap((message) => [...message]));
  const path = "bgp.update.path_attribute.as_path_segment";
  const fields = [
    "bgp.type",
    "bgp.cap.type",
    "bgp.route_refresh.subtype",
    `${path}.type`,
    `${path}.as4`,
    "bgp.nlri_path_id",
  ];
  const { rows, wrong } = await dissect(join(where, "bgp.pcap"), octets, PORT, fields, BGP);
  assert.equal(wrong, "");
  const confederation = ["3,2", "65101,65102,64999"];
  assert.deepEqual(rows, [
    ["1", "1,1,2,65,69,70", "", "", "", ""],
    ["5", "", "1", "", "", ""],
    ["2", "", "", ...confederation, "1,2,4294967295"],
    ["2", "", "", "", "", "7"],
    ["2", "", "", ...confederation, "3,4"],
    ["5", "", "2", "", "", ""],
  ]);
  return undefined;
});
