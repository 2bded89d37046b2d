import { answered, type Provider, type RouterChange, type RouterConfiguration } from "../../management/index.ts";
import type { PassiveHealth, PassiveHealthOptions } from "../../registration/index.ts";

/** In the words of who judges; `undefined`: nobody does. */
export function passiveHealthOf({ dataplane }: RouterConfiguration): PassiveHealthOptions | undefined {
  const { passiveHealth } = dataplane;
  return passiveHealth && { failures: passiveHealth.failures, rest: passiveHealth.rest * 1000 };
}

/** Judging by outcomes begins, ends, and changes its measures while the router runs. */
export function passiveHealthProvider({ passive }: { readonly passive: PassiveHealth }): Provider<RouterChange> {
  return {
    name: "passive-health",
    plan: () => answered([]),
    prepare({ before, after }) {
      if (before.dataplane.passiveHealth === after.dataplane.passiveHealth) return answered(undefined);
      return answered({
        apply: () => passive.follow(passiveHealthOf(after)),
        revert: () => passive.follow(passiveHealthOf(before)),
      });
    },
  };
}
