import { FIRST_CAPABILITY_POLICY, type Operation, type Policy } from "../../../src/forwarding/index.ts";

const FIRST = FIRST_CAPABILITY_POLICY;
const LISTS: readonly (readonly number[])[] = [[2], [2, 3], [], [3, 7, 9]];

const TERMS: readonly Partial<Policy>[] = [
  {},
  { packets: { perSecond: 100, burst: 10 } },
  { packets: { perSecond: 200, burst: 10 }, bits: { perSecond: 8000, burst: 1500 }, dscp: 46 },
  { bits: { perSecond: 8000, burst: 1500 } },
  { dscp: 10 },
];

const setPolicy = (index: number, step: number): Operation => ({
  type: "set-policy",
  index,
  policy: {
    ...{ use: "capabilities", tenantIndex: 1, counted: false, allowed: LISTS[(index + step) % LISTS.length]! },
    ...TERMS[(index + step) % TERMS.length],
  },
});

/** Of a tenant's clients: it comes, changes and goes. */
const tenantPolicy = (step: number): Operation =>
  step % 3 === 2
    ? { type: "remove-policy", index: 1 }
    : {
        ...{ type: "set-policy", index: 1 },
        policy: { use: "tenant", tenantIndex: 1, counted: false, allowed: [], ...TERMS[step % TERMS.length] },
      };

/** The same operations on capabilities that have policies, two of three; the policies change in between. */
export function withPolicies(operations: readonly Operation[]): Operation[] {
  const all: Operation[] = [setPolicy(FIRST, 0), setPolicy(FIRST + 1, 0)];
  for (const [step, operation] of operations.entries()) {
    if (step % 5 === 4) all.push(setPolicy(FIRST + (step % 2), step));
    if (step % 7 === 5) all.push(tenantPolicy(step % 21 === 5 ? 0 : step % 21 === 12 ? 1 : 2));
    if (operation.type === "set-aggregate" && operation.aggregate.prefix.address[7] === 1)
      all.push({ ...operation, aggregate: { ...operation.aggregate, policy: FIRST + (step % 2) } });
    else if (operation.type !== "set-capability") all.push(operation);
    else {
      const { entry } = operation;
      const which = (entry.address[13]! + step) % 3;
      all.push({ ...operation, entry: which === 2 ? entry : { ...entry, policy: FIRST + which } });
    }
  }
  return all;
}
