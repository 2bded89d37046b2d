import { messageOf, type Timer } from "../../../base/index.ts";
import type { Access, Session } from "../../datastore/index.ts";
import type { Leaf, LeafOptions } from "../leaves.ts";
import type { OperationParts } from "../parts.ts";
import { dataPath, type Pattern } from "../paths.ts";
import { errorOf } from "../status.ts";
import type { ChangeFeed, LeafWatch } from "./change-feed.ts";
import type { Outbox } from "./outbox.ts";
import type { PathPlan, SubscriptionPlan } from "./plan.ts";
import { Sampler } from "./sampler.ts";
import { configurationLeaves, stateLeaves, unwatchedLeaves } from "./snapshot.ts";

export interface SubscriberParts extends OperationParts {
  readonly feed: ChangeFeed;
}

/** One subscription that runs. */
export class Subscriber implements Disposable {
  readonly #plan: SubscriptionPlan;
  readonly #session: Session;
  readonly #parts: SubscriberParts;
  readonly #outbox: Outbox;
  readonly #open: Disposable[] = [];
  /** What happened while the configuration was read, which is older. */
  #held: ((outbox: Outbox) => void)[] | undefined = [];
  /** What it may read, as it was told. */
  #access: Access | undefined;
  #watches: Disposable[] = [];
  #telling: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(plan: SubscriptionPlan, session: Session, parts: SubscriberParts, outbox: Outbox) {
    this.#plan = plan;
    this.#session = session;
    this.#parts = parts;
    this.#outbox = outbox;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const open of [...this.#open, ...this.#watches]) open[Symbol.dispose]();
    this.#outbox.close();
  }

  /** What is there, and a sync response: all of ONCE, and one round of POLL. @throws {GnmiError} */
  async round(): Promise<void> {
    if (!this.#plan.updatesOnly) {
      for (const { pattern } of this.#plan.paths) {
        await this.#send(configurationLeaves(this.#parts, this.#session, pattern, this.#options()));
        await this.#send(stateLeaves(this.#parts, this.#session, pattern, this.#options()));
      }
    }
    this.#outbox.sync();
  }

  /** What is there, a sync response, and then what happens. @throws {GnmiError} */
  async stream(): Promise<void> {
    const { paths, updatesOnly } = this.#plan;
    this.#open.push(this.#parts.access.watch(() => this.#accessChanged()));
    this.#watchAll();
    const samplers = paths.flatMap((path) => this.#sampler(path));
    this.#open.push(...samplers);
    if (updatesOnly) {
      this.#release();
      for (const sampler of samplers) await sampler.prime();
    } else {
      await this.#inTurn(() => this.#tellAll());
      for (const sampler of samplers) await sampler.sample();
    }
    this.#outbox.sync();
    if (this.#isClosed) return;
    for (const sampler of samplers) sampler.start();
    for (const path of paths) this.#beat(path);
  }

  #watchAll(): void {
    const { feed, access } = this.#parts;
    const { encoding } = this.#plan;
    this.#access = access.of(this.#session);
    const before = this.#watches;
    this.#watches = this.#changing.map(({ pattern }) =>
      feed.watch({ pattern, encoding, access: this.#access }, this.#watch),
    );
    for (const watch of before) watch[Symbol.dispose]();
  }

  /** Paths that are told of as they change. */
  get #changing(): readonly PathPlan[] {
    return this.#plan.paths.filter(({ onChange }) => onChange);
  }

  async #tellAll(): Promise<void> {
    for (const { pattern } of this.#changing)
      await this.#send(configurationLeaves(this.#parts, this.#session, pattern, this.#options()));
    this.#release();
    for (const { pattern } of this.#changing)
      await this.#send(stateLeaves(this.#parts, this.#session, pattern, this.#options()));
  }

  /** What may not be read any more is gone, what may be read now is told. */
  #accessChanged(): void {
    const { access, log, model } = this.#parts;
    if (this.#isClosed || access.of(this.#session) === this.#access) return;
    const allowed = access.calling(this.#session, "ietf-netconf:get");
    if (!allowed.ok) {
      this.#outbox.end(errorOf(allowed.faults));
      return;
    }
    this.#watchAll();
    void this.#inTurn(async () => {
      if (this.#isClosed) return;
      this.#held ??= [];
      for (const { pattern } of this.#changing) {
        const { place } = model.leaves.placeOf(dataPath(pattern))!;
        this.#outbox.remove(place.key, place.elems);
      }
      await this.#tellAll();
    }).catch((cause) => log.error("gnmi.access-change-failed", { reason: messageOf(cause) }));
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const done = this.#telling.then(run);
    this.#telling = done.catch(() => undefined);
    return done;
  }

  readonly #watch: LeafWatch = {
    put: (leaf) => this.#now((outbox) => outbox.put(leaf)),
    remove: (key, path) => this.#now((outbox) => outbox.remove(key, path)),
  };

  #now(act: (outbox: Outbox) => void): void {
    if (this.#held === undefined) act(this.#outbox);
    else this.#held.push(act);
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const act of held) act(this.#outbox);
  }

  #options(): LeafOptions {
    const { encoding, depth } = this.#plan;
    return { encoding, ...(depth === undefined ? {} : { depth }) };
  }

  async #send(leaves: AsyncIterable<readonly Leaf[]>): Promise<void> {
    for await (const portion of leaves) {
      if (this.#isClosed) return;
      for (const leaf of portion) this.#outbox.put(leaf);
      await this.#outbox.room();
    }
  }

  #sampler({ pattern, sample, heartbeat, onChange }: PathPlan): Sampler[] {
    if (sample === undefined) return [];
    const own = { interval: sample.interval, suppress: sample.suppress };
    const beats = heartbeat === undefined || onChange ? {} : { heartbeat };
    const read = (): AsyncIterable<readonly Leaf[]> =>
      sample.of === "all"
        ? this.#everything(pattern)
        : unwatchedLeaves(this.#parts, this.#session, pattern, this.#options());
    return [new Sampler({ ...own, ...beats, read }, this.#parts, this.#outbox)];
  }

  async *#everything(pattern: Pattern): AsyncGenerator<readonly Leaf[], void, void> {
    yield* configurationLeaves(this.#parts, this.#session, pattern, this.#options());
    yield* stateLeaves(this.#parts, this.#session, pattern, this.#options());
  }

  /** ON_CHANGE tells all again at its heartbeat. */
  #beat({ pattern, onChange, heartbeat }: PathPlan): void {
    if (heartbeat === undefined || !onChange) return;
    const { clock, log } = this.#parts;
    let timer: Timer | undefined;
    const again = (): void => {
      timer = clock.after(heartbeat, () => {
        void this.#send(this.#everything(pattern))
          .catch((cause) => log.error("gnmi.heartbeat-failed", { reason: messageOf(cause) }))
          .finally(() => {
            if (!this.#isClosed) again();
          });
      });
    };
    again();
    this.#open.push({ [Symbol.dispose]: () => timer?.cancel() });
  }
}
