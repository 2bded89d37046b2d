import { application, type Case, edit, fails, named, ok, partialLock, protocol, tenant, tenants } from "./words.ts";

/** Partial locks by expressions; they are held until the session ends, so nothing comes behind them. */
export const PARTIAL_LOCKS: readonly Case[] = [
  {
    name: "a partial lock by expressions is of the nodes that they select when it is made",
    see: "RFC 5717 §2.4.1",
    steps: [
      ok(edit(tenants(tenant("beta", 2) + tenant("gamma", 3)), "", "running")),
      {
        rpc: partialLock("//t:tenant[t:index > 1 and t:index < 3]", "/r:router/t:tenants/t:tenant[t:index=3]/t:name"),
        has: [
          "<lock-id",
          "tenant[name=&apos;beta&apos;]</locked-node>",
          "tenant[name=&apos;gamma&apos;]/name</locked-node>",
        ],
        lacks: ["acme"],
      },
      { by: "b", rpc: edit(tenants(named("beta", "delete")), "", "running"), has: ["<error-tag>in-use</error-tag>"] },
      { by: "b", rpc: edit(tenants(named("gamma", "delete")), "", "running"), has: ["<error-tag>in-use</error-tag>"] },
      { by: "b", rpc: partialLock("/r:router/t:tenants"), has: ["<error-tag>lock-denied</error-tag>"] },
      {
        by: "b",
        rpc: partialLock("//t:tenant[last()]/t:name | //t:tenant[3]"),
        has: ["<error-tag>lock-denied</error-tag>"],
      },
      // What it would select now as well is not locked: the scope is that set of nodes, and stays it.
      ok(edit(tenants(tenant("delta", 4)), "", "running"), "b"),
      ok(edit(tenants(named("delta", "delete")), "", "running"), "b"),
      ok(edit(tenants(named("beta", "delete") + named("gamma", "delete")), "", "running")),
      { by: "b", rpc: edit(tenants(tenant("beta", 2)), "", "running"), has: ["<error-tag>in-use</error-tag>"] },
    ],
  },
  {
    name: "a partial lock that cannot be",
    see: "RFC 5717 §2.4.1",
    steps: [
      fails(partialLock("/r:router["), protocol("invalid-value")),
      fails(partialLock("/none:router[1]"), protocol("unknown-namespace", { badNamespace: "none" })),
      fails(partialLock("count(//t:tenant)"), protocol("invalid-value", { appTag: "not-a-node-set" })),
      fails(partialLock("'text'"), protocol("invalid-value", { appTag: "not-a-node-set" })),
      fails(partialLock("//t:tenant[t:index=99]"), application("operation-failed", { appTag: "no-matches" })),
      fails(
        partialLock("/r:router/t:tenants/t:tenant[t:name='nobody']"),
        application("operation-failed", { appTag: "no-matches" }),
      ),
      { rpc: partialLock("//t:tenant[t:index=99]", "/r:router/t:tenants"), has: ["tenants</locked-node>"] },
    ],
  },
];
