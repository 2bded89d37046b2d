import type { Invalid } from "./types.ts";

const AGENT_A = "/semrd-router:router/semrd-agent:agents/agent[id='spiffe://example.net/acme/agent/ocr-a']";
const OCR_A = `${AGENT_A}/capability[name='/vision/ocr'][major-version='1'][address='fd00:a:21::10'][port='8080']`;

/** Of tenants, agents, the taxonomy and registration. */
export const INVALID_AGENTS: readonly Invalid[] = [
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
      {
        path: "/semrd-router:router/semrd-tenant:tenants/tenant[name='acme']/index",
        reason: "missing, and it is mandatory",
      },
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
        path: "/semrd-router:router/semrd-taxonomy:taxonomy/capability[name='/capability/audio/speech']/name",
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
];
