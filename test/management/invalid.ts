import type { ConfigurationFault } from "../../src/management/index.ts";
import type { Editable } from "./documents.ts";

const KEYS = "/semrd-router:router/semrd-keystore:keystore/symmetric-keys/symmetric-key";
const BGP = "/semrd-router:router/semrd-bgp:bgp";
const AGENT_A = "/semrd-router:router/semrd-agent:agents/agent[id='spiffe://example.net/acme/agent/ocr-a']";
const OCR_A = `${AGENT_A}/capability[name='/vision/ocr'][major-version='1'][address='fd00:a:21::10'][port='8080']`;

const TUNNEL = "/semrd-router:router/semrd-dataplane:dataplane/tunnels/tunnel";

export interface Invalid {
  readonly name: string;
  readonly edit: (router: Editable, document: Editable) => void;
  /** Without lines, which have a test of their own. */
  readonly want: readonly Omit<ConfigurationFault, "line">[];
}

/** Documents with faults, and exactly these: in the order of their lines. */
export const INVALID: readonly Invalid[] = [
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
    want: [{ path: `${BGP}/neighbors/neighbor[2]/address`, value: '"fd00::g"', reason: "not an IP address" }],
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
    name: "a tenant that does not exist: one fault, not also what follows from it",
    edit: (router) => {
      router["semrd-interface:interfaces"].interface[1].tenant = "nobody";
    },
    want: [
      {
        path: "/semrd-router:router/semrd-interface:interfaces/interface[name='eth2']/tenant",
        value: '"nobody"',
        reason: "there is no /router/tenants/tenant with the name nobody",
        tag: "instance-required",
      },
    ],
  },
  {
    name: "a tenant without an index: its users are not reported as well",
    edit: (router) => {
      delete router["semrd-tenant:tenants"].tenant[0].index;
    },
    want: [
      { path: "/semrd-router:router/semrd-tenant:tenants/tenant[1]/index", reason: "missing, and it is mandatory" },
    ],
  },
  {
    name: "tenants of one index",
    edit: (router) => {
      const { tenant } = router["semrd-tenant:tenants"];
      tenant.push({ ...tenant[0], name: "other", "route-distinguisher": "0:65000:2" });
    },
    want: [
      {
        path: "/semrd-router:router/semrd-tenant:tenants/tenant[name='other']",
        reason: "index must be unique, and tenant[name='acme'] has the same",
        tag: "data-not-unique",
      },
    ],
  },
  {
    name: "an agent interface without a tenant",
    edit: (router) => {
      delete router["semrd-interface:interfaces"].interface[1].tenant;
    },
    want: [
      {
        path: "/semrd-router:router/semrd-interface:interfaces/interface[name='eth2']",
        reason: "a client or agent interface needs a tenant",
        tag: "interface-tenant",
      },
    ],
  },
  {
    name: "a capability that is not in the taxonomy, one in another version, one in the drafts' spelling",
    edit: (router) => {
      const [a, b] = router["semrd-agent:agents"].agent;
      a.capability[0].name = "/vision/faces";
      b.capability[0]["major-version"] = 2;
    },
    want: [
      {
        path: `${AGENT_A}/capability[name='/vision/faces'][major-version='1'][address='fd00:a:21::10'][port='8080']`,
        reason: "this capability, in this major version, is not in the taxonomy",
        tag: "capability-unknown",
      },
      {
        path: `${AGENT_A.replace("ocr-a", "ocr-b")}/capability[name='/vision/ocr'][major-version='2'][address='fd00:a:22::10'][port='8080']`,
        reason: "this capability, in this major version, is not in the taxonomy",
        tag: "capability-unknown",
      },
    ],
  },
  {
    name: "the drafts' spelling of a name, which is no key",
    edit: (router) => {
      router["semrd-taxonomy:taxonomy"].capability[1].name = "/capability/audio/speech";
    },
    want: [
      {
        path: "/semrd-router:router/semrd-taxonomy:taxonomy/capability[2]/name",
        value: '"/capability/audio/speech"',
        reason: "a capability name is written here without a leading /capability",
        tag: "bad-capability-name",
      },
    ],
  },
  {
    name: "a taxonomy entry with a fault: the agents that use it are not reported as well",
    edit: (router) => {
      router["semrd-taxonomy:taxonomy"].capability.push({ name: "/vision/ocr", "major-version": 1 });
    },
    want: [
      {
        path: "/semrd-router:router/semrd-taxonomy:taxonomy/capability[name='/vision/ocr'][major-version='1']",
        reason: "stands there twice",
      },
    ],
  },
  {
    name: "addresses at which nobody answers alone, however they are written",
    edit: (router) => {
      const [a, b] = router["semrd-agent:agents"].agent;
      a.capability[0].address = "0:0::0";
      b.capability[0].address = "FF02::1";
    },
    want: [
      {
        path: `${AGENT_A}/capability[name='/vision/ocr'][major-version='1']/address`,
        value: '"0:0::0"',
        reason: "an instance has a unicast address",
        tag: "not-unicast",
      },
      {
        path: `${AGENT_A.replace("ocr-a", "ocr-b")}/capability[name='/vision/ocr'][major-version='1']/address`,
        value: '"FF02::1"',
        reason: "an instance has a unicast address",
        tag: "not-unicast",
      },
    ],
  },
  {
    name: "an identity of another tenant",
    edit: (router) => {
      const [a] = router["semrd-agent:agents"].agent;
      a.id = "spiffe://example.net/globex/agent/ocr-a";
    },
    want: [
      {
        path: AGENT_A.replace("acme", "globex"),
        reason: "the identity spiffe://domain/TENANT/agent/NAME is one of another tenant",
        tag: "identity-of-another-tenant",
      },
    ],
  },
  {
    name: "an agent that can do nothing",
    edit: (router) => {
      router["semrd-agent:agents"].agent[0].capability = [];
    },
    want: [
      {
        path: "/semrd-router:router/semrd-agent:agents/agent[1]/capability",
        reason: "has too few entries",
        tag: "too-few-elements",
      },
    ],
  },
  {
    name: "a check path for a TCP check, and a timeout that would never count",
    edit: (router) => {
      const [a, b] = router["semrd-agent:agents"].agent;
      a.capability[0]["health-check"].type = "tcp";
      Object.assign(b.capability[0]["health-check"], { "timeout-ms": 5000 });
    },
    want: [
      { path: `${OCR_A}/health-check/path`, value: '"/healthz"', reason: "only allowed when ../type = 'http'" },
      {
        path: `${OCR_A.replace("ocr-a", "ocr-b").replace("a:21", "a:22")}/health-check`,
        reason: "a timeout longer than interval times fall would never count",
        tag: "timeout-too-long",
      },
    ],
  },
  {
    name: "registration without a certificate",
    edit: (router) => {
      delete router["semrd-registration:registration"].tls;
    },
    want: [
      {
        path: "/semrd-router:router/semrd-registration:registration",
        reason: "registration listens with TLS only: give tls/asymmetric-key and tls/certificate",
        tag: "tls-missing",
      },
    ],
  },
  {
    name: "lease times out of order",
    edit: (router) => {
      router["semrd-registration:registration"].lease.minimum = 900;
    },
    want: [
      {
        path: "/semrd-router:router/semrd-registration:registration/lease",
        reason: "lease times are ordered: minimum, default, maximum",
        tag: "lease-order",
      },
    ],
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
  {
    name: "no router at all",
    edit: (_, document) => {
      delete document["semrd-router:router"];
    },
    want: [{ reason: 'an object with the one member "semrd-router:router" is expected', tag: "router-missing" }],
  },
];
