import { FaultError, messageOf } from "../../base/index.ts";
import type { DataplaneDriver } from "../../dataplane/index.ts";
import {
  answered,
  type Consequence,
  fault,
  type Prepared,
  type Provider,
  type RouterChange,
  type RouterConfiguration,
  refused,
} from "../../management/index.ts";
import { portsOf } from "../driver.ts";

export interface InterfacesParts {
  readonly driver: DataplaneDriver;
  /** The networks of agents may be others now. */
  readonly networksChanged: (configuration: RouterConfiguration) => void;
}

/** Interfaces: the packet program comes, goes and changes hooks; those that stay the same are left alone. */
export function interfacesProvider(parts: InterfacesParts): Provider<RouterChange> {
  const differs = ({ before, after }: RouterChange): boolean =>
    before.interfaces !== after.interfaces || before.dataplane.clampMss !== after.dataplane.clampMss;
  return {
    name: "interfaces",
    plan(change) {
      if (!differs(change)) return answered([]);
      const noTags = parts.driver.cannot.get("vlan-tags");
      const tagged = change.after.interfaces.find(({ acceptTags }) => acceptTags);
      if (noTags !== undefined && tagged !== undefined) {
        const path = `/semrd-router:router/semrd-interface:interfaces/interface[name='${tagged.name}']/vlan-tags`;
        const message = `the ${parts.driver.name} data plane takes no VLAN tags off: ${noTags}`;
        return refused(fault("operation-not-supported", message, { path, appTag: "vlan-tags-not-possible" }));
      }
      const lack = parts.driver.cannot.get("source-prefixes");
      const looking = change.after.interfaces.find(
        (port) => port.permittedSources.length + port.tenantSources.length > 0,
      );
      if (lack === undefined || looking === undefined) return answered(rehooked(change));
      const path = `/semrd-router:router/semrd-interface:interfaces/interface[name='${looking.name}']`;
      const message = `the ${parts.driver.name} data plane looks at no sources: ${lack}`;
      return refused(fault("operation-not-supported", message, { path, appTag: "policy-not-enforced" }));
    },
    prepare: (change) => answered(differs(change) ? new InterfacesChange(change, parts) : undefined),
  };
}

/** Between one hook and the other packets pass without being looked at. */
function rehooked({ before, after }: RouterChange): Consequence[] {
  const known = new Map(before.interfaces.map((port) => [port.name, port]));
  return after.interfaces.flatMap(({ name, hook }) => {
    const old = known.get(name);
    if (old === undefined || old.hook === hook) return [];
    const path = `/semrd-router:router/semrd-interface:interfaces/interface[name='${name}']/hook`;
    const message = `the program on ${name} moves to another hook: for some milliseconds its packets are not forwarded by capability`;
    return [{ when: "immediate", code: "dataplane.hook-changed", path, message } as const];
  });
}

class InterfacesChange implements Prepared {
  readonly #change: RouterChange;
  readonly #parts: InterfacesParts;

  constructor(change: RouterChange, parts: InterfacesParts) {
    this.#change = change;
    this.#parts = parts;
  }

  apply(): Promise<void> {
    return this.#become(this.#change.after);
  }

  revert(): Promise<void> {
    return this.#become(this.#change.before);
  }

  async #become(configuration: RouterConfiguration): Promise<void> {
    try {
      await this.#parts.driver.changePorts(portsOf(configuration));
    } catch (cause) {
      // Its message names the interface and what to do.
      throw cause instanceof FaultError ? new Error(messageOf(cause), { cause }) : cause;
    }
    this.#parts.networksChanged(configuration);
  }
}
