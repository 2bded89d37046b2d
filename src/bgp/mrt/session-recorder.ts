import { type Clock, type Ipv6Address, parseIpv4, parseIpv6 } from "../../base/index.ts";
import type { SessionState } from "../session/index.ts";
import type { ObservedPeer, ObservedSession, PeerObserver } from "../speaker/index.ts";
import type { UpdateLog } from "./update-log.ts";
import { type Bgp4mpEnds, encodeBgp4mpMessage, encodeStateChange } from "./wire/index.ts";

const UNKNOWN: Ipv6Address = new Uint8Array(16);

/**
 * Records every message that comes from a neighbour, and every change of its session's state, into a log.
 * @see RFC 6396 §4.4
 */
export class SessionRecorder implements PeerObserver {
  readonly #log: UpdateLog;
  readonly #clock: Clock;
  readonly #peer: ObservedPeer;
  #session: ObservedSession | undefined;
  #ends: Bgp4mpEnds;

  constructor(peer: ObservedPeer, log: UpdateLog, clock: Clock) {
    this.#peer = peer;
    this.#log = log;
    this.#clock = clock;
    this.#ends = this.#between(UNKNOWN);
  }

  received(octets: Uint8Array, start: number, end: number): void {
    const agreed = this.#session?.agreed;
    // Of a session in which routes of some family come with path identifiers.
    const addPath = agreed?.addPath.some(({ receive }) => receive) ?? false;
    const form = { asWidth: agreed?.asWidth ?? 4, direction: "received", addPath } as const;
    this.#log.append((out) => {
      encodeBgp4mpMessage(out, this.#now(), this.#ends, form, octets.subarray(start, end));
    });
  }

  stateChanged(from: SessionState, to: SessionState): void {
    this.#log.append((out) => encodeStateChange(out, this.#now(), this.#ends, { from, to }));
  }

  established(session: ObservedSession): void {
    this.#session = session;
    this.#ends = this.#between(octetsOf(session.local.address) ?? UNKNOWN);
  }

  ended(): void {
    this.#session = undefined;
  }

  announced(): void {}
  withdrawn(): void {}
  swept(): void {}
  gone(): void {}

  #now(): number {
    return Math.floor(this.#clock.wall() / 1000);
  }

  #between(localAddress: Ipv6Address): Bgp4mpEnds {
    const { remoteAs, localAs, address } = this.#peer;
    return { peerAs: remoteAs, localAs, peerAddress: address, localAddress };
  }
}

/** IPv4 in mapped form. */
function octetsOf(address: string): Ipv6Address | undefined {
  return parseIpv4(address) === undefined ? parseIpv6(address.replace(/%.*$/, "")) : parseIpv6(`::ffff:${address}`);
}
