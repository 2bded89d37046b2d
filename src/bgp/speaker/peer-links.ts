import { type Clock, type Log, messageOf, momentOf, type Random, type Seconds, sameValue } from "../../base/index.ts";
import type { SessionEvent, SessionTimer, Side } from "../session/index.ts";
import { type Frame, HEADER_LENGTH } from "../wire/index.ts";
import { Link } from "./link.ts";
import type { PeerOptions } from "./options.ts";
import type { PeerRecord } from "./peer-record.ts";
import type { PeerStatus } from "./status.ts";
import type { TcpProtection } from "./tcp-protection.ts";
import type { Connection, HopLimits, Transport } from "./transport.ts";

const TIMEOUTS = {
  connectRetry: "ConnectRetryTimer_Expires",
  hold: "HoldTimer_Expires",
  keepalive: "KeepaliveTimer_Expires",
  idleHold: "IdleHoldTimer_Expires",
  delayOpen: "DelayOpenTimer_Expires",
  sendHold: "SendHoldTimer_Expires",
} as const satisfies Record<SessionTimer, SessionEvent["type"]>;

export interface PeerLinksParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly record: PeerRecord;
}

function hopLimits({ ttlSecurityHops }: PeerOptions, hopLimit: number | undefined): HopLimits {
  if (ttlSecurityHops !== undefined) return { ttlSecurityHops };
  return hopLimit === undefined ? {} : { hopLimit };
}

/** What the connections of a neighbour tell its driver. */
export interface PeerLinksHandlers {
  event(side: Side, event: SessionEvent): void;
  /** One message; its octets are borrowed until the call returns. */
  message(side: Side, frame: Frame): void;
  /** The connection is gone. */
  lost(side: Side, reason: string): void;
  drained(side: Side): void;
}

interface Wanted {
  readonly hops: Readonly<Record<Side, HopLimits>>;
  readonly protection: TcpProtection;
}

/** Both connections of one neighbour: how they are made, accepted and written to, and their timers. */
export class PeerLinks implements Disposable {
  readonly #parts: PeerLinksParts;
  readonly #handlers: PeerLinksHandlers;
  readonly #links: Readonly<Record<Side, Link>>;
  /** Waits for the verdict of the state machines. */
  #offered: Connection | undefined;
  /** What connections have to have: an attempt takes its time, and may have begun with other ones. */
  #wanted: Wanted = { hops: { outgoing: {}, incoming: {} }, protection: {} };

  constructor(parts: PeerLinksParts, handlers: PeerLinksHandlers) {
    this.#parts = parts;
    this.#handlers = handlers;
    const { clock, random } = parts;
    const link = (side: Side): Link =>
      new Link(clock, random, (timer) => {
        if (timer === "connectRetry" && this.#links[side].isConnecting) this.#unanswered(side);
        handlers.event(side, { type: TIMEOUTS[timer] });
      });
    this.#links = { outgoing: link("outgoing"), incoming: link("incoming") };
  }

  at(side: Side): Link {
    return this.#links[side];
  }

  /** A connection that was accepted: `adopt` or `refuse` comes next. */
  offer(connection: Connection): void {
    this.#offered = connection;
  }

  adopt(): void {
    const connection = this.#offered!;
    this.#offered = undefined;
    this.#open("incoming", connection);
  }

  refuse(): void {
    void this.#offered?.close();
    this.#offered = undefined;
  }

  /** @param hopLimit of the packets, where it matters */
  connect(side: Side, options: PeerOptions, hopLimit: number | undefined, protection: TcpProtection): void {
    const { address, port, updateSource } = options;
    const hops = hopLimits(options, hopLimit);
    this.#wanted = { hops: { ...this.#wanted.hops, [side]: hops }, protection };
    const connecting = this.#parts.transport.connect(
      {
        remote: { address, port },
        ...(updateSource === undefined ? {} : { source: updateSource }),
        protection,
        ...hops,
      },
      (made) => {
        const result = made instanceof Error ? made : this.#asWanted(side, made, hops, protection);
        if (result instanceof Error) {
          const { record, clock, log } = this.#parts;
          record.ends.failed(messageOf(result), momentOf(clock));
          log.debug("bgp.connection.failed", { peer: address, reason: messageOf(result) });
          this.#handlers.event(side, { type: "TcpConnectionFails" });
          return;
        }
        this.#open(side, result);
        this.#handlers.event(side, { type: "Tcp_CR_Acked" });
      },
    );
    this.#links[side].attempt(connecting);
  }

  /**
   * The attempt took as long as there is for it. Packets that are signed in another way, or come from too far away, are dropped
   * without a word: nothing else tells of that.
   */
  #unanswered(side: Side): void {
    const { record, clock } = this.#parts;
    const { hops, protection } = this.#wanted;
    const { ttlSecurityHops } = hops[side];
    const isSigned = protection.password !== undefined || (protection.aoKeys ?? []).length > 0;
    const silent = [
      ...(isSigned ? ["its key may be another one"] : []),
      ...(ttlSecurityHops === undefined
        ? []
        : [`it may be farther away than ${ttlSecurityHops} hop${ttlSecurityHops === 1 ? "" : "s"}`]),
    ];
    record.ends.failed(["no answer", ...silent].join("; "), momentOf(clock));
  }

  /** A connection that was begun with these. */
  #asWanted(side: Side, made: Connection, hops: HopLimits, protection: TcpProtection): Connection | Error {
    const wanted = this.#wanted;
    try {
      if (!sameValue(wanted.hops[side], hops)) made.limitHops(wanted.hops[side]);
      if (!sameValue(wanted.protection, protection)) made.protect(wanted.protection);
      return made;
    } catch (cause) {
      void made.close();
      return cause instanceof Error ? cause : new Error(messageOf(cause));
    }
  }

  #open(side: Side, connection: Connection): void {
    this.#links[side].open(connection, {
      message: (frame) => this.#handlers.message(side, frame),
      malformed: (fault) => this.#handlers.event(side, { type: "BGPHeaderErr", fault }),
      closed: (reason) => this.#handlers.lost(side, reason),
      drained: () => {
        this.#links[side].timers.disarm("sendHold");
        this.#handlers.drained(side);
      },
    });
  }

  /** Connections that stand are signed in another way from now on. */
  protect(protection: TcpProtection): void {
    this.#wanted = { ...this.#wanted, protection };
    for (const { connection } of Object.values(this.#links)) connection?.protect(protection);
  }

  /**
   * The same for how far their packets go. A hop limit is for connections that this router opens; those that were accepted
   * have none.
   */
  limitHops(options: PeerOptions, hopLimit: number | undefined): void {
    const hops = { outgoing: hopLimits(options, hopLimit), incoming: hopLimits(options, undefined) };
    this.#wanted = { ...this.#wanted, hops };
    for (const side of ["outgoing", "incoming"] as const) this.#links[side].connection?.limitHops(hops[side]);
  }

  /** False: there is no connection. */
  write(side: Side, octets: Uint8Array): boolean {
    const { connection } = this.#links[side];
    if (connection === undefined) return false;
    this.#parts.record.messageOut(octets[HEADER_LENGTH - 1]!);
    connection.write(octets);
    return true;
  }

  /**
   * What the socket does not take within the send hold time ends the session. @see RFC 9687 §3
   * @param limit `undefined`: nothing is watched
   */
  watchOutput(side: Side, limit: Seconds | undefined): void {
    const { connection, timers } = this.#links[side];
    if (limit === undefined || connection === undefined || connection.queued === 0) return;
    if (timers.isArmed("sendHold")) return;
    timers.arm("sendHold", limit, { jitter: false });
  }

  /** Those that run on a side, with what is left of them. */
  timers(side: Side): PeerStatus["timers"] {
    const { timers } = this.#links[side];
    const names = Object.keys(TIMEOUTS) as SessionTimer[];
    return Object.fromEntries(
      names.flatMap((name) => {
        const left = timers.left(name);
        return left === undefined ? [] : [[name, left]];
      }),
    );
  }

  /** Resolves when the connections that were closed are gone. */
  get closed(): Promise<unknown> {
    return Promise.all([this.#links.outgoing.closed, this.#links.incoming.closed]);
  }

  [Symbol.dispose](): void {
    for (const link of Object.values(this.#links)) link.timers[Symbol.dispose]();
  }
}
