import { type Editable, edited } from "./documents.ts";

type Statement = Readonly<Record<string, unknown>>;

/** A policy document with every set, condition and action in it. */
export const ROUTING_POLICY = {
  "defined-sets": {
    "prefix-sets": {
      "prefix-set": [
        {
          name: "customers",
          prefixes: {
            "prefix-list": [
              { "ip-prefix": "10.1.2.3/8", "mask-length-lower": 16, "mask-length-upper": 24 },
              { "ip-prefix": "2001:DB8::/32", "mask-length-lower": 32, "mask-length-upper": 48 },
            ],
          },
        },
      ],
    },
    "capability-sets": {
      "capability-set": [{ name: "seeing", capability: ["/audio/speech"], "capability-prefix": ["/vision"] }],
    },
    "neighbor-sets": { "neighbor-set": [{ name: "edges", address: ["fd00:ffff::1", "FD00:FFFF::0003"] }] },
    "community-sets": {
      "community-set": [{ name: "marks", member: ["65000:1", "65000:10-19", "*:666", "no-export"] }],
    },
    "ext-community-sets": {
      "ext-community-set": [
        {
          name: "targets",
          member: ["target:65000:1", "target:4200000000:7", "origin:192.0.2.1:*", "target:*:5", "0x8353000000000001"],
        },
      ],
    },
    "large-community-sets": { "large-community-set": [{ name: "large", member: ["4200000000:*:1-3"] }] },
    "as-path-sets": {
      "as-path-set": [
        {
          name: "paths",
          member: ["", "65001 ? * 65010-65019"],
          contains: [7],
          "originated-by": [8],
          "neighbor-as": [9],
        },
      ],
    },
    "label-sets": { "label-set": [{ name: "law", label: [{ text: "gdpr", critical: true }, { text: "eu" }] }] },
  },
  "policy-definitions": {
    "policy-definition": [
      {
        name: "everything",
        statements: {
          statement: [
            {
              name: "all-conditions",
              conditions: {
                "match-prefix-set": { "prefix-set": "customers", "match-set-options": "invert" },
                "match-capability-set": { "capability-set": "seeing" },
                "match-neighbor-set": { "neighbor-set": "edges" },
                "match-community-set": { "community-set": "marks", "match-set-options": "all" },
                "match-ext-community-set": { "ext-community-set": "targets" },
                "match-large-community-set": { "large-community-set": "large" },
                "match-as-path-set": { "as-path-set": "paths" },
                "match-label-set": { "label-set": "law" },
                family: ["capability", "ipv6-unicast"],
                tenant: ["acme"],
                "as-path-length": { minimum: 1 },
                score: { maximum: 5 },
                "site-state": ["up", "degraded"],
                "next-hop-in": ["fd00::/16", "192.0.2.0/24"],
              },
              actions: { "policy-result": "reject-route" },
            },
            {
              name: "all-actions",
              actions: {
                "policy-result": "accept-route",
                "set-local-preference": 200,
                "set-med": 0,
                "set-community": { value: ["65000:1", "graceful-shutdown"] },
                "set-ext-community": { value: ["target:4200000000:7", "0x8353000000000001"] },
                "set-large-community": { options: "remove", value: ["*:*:*"] },
                "set-as-path-prepend": { "repeat-n": 2, asn: 65009 },
                "set-label": { options: "add", label: [{ text: "eu" }] },
              },
            },
          ],
        },
      },
      { name: "outward", statements: { statement: [{ name: "self", actions: { "set-next-hop": "self" } }] } },
    ],
  },
};

/** The example router with these statements as its only policy, `p`, in use for its first neighbour. */
export function withPolicy(
  statements: readonly Statement[],
  sets: Readonly<Record<string, unknown>> = {},
  edit: (router: Editable) => void = () => {},
): string {
  return edited((router) => {
    router["semrd-policy:routing-policy"] = {
      "defined-sets": sets,
      "policy-definitions": { "policy-definition": [{ name: "p", statements: { statement: statements } }] },
    };
    router["semrd-bgp:bgp"].neighbors.neighbor[0]["import-policy"] = ["p"];
    edit(router);
  });
}
