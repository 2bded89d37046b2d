import { formatIpv6, Slices } from "../base/index.ts";
import type { OperationOutput } from "../management/index.ts";
import type { ControlParts } from "./control.ts";
import { fibRows } from "./forwarding-rows.ts";

interface Mismatch {
  readonly address: string;
  readonly "next-hop": string;
  readonly kind: "missing-entry" | "stray-entry" | "stray-site";
  readonly capability?: string;
  readonly tenant?: string;
}

/** Compares what was decided with what the tables have, in slices; lists `maximum` mismatches. */
export async function auditTables(parts: ControlParts, maximum: number): Promise<OperationOutput> {
  const slices = new Slices(parts.clock, { stepsPerLook: 1 });
  const mismatches: Mismatch[] = [];
  let count = 0;
  const note = (mismatch: Mismatch): void => {
    if (++count <= maximum) mismatches.push(mismatch);
  };
  const missing = new Map<string, { readonly capability: string; readonly tenant: string }>();
  const eligible = new Map<string, ReadonlySet<string>>();
  const { taxonomy, rib, names, driver, compiler } = parts;
  let capabilities = 0;
  for (const [tenant, tenantIndex] of taxonomy.tenants) {
    for (const { name, majorVersion } of taxonomy.capabilities) {
      capabilities++;
      const address = formatIpv6(taxonomy.address(tenant, name, majorVersion)!);
      missing.set(address, { capability: name, tenant });
      const { group } = rib.capability.select(tenantIndex, names.capabilityId(name, majorVersion));
      eligible.set(address, new Set(group.map(({ nextHop }) => formatIpv6(nextHop))));
      if (slices.isOver) await slices.next();
    }
  }
  for (const { address, capability, tenant, nextHops } of fibRows(driver, parts)) {
    missing.delete(address);
    const about = { ...(capability === undefined ? {} : { capability }), ...(tenant === undefined ? {} : { tenant }) };
    // Routes name capabilities too that the taxonomy of this router has not.
    const isOfRoute = capability === undefined && nextHops.length > 0;
    if (capability === undefined && !isOfRoute) note({ address, "next-hop": "", kind: "stray-entry" });
    const sites = eligible.get(address);
    for (const { kind, towards, slots, localOnly } of sites === undefined ? [] : nextHops) {
      if (kind !== "tunnel" || localOnly || slots === 0 || sites!.has(towards)) continue;
      note({ address, "next-hop": towards, kind: "stray-site", ...about });
    }
    if (slices.isOver) await slices.next();
  }
  for (const [address, about] of missing) note({ address, "next-hop": "", kind: "missing-entry", ...about });
  return { settled: compiler.pending === 0, capabilities, mismatches: count, mismatch: mismatches };
}
