import { type Directory, type Instance, instanceState } from "../directory/index.ts";
import type { LivenessReport, RouterConfiguration } from "../management/index.ts";
import type { Heartbeats } from "./paths.ts";

export interface LivenessParts {
  readonly configuration: RouterConfiguration;
  readonly directory: Pick<Directory, "instances">;
  /** What is sent to other routers; `undefined`: nothing. */
  readonly heartbeats: () => Heartbeats | undefined;
}

/** So many of those that are out are told of one by one. */
const MOST_OUT = 8;

/** By which means instances and this router are judged alive, and who is not, and why. */
export function livenessReport({ configuration, directory, heartbeats }: LivenessParts): LivenessReport {
  const { passiveHealth } = configuration.dataplane;
  const counts = { checked: 0, passive: 0, unjudged: 0, out: 0 };
  const out: LivenessReport["out"][number][] = [];
  for (const instance of directory.instances()) {
    const means = meansOf(instance, passiveHealth !== undefined);
    counts[means]++;
    if (instanceState(instance) !== "down") continue;
    counts.out++;
    if (out.length < MOST_OUT) out.push(outOf(instance, means));
  }
  const sent = heartbeats();
  return {
    instances: counts,
    out,
    ...(passiveHealth === undefined
      ? {}
      : { passiveHealth: { failures: passiveHealth.failures, restSeconds: passiveHealth.rest } }),
    ...(sent === undefined ? {} : { heartbeats: sent }),
  };
}

type Means = keyof Omit<LivenessReport["instances"], "out">;

function meansOf({ check }: Instance, isPassive: boolean): Means {
  if (check !== undefined) return "checked";
  return isPassive ? "passive" : "unjudged";
}

function outOf({ agent, capability, adminState, health }: Instance, means: Means): LivenessReport["out"][number] {
  const waits = means === "checked" && health.state === "unknown" ? "its first health check has not ended" : undefined;
  const reason = adminState === "down" ? "taken out by an operator or its agent" : (health.reason ?? waits);
  return { agent, capability, means, ...(reason === undefined ? {} : { reason }) };
}
