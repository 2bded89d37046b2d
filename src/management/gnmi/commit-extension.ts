import { type Seconds, seconds } from "../../base/index.ts";
import type { EditStep, Management, PendingCommit, Session } from "../datastore/index.ts";
import type { CommitExtension, Duration } from "./messages.ts";
import { GnmiError, must } from "./status.ts";

/** As the extension has it where the client says nothing. */
const DEFAULT_ROLLBACK = seconds(600);
/** As far as the datastores count. */
const LONGEST_ROLLBACK = 4_294_967;

/**
 * The confirmed commit of gNMI is the one of all protocols; its id is the persist id of NETCONF.
 *
 * @throws {GnmiError} FAILED_PRECONDITION, INVALID_ARGUMENT, and what the datastores refuse
 * @see gNMI commit confirmed extension §3
 */
export async function carryOutCommit(
  extension: CommitExtension,
  steps: readonly EditStep[],
  session: Session,
  management: Management,
): Promise<void> {
  const { id } = extension;
  if (id === "") throw new GnmiError("INVALID_ARGUMENT", "the commit extension needs an id");
  if (extension.action === undefined)
    throw new GnmiError("INVALID_ARGUMENT", "the commit extension says not what to do");
  if (extension.action === "commit") {
    const timeout = durationOf(extension.commit?.rollback_duration ?? null) ?? DEFAULT_ROLLBACK;
    if (management.pendingCommit() !== undefined) throw waits(management.pendingCommit()!);
    must(await management.transact(session, steps, { confirmed: { persist: id, timeout } }));
    return;
  }
  if (steps.length > 0) {
    throw new GnmiError(
      "INVALID_ARGUMENT",
      `${extension.action} of a commit goes without deletes, replaces and updates`,
    );
  }
  const pending = management.pendingCommit();
  if (pending === undefined) throw new GnmiError("FAILED_PRECONDITION", "no commit waits to be confirmed");
  if (pending.persist !== id)
    throw new GnmiError("INVALID_ARGUMENT", `the commit that waits has another id than ${id}`);
  switch (extension.action) {
    case "confirm":
      must(await management.confirm(session, id));
      return;
    case "cancel":
      must(await management.cancelCommit(session, id));
      return;
    case "set_rollback_duration": {
      const timeout = durationOf(extension.set_rollback_duration?.rollback_duration ?? null);
      if (timeout === undefined) throw new GnmiError("INVALID_ARGUMENT", "set_rollback_duration without a duration");
      must(await management.setConfirmTimeout(session, timeout, id));
      return;
    }
  }
}

function waits({ user, protocol, deadline }: PendingCommit): GnmiError {
  const until = new Date(deadline).toISOString();
  const message = `a commit of ${user} by ${protocol} waits to be confirmed until ${until}: confirm or cancel it first`;
  return new GnmiError("FAILED_PRECONDITION", message);
}

/** Whole seconds, rounded up. @throws {GnmiError} INVALID_ARGUMENT */
function durationOf(duration: Duration | null): Seconds | undefined {
  if (duration === null) return undefined;
  const whole = Number(duration.seconds) + (duration.nanos > 0 ? 1 : 0);
  if (whole < 1 || whole > LONGEST_ROLLBACK) {
    throw new GnmiError("INVALID_ARGUMENT", `a rollback duration is from 1 s to ${LONGEST_ROLLBACK} s`);
  }
  return seconds(whole);
}
