import { type Clock, type Log, type Metrics, milliseconds, type Timer } from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import type { RpkiState } from "../policy/index.ts";
import { CacheClient, type CacheOptions, type CacheStatus } from "./cache-client.ts";
import { MOST_CACHES, type Vrp, VrpTable } from "./vrp-table.ts";

export interface ValidatorParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Which routes another set of VRPs may mean something to. */
export interface ValidityChange {
  /** Whether a VRP has come or gone that covers the prefix. @param octets the key at `start`: length in bits, then the address */
  covers(family: RouteFamily, octets: Uint8Array, start: number): boolean;
}

/** Changes within so long are told as one. */
const SETTLE = milliseconds(1000);
/** Beyond so many changed VRPs all routes are taken for affected. */
const MOST_CHANGES = 100_000;
const EVERYTHING: ValidityChange = { covers: () => true };

/** Validates the origin of unicast routes by what the most preferred caches say. */
export class RouteValidator implements AsyncDisposable {
  readonly #table = new VrpTable();
  readonly #clients: readonly CacheClient[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #gauge;
  #changes = new VrpTable();
  #isEverything = false;
  #timer: Timer | undefined;
  /** Told some time after VRPs have changed, once for all that changed meanwhile. */
  onChange: ((change: ValidityChange) => void) | undefined;

  /** @throws {RangeError} beyond 16 caches */
  constructor(caches: readonly CacheOptions[], parts: ValidatorParts) {
    if (caches.length > MOST_CACHES) throw new RangeError(`${caches.length} RPKI caches: ${MOST_CACHES} are the most`);
    const { clock, log, metrics } = parts;
    this.#clock = clock;
    this.#log = log;
    this.#gauge = metrics.gauge("semrd_rpki_vrps", "Distinct VRPs of all RPKI caches");
    this.#changes.active = 1;
    const clients: CacheClient[] = [];
    this.#clients = clients;
    for (const [index, cache] of caches.entries()) {
      const sayers = [1 << (2 * index), 1 << (2 * index + 1)] as const;
      clients.push(
        new CacheClient(cache, {
          ...{ clock, log, metrics, sayers },
          table: this.#table,
          changed: (vrp) => {
            // What a cache says that nobody listens to changes nothing.
            if ((clients[index]!.sayer & this.#table.active) !== 0) this.#note(vrp);
          },
          settled: () => this.#settle(),
        }),
      );
    }
  }

  /** Without data every route is not found. @see RFC 6811 §2 */
  state(family: RouteFamily, octets: Uint8Array, start: number, origin: number | undefined): RpkiState {
    return this.#table.validity(family, octets, start, origin) ?? "not-found";
  }

  caches(): readonly CacheStatus[] {
    return this.#clients.map((client) => client.status());
  }

  /** Whether a cache's word counts now. */
  isActive(name: string): boolean {
    const client = this.#clients.find(({ options }) => options.name === name);
    return client !== undefined && (client.sayer & this.#table.active) !== 0;
  }

  get size(): number {
    return this.#table.size;
  }

  get octets(): number {
    return this.#table.octets;
  }

  /** VRPs that count. May be read over many turns. */
  *vrps(): IterableIterator<Vrp> {
    for (const vrp of this.#table.all()) if ((vrp.sayers & this.#table.active) !== 0) yield vrp;
  }

  #note(vrp: Vrp): void {
    if (this.#changes.size >= MOST_CHANGES) this.#isEverything = true;
    else this.#changes.add({ ...vrp, maxLength: 8 * vrp.address.length }, 1);
    this.#arm();
  }

  /** Of the caches that have data the most preferred ones count. @see RFC 8210 §10 */
  #settle(): void {
    this.#gauge.set(this.#table.size);
    const having = this.#clients.filter(({ sayer }) => sayer !== 0);
    const best = Math.min(...having.map(({ options }) => options.preference));
    const counting = having.filter(({ options }) => options.preference === best);
    const active = counting.reduce((bits, { sayer }) => bits | sayer, 0);
    if (active === this.#table.active) return;
    const before = this.#table.active;
    this.#table.active = active;
    this.#log.info("rpki.active", { caches: counting.map(({ options }) => options.name) });
    // A cache that says all of it anew under its other bit tells what has changed; others were not listened to before.
    const isSameCaches = this.#ownersOf(before) === this.#ownersOf(active);
    if (!isSameCaches) {
      this.#isEverything = true;
      this.#arm();
    }
  }

  /** One bit for each cache. */
  #ownersOf(bits: number): number {
    return this.#clients.reduce(
      (owners, _, index) => owners | (((bits >>> (2 * index)) & 3) === 0 ? 0 : 1 << index),
      0,
    );
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(SETTLE, () => {
      this.#timer = undefined;
      const changes = this.#changes;
      const isEverything = this.#isEverything;
      this.#changes = new VrpTable();
      this.#changes.active = 1;
      this.#isEverything = false;
      this.onChange?.(
        isEverything
          ? EVERYTHING
          : {
              covers: (family, octets, start) => {
                const state = changes.validity(family, octets, start, undefined);
                return state !== undefined && state !== "not-found";
              },
            },
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.onChange = undefined;
    this.#timer?.cancel();
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
  }
}
