import { milliseconds, sameValue, toMilliseconds } from "../../base/index.ts";
import type { ConfiguredPeer } from "./configured-peer.ts";
import { KeyRing, type KeyRingParts } from "./key-ring.ts";
import type { PeerOptions } from "./options.ts";
import type { PeerLinks } from "./peer-links.ts";
import type { PeerParts } from "./peer-parts.ts";
import type { PeerSession } from "./peer-session.ts";
import { protectionOf, type TcpProtection } from "./tcp-protection.ts";

const NO_HOLD_TIME = milliseconds(90_000);

/** The neighbour whose connections are signed. */
export interface PeerKeysHost {
  readonly peer: ConfiguredPeer;
  readonly parts: Pick<PeerParts, "clock" | "log" | "keyTurned">;
  readonly links: PeerLinks;
  readonly session: Pick<PeerSession, "up">;
}

/** How the connections of one neighbour are signed, and which of its keys it has at the moment. */
export class PeerKeys implements Disposable {
  readonly #host: PeerKeysHost;
  readonly #ring: KeyRing;

  constructor(host: PeerKeysHost) {
    this.#host = host;
    const { password, furtherPasswords = [] } = host.peer.options;
    this.#ring = new KeyRing({
      clock: host.parts.clock,
      silence: () => this.#silence(),
      turned: () => this.#turned(),
    });
    this.#ring.change(password, furtherPasswords);
  }

  /** Of connections that are made now. */
  get protection(): TcpProtection {
    return protectionOf(this.#host.peer.options, this.#ring.current);
  }

  /** The options are others now. */
  change(before: PeerOptions): void {
    const { password, furtherPasswords = [], aoKeys } = this.#host.peer.options;
    const old = [before.password, before.furtherPasswords ?? [], before.aoKeys];
    if (sameValue(old, [password, furtherPasswords, aoKeys])) return;
    this.#ring.change(password, furtherPasswords);
    this.#host.links.protect(this.protection);
  }

  /** A session has begun, or ended. */
  look(): void {
    this.#ring.look();
  }

  [Symbol.dispose](): void {
    this.#ring[Symbol.dispose]();
  }

  /** The neighbour is silent, or not there: it may have changed to another key. */
  #turned(): void {
    const { parts, links, peer, session } = this.#host;
    parts.log.info("bgp.key.turned", { peer: peer.options.address, established: session.up !== undefined });
    links.protect(this.protection);
    parts.keyTurned();
  }

  #silence(): ReturnType<KeyRingParts["silence"]> {
    const { links, session } = this.#host;
    if (session.up === undefined) return undefined;
    const { side, agreed } = session.up;
    // Without timers nobody has to say anything.
    const holdTime = agreed.holdTime === undefined ? undefined : toMilliseconds(agreed.holdTime);
    const left = links.at(side).timers.left("hold");
    if (holdTime === undefined || left === undefined) return { holdTime: NO_HOLD_TIME, silentFor: milliseconds(0) };
    return { holdTime, silentFor: milliseconds(holdTime - left) };
  }
}
