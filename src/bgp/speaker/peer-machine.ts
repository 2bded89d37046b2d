import {
  isDelaying,
  leading,
  NO_PEERING,
  type Peering,
  type PeeringEffect,
  type PeeringInput,
  type Session,
  type SessionEvent,
  type SessionSettings,
  type SessionState,
  type Side,
  stepPeering,
} from "../session/index.ts";

const WAITING: ReadonlySet<SessionState> = new Set(["Idle", "Connect", "Active"]);

export interface PeerMachineHost {
  /** Asked for with every input. */
  readonly settings: () => SessionSettings;
  /** Carries out one effect; the state is that after its step. */
  readonly perform: (effect: PeeringEffect) => void;
  /** The state that is shown is another one; all effects of the step are carried out. */
  readonly changed: (before: SessionState, after: SessionState) => void;
  /** No input is left, and nobody is in the middle of one. */
  readonly settled: () => void;
}

/** The state machines of one neighbour while they run: one input at a time, whatever its effects bring about. */
export class PeerMachine {
  readonly #host: PeerMachineHost;
  readonly #inputs: PeeringInput[] = [];
  #peering: Peering = NO_PEERING;
  #stepping = false;

  constructor(host: PeerMachineHost) {
    this.#host = host;
  }

  /** Of the connection that got further. */
  get session(): Session {
    return leading(this.#peering);
  }

  /** Which one that is. */
  get side(): Side {
    return this.session === this.#peering.incoming ? "incoming" : "outgoing";
  }

  /** Nothing is negotiated: there is no connection, or nothing was said on it. */
  get isWaiting(): boolean {
    return WAITING.has(this.session.state);
  }

  /** There is a connection, with a session on it or not. */
  get isConnected(): boolean {
    return !this.isWaiting || isDelaying(this.session);
  }

  event(side: Side, event: SessionEvent): void {
    this.#take({ side, event });
  }

  /** A TCP connection from the neighbour's address was accepted. */
  accepted(): void {
    this.#take({ type: "accepted" });
  }

  /** What an effect brings about comes after all effects of its step. */
  #take(input: PeeringInput): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
    this.#host.settled();
  }

  #step(input: PeeringInput): void {
    const before = this.session.state;
    const { peering, effects } = stepPeering(this.#peering, input, this.#host.settings());
    this.#peering = peering;
    for (const effect of effects) this.#host.perform(effect);
    const { state } = leading(peering);
    if (state !== before) this.#host.changed(before, state);
  }
}
