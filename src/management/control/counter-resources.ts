import { COUNTER_PARTS, type CounterPart } from "./counters.ts";
import { ControlRefusal } from "./handlers.ts";
import { NEIGHBOR } from "./list-resources.ts";
import { entry, inRouter } from "./permission.ts";
import { neighborOf, parameters } from "./request.ts";
import { type Exchange, type Resource, report } from "./resource.ts";

const POLICIES = ["semrd-policy:routing-policy", "semrd-policy:policy-definitions"];
const POLICY = [...POLICIES, "semrd-policy:policy-definition"];

/** Counters that begin at zero. Each is an action of the model, so that who may not call that may not do it here. */
export const COUNTER_RESOURCES: readonly Resource[] = [
  resetting(
    "counters/reset",
    () => inRouter("semrd-dataplane:dataplane"),
    ({ target, handlers }) => {
      const { only } = parameters(target, ["only"]);
      return handlers.resetCounters(only?.split(",").map(counterPart));
    },
  ),
  resetting(
    "peers/{}/reset-counters",
    (address) => entry(NEIGHBOR, { address }),
    ({ target, name, handlers }) => {
      parameters(target, []);
      return handlers.resetPeerCounters(neighborOf(name));
    },
  ),
  resetting(
    "peers/reset-counters",
    () => inRouter(...NEIGHBOR.slice(0, -1)),
    ({ target, handlers }) => {
      parameters(target, []);
      return handlers.resetPeerCounters();
    },
  ),
  resetting(
    "policies/{}/reset-counters",
    (name) => entry(POLICY, { name }),
    ({ target, name, handlers }) => {
      parameters(target, []);
      return handlers.resetPolicyCounters(name);
    },
  ),
  resetting(
    "policies/reset-counters",
    () => inRouter(...POLICIES),
    ({ target, handlers }) => {
      parameters(target, []);
      return handlers.resetPolicyCounters();
    },
  ),
];

function resetting(
  path: string,
  target: (name: string) => ReturnType<typeof inRouter>,
  reset: (exchange: Exchange) => unknown,
): Resource {
  return {
    ...{ method: "POST", path },
    needs: { kind: "action", name: "reset-counters", target },
    answer: async (exchange) => report(await reset(exchange)),
  };
}

function counterPart(text: string): CounterPart {
  const part = COUNTER_PARTS.find((name) => name === text);
  if (part !== undefined) return part;
  const message = `${JSON.stringify(text)} is none of the counters ${COUNTER_PARTS.join(", ")}`;
  throw new ControlRefusal(400, "control.bad-counters", "Bad request", message);
}
