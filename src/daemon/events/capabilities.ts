import { formatIpv4, IdentifierSet, type Random, toHex } from "../../base/index.ts";
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
  readonly #reachable: IdentifierSet;
  #isQuiet = true;

  /** `transition`: told of each, also before the router has converged. */
  constructor(
    selections: SelectionFan,
    names: () => Names,
    publish: Publish,
    random: Random,
    transition: (selection: CapabilitySelection, isReachable: boolean) => void = () => undefined,
  ) {
    this.#reachable = new IdentifierSet(random);
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
    const { tenantIndex, capabilityId, group } = selection;
    const isReachable = group.length > 0;
    const reachable = this.#reachable;
    const isNews = isReachable ? reachable.add(tenantIndex, capabilityId) : reachable.delete(tenantIndex, capabilityId);
    if (!isNews) return;
    this.#transition(selection, isReachable);
    if (this.#isQuiet) return;
    const names = this.#names();
    const tenant = names.tenant(tenantIndex);
    if (tenant === undefined) return;
    const { winner } = selection;
    this.#publish("capability-change", {
      event: isReachable ? "reachable" : "unreachable",
      tenant,
      capability: selection.name ?? names.capability(capabilityId) ?? toHex(capabilityId),
      sites: group.length,
      ...(winner === undefined ? {} : { "best-origin": formatIpv4(winner.originId) }),
    });
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}
