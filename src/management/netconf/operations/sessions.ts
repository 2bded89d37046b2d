import type { ManagementFault } from "../../datastore/index.ts";
import { faulty, OK } from "../reply.ts";
import { numberOf, type Operations } from "./operation.ts";

/** Ends a session of this server. */
export interface SessionKiller {
  /** False where there is none of that id. */
  kill(id: number, why: string, by: number): boolean;
}

/** @see RFC 6241 §7.8, §7.9 */
export const sessionOperations = (killer: SessionKiller): Operations => ({
  "ietf-netconf:close-session": async () => OK,
  "ietf-netconf:kill-session": async (call) => {
    const id = numberOf(call, "session-id");
    if (id === call.session.id) return faulty(invalid("a session cannot kill itself: use close-session"));
    const killed =
      id !== undefined &&
      killer.kill(id, `killed by ${call.session.user} (session ${call.session.id})`, call.session.id);
    return killed ? OK : faulty(invalid(`there is no session ${id}`));
  },
});

const invalid = (message: string): ManagementFault => ({
  errorType: "protocol",
  errorTag: "invalid-value",
  errorSeverity: "error",
  message,
  info: { badElement: "session-id" },
});
