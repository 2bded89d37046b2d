import type { Invalid } from "./types.ts";

const BGP = "/semrd-router:router/semrd-bgp:bgp";
const AGENT_A = "/semrd-router:router/semrd-agent:agents/agent[id='spiffe://example.net/acme/agent/ocr-a']";
const OCR_A = `${AGENT_A}/capability[name='/vision/ocr'][major-version='1'][address='fd00:a:21::10'][port='8080']`;

/** Of the document as such, the router and its site. */
export const INVALID_DOCUMENT: readonly Invalid[] = [
  {
    name: "several wrong values at once",
    edit: (router) => {
      router.site.selector = 70000;
      router["semrd-agent:agents"].agent[0].capability[0].label = ["fine", "Not Fine"];
      router["semrd-dataplane:dataplane"].driver = "fast";
      router["semrd-registration:registration"].listen.push({ address: "localhost", port: 0 });
    },
    want: [
      { path: "/semrd-router:router/site/selector", value: "70000", reason: "out of range: 0 to 65535 is allowed" },
      {
        path: "/semrd-router:router/semrd-registration:registration/listen[3]/address",
        value: '"localhost"',
        reason: "not an IP address",
      },
      {
        path: "/semrd-router:router/semrd-registration:registration/listen[3]/port",
        value: "0",
        reason: "out of range: 1 to 65535 is allowed",
      },
      {
        path: `${OCR_A}/label[2]`,
        value: '"Not Fine"',
        reason: "a policy label is 1 to 63 of a-z, 0-9, '.', '_' and '-'",
        tag: "bad-policy-label",
      },
      {
        path: "/semrd-router:router/semrd-dataplane:dataplane/driver",
        value: '"fast"',
        reason: "not one of auto, kernel, linux, ovs, memory and fib-service",
      },
    ],
  },
  {
    name: "unknown nodes, at every level",
    edit: (router, document) => {
      router.nonsense = { a: 1 };
      router["semrd-bgp:bgp"].nonsense = 1;
      document["other:x"] = 1;
    },
    want: [
      { path: `${BGP}/nonsense`, value: "1", reason: "unknown: there is no such node in the model" },
      { path: "/semrd-router:router/nonsense", reason: "unknown: there is no such node in the model" },
      { path: "/other:x", value: "1", reason: "there is no module other" },
    ],
  },
  {
    name: "a number of 64 bits, which JSON has as a string",
    edit: (router) => {
      router["semrd-tenant-policy:tenant-policies"] = {
        tenant: [{ name: "acme", clients: { "packet-rate": { rate: 20000, burst: 2000 } } }],
      };
    },
    want: [
      {
        path: "/semrd-router:router/semrd-tenant-policy:tenant-policies/tenant[name='acme']/clients/packet-rate/rate",
        value: "20000",
        reason: 'a number of 64 bits is expected, within quotes: "1000"',
      },
    ],
  },
  {
    name: "wrong JSON types",
    edit: (router) => {
      router.site.selector = "2";
      router.name = true;
      router["semrd-bgp:bgp"].port = "bgp";
      router["semrd-bgp:bgp"].neighbors = [];
      router["semrd-tenant:tenants"].tenant = {};
    },
    want: [
      { path: "/semrd-router:router/name", value: "true", reason: "a string is expected" },
      { path: "/semrd-router:router/site/selector", value: '"2"', reason: "a number is expected, without quotes" },
      { path: "/semrd-router:router/semrd-tenant:tenants/tenant", reason: "an array is expected" },
      { path: `${BGP}/neighbors`, reason: "an object is expected" },
      { path: `${BGP}/port`, value: '"bgp"', reason: "not a number: 0 to 65535 is allowed" },
    ],
  },
  {
    name: "an empty router: everything that is mandatory",
    edit: (router) => {
      for (const name of Object.keys(router)) delete router[name];
    },
    want: ["name", "router-id", "domain/dns-zone", "domain/prefix", "site/selector", "site/locator"].map((leaf) => ({
      path: `/semrd-router:router/${leaf}`,
      reason: "missing, and it is mandatory",
    })),
  },
  {
    name: "a domain prefix that is no /48",
    edit: (router) => {
      router.domain.prefix = "fd5e:3d00:1:1::/64";
    },
    want: [
      {
        path: "/semrd-router:router/domain/prefix",
        value: '"fd5e:3d00:1:1::/64"',
        reason: "capability addresses fill a /48: give the domain one",
        tag: "bad-domain-prefix",
      },
    ],
  },
  {
    name: "addresses of nodes inside the domain's prefix",
    edit: (router) => {
      router.site.locator = "fd5e:3d00:1::5";
      router.nodes = { node: [{ locator: "fd5e:3d00:1::6" }] };
      router["semrd-agent:agents"].agent[0].capability[0].address = "fd5e:3d00:1::7";
    },
    want: [
      {
        path: "/semrd-router:router/site/locator",
        value: '"fd5e:3d00:1::5"',
        reason: "a locator cannot be inside the domain's prefix, which is for capability addresses",
        tag: "address-in-domain",
      },
      {
        path: "/semrd-router:router/nodes/node[locator='fd5e:3d00:1::6']",
        value: '"fd5e:3d00:1::6"',
        reason: "a locator cannot be inside the domain's prefix, which is for capability addresses",
        tag: "address-in-domain",
      },
      {
        path: `${OCR_A.replace("fd00:a:21::10", "fd5e:3d00:1::7")}/address`,
        value: '"fd5e:3d00:1::7"',
        reason: "an agent's own address cannot be inside the domain's prefix, which is for capability addresses",
        tag: "address-in-domain",
      },
    ],
  },
  {
    name: "no router at all",
    edit: (_, document) => {
      delete document["semrd-router:router"];
    },
    want: [{ reason: 'an object with the one member "semrd-router:router" is expected', tag: "router-missing" }],
  },
];
