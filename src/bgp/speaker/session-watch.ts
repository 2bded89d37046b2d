import type { RouteFamily } from "../../rib/index.ts";
import type { Agreement, Side } from "../session/index.ts";
import { type Frame, HEADER_LENGTH, MessageType } from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { ObservedSession, PeerObserver } from "./observer.ts";
import type { Connection } from "./transport.ts";

/** `slice` of a Buffer shares its memory. */
const copied = (octets: Uint8Array, start: number, end: number): Uint8Array =>
  new Uint8Array(octets.subarray(start, end));

/** Remembers for an observer what belongs together: both OPENs of a connection, and the session that they led to. */
export class SessionWatch {
  readonly observer: PeerObserver;
  readonly #opens: Record<Side, { sent?: Uint8Array; received?: Uint8Array }> = { outgoing: {}, incoming: {} };
  #session: ObservedSession | undefined;

  constructor(observer: PeerObserver) {
    this.observer = observer;
  }

  /** The octets belong to the connection from now on. */
  openSent(side: Side, octets: Uint8Array): void {
    this.#opens[side] = { sent: octets.slice() };
  }

  received(side: Side, { type, octets, start, end }: Frame): void {
    if (type === MessageType.Open) this.#opens[side].received = copied(octets, start - HEADER_LENGTH, end);
    this.observer.received(octets, start - HEADER_LENGTH, end, this.#session);
  }

  established(
    side: Side,
    facts: {
      readonly agreed: Agreement;
      readonly peerIndex: number;
      readonly outputs: ReadonlyMap<RouteFamily, { readonly told: AdjRibOut }>;
      readonly connection: Connection;
    },
  ): void {
    const { agreed, peerIndex, outputs, connection } = facts;
    const { sent, received } = this.#opens[side];
    // Both were exchanged before the session could be established.
    const [openSent, openReceived] = [sent!, received!];
    const { local, remote } = connection;
    const told = new Map([...outputs].map(([family, output]) => [family, output.told]));
    const families = [...outputs.keys()];
    this.#session = { agreed, peerIndex, families, local, remote, openSent, openReceived, told };
    this.observer.established(this.#session);
  }

  ended(...[end]: Parameters<PeerObserver["ended"]>): void {
    this.#session = undefined;
    this.observer.ended(end);
  }
}
