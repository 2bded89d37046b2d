import { formatIpv6 } from "../../base/index.ts";
import { type Directory, type DirectoryChange, type Instance, instanceState } from "../../directory/index.ts";
import { present } from "../rows.ts";
import type { Publish } from "./publish.ts";

/** Instances that come, change and go, and what probes say of them. */
export function agentEvents(directory: Pick<Directory, "subscribe">, publish: Publish): Disposable {
  return directory.subscribe((changes) => {
    for (const change of changes) tell(change, publish);
  });
}

function tell(change: DirectoryChange, publish: Publish): void {
  const { instance } = change;
  const changed = (event: string, more: Readonly<Record<string, unknown>> = {}): void =>
    publish("agent-change", { event, ...about(instance), "admin-state": instance.adminState, ...more });
  switch (change.type) {
    case "added":
      changed("registered");
      return;
    case "removed":
      changed("withdrawn", { cause: change.cause });
      return;
    case "changed": {
      const { was } = change;
      const { state, reason } = instance.health;
      if (was.health.state !== state)
        publish("agent-health", { health: state, ...about(instance), ...present({ reason }) });
      // A renewed lease is no news.
      if (isOther(was, instance)) changed("changed");
    }
  }
}

function isOther(was: Instance, now: Instance): boolean {
  return (
    was.adminState !== now.adminState ||
    was.weight !== now.weight ||
    was.version.minor !== now.version.minor ||
    was.labels.join(" ") !== now.labels.join(" ") ||
    (instanceState(was) !== instanceState(now) && was.health.state === now.health.state)
  );
}

const about = ({ agent, tenant, capability, version, endpoint }: Instance) => ({
  ...{ agent, tenant, capability, "major-version": version.major },
  ...{ address: formatIpv6(endpoint.address), port: endpoint.port },
});
