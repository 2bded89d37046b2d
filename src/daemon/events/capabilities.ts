import { formatIpv4, toHex } from "../../base/index.ts";
import type { CapabilitySelection } from "../../rib/index.ts";
import type { Names } from "../names.ts";
import type { SelectionFan } from "../selection-fan.ts";
import type { Publish } from "./publish.ts";

/** Capabilities that a site has begun to serve, or that nobody serves any more; quiet until the router has converged. */
export class CapabilityEvents implements Disposable {
  readonly #names: () => Names;
  readonly #publish: Publish;
  readonly #transition: (selection: CapabilitySelection, isReachable: boolean) => void;
  readonly #subscription: Disposable;
  readonly #reachable = new Set<string>();
  #isQuiet = true;

  /** `transition`: told of each, also before the router has converged. */
  constructor(
    selections: SelectionFan,
    names: () => Names,
    publish: Publish,
    transition: (selection: CapabilitySelection, isReachable: boolean) => void = () => undefined,
  ) {
    this.#transition = transition;
    this.#names = names;
    this.#publish = publish;
    this.#subscription = selections.subscribe({ site: (selection) => this.#decided(selection) });
  }

  /** What is reachable now is no news; what changes from now on is. */
  converged(): void {
    this.#isQuiet = false;
  }

  #decided(selection: CapabilitySelection): void {
    const { tenantIndex, capabilityId, name, group, winner } = selection;
    const key = `${tenantIndex} ${toHex(capabilityId)}`;
    const isReachable = group.length > 0;
    if (this.#reachable.has(key) === isReachable) return;
    if (isReachable) this.#reachable.add(key);
    else this.#reachable.delete(key);
    this.#transition(selection, isReachable);
    const names = this.#names();
    const tenant = names.tenant(tenantIndex);
    if (this.#isQuiet || tenant === undefined) return;
    this.#publish("capability-change", {
      event: isReachable ? "reachable" : "unreachable",
      tenant,
      capability: name ?? names.capability(capabilityId) ?? toHex(capabilityId),
      sites: group.length,
      ...(winner === undefined ? {} : { "best-origin": formatIpv4(winner.originId) }),
    });
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}
