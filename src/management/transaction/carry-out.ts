import { type Log, messageOf } from "../../base/index.ts";
import { type Answer, answered, fault, type ManagementFault, refused } from "../datastore/index.ts";
import type { Prepared, Provider } from "./provider.ts";

interface Step {
  readonly provider: string;
  readonly prepared: Prepared;
}

/**
 * Carries a change out: all providers prepare, then all apply in their order, then `persist` makes it durable. Whatever
 * fails on the way, those before are brought back in reverse order and nothing has changed; only a provider that cannot
 * go back either leaves the router between two configurations, which is said as `rollback-failed`.
 */
export async function carryOut<C>(
  providers: readonly Provider<C>[],
  change: C,
  persist: () => Promise<void>,
  log: Log,
): Promise<Answer<void>> {
  const prepared = await prepareAll(providers, change, log);
  if (!prepared.ok) return prepared;
  const steps = prepared.value;
  for (const [at, { provider, prepared: own }] of steps.entries()) {
    try {
      await own.apply();
    } catch (cause) {
      log.error("management.apply-failed", { provider, reason: messageOf(cause) });
      const left = await abandonAll(steps.slice(at + 1), log);
      const stuck = await revertAll(steps.slice(0, at + 1), log);
      return refused(failed(`${provider} could not carry it out: ${messageOf(cause)}`), ...left, ...stuck);
    }
  }
  try {
    await persist();
  } catch (cause) {
    log.error("management.persist-failed", { reason: messageOf(cause) });
    const stuck = await revertAll(steps, log);
    const message = `the change could not be made durable, and was taken back: ${messageOf(cause)}`;
    return refused(fault("resource-denied", message), ...stuck);
  }
  for (const { provider, prepared: own } of steps) {
    try {
      await own.finish?.();
    } catch (cause) {
      log.error("management.finish-failed", { provider, reason: messageOf(cause) });
    }
  }
  return answered(undefined);
}

async function prepareAll<C>(providers: readonly Provider<C>[], change: C, log: Log): Promise<Answer<Step[]>> {
  const steps: Step[] = [];
  for (const provider of providers) {
    let answer: Answer<Prepared | undefined>;
    try {
      answer = await provider.prepare(change);
    } catch (cause) {
      log.error("management.prepare-failed", { provider: provider.name, reason: messageOf(cause) });
      answer = refused(failed(`${provider.name} cannot carry it out: ${messageOf(cause)}`));
    }
    if (!answer.ok) return refused(...answer.faults, ...(await abandonAll(steps, log)));
    if (answer.value !== undefined) steps.push({ provider: provider.name, prepared: answer.value });
  }
  return answered(steps);
}

async function abandonAll(steps: readonly Step[], log: Log): Promise<ManagementFault[]> {
  const faults: ManagementFault[] = [];
  for (const { provider, prepared } of steps.toReversed()) {
    try {
      await prepared.abandon?.();
    } catch (cause) {
      log.error("management.abandon-failed", { provider, reason: messageOf(cause) });
      faults.push(failed(`${provider} could not give back what it had prepared: ${messageOf(cause)}`));
    }
  }
  return faults;
}

async function revertAll(steps: readonly Step[], log: Log): Promise<ManagementFault[]> {
  const faults: ManagementFault[] = [];
  for (const { provider, prepared } of steps.toReversed()) {
    try {
      await prepared.revert();
    } catch (cause) {
      log.error("management.revert-failed", { provider, reason: messageOf(cause) });
      const message = `${provider} could not go back to what it did before (${messageOf(cause)}): restart the router`;
      faults.push(fault("rollback-failed", message));
    }
  }
  return faults;
}

const failed = (message: string): ManagementFault => fault("operation-failed", message);
