import { type AttributeId, EACH_KEY, type KeyTypes, type OutputVisitor, type PeerIndex } from "../../rib/index.ts";
import type { UpdateEncoder } from "../wire/index.ts";
import type { AdjRibOutParts } from "./adj-rib-out.ts";
import type { Exported, ExportGroup, KeyedExport } from "./export-group.ts";
import type { PeerCounters } from "./metrics.ts";
import type { TooLargeLog } from "./too-large.ts";

export interface ExportVisitorParts extends Pick<AdjRibOutParts, "sources" | "wants"> {
  readonly group: ExportGroup;
  readonly counters: PeerCounters;
  /** Told of routes that a message does not hold. */
  readonly tooLarge: TooLargeLog;
}

/**
 * Brings routes that are told to one neighbour into messages, as its group judges them. Methods, not functions made for each
 * neighbour: with those V8 would throw away what it has compiled for one as soon as there is another.
 */
export class ExportVisitor implements OutputVisitor {
  /** By which the neighbour is told at the moment. */
  #group: ExportGroup;
  /** The encoder had no room for the latest route. */
  blockIsFull = false;
  readonly #parts: ExportVisitorParts;
  readonly #encoder: UpdateEncoder;
  /** Of the set that was asked about last, within one drain: consecutive routes usually share it. */
  #last: Exported | KeyedExport | undefined;
  #lastId: AttributeId = 0;
  #lastSource: PeerIndex = 0;
  /** What was said of a key of that set, for the case that `announce` comes next. */
  #admitted: Exported | undefined;
  #admittedAt = 0;

  constructor(parts: ExportVisitorParts, encoder: UpdateEncoder) {
    this.#parts = parts;
    this.#group = parts.group;
    this.#encoder = encoder;
  }

  get group(): ExportGroup {
    return this.#group;
  }

  set group(group: ExportGroup) {
    this.#group = group;
    this.#last = undefined;
  }

  /** A block begins, maybe on another turn: numbers of sets hold for one. */
  begin(): void {
    this.#last = undefined;
    this.blockIsFull = false;
  }

  admit(id: AttributeId, source: PeerIndex): boolean | KeyTypes {
    if (!this.#parts.sources.mayPass(source)) return false;
    if (this.#parts.wants?.(id) === false) return false;
    const { ok } = this.#exportOf(id, source);
    if (ok !== true) return ok === "by-key" ? EACH_KEY : false;
    const { guarded } = this.#group;
    return guarded === 0 ? true : guarded;
  }

  admitKey(id: AttributeId, source: PeerIndex, key: Uint8Array, start: number): boolean {
    const exported = this.#exportOf(id, source);
    const stays = this.#group.stays(key, start);
    // Comparing `ok` with a boolean costs nothing; with a word, which it may be as well, it is a call for each route.
    if (stays === undefined && exported.ok === true) return true;
    const answer = stays ?? (exported.ok === "by-key" ? exported.of(key, start) : exported);
    if (!answer.ok) this.#withheld(answer, 1);
    this.#admitted = answer;
    this.#admittedAt = start;
    return answer.ok;
  }

  refused(id: AttributeId, source: PeerIndex, nets: number): void {
    if (!this.#parts.sources.mayPass(source)) return;
    if (this.#parts.wants?.(id) === false) {
      this.#parts.counters.withheld("not-a-member").add(nets);
      return;
    }
    const exported = this.#exportOf(id, source);
    if (exported.ok === false) this.#withheld(exported, nets);
  }

  announce(
    id: AttributeId,
    key: Uint8Array,
    start: number,
    length: number,
    source: PeerIndex,
    pathId: number,
  ): boolean {
    const found = this.#exportOf(id, source);
    const exported = found.ok === true ? found : this.#admittedOf(found, key, start);
    if (!exported.ok) throw new Error(`a route was announced that was not admitted: ${exported.reason}`);
    const taken = this.#encoder.announce(exported.set, key, start, length, pathId);
    this.blockIsFull = !taken;
    if (!taken) return false;
    exported.hits?.add(1);
    if (exported.without !== undefined) this.#shortened(exported.without);
    return true;
  }

  withdraw(key: Uint8Array, start: number, length: number, pathId: number): boolean {
    const taken = this.#encoder.withdraw(key, start, length, pathId);
    this.blockIsFull = !taken;
    return taken;
  }

  #exportOf(id: AttributeId, source: PeerIndex): Exported | KeyedExport {
    const last = this.#last;
    if (last !== undefined && this.#lastId === id && this.#lastSource === source) return last;
    this.#admitted = undefined;
    const exported = this.#group.of(id, this.#parts.sources.reflectedFrom(source));
    this.#last = exported;
    this.#lastId = id;
    this.#lastSource = source;
    return exported;
  }

  #admittedOf(found: Exported | KeyedExport, key: Uint8Array, start: number): Exported {
    const known = this.#admittedAt === start ? this.#admitted : undefined;
    this.#admitted = undefined;
    return found.ok === "by-key" ? (known ?? found.of(key, start)) : found;
  }

  #withheld(exported: Exported, nets: number): void {
    if (exported.ok) return;
    const { counters, tooLarge } = this.#parts;
    counters.withheld(exported.reason).add(nets);
    if (exported.attributes !== undefined) tooLarge.note("withheld", nets, exported.attributes);
    exported.hits?.add(nets);
  }

  #shortened(without: string): void {
    this.#parts.counters.shortened.add();
    this.#parts.tooLarge.note("shortened", 1, without);
  }
}
