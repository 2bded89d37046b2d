import { type Directory, type DirectoryChange, instanceState } from "../directory/index.ts";
import type { Compiler, InstanceNews } from "../forwarding/index.ts";

export type InstanceSink = Pick<Compiler, "instanceAdded" | "instanceRemoved" | "instancesChanged">;

/**
 * Hands instances to the compiler: at once, as a dead one must leave the data plane before anything else is done. What an
 * operator adds or takes away by the thousand waits for the end of that, and is then handed over in slices, as those are that
 * are known when it begins.
 */
export function feedInstances(compiler: InstanceSink, directory: Directory): Disposable {
  /** Last words about instances that wait. */
  const waiting = new Map<string, DirectoryChange>();
  let stopped = false;

  function hand(change: DirectoryChange): void {
    const { instance } = change;
    if (directory.isGathering && mayWait(change)) {
      waiting.set(instance.id, change);
      return;
    }
    waiting.delete(instance.id);
    const { state } = newsOf(change);
    if (state === undefined) compiler.instanceRemoved(instance);
    else compiler.instanceAdded(instance, state);
  }

  /** One that the compiler has not heard of is in no table; one that is taken out of the configuration still works. */
  function mayWait(change: DirectoryChange): boolean {
    if (change.type === "removed" && change.cause === "configuration") return true;
    return change.type === "added" || waiting.get(change.instance.id)?.type === "added";
  }

  /** As each is when its turn comes: what happens to one meanwhile is not undone. */
  function* known(): Generator<InstanceNews> {
    for (const instance of directory.instances()) {
      if (stopped) return;
      if (!waiting.has(instance.id)) yield { instance, state: instanceState(instance) };
    }
  }

  function* waited(): Generator<InstanceNews> {
    for (const [id, change] of waiting) {
      waiting.delete(id);
      yield newsOf(change);
    }
  }

  compiler.instancesChanged(known());
  const subscriptions = [
    directory.subscribe((changes) => changes.forEach(hand)),
    directory.subscribeGathered(() => {
      if (waiting.size > 0) compiler.instancesChanged(waited());
    }),
  ];
  return {
    [Symbol.dispose]() {
      stopped = true;
      waiting.clear();
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

const newsOf = (change: DirectoryChange): InstanceNews => ({
  instance: change.instance,
  state: change.type === "removed" ? undefined : instanceState(change.instance),
});
