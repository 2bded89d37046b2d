import { FIRST_CAPABILITY_POLICY, type Operation } from "../../../src/forwarding/index.ts";

const FIRST = FIRST_CAPABILITY_POLICY;
const LISTS: readonly (readonly number[])[] = [[2], [2, 3], [], [3, 7, 9]];

const setPolicy = (index: number, step: number): Operation => ({
  type: "set-policy",
  index,
  policy: { use: "capabilities", tenantIndex: 1, counted: false, allowed: LISTS[(index + step) % LISTS.length]! },
});

/** The same operations on capabilities that have policies, two of three; the policies change in between. */
export function withPolicies(operations: readonly Operation[]): Operation[] {
  const all: Operation[] = [setPolicy(FIRST, 0), setPolicy(FIRST + 1, 0)];
  for (const [step, operation] of operations.entries()) {
    if (step % 5 === 4) all.push(setPolicy(FIRST + (step % 2), step));
    if (operation.type !== "set-capability") all.push(operation);
    else {
      const { entry } = operation;
      const which = (entry.address[13]! + step) % 3;
      all.push({ ...operation, entry: which === 2 ? entry : { ...entry, policy: FIRST + which } });
    }
  }
  return all;
}
