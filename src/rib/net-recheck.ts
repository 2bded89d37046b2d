import { type Clock, milliseconds, type Timer } from "../base/index.ts";
import type { NetStore } from "./net-store.ts";
import { KEY, recordOf, setIn } from "./path-record.ts";
import type { AttributeId, NetId } from "./types.ts";

/** A millisecond or less of a turn that inputs and outputs share. */
const NETS_PER_TURN = 2048;
/** So long it waits where there is no room for what so many nets may change. */
const REST = milliseconds(5);

/** What is done with the nets of a table that is decided again. */
export interface RecheckVisitor {
  /** Whether so many nets may be decided now: what they change has to be looked at by somebody, and there is a bound of that. */
  hasRoom(nets: number): boolean;
  /** A net with several paths. */
  several(net: NetId): void;
  /** A net whose set is judged otherwise, and which has not changed hands. */
  rejudged(net: NetId, attributes: AttributeId): void;
  /** Decides; true: the best path is another one, and that has been told. */
  decide(net: NetId): boolean;
  /** Every net has been decided again. */
  done(): void;
}

/** Decides all nets again, a slice a turn: something other than their paths has changed, staleness or leases. */
export class NetRecheck {
  readonly #store: NetStore;
  readonly #clock: Clock;
  readonly #visitor: RecheckVisitor;
  #from: NetId = 0;
  #again = false;
  #resting: Timer | undefined;
  #closed = false;

  constructor(store: NetStore, clock: Clock, visitor: RecheckVisitor) {
    this.#store = store;
    this.#clock = clock;
    this.#visitor = visitor;
  }

  /** One that runs goes on to the end and then begins anew. */
  begin(): void {
    if (this.#from !== 0) {
      this.#again = true;
      return;
    }
    this.#from = 1;
    this.#clock.soon(() => this.#slice());
  }

  #slice(): void {
    if (this.#closed) return;
    const { nets, further, netTop } = this.#store;
    const visitor = this.#visitor;
    const end = Math.min(netTop, this.#from + NETS_PER_TURN);
    if (!visitor.hasRoom(end - this.#from)) {
      this.#resting = this.#clock.after(REST, () => this.#slice());
      return;
    }
    for (let net = this.#from; net < end; net++) {
      const record = recordOf(net);
      const attributes = setIn(nets, record);
      if (nets[record + KEY] === 0 || attributes === 0) continue;
      if (further[net] !== 0) visitor.several(net);
      if (further[net] === 0 || !visitor.decide(net)) visitor.rejudged(net, attributes);
    }
    if (end < netTop) this.#from = end;
    else if (this.#again) {
      this.#from = 1;
      this.#again = false;
    } else {
      this.#from = 0;
      visitor.done();
      return;
    }
    this.#clock.soon(() => this.#slice());
  }

  close(): void {
    this.#closed = true;
    this.#resting?.cancel();
  }
}
