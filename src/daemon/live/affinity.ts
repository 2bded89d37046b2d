import type { DataplaneDriver, Feature } from "../../dataplane/index.ts";
import type { RouterConfiguration } from "../../management/index.ts";

const FEATURES = {
  address: "address-affinity",
  connection: "connection-affinity",
  none: "no-affinity",
} as const satisfies Record<string, Feature>;

/** What the taxonomy says of datagrams and the data plane does not do, each in one sentence. */
export function affinitiesLacking(
  { taxonomy }: RouterConfiguration,
  driver: Pick<DataplaneDriver, "cannot">,
): readonly string[] {
  const used = new Set(taxonomy.capabilities.flatMap(({ affinity }) => affinity ?? []));
  return [...used].flatMap((affinity) => driver.cannot.get(FEATURES[affinity]) ?? []);
}
