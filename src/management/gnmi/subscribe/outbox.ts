import type { Clock } from "../../../base/index.ts";
import type { Leaf } from "../leaves.ts";
import { nanoseconds } from "../parts.ts";
import { GnmiError } from "../status.ts";
import { notificationOctets, type Sent, SYNC_RESPONSE } from "../wire.ts";

/** Where messages go; false: it is full until it says that it drained. */
export interface Sink {
  write(octets: Buffer): boolean;
  onDrain(resume: () => void): void;
  fail(error: GnmiError): void;
}

export interface OutboxLimits {
  readonly leaves: number;
  readonly octets: number;
}

/** Leaves of one Notification. */
const BATCH = 100;
/** A snapshot waits while so many leaves have not been taken. */
const ROOM = 1_000;

type Item = (Sent & { readonly kind: "leaf" }) | { readonly kind: "sync"; readonly octets: Uint8Array };

/**
 * What one subscriber has not been sent yet: at most one value of each leaf, so that a slow reader gets the newest and is
 * told how many it missed. Beyond its limits the subscription ends, rather than lose something unsaid.
 */
export class Outbox {
  readonly #items = new Map<string, Item>();
  readonly #prefix: Uint8Array;
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #limits: OutboxLimits;
  #octets = 0;
  /** Deletes among them, which later values must not overtake. */
  #deletes = 0;
  #syncs = 0;
  #isBlocked = false;
  #isScheduled = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(prefix: Uint8Array, sink: Sink, clock: Clock, limits: OutboxLimits) {
    this.#prefix = prefix;
    this.#sink = sink;
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Of its queue, for tests and metrics. */
  get octets(): number {
    return this.#octets;
  }

  put({ key, octets }: Leaf): void {
    const known = this.#items.get(key);
    const missed = known?.kind === "leaf" ? known.duplicates + (known.isDelete ? 0 : 1) : 0;
    this.#add(key, { kind: "leaf", isDelete: false, octets, duplicates: missed }, known);
  }

  /** `path`: a Path message. */
  remove(key: string, path: Uint8Array): void {
    const known = this.#items.get(key);
    this.#add(key, { kind: "leaf", isDelete: true, octets: path, duplicates: 0 }, known);
  }

  sync(): void {
    this.#add(`sync ${++this.#syncs}`, { kind: "sync", octets: SYNC_RESPONSE }, undefined);
  }

  /** Resolves when a snapshot may go on, or when the subscriber is gone. */
  async room(): Promise<void> {
    while (!this.#isClosed && this.#items.size >= ROOM)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when all is sent, or the subscriber is gone. */
  async flushed(): Promise<void> {
    while (!this.#isClosed && (this.#items.size > 0 || this.#isBlocked))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Ends the subscription from our side. */
  end(error: GnmiError): void {
    if (this.#isClosed) return;
    this.close();
    this.#sink.fail(error);
  }

  close(): void {
    this.#isClosed = true;
    this.#items.clear();
    this.#octets = 0;
    this.#wake();
  }

  #add(key: string, item: Item, known: Item | undefined): void {
    if (this.#isClosed) return;
    if (known !== undefined) this.#forget(key, known);
    this.#items.set(key, item);
    this.#octets += item.octets.length;
    if (item.kind === "leaf" && item.isDelete) this.#deletes++;
    if (this.#items.size > this.#limits.leaves || this.#octets > this.#limits.octets) {
      const message = `the reader is too slow: ${this.#items.size} leaves wait for it; subscribe again, or to less`;
      this.end(new GnmiError("RESOURCE_EXHAUSTED", message));
      return;
    }
    this.#schedule();
  }

  /** Keeps the place of what it takes out, unless something was deleted since. */
  #forget(key: string, known: Item): void {
    this.#octets -= known.octets.length;
    const hadDeletes = this.#deletes > 0;
    if (known.kind === "leaf" && known.isDelete) this.#deletes--;
    if (hadDeletes) this.#items.delete(key);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isBlocked) return;
    this.#isScheduled = true;
    this.#clock.soon(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (!this.#isClosed && !this.#isBlocked && this.#items.size > 0) {
      const message = this.#message();
      if (this.#sink.write(message)) continue;
      this.#isBlocked = true;
      this.#sink.onDrain(() => {
        this.#isBlocked = false;
        this.#send();
      });
    }
    this.#wake();
  }

  /** The next message: a sync, or leaves up to a batch; deletes stand before updates in it. */
  #message(): Buffer {
    const batch: Sent[] = [];
    let hasUpdates = false;
    for (const [key, item] of this.#items) {
      const isSync = item.kind === "sync";
      if (batch.length > 0 && (isSync || batch.length >= BATCH || (item.isDelete && hasUpdates))) break;
      this.#items.delete(key);
      this.#octets -= item.octets.length;
      if (isSync) return SYNC_RESPONSE;
      if (item.isDelete) this.#deletes--;
      else hasUpdates = true;
      batch.push(item);
    }
    return notificationOctets(nanoseconds(this.#clock), this.#prefix, batch);
  }

  #wake(): void {
    if (!this.#isClosed && this.#items.size >= ROOM) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
