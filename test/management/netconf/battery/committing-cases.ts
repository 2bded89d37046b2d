import {
  application,
  type Case,
  confirmed,
  DISCARD,
  edit,
  fails,
  failsFor,
  HAS_BETA,
  lock,
  named,
  ok,
  protocol,
  read,
  shows,
  tenant,
  tenants,
  unlock,
} from "./words.ts";

/** Locks, sessions and commits. */
export const COMMITTING: readonly Case[] = [
  {
    name: "lock and lock-denied",
    see: "RFC 6241 §7.5",
    steps: [
      ok(lock("candidate")),
      { by: "b", rpc: lock("candidate"), errors: [protocol("lock-denied", { sessionId: "$a" })] },
      fails(lock("candidate"), protocol("lock-denied", { sessionId: "$a" })),
      ok(unlock("candidate")),
      ok(lock("candidate"), "b"),
      ok(unlock("candidate"), "b"),
    ],
  },
  {
    name: "an edit while another session has the lock",
    see: "RFC 6241 App. A, in-use",
    steps: [
      ok(lock("candidate")),
      failsFor("b", edit("<name>other</name>"), protocol("in-use", { sessionId: "$a" })),
      failsFor("b", "<discard-changes/>", protocol("in-use", { sessionId: "$a" })),
      ok(unlock("candidate")),
    ],
  },
  {
    name: "a commit while another session has running locked",
    see: "RFC 6241 §8.3.4.1",
    steps: [
      ok(lock("running")),
      failsFor("b", "<commit/>", protocol("in-use", { sessionId: "$a" })),
      failsFor("b", edit("<name>other</name>", "", "running"), protocol("in-use", { sessionId: "$a" })),
      ok(unlock("running")),
    ],
  },
  {
    name: "a candidate that was changed cannot be locked",
    see: "RFC 6241 §8.3.5.2",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      { by: "b", rpc: lock("candidate"), errors: [protocol("lock-denied", { sessionId: "0" })] },
      DISCARD,
      ok(lock("candidate"), "b"),
      ok(unlock("candidate"), "b"),
    ],
  },
  {
    name: "unlock of what one has not locked",
    see: "RFC 6241 §7.6",
    steps: [
      fails(unlock("candidate"), application("operation-failed")),
      ok(lock("startup")),
      failsFor("b", unlock("startup"), application("operation-failed")),
      ok(unlock("startup")),
    ],
  },
  {
    name: "unlock of the candidate discards it",
    see: "RFC 6241 §8.3.5.2",
    steps: [
      ok(lock("candidate")),
      ok(edit(tenants(tenant("beta", 2)))),
      ok(unlock("candidate")),
      shows(read("candidate"), [], [HAS_BETA]),
    ],
  },
  {
    name: "a session can neither kill itself nor one that is not there",
    see: "RFC 6241 §7.9",
    steps: [
      fails(
        "<kill-session><session-id>$a</session-id></kill-session>",
        protocol("invalid-value", { badElement: "session-id" }),
      ),
      fails(
        "<kill-session><session-id>4294967295</session-id></kill-session>",
        protocol("invalid-value", { badElement: "session-id" }),
      ),
    ],
  },
  {
    name: "commit and back",
    see: "RFC 6241 §8.3.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok("<commit/>"),
      shows(read("running"), [HAS_BETA]),
      ok(edit(tenants(named("beta", "delete")))),
      ok("<commit/>"),
      shows(read("running"), [], [HAS_BETA]),
    ],
  },
  {
    name: "a confirmed commit that nobody confirms goes back; another one, of nothing new, sets its time anew",
    see: "RFC 6241 §8.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(confirmed("<confirm-timeout>3600</confirm-timeout>")),
      shows(read("running"), [HAS_BETA]),
      failsFor("b", lock("running"), protocol("lock-denied", { sessionId: "$a" })),
      ok(confirmed("<confirm-timeout>1</confirm-timeout>")),
      { notified: "<confirm-event>timeout</confirm-event>" },
      shows(read("running"), [], [HAS_BETA]),
      DISCARD,
    ],
  },
  {
    name: "a confirmed commit is confirmed, and cancelled",
    see: "RFC 6241 §8.4.4",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(confirmed()),
      ok("<commit/>"),
      shows(read("running"), [HAS_BETA]),
      ok(edit(tenants(named("beta", "delete")))),
      ok(confirmed()),
      shows(read("running"), [], [HAS_BETA]),
      ok("<cancel-commit/>"),
      shows(read("running"), [HAS_BETA]),
      DISCARD,
      ok(edit(tenants(named("beta", "delete")))),
      ok("<commit/>"),
    ],
  },
  {
    name: "persist: a wrong id, none, and the right one of another session",
    see: "RFC 6241 §8.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(confirmed("<persist>mine</persist>")),
      failsFor("b", "<commit><persist-id>yours</persist-id></commit>", protocol("invalid-value")),
      {
        by: "b",
        rpc: "<cancel-commit><persist-id>yours</persist-id></cancel-commit>",
        errors: [protocol("invalid-value")],
      },
      ok("<cancel-commit><persist-id>mine</persist-id></cancel-commit>", "b"),
      shows(read("running"), [], [HAS_BETA]),
      DISCARD,
    ],
  },
  {
    name: "a confirmed commit of another session cannot be confirmed without its id",
    see: "RFC 6241 §8.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2)))),
      ok(confirmed("<persist>mine</persist>")),
      { by: "b", rpc: "<commit/>", has: ["<rpc-error>"] },
      ok("<commit><persist-id>mine</persist-id></commit>", "b"),
      ok(edit(tenants(named("beta", "delete")))),
      ok("<commit/>"),
    ],
  },
  {
    name: "cancel-commit and persist-id with nothing pending",
    see: "RFC 6241 §8.4.4.1",
    steps: [
      fails("<cancel-commit/>", application("operation-failed", { appTag: "no-confirmed-commit" })),
      fails("<commit><persist-id>none</persist-id></commit>", protocol("invalid-value")),
    ],
  },
  {
    name: "a confirm-timeout of no time",
    see: "RFC 6241 §8.4.5",
    steps: [
      fails(
        confirmed("<confirm-timeout>0</confirm-timeout>"),
        protocol("invalid-value", { path: "/ietf-netconf:commit/ietf-netconf:confirm-timeout" }),
      ),
    ],
  },
];
