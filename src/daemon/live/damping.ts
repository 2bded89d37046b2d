import { answered, type Provider, type RouterChange } from "../../management/index.ts";
import type { Origination } from "../origination.ts";

/** How fast what this router says may change, changes itself while the router runs. */
export function dampingProvider({ origination }: { readonly origination: Origination }): Provider<RouterChange> {
  return {
    name: "damping",
    plan: () => answered([]),
    prepare({ before, after }) {
      const [old, next] = [before.advertisement.damping, after.advertisement.damping];
      if (old === next) return answered(undefined);
      return answered({ apply: () => origination.damp(next), revert: () => origination.damp(old) });
    },
  };
}
