import type { Invalid } from "./types.ts";

const TUNNEL = "/semrd-router:router/semrd-dataplane:dataplane/tunnels/tunnel";

/** Of the data plane. */
export const INVALID_DATAPLANE: readonly Invalid[] = [
  {
    name: "tunnels without what they need, through this router, and too large for the links",
    edit: (router) => {
      router["semrd-dataplane:dataplane"]["tunnel-mtu"] = 1349;
      router["semrd-dataplane:dataplane"].tunnels = {
        tunnel: [
          { locator: "fd00:ffff::9", encapsulation: "segments" },
          { locator: "fd00:ffff::a", encapsulation: "vxlan" },
          { locator: "fd00:ffff::b", encapsulation: "segments", segment: ["fd00::1", "fd00::2"] },
          { locator: "fd00:ffff::c", encapsulation: "segments", segment: [router.site.locator] },
          { locator: "fd00:ffff::d", encapsulation: "vxlan", vni: 7 },
        ],
      };
    },
    want: [
      {
        path: `${TUNNEL}[locator='fd00:ffff::9']`,
        reason: "segments need at least one: a router on the way",
        tag: "tunnel-segments",
      },
      {
        path: `${TUNNEL}[locator='fd00:ffff::a']`,
        reason: "VXLAN needs a network identifier (vni)",
        tag: "tunnel-vni",
      },
      {
        path: `${TUNNEL}[locator='fd00:ffff::b']`,
        reason: "tunnel-mtu must be at least 1328, and 16 more for each segment",
        tag: "bad-tunnel-mtu",
      },
      {
        path: `${TUNNEL}[locator='fd00:ffff::c']`,
        reason: "a tunnel leads to another router, and not through this one",
        tag: "tunnel-loop",
      },
      {
        path: `${TUNNEL}[locator='fd00:ffff::d']`,
        reason: "tunnel-mtu must be at least 1350 for VXLAN",
        tag: "bad-tunnel-mtu",
      },
    ],
  },
  {
    name: "affinity of TCP",
    edit: (router) => {
      router["semrd-taxonomy:taxonomy"].capability[0].affinity = "none";
    },
    want: [
      {
        path: "/semrd-router:router/semrd-taxonomy:taxonomy/capability[name='/vision/ocr'][major-version='1']/affinity",
        value: '"none"',
        reason: "connections of TCP always stay where they began: affinity is for udp",
        tag: "affinity-of-tcp",
      },
    ],
  },
  {
    name: "a driver without what it needs, said over two lines of the model",
    edit: (router) => {
      router["semrd-dataplane:dataplane"].driver = "fib-service";
    },
    want: [
      {
        path: "/semrd-router:router/semrd-dataplane:dataplane",
        reason: "the driver fib-service has to know where its executor is: give fib-service/address",
        tag: "no-executor",
      },
    ],
  },
];
