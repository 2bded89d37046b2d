import { seconds } from "../../../base/index.ts";
import type { EditOptions, EditTarget } from "../../datastore/index.ts";
import { faulty, type Reply } from "../reply.ts";
import { nmdaTarget, sourceOf, targetOf } from "./datastores.ts";
import { type Call, done, has, numberOf, type Operations, textOf } from "./operation.ts";

/** @see RFC 6241 §7.2–7.6, §8.3–8.6; RFC 5717; RFC 8526 §3.1.2 */
export const EDITING: Operations = {
  "ietf-netconf:edit-config": async (call) => {
    const target = targetOf(call);
    return target.ok ? edit(call, target.value) : faulty(...target.faults);
  },
  "ietf-netconf-nmda:edit-data": async (call) => {
    const target = nmdaTarget(call);
    return target.ok ? edit(call, target.value) : faulty(...target.faults);
  },
  "ietf-netconf:copy-config": async (call) => {
    const target = targetOf(call);
    if (!target.ok) return faulty(...target.faults);
    const source = sourceOf(call, "source");
    if (!source.ok) return faulty(...source.faults);
    if (source.value === target.value) {
      const message = `${target.value} cannot be copied to itself`;
      return faulty({ ...INVALID, message, info: { badElement: "source" } });
    }
    return done(await call.management.copy(call.session, source.value, target.value));
  },
  "ietf-netconf:delete-config": async (call) => {
    const target = targetOf(call);
    return target.ok ? done(await call.management.delete(call.session, target.value)) : faulty(...target.faults);
  },
  "ietf-netconf:validate": async (call) => {
    const source = sourceOf(call, "source");
    return source.ok ? done(await call.management.validate(call.session, source.value)) : faulty(...source.faults);
  },
  "ietf-netconf:discard-changes": async ({ management, session }) => done(await management.discard(session)),
  "ietf-netconf:commit": async (call) => {
    const timeout = numberOf(call, "confirm-timeout");
    const persist = textOf(call, "persist");
    const persistId = textOf(call, "persist-id");
    const confirmed = {
      ...(timeout === undefined ? {} : { timeout: seconds(timeout) }),
      ...(persist === undefined ? {} : { persist }),
    };
    const options = {
      ...(has(call, "confirmed") ? { confirmed } : {}),
      ...(persistId === undefined ? {} : { persistId }),
    };
    return done(await call.management.commit(call.session, options, "candidate"));
  },
  "ietf-netconf:cancel-commit": async (call) =>
    done(await call.management.cancelCommit(call.session, textOf(call, "persist-id"))),
  "ietf-netconf:lock": async (call) => {
    const target = targetOf(call);
    if (!target.ok) return faulty(...target.faults);
    return done(call.management.lock(call.session, target.value as Exclude<EditTarget, "private-candidate">));
  },
  "ietf-netconf:unlock": async (call) => {
    const target = targetOf(call);
    if (!target.ok) return faulty(...target.faults);
    const locked = target.value as Exclude<EditTarget, "private-candidate">;
    if (locked === "candidate" && holds(call, locked)) {
      // What was not committed goes with the lock. RFC 6241 §8.3.5.2
      const discarded = await call.management.discard(call.session);
      if (!discarded.ok) return faulty(...discarded.faults);
    }
    return done(call.management.unlock(call.session, locked));
  },
};

async function edit(call: Call, target: EditTarget): Promise<Reply> {
  const { documents } = call.request;
  const config = documents.config?.xml;
  if (config === undefined) {
    const url = "url" in call.request.input;
    return faulty({
      ...{ errorType: "protocol", errorSeverity: "error" },
      errorTag: url ? "operation-not-supported" : "missing-element",
      message: url ? "this server does not fetch configurations by url" : "there is no config in the edit",
      info: { badElement: url ? "url" : "config" },
    });
  }
  const defaultOperation = textOf(call, "default-operation") as EditOptions["defaultOperation"];
  const testOption = textOf(call, "test-option") as EditOptions["testOption"];
  const errorOption = textOf(call, "error-option") as EditOptions["errorOption"];
  const options: EditOptions = {
    format: "xml",
    ...(defaultOperation === undefined ? {} : { defaultOperation }),
    ...(testOption === undefined ? {} : { testOption }),
    ...(errorOption === undefined ? {} : { errorOption }),
  };
  return done(await call.management.edit(call.session, target, config, options));
}

const holds = ({ management, session }: Call, target: string): boolean =>
  management.info().some(({ datastore, lockedBy }) => datastore === target && lockedBy === session.id);

const INVALID = { errorType: "protocol", errorTag: "invalid-value", errorSeverity: "error" } as const;
