import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Management, Session } from "../datastore/index.ts";
import { ControlRefusal } from "./handlers.ts";
import type { ControlAnswer, Exchange } from "./resource.ts";

const MAX_USER = 64;
/** Each keeps a connection, and there have to be some for others. */
const MAX_HELD = 32;

function userOf(request: IncomingMessage): string {
  const said = request.headers["semrd-user"];
  return typeof said === "string" && /^[\x21-\x7e]+$/.test(said) ? said.slice(0, MAX_USER) : "local";
}

/**
 * Runs with the session that the field `semrd-session` names, else with one that ends with the request: the candidate that
 * this leaves is everybody's.
 *
 * @throws {ControlRefusal} `control.no-such-session`
 */
export async function inSession(
  { handlers: { management }, request }: Exchange,
  run: (session: Session) => Promise<ControlAnswer>,
): Promise<ControlAnswer> {
  const named = request.headers["semrd-session"];
  if (typeof named === "string") return run(heldSession(management, named));
  const session = management.openSession({ user: userOf(request), protocol: "control", source: "control socket" });
  try {
    return await run(session);
  } finally {
    await management.closeSession(session);
  }
}

/** Whether the request is of a session that outlives it. */
export const isHeld = ({ request }: Exchange): boolean => request.headers["semrd-session"] !== undefined;

function heldSession(management: Management, id: string): Session {
  const found = management.sessions().find((one) => one.protocol === "cli" && String(one.id) === id);
  if (found !== undefined) return found;
  throw new ControlRefusal(
    409,
    "control.no-such-session",
    "No such session",
    `there is no session ${JSON.stringify(id)}: it lasts as long as the answer of POST /v1/config/session is read`,
  );
}

/**
 * A session that lasts until the reader of this answer goes; its one line says the number.
 *
 * @throws {ControlRefusal} `control.too-many-sessions`
 */
export function heldSessionAnswer({ handlers: { management }, request }: Exchange): ControlAnswer {
  if (management.sessions().filter(({ protocol }) => protocol === "cli").length >= MAX_HELD)
    throw new ControlRefusal(
      503,
      "control.too-many-sessions",
      "Too many sessions",
      `there are ${MAX_HELD} configure sessions already: leave one of them first`,
    );
  async function* lasting(): AsyncIterable<Uint8Array> {
    const session = management.openSession({ user: userOf(request), protocol: "cli", source: "control socket" });
    try {
      yield new TextEncoder().encode(`${JSON.stringify({ session: session.id })}\n`);
      if (!request.socket.destroyed) await once(request.socket, "close");
    } finally {
      await management.closeSession(session);
    }
  }
  return { type: "octets", contentType: "application/x-ndjson", chunks: lasting() };
}
