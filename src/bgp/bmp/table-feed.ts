import { type Clock, milliseconds } from "../../base/index.ts";
import type { OutputVisitor, PeerIndex, RouteFamily, RouteOutput } from "../../rib/index.ts";
import type { UpdateWriter } from "./update-writer.ts";
import { encodeRouteMonitoring, NO_TIME, type PeerView, type RouteForm } from "./wire/index.ts";

export interface TableFeedParts {
  readonly writer: UpdateWriter;
  readonly clock: Clock;
  /** Whose table it is, and which. */
  readonly view: PeerView;
  readonly form: RouteForm;
  /** The table of each family, as somebody who is told of it reads it. The feed disposes them. */
  readonly outputs: readonly (readonly [RouteFamily, RouteOutput])[];
  /** Whether several paths of a route are told, each with its identifier. @see RFC 7911 */
  readonly pathIds: (family: RouteFamily) => boolean;
  readonly mayPass?: (family: RouteFamily, source: PeerIndex) => boolean;
}

/** One station. */
export interface FeedSink {
  write(message: Uint8Array): void;
  hasRoom(): boolean;
}

const SLICE = milliseconds(3);
const NETS_AT_ONCE = 64;

/**
 * A table for one station: first all routes, then what changes. It is read like a neighbour's output: a slow station costs two
 * bits a route, and a route that changes twice meanwhile is told once.
 */
export class TableFeed implements Disposable {
  readonly #parts: TableFeedParts;
  readonly #sink: FeedSink;
  readonly #ended = new Set<RouteFamily>();
  #scheduled = false;
  #closed = false;

  constructor(parts: TableFeedParts, sink: FeedSink) {
    this.#parts = parts;
    this.#sink = sink;
    for (const [, output] of parts.outputs) output.onPending = () => this.#schedule();
    this.#schedule();
  }

  /** Routes that the station was told of, by family. */
  get sizes(): ReadonlyMap<RouteFamily, number> {
    return new Map(this.#parts.outputs.map(([family, output]) => [family, output.advertised]));
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#parts.clock.soon(() => {
      this.#scheduled = false;
      if (!this.#closed) this.pump();
    });
  }

  /** Tells what there is to tell while there is room; the rest when there is again, or on a later turn. */
  pump(): void {
    const { clock, writer, outputs } = this.#parts;
    const started = clock.monotonic();
    for (const [family, output] of outputs) {
      const visitor = this.#visitor(family);
      while (this.#sink.hasRoom()) {
        const left = output.drain(visitor, NETS_AT_ONCE);
        if (left === 0 && !this.#ended.has(family)) {
          this.#monitor(family, writer.endOfRib(family));
          this.#ended.add(family);
        }
        if (left === 0) break;
        if (clock.monotonic() - started < SLICE) continue;
        this.#schedule();
        return;
      }
    }
  }

  #visitor(family: RouteFamily): OutputVisitor {
    const { writer, pathIds, mayPass } = this.#parts;
    const ids = pathIds(family) ? { pathIds: new Int32Array(1) } : {};
    const one = { octets: new Uint8Array(0), starts: new Int32Array(1), lengths: new Int32Array(1), count: 1, ...ids };
    const keys = (key: Uint8Array, start: number, length: number, pathId: number): typeof one => {
      one.octets = key as typeof one.octets;
      one.starts[0] = start;
      one.lengths[0] = length;
      if (ids.pathIds !== undefined) ids.pathIds[0] = pathId;
      return one;
    };
    const take = (update: Uint8Array): void => this.#monitor(family, update);
    return {
      admit: (_id, source) => mayPass?.(family, source) !== false,
      announce: (id, key, start, length, _source, pathId) => {
        writer.announce(family, keys(key, start, length, pathId), writer.ofId(family, id), take);
        return true;
      },
      withdraw: (key, start, length, pathId) => {
        writer.withdraw(family, keys(key, start, length, pathId), take);
        return true;
      },
    };
  }

  /** What was there at first has no time; what has changed is told at once, or as soon as the station takes it. */
  #monitor(family: RouteFamily, update: Uint8Array): void {
    const { view, form, clock } = this.#parts;
    const at = this.#ended.has(family) ? clock.wall() : NO_TIME;
    this.#sink.write(encodeRouteMonitoring(view, at, form, update));
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const [, output] of this.#parts.outputs) {
      output.onPending = undefined;
      output[Symbol.dispose]();
    }
  }
}
