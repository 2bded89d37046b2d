import type { Duplex } from "node:stream";
import {
  type Clock,
  type Log,
  type Milliseconds,
  messageOf,
  milliseconds,
  Slices,
  type Timer,
} from "../../base/index.ts";
import type { Session } from "../datastore/index.ts";
import { BASE_1_0, BASE_1_1 } from "./capabilities.ts";
import { MessageFramer } from "./framing.ts";
import { Outgoing } from "./outgoing.ts";
import type { Text } from "./reply.ts";
import { BASE_NAMESPACE, escapeXml, parseHello } from "./xml.ts";

export interface SessionLimits {
  /** Octets of one message. */
  readonly maxMessage: number;
  readonly helloTimeout: Milliseconds;
  /** Without a message from the client, and without its taking anything of an answer; absent: for ever. Sessions with a subscription are never idle. */
  readonly idleTimeout?: Milliseconds;
}

/** @see RFC 6022 §2.1.4 */
export interface SessionCounters {
  inRpcs: number;
  inBadRpcs: number;
  outRpcErrors: number;
  outNotifications: number;
}

export interface Answered {
  readonly text: Text;
  /** Of what the answer says. */
  readonly outcome: "fine" | "error" | "bad";
  /** The session ends once the answer is sent. */
  readonly last?: boolean;
}

/** Why a session ended. @see RFC 6470 §2.2, termination-reason */
export interface Ending {
  readonly reason: "closed" | "killed" | "dropped" | "timeout" | "bad-hello" | "other";
  /** For people. */
  readonly text: string;
  /** Session that killed it. */
  readonly killedBy?: number;
}

export interface SessionParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: SessionLimits;
  readonly capabilities: readonly string[];
  readonly transport: "ssh" | "tls";
  /** Answers one `<rpc>`; never rejects but for a defect. */
  readonly answer: (session: NetconfSession, text: string) => Promise<Answered>;
}

/** Notifications that a client has not read yet, in octets; who is slower than that is cut off. */
const MAX_UNREAD = 4 * 1024 * 1024;

/** Octets of input in one turn of the event loop. */
const SLICE = 32 * 1024;

/**
 * One session over a stream of octets, whatever carries that. Requests are answered one after the other in the order in which they
 * came; what a client sends meanwhile waits in its own send buffer.
 *
 * @see RFC 6241 §4, §8.1; RFC 6242 §4
 */
export class NetconfSession {
  readonly identity: Session;
  readonly counters: SessionCounters = { inRpcs: 0, inBadRpcs: 0, outRpcErrors: 0, outNotifications: 0 };
  readonly since: Milliseconds;
  readonly transport: "ssh" | "tls";
  readonly #stream: Duplex;
  readonly #parts: SessionParts;
  readonly #framer: MessageFramer;
  readonly #ended = new AbortController();
  readonly #outgoing: Outgoing;
  #timer: Timer | undefined;
  /** An operation may take longer than a client may be idle. */
  #isAnswering = false;
  /** When the last one was answered. */
  #idleSince: Milliseconds;
  #ending: Ending | undefined;
  /** What was sent is being read, answered or held up by a slow reader. */
  #isTaking = false;
  /** Why it ends when that is done. */
  #retired: string | undefined;
  /** Keeps an idle session open. */
  subscribed = false;

  constructor(stream: Duplex, identity: Session, parts: SessionParts) {
    this.#stream = stream;
    this.identity = identity;
    this.#parts = parts;
    this.#framer = new MessageFramer(parts.limits.maxMessage);
    this.#outgoing = new Outgoing(stream, { clock: parts.clock, signal: this.#ended.signal });
    this.since = parts.clock.wall();
    this.#idleSince = parts.clock.monotonic();
    this.transport = parts.transport;
    stream.on("error", (cause) => this.#end("dropped", messageOf(cause)));
    stream.on("close", () => this.#end("dropped", "closed by the client"));
  }

  /** Aborts when the session ends. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Serves until the session ends. */
  async serve(): Promise<Ending> {
    const { capabilities, clock, limits } = this.#parts;
    this.#timer = clock.after(limits.helloTimeout, () => this.#end("bad-hello", "no hello in time"));
    const list = capabilities.map((uri) => `<capability>${escapeXml(uri)}</capability>`).join("");
    const id = this.identity.id;
    void this.#outgoing.send(
      `<hello xmlns="${BASE_NAMESPACE}"><capabilities>${list}</capabilities><session-id>${id}</session-id></hello>`,
    );
    void this.#outgoing.flush();
    try {
      for await (const octets of this.#stream.iterator({ destroyOnReturn: false })) {
        this.#isTaking = true;
        if (!(await this.#take(octets as Uint8Array))) break;
        this.#isTaking = false;
      }
    } catch (cause) {
      this.#end("dropped", messageOf(cause));
    }
    await this.#outgoing.flush();
    this.#end("dropped", this.#framer.idle ? "closed by the client" : "the client left in the middle of a message");
    return this.#ending!;
  }

  /**
   * A window of SSH may hold a million chunks, and many sessions may ask for something in the same turn: others have theirs in
   * between. False when nothing more is to be read.
   */
  async #take(octets: Uint8Array): Promise<boolean> {
    for (let at = 0; at < octets.length; at += SLICE) {
      await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
      this.#framer.push(octets.subarray(at, at + SLICE));
      if (!(await this.#messages())) return false;
    }
    return true;
  }

  /** Ends it from outside. */
  terminate(text: string, killedBy?: number): void {
    this.#end(killedBy === undefined ? "other" : "killed", text, killedBy);
  }

  /** Ends it from outside, but answers first what it is at. */
  retire(text: string): void {
    this.#retired = text;
    if (!this.#isTaking) this.#end("other", text);
  }

  /** Sends a `<notification>`; a client that does not read is cut off. */
  notify(xml: string): void {
    if (this.#outgoing.unreadNotifications > MAX_UNREAD) {
      this.#end("dropped", `more than ${MAX_UNREAD} octets of notifications are unread`);
      return;
    }
    this.counters.outNotifications++;
    void this.#outgoing.send(xml, "notification");
  }

  /** False when nothing more is to be read. */
  async #messages(): Promise<boolean> {
    const slices = new Slices(this.#parts.clock, { stepsPerLook: 1 });
    for (;;) {
      const next = this.#retired === undefined ? this.#framer.next() : NO_MORE;
      switch (next.kind) {
        case "need-more":
          await this.#outgoing.flush();
          if (this.#retired !== undefined) this.#end("other", this.#retired);
          return !this.signal.aborted;
        case "malformed":
          // Nothing after it can be trusted, and no message is known to answer. RFC 6242 §4.2
          this.#end("other", `malformed framing: ${next.reason}`);
          return false;
        case "too-big":
          this.#end("other", `a message of more than ${next.limit} octets`);
          return false;
        case "message":
          if (!(await this.#message(next.text))) return false;
          if (slices.isOver) await slices.next();
      }
    }
  }

  async #message(octets: Uint8Array): Promise<boolean> {
    let text: string;
    try {
      text = UTF8.decode(octets);
    } catch {
      this.#end("other", "a message that is not UTF-8");
      return false;
    }
    if (!this.#helloSeen) return this.#hello(text);
    this.#isAnswering = true;
    const { text: answer, outcome, last } = await this.#parts.answer(this, text);
    if (outcome === "bad") this.counters.inBadRpcs++;
    else this.counters.inRpcs++;
    if (outcome === "error") this.counters.outRpcErrors++;
    if (this.signal.aborted) return false;
    this.#isAnswering = false;
    this.#idleSince = this.#parts.clock.monotonic();
    await this.#outgoing.send(answer);
    if (last) {
      await this.#outgoing.flush();
      this.#end("closed", "closed by the client");
      return false;
    }
    return true;
  }

  #helloSeen = false;

  #hello(text: string): boolean {
    const hello = parseHello(text.trimStart());
    if (!hello.ok) {
      this.#end("bad-hello", `bad hello: ${hello.reason}`);
      return false;
    }
    const chunked = hello.capabilities.includes(BASE_1_1);
    if (!chunked && !hello.capabilities.includes(BASE_1_0)) {
      this.#end("bad-hello", "bad hello: neither base:1.0 nor base:1.1");
      return false;
    }
    this.#helloSeen = true;
    this.#timer?.cancel();
    this.#idleSince = this.#parts.clock.monotonic();
    if (chunked) {
      // The own hello may still be on its way; it is framed as it was when it was sent.
      this.#outgoing.framing = "chunked";
      this.#framer.framing = "chunked";
    }
    this.#awaitNext();
    return true;
  }

  #awaitNext(): void {
    const { clock, limits } = this.#parts;
    const { idleTimeout } = limits;
    if (idleTimeout === undefined) return;
    // A slow reader is at work; one that takes nothing would hold its locks, and what it was to read, for ever.
    const since = Math.max(this.#idleSince, this.#outgoing.movedAt);
    const idle = this.#isAnswering || this.subscribed ? 0 : clock.monotonic() - since;
    if (idle >= idleTimeout) this.#end("timeout", "idle for too long");
    else this.#timer = clock.after(milliseconds(idleTimeout - idle), () => this.#awaitNext());
  }

  #end(reason: Ending["reason"], text: string, killedBy?: number): void {
    if (this.signal.aborted) return;
    void this.#outgoing.flush();
    this.#ending = { reason, text, ...(killedBy === undefined ? {} : { killedBy }) };
    this.#timer?.cancel();
    this.#ended.abort();
    this.#stream.end();
    // A client that does not read would hold it open.
    const stream = this.#stream;
    this.#parts.clock.after(GRACE, () => stream.destroy());
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });
const NO_MORE = { kind: "need-more" } as const;
const GRACE = 2_000 as Milliseconds;
