import type { GroupIndex, PolicyIndex } from "../../forwarding/index.ts";
import type { Destination } from "./destinations.ts";

const NONE: ReadonlySet<string> = new Set();

/** Which destinations a change concerns: they are found by the groups that they name and by their policy. */
export class ConcernedDestinations {
  readonly #naming = new Map<GroupIndex, Set<string>>();
  readonly #under = new Map<PolicyIndex, Set<string>>();

  add({ prefix, group, localGroup, policy }: Destination): void {
    if (policy !== undefined) put(this.#under, policy, prefix);
    for (const index of [group, localGroup]) put(this.#naming, index, prefix);
  }

  /** @param destination as it was added */
  remove({ prefix, group, localGroup, policy }: Destination): void {
    if (policy !== undefined) this.#under.get(policy)?.delete(prefix);
    for (const index of [group, localGroup]) this.#naming.get(index)?.delete(prefix);
  }

  /** Those whose routes lead to a group, by name. */
  naming(group: GroupIndex): ReadonlySet<string> {
    return this.#naming.get(group) ?? NONE;
  }

  under(policy: PolicyIndex): ReadonlySet<string> {
    return this.#under.get(policy) ?? NONE;
  }
}

function put(by: Map<number, Set<string>>, index: number, prefix: string): void {
  const known = by.get(index) ?? new Set();
  by.set(index, known.add(prefix));
}
