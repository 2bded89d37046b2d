import type { Instance, InstanceState, LocalSite } from "./types.ts";

/**
 * What the rest of the router acts on: admin state and health together.
 *
 * A checked instance must have been seen up; one without a check is taken at its word until something says it is down.
 */
export function instanceState(instance: Instance): InstanceState {
  const { state } = instance.health;
  const healthy = instance.check === undefined ? state !== "down" : state === "up";
  return healthy ? instance.adminState : "down";
}

const WORST_SCORE = 0;
const BEST_SCORE = 10;

/**
 * Summary of the instances of one capability and major version of one tenant; `undefined` for none.
 *
 * Score: the usable share of the weight, in tenths; at least 1 while one is usable. Labels and minor version are what
 * every usable instance has, so the site never claims what a flow might not get. The order of `instances` makes no difference.
 */
export function summarize(instances: readonly Instance[]): LocalSite | undefined {
  const usable = instances.filter((instance) => instanceState(instance) === "up");
  const told = usable.length > 0 ? usable : instances;
  if (told.length === 0) return undefined;
  const first = told.reduce((least, instance) => (instance.id < least.id ? instance : least));
  const weight = sumOfWeights(usable);
  const share = Math.round((BEST_SCORE * weight) / sumOfWeights(instances));
  return {
    tenant: first.tenant,
    capability: first.capability,
    majorVersion: first.version.major,
    minorVersion: told.reduce((least, { version }) => Math.min(least, version.minor), first.version.minor),
    state: siteState(instances, usable.length),
    score: usable.length === 0 ? WORST_SCORE : Math.max(1, share),
    usable: usable.length,
    total: instances.length,
    weight,
    labels: first.labels.filter((label) => told.every((instance) => instance.labels.includes(label))).toSorted(),
    access: { protocol: first.endpoint.protocol, port: first.servicePort },
  };
}

function siteState(instances: readonly Instance[], usable: number): LocalSite["state"] {
  if (usable === instances.length) return "up";
  if (usable > 0) return "degraded";
  return instances.some((instance) => instanceState(instance) === "draining") ? "draining" : "down";
}

function sumOfWeights(instances: readonly Instance[]): number {
  return instances.reduce((sum, instance) => sum + instance.weight, 0);
}
