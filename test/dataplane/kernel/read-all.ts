import type { DataplaneCounters } from "../../../src/dataplane/index.ts";

/** The counters as they are now, every row of them: a driver may read rows only when they are looked at. */
export function readAll({ verdicts, edge, nextHops, tenants, policies, tags }: DataplaneCounters): DataplaneCounters {
  return {
    verdicts: new Map(verdicts),
    nextHops: new Map(nextHops),
    ...(edge && { edge: new Map(edge) }),
    ...(tenants && { tenants: new Map(tenants) }),
    ...(policies && { policies: new Map(policies) }),
    ...(tags && { tags: new Map(tags) }),
  };
}
