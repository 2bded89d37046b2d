import type { Clock } from "../../base/index.ts";
import type { ObservedPeer, SpeakerObserver } from "../../bgp/speaker/index.ts";

/** That a session has another state. */
export interface SessionNews {
  /** Address of the neighbour. */
  readonly peer: string;
  readonly from: string;
  readonly to: string;
}

/** Hears of every change of a session's state and tells of it on a later turn: the speaker must not be called on the way. */
export class SessionWatch {
  readonly #clock: Clock;
  readonly #watches = new Set<(news: SessionNews) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly observer: SpeakerObserver = ({ name }: ObservedPeer) => ({
    received() {},
    stateChanged: (from, to) => this.#clock.soon(() => this.#tell({ peer: name, from, to })),
    established() {},
    ended() {},
    announced() {},
    withdrawn() {},
    swept() {},
    gone() {},
  });

  subscribe(watch: (news: SessionNews) => void): Disposable {
    this.#watches.add(watch);
    return { [Symbol.dispose]: () => void this.#watches.delete(watch) };
  }

  #tell(news: SessionNews): void {
    for (const watch of this.#watches) watch(news);
  }
}
