import type { SessionEvent } from "./events.ts";
import type { Agreement } from "./negotiation.ts";
import { IDLE, isDelaying, type Session, type SessionEffect, type SessionState, step } from "./session.ts";
import type { SessionSettings } from "./settings.ts";

/** Which end opened the TCP connection. */
export type Side = "outgoing" | "incoming";

/**
 * All connections with one peer: the one that this router opens, and the one that the peer opened, if any.
 *
 * `outgoing` is the configured peering. It is parked in Idle, without a timer, while an incoming connection has its place.
 */
export interface Peering {
  readonly outgoing: Session;
  readonly incoming: Session | undefined;
}

export type PeeringInput =
  | { readonly side: Side; readonly event: SessionEvent }
  /** A TCP connection from the peer's address was accepted. */
  | { readonly type: "accepted" };

export type PeeringEffect =
  | (SessionEffect & { readonly side: Side })
  /** The accepted connection becomes the incoming one. */
  | { readonly type: "adopt" }
  /** The accepted connection is closed. */
  | { readonly type: "refuse" };

export interface PeeringStep {
  readonly peering: Peering;
  readonly effects: readonly PeeringEffect[];
}

export const NO_PEERING: Peering = { outgoing: IDLE, incoming: undefined };

const PROGRESS: Readonly<Record<SessionState, number>> = {
  Idle: 0,
  Active: 1,
  Connect: 2,
  OpenSent: 3,
  OpenConfirm: 4,
  Established: 5,
};

/** The connection that got further: what is shown as the state of the peer. */
export function leading(peering: Peering): Session {
  const { outgoing, incoming } = peering;
  return incoming !== undefined && PROGRESS[incoming.state] >= PROGRESS[outgoing.state] ? incoming : outgoing;
}

/** One event of a peer. Pure. @see RFC 4271 §6.8 (collisions); RFC 4724 §5 (a restarted peer) */
export function stepPeering(peering: Peering, input: PeeringInput, settings: SessionSettings): PeeringStep {
  if ("type" in input) return accept(peering, settings);
  const { side, event } = input;
  if (event.type === "ManualStop") return stopBoth(peering, event, settings);
  if (event.type === "BGPOpen") {
    const loser = collisionLoser(peering, side, event.open.bgpIdentifier, settings);
    if (loser !== undefined) {
      const dumped = advance(peering, loser, { type: "OpenCollisionDump" }, settings);
      if (loser === side) return dumped;
      return then(dumped, (left) => advance(left, side, event, settings));
    }
  }
  return restUnderEstablished(peering, advance(peering, side, event, settings), settings);
}

/**
 * While the incoming connection is established the configured peering has to rest, or its retries would look like a peer
 * that has restarted. Of two connections that are open the collision rule decides, not this one.
 */
function restUnderEstablished(before: Peering, stepped: PeeringStep, settings: SessionSettings): PeeringStep {
  const { outgoing, incoming } = stepped.peering;
  if (incoming?.state !== "Established") return stepped;
  if (outgoing.state === "Connect" || outgoing.state === "Active") {
    return then(stepped, (left) => advance(left, "outgoing", { type: "OpenCollisionDump" }, settings));
  }
  const changed = before.incoming?.state !== "Established" || before.outgoing.state !== "Idle";
  return outgoing.state === "Idle" && changed ? then(stepped, park) : stepped;
}

function at(peering: Peering, side: Side): Session | undefined {
  return peering[side];
}

function then(first: PeeringStep, next: (peering: Peering) => PeeringStep): PeeringStep {
  const second = next(first.peering);
  return { peering: second.peering, effects: [...first.effects, ...second.effects] };
}

/**
 * Which connection has to go when an OPEN comes in on `side`: the one survives that was opened by the router with the
 * larger identifier (the larger AS, where the identifiers are equal).
 *
 * Both ends must come to the same answer whatever they have seen so far, or both connections go. So the rule holds for
 * a rival in OpenSent as well (its peer is the same one: the address tells), and for one that is established but not settled
 * (CollisionDetectEstablishedState). One that is settled stays.
 * @see RFC 4271 §6.8 and §8.1.1 (14); RFC 6286 §2.3
 */
function collisionLoser(
  peering: Peering,
  side: Side,
  peerIdentifier: number,
  settings: SessionSettings,
): Side | undefined {
  const other: Side = side === "outgoing" ? "incoming" : "outgoing";
  const rival = at(peering, other);
  const mayOpen = at(peering, side)?.state === "OpenSent" || isDelaying(at(peering, side));
  if (!mayOpen || rival === undefined || PROGRESS[rival.state] < PROGRESS.OpenSent) return undefined;
  if (rival.state === "Established" && rival.settled) return side;
  const mine = settings.bgpIdentifier - peerIdentifier || settings.localAs - settings.remoteAs;
  return mine > 0 ? "incoming" : "outgoing";
}

function accept(peering: Peering, settings: SessionSettings): PeeringStep {
  const { outgoing, incoming } = peering;
  const refused: PeeringStep = { peering, effects: [{ type: "refuse" }] };
  const established = leading(peering);
  let before: PeeringStep = { peering, effects: [] };
  if (established.state === "Established") {
    if (!established.settled || !mayHaveRestarted(established.agreed)) return refused;
    const side: Side = established === incoming ? "incoming" : "outgoing";
    before = then(advance(peering, side, { type: "TcpConnectionConfirmed" }, settings), park);
  } else if (incoming !== undefined) {
    // The peer gave up its first connection, or we should have heard from it.
    before = advance(peering, "incoming", { type: "OpenCollisionDump" }, settings);
    if (before.peering.outgoing.state === "Idle") before = then(before, park);
  } else if (outgoing.state === "Idle") return refused;
  else if (outgoing.state === "Active") before = park(peering);

  const { failures } = before.peering.outgoing;
  const listening: Session = { state: "Active", failures };
  const opened = step(listening, { type: "TcpConnectionConfirmed" }, settings);
  return {
    peering: { outgoing: before.peering.outgoing, incoming: opened.session },
    effects: [...before.effects, { type: "adopt" }, ...tagged(opened.effects, "incoming")],
  };
}

/** A second connection means a restart only where the capability came with a family in it; else it is a collision. @see RFC 4724 §5 */
function mayHaveRestarted({ gracefulRestart, longLived = [] }: Agreement): boolean {
  return gracefulRestart !== undefined && gracefulRestart.peer.families.length + longLived.length > 0;
}

/** The configured peering waits in Idle without a timer, keeping its count of failures. */
function park(peering: Peering): PeeringStep {
  const { failures } = peering.outgoing;
  return {
    peering: { outgoing: { state: "Idle", failures }, incoming: peering.incoming },
    effects: [{ type: "disarmAll", side: "outgoing" }],
  };
}

/** One connection's step. When the incoming connection ends, the configured peering takes over its wait. */
function advance(peering: Peering, side: Side, event: SessionEvent, settings: SessionSettings): PeeringStep {
  const session = at(peering, side);
  if (session === undefined) return { peering, effects: [] };
  const { session: next, effects } = step(session, event, settings);
  if (side === "outgoing") return { peering: { ...peering, outgoing: next }, effects: tagged(effects, side) };
  if ((next.state !== "Idle" && next.state !== "Active") || isDelaying(next)) {
    return { peering: { ...peering, incoming: next }, effects: tagged(effects, side) };
  }
  const parked = peering.outgoing.state === "Idle";
  const kept = effects.filter((effect) => effect.type !== "arm");
  const left = tagged(kept, side);
  if (!parked) return { peering: { ...peering, incoming: undefined }, effects: left };
  const outgoing: Session = { state: "Idle", failures: next.failures };
  // Whatever it was going to wait for, the peering waits its idle hold time, unless the connection lost a collision.
  const wait = effects.filter((effect) => effect.type === "arm");
  if (wait.length === 0) return { peering: { outgoing, incoming: undefined }, effects: left };
  const idleHold = wait.map((effect) => ({ ...effect, timer: "idleHold", side: "outgoing" }) as const);
  return { peering: { outgoing, incoming: undefined }, effects: [...left, ...idleHold] };
}

function tagged(effects: readonly SessionEffect[], side: Side): PeeringEffect[] {
  return effects.map((effect) => ({ ...effect, side }));
}

function stopBoth(peering: Peering, event: SessionEvent, settings: SessionSettings): PeeringStep {
  const first = advance(peering, "incoming", event, settings);
  return then(first, (left) => advance(left, "outgoing", event, settings));
}
