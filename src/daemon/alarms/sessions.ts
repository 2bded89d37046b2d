import { type Clock, type Milliseconds, milliseconds } from "../../base/index.ts";
import type { PeerStatus } from "../../bgp/speaker/index.ts";
import type { Condition } from "../../management/index.ts";
import { type Conditions, neighborPath } from "./conditions.ts";

/** The code of an OPEN message error. @see RFC 4271 §4.5 */
const OPEN_ERROR = 2;

/** A session that has never been there may take so long to come up. */
const FIRST = milliseconds(60_000);

/**
 * Neighbours without a session: at once where there was one, else after a minute. The text is that of the first time, as a
 * neighbour that is away is tried again and again, with another error each time; but who differs in what the OPEN says will
 * not come back by itself, however it began.
 */
export class SessionConditions {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly since: Milliseconds; wasUp: boolean; text?: string }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(peers: Iterable<PeerStatus>): Conditions {
    const now = this.#clock.monotonic();
    const found = new Map<string, Condition>();
    const seen = new Set<string>();
    for (const { address, description, range, enabled, state, lastError } of peers) {
      // One that came by itself goes with its session
      if (range !== undefined || !enabled) continue;
      seen.add(address);
      const known = this.#known.get(address) ?? { since: now, wasUp: false };
      this.#known.set(address, known);
      if (state === "Established") {
        known.wasUp = true;
        delete known.text;
        continue;
      }
      if (!known.wasUp && now - known.since < FIRST) continue;
      const name = description === undefined ? address : `${address} (${description})`;
      if (lastError?.code === OPEN_ERROR) delete known.text;
      known.text ??= `there is no session with ${name}: ${lastError?.text ?? "it does not answer"}`;
      found.set(neighborPath(address), { severity: "major", text: known.text });
    }
    for (const address of this.#known.keys()) if (!seen.has(address)) this.#known.delete(address);
    return found;
  }
}
