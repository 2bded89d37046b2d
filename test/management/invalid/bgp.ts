import type { Invalid } from "./types.ts";

const KEYS = "/semrd-router:router/semrd-keystore:keystore/symmetric-keys/symmetric-key";
const BGP = "/semrd-router:router/semrd-bgp:bgp";
const NO_NEIGHBOR =
  "not an IPv6 address, and not one of a link with its interface, in small letters, such as fe80::1%eth0";

/** Of BGP, its neighbours and the keys and certificates of the stores. */
export const INVALID_BGP: readonly Invalid[] = [
  {
    name: "a prefix that no route can carry",
    edit: (router) => {
      router.advertisement = { prefix: [{ name: `/${"a".repeat(63)}/${"b".repeat(63)}/${"c".repeat(60)}` }] };
    },
    want: [
      {
        path: `/semrd-router:router/advertisement/prefix[name='/${"a".repeat(63)}/${"b".repeat(63)}/${"c".repeat(60)}']`,
        reason: "a prefix of at most 187 octets fits a route",
        tag: "prefix-too-long",
      },
    ],
  },
  {
    name: "damping whose longest interval is shorter than its first",
    edit: (router) => {
      router.advertisement = { damping: { "good-news-interval-ms": 5000, "good-news-interval-maximum-ms": 4000 } };
    },
    want: [
      {
        path: "/semrd-router:router/advertisement/damping/good-news-interval-maximum-ms",
        value: "4000",
        reason: "the most is at least good-news-interval-ms",
        tag: "interval-order",
      },
    ],
  },
  {
    name: "hold time 2",
    edit: (router) => {
      router["semrd-bgp:bgp"]["hold-time"] = 2;
    },
    want: [
      {
        path: `${BGP}/hold-time`,
        value: "2",
        reason: "a hold time is 0 (no keepalives) or at least 3 seconds",
        tag: "bad-hold-time",
      },
    ],
  },
  {
    name: "a keepalive time of more than a third of the hold time, its own or that of all",
    edit: (router) => {
      const bgp = router["semrd-bgp:bgp"];
      Object.assign(bgp.neighbors.neighbor[0], { "keepalive-time": 2 });
      Object.assign(bgp.neighbors.neighbor[1], { "keepalive-time": 2, "hold-time": 5 });
    },
    want: ["1", "3"].map((n) => ({
      path: `${BGP}/neighbors/neighbor[address='fd00:ffff::${n}']/keepalive-time`,
      value: "2",
      reason: "the keepalive time is at most a third of the hold time",
      tag: "keepalive-too-long",
    })),
  },
  {
    name: "a key that is no address: one fault, not also a missing key",
    edit: (router) => {
      router["semrd-bgp:bgp"].neighbors.neighbor[1].address = "fd00::g";
    },
    want: [{ path: `${BGP}/neighbors/neighbor[2]/address`, value: '"fd00::g"', reason: NO_NEIGHBOR }],
  },
  {
    name: "a key that is an address of IPv4",
    edit: (router) => {
      router["semrd-bgp:bgp"].neighbors.neighbor[1].address = "192.0.2.7";
    },
    want: [{ path: `${BGP}/neighbors/neighbor[2]/address`, value: '"192.0.2.7"', reason: NO_NEIGHBOR }],
  },
  {
    name: "values that fit none of several types: what there is, not an address",
    edit: (router) => {
      const [neighbor] = router["semrd-bgp:bgp"].neighbors.neighbor;
      neighbor.families = { family: [{ name: "ipv6-unicast", "add-path": { send: "most" } }] };
      router["semrd-tenant-policy:tenant-policies"] = {
        tenant: [{ name: "acme", rule: [{ name: "r", "capability-prefix": ["vision"] }] }],
      };
    },
    want: [
      {
        path: `${BGP}/neighbors/neighbor[address='fd00:ffff::1']/families/family[name='ipv6-unicast']/add-path/send`,
        value: '"most"',
        reason: "not the word all, and not a number, 1 to 32",
      },
      {
        path: "/semrd-router:router/semrd-tenant-policy:tenant-policies/tenant[name='acme']/rule[name='r']/capability-prefix[1]",
        value: '"vision"',
        reason: "not a capability name, such as /vision/ocr, and not /",
      },
    ],
  },
  {
    name: "a neighbour with this router's own address, spelt differently",
    edit: (router) => {
      router["semrd-bgp:bgp"].neighbors.neighbor[0].address = "FD00:FFFF:0::2";
    },
    want: [
      {
        path: `${BGP}/neighbors/neighbor[1]/address`,
        value: '"FD00:FFFF:0::2"',
        reason: "a neighbour has a unicast address, and not this router's own",
        tag: "bad-neighbor-address",
      },
    ],
  },
  {
    name: "a client of a reflector in another autonomous system, and cluster 0.0.0.0",
    edit: (router) => {
      const bgp = router["semrd-bgp:bgp"];
      bgp["cluster-id"] = "0.0.0.0";
      Object.assign(bgp.neighbors.neighbor[0], { "remote-as": 65001, "route-reflector-client": true });
    },
    want: [
      {
        path: `${BGP}/neighbors/neighbor[address='fd00:ffff::1']/route-reflector-client`,
        value: "true",
        reason: "a client of a route reflector is a neighbour of the same autonomous system",
        tag: "external-client",
      },
      { path: `${BGP}/cluster-id`, value: '"0.0.0.0"', reason: "0.0.0.0 is not a cluster ID", tag: "bad-cluster-id" },
    ],
  },
  {
    name: "a role inside an autonomous system",
    edit: (router) => {
      router["semrd-bgp:bgp"].neighbors.neighbor[0].role = { local: "peer" };
    },
    want: [
      {
        path: `${BGP}/neighbors/neighbor[address='fd00:ffff::1']/role`,
        reason: "roles are for neighbours of another autonomous system",
        tag: "internal-role",
      },
    ],
  },
  {
    name: "a confederation that names itself and its own member",
    edit: (router) => {
      router["semrd-bgp:bgp"].confederation = { identifier: 65101, "member-as": [65101, 65000] };
    },
    want: [
      {
        path: `${BGP}/confederation/identifier`,
        value: "65101",
        reason: "the confederation identifier is what others know; no member and no neighbour has it",
        tag: "bad-confederation-identifier",
      },
      {
        path: `${BGP}/confederation/member-as[.='65000']`,
        value: "65000",
        reason: "local-as is a member anyway: name the others",
        tag: "own-member-as",
      },
    ],
  },
  {
    name: "a role between the members of a confederation",
    edit: (router) => {
      const bgp = router["semrd-bgp:bgp"];
      bgp.confederation = { identifier: 64999, "member-as": [65101] };
      Object.assign(bgp.neighbors.neighbor[0], { "remote-as": 65101, role: { local: "peer" } });
    },
    want: [
      {
        path: `${BGP}/neighbors/neighbor[address='fd00:ffff::1']/role`,
        reason: "roles are for neighbours of another autonomous system",
        tag: "internal-role",
      },
    ],
  },
  {
    name: "a key of the wrong type, form or length: refused without showing it",
    edit: (router) => {
      const values = [12345678, "no base64, this", ""];
      const keys = values.map((value, i) => ({ name: `k${i}`, "cleartext-symmetric-key": value }));
      router["semrd-keystore:keystore"]["symmetric-keys"] = { "symmetric-key": keys };
    },
    want: [
      { path: `${KEYS}[name='k0']/cleartext-symmetric-key`, reason: "not of the form that is expected here" },
      { path: `${KEYS}[name='k1']/cleartext-symmetric-key`, reason: "a key is written in base64" },
      {
        path: `${KEYS}[name='k2']/cleartext-symmetric-key`,
        reason: "a key has 1 to 4096 octets",
        tag: "bad-key-length",
      },
    ],
  },
  {
    name: "keys and certificates that are not in the stores, and a certificate of another key",
    edit: (router) => {
      const keys = router["semrd-keystore:keystore"]["asymmetric-keys"]["asymmetric-key"];
      keys.push({
        ...keys[0],
        name: "other",
        certificates: { certificate: [{ name: "o", "certificate-file": "o.pem" }] },
      });
      router["semrd-bgp:bgp"].neighbors.neighbor[0]["md5-key"] = ["r1"];
      router["semrd-registration:registration"].tls.certificate = "o";
    },
    want: [
      {
        path: `${BGP}/neighbors/neighbor[address='fd00:ffff::1']/md5-key[.='r1']`,
        value: '"r1"',
        reason: "there is no /router/keystore/symmetric-keys/symmetric-key with the name r1",
        tag: "instance-required",
      },
      {
        path: "/semrd-router:router/semrd-registration:registration/tls/certificate",
        value: '"o"',
        reason: "there is no /router/keystore/asymmetric-keys/asymmetric-key/certificates/certificate with the name o",
        tag: "instance-required",
      },
    ],
  },
  {
    name: "multihop inside the AS, and together with TTL security",
    edit: (router) => {
      const { neighbor } = router["semrd-bgp:bgp"].neighbors;
      neighbor[0].multihop = 2;
      Object.assign(neighbor[1], { "remote-as": 65001, multihop: 2, "ttl-security-hops": 1 });
    },
    want: [
      {
        path: `${BGP}/neighbors/neighbor[address='fd00:ffff::1']/multihop`,
        value: "2",
        reason:
          "multihop is for neighbours of another autonomous system; those of this one may be any number of hops away",
        tag: "multihop-internal",
      },
      {
        path: `${BGP}/neighbors/neighbor[address='fd00:ffff::3']/multihop`,
        value: "2",
        reason: "ttl-security-hops and multihop exclude each other",
        tag: "ttl-security-and-multihop",
      },
    ],
  },
];
