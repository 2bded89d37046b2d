import type { Session } from "../datastore/index.ts";
import { ControlRefusal } from "./handlers.ts";
import type { ControlAnswer, Exchange } from "./resource.ts";

const MAX_USER = 64;
/** Each keeps a connection, and there have to be some for others. */
const MAX_HELD = 32;
/** Of all who may not do everything, so that those who may are never kept out by them; and of one of them. */
const MAX_OTHERS = 24;
const MAX_OWN = 8;

/** Who may do everything says for whom; of others the kernel does. */
function userOf({ request, who }: Exchange): string {
  if (!who.isRecovery) return who.name;
  const said = request.user;
  return said !== undefined && /^[\x21-\x7e]+$/.test(said) ? said.slice(0, MAX_USER) : "local";
}

const identity = (exchange: Exchange): Pick<Session, "user" | "source" | "groups" | "isRecovery"> => ({
  ...{ user: userOf(exchange), source: exchange.request.source, groups: exchange.who.groups },
  ...(exchange.who.isRecovery ? { isRecovery: true } : {}),
});

/**
 * Runs with the session that the field `semrd-session` names, else with one that ends with the request: the candidate that
 * this leaves is everybody's.
 *
 * @throws {ControlRefusal} `control.no-such-session`
 */
export async function inSession(
  exchange: Exchange,
  run: (session: Session) => Promise<ControlAnswer>,
): Promise<ControlAnswer> {
  const { management } = exchange.handlers;
  const named = exchange.request.session;
  if (named !== undefined) return run(heldSession(exchange, named));
  const session = management.openSession({ ...identity(exchange), protocol: "control" });
  try {
    return await run(session);
  } finally {
    await management.closeSession(session);
  }
}

/** Whether the request is of a session that outlives it. */
export const isHeld = ({ request }: Exchange): boolean => request.session !== undefined;

/** One of somebody else is none for those who may not do everything. */
function heldSession({ handlers: { management }, who }: Exchange, id: string): Session {
  const isOwn = (one: Session): boolean => who.isRecovery || (one.isRecovery !== true && one.user === who.name);
  const found = management.sessions().find((one) => one.protocol === "cli" && String(one.id) === id && isOwn(one));
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
export function heldSessionAnswer(exchange: Exchange): ControlAnswer {
  const { request, who } = exchange;
  const { management } = exchange.handlers;
  const held = management.sessions().filter(({ protocol }) => protocol === "cli");
  if (held.length >= MAX_HELD) throw tooMany(`there are ${MAX_HELD} configure sessions already`);
  if (!who.isRecovery) {
    const others = held.filter(({ isRecovery }) => isRecovery !== true);
    if (others.length >= MAX_OTHERS) throw tooMany(`there are ${others.length} configure sessions already`);
    if (others.filter(({ user }) => user === who.name).length >= MAX_OWN)
      throw tooMany(`${who.name} has ${MAX_OWN} configure sessions already`);
  }
  async function* lasting(): AsyncIterable<Uint8Array> {
    const session = management.openSession({ ...identity(exchange), protocol: "cli" });
    try {
      yield new TextEncoder().encode(`${JSON.stringify({ session: session.id })}\n`);
      await request.gone();
    } finally {
      await management.closeSession(session);
    }
  }
  return { type: "octets", contentType: "application/x-ndjson", chunks: lasting() };
}

const tooMany = (what: string): ControlRefusal =>
  new ControlRefusal(503, "control.too-many-sessions", "Too many sessions", `${what}: leave one of them first`);
