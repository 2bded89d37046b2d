import type { Clock } from "../../base/index.ts";
import type { ObservedPeer, SpeakerObserver } from "../../bgp/speaker/index.ts";

/** Something about the session with one neighbour, named by its address. */
export type SessionNews =
  | { readonly type: "state"; readonly peer: string; readonly from: string; readonly to: string }
  /** What BFD says about the path to it. */
  | { readonly type: "path"; readonly peer: string; readonly event: "dead" | "alive" }
  /** Import policy has refused so many routes. */
  | { readonly type: "refused"; readonly peer: string; readonly routes: number };

/** Hears what happens to sessions and tells of it on a later turn: the speaker must not be called on the way. */
export class SessionWatch {
  readonly #clock: Clock;
  readonly #watches = new Set<(news: SessionNews) => void>();
  /** Routes that were refused and not told of yet. */
  readonly #refused = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly observer: SpeakerObserver = ({ name: peer }: ObservedPeer) => ({
    received() {},
    stateChanged: (from, to) => this.#soon({ type: "state", peer, from, to }),
    established() {},
    ended() {},
    announced() {},
    withdrawn() {},
    refused: (_family, keys) => this.#refuse(peer, keys.count),
    swept() {},
    gone() {},
  });

  pathChanged(peer: string, event: "dead" | "alive"): void {
    this.#soon({ type: "path", peer, event });
  }

  subscribe(watch: (news: SessionNews) => void): Disposable {
    this.#watches.add(watch);
    return { [Symbol.dispose]: () => void this.#watches.delete(watch) };
  }

  /** One word for all batches of a turn. */
  #refuse(peer: string, routes: number): void {
    if (this.#refused.size === 0) {
      this.#clock.soon(() => {
        const told = [...this.#refused];
        this.#refused.clear();
        for (const [of, count] of told) this.#tell({ type: "refused", peer: of, routes: count });
      });
    }
    this.#refused.set(peer, (this.#refused.get(peer) ?? 0) + routes);
  }

  #soon(news: SessionNews): void {
    this.#clock.soon(() => this.#tell(news));
  }

  #tell(news: SessionNews): void {
    for (const watch of this.#watches) watch(news);
  }
}
