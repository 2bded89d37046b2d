import type { ServerDuplexStream } from "@grpc/grpc-js";
import { messageOf } from "../../../base/index.ts";
import { STALL_LIMIT } from "../../control/portions.ts";
import type { Session } from "../../datastore/index.ts";
import { CallLife } from "../call-life.ts";
import type { OpenStream } from "../calls.ts";
import { echoed } from "../get.ts";
import type { SubscribeRequest, SubscriptionList } from "../messages.ts";
import { asGnmiError, GnmiError, must } from "../status.ts";
import { tellHistory } from "./history.ts";
import { Outbox, type OutboxLimits } from "./outbox.ts";
import { aliases, type SubscriptionPlan, subscriptionPlan } from "./plan.ts";
import { Subscriber, type SubscriberParts } from "./subscriber.ts";

export type SubscribeCall = ServerDuplexStream<SubscribeRequest, Buffer>;

/** Polls that wait for the one that is answered. */
const MOST_POLLS = 16;

/** One Subscribe call, from its first request to its end. @see gNMI specification §3.5 */
export class SubscribeStream implements OpenStream {
  readonly #call: SubscribeCall;
  readonly #life: CallLife<SubscribeRequest>;
  readonly #session: Session;
  readonly #parts: SubscriberParts;
  readonly #limits: OutboxLimits;
  #plan: SubscriptionPlan | undefined;
  #subscriber: Subscriber | undefined;
  #outbox: Outbox | undefined;
  #polls = 0;
  #rounds: Promise<void> = Promise.resolve();

  constructor(call: SubscribeCall, session: Session, parts: SubscriberParts, limits: OutboxLimits) {
    this.#call = call;
    this.#life = new CallLife(call);
    this.#session = session;
    this.#parts = parts;
    this.#limits = limits;
  }

  /** Resolves when the call is over. */
  async serve(): Promise<void> {
    await this.#life.serve(
      (request) => this.#requested(request),
      () => this.#ended(),
    );
    this.#subscriber?.[Symbol.dispose]();
  }

  /** Ends it from our side. */
  fail(error: GnmiError): void {
    this.#life.fail(error);
  }

  #requested(request: SubscribeRequest): void {
    try {
      switch (request.request) {
        case "subscribe":
          this.#subscribe(request.subscribe!, request);
          break;
        case "poll":
          this.#poll();
          break;
        case "aliases":
          throw aliases();
        default:
          throw new GnmiError("INVALID_ARGUMENT", "a request has to be subscribe or poll");
      }
    } catch (cause) {
      this.#failed(cause);
    }
  }

  #subscribe(list: SubscriptionList, { extension }: SubscribeRequest): void {
    if (this.#plan !== undefined) {
      throw new GnmiError("INVALID_ARGUMENT", "this stream has its subscription already: open another one");
    }
    must(this.#parts.access.calling(this.#session, "ietf-netconf:get"));
    const plan = subscriptionPlan(list, extension, this.#parts);
    this.#plan = plan;
    const call = this.#call;
    const sink = {
      write: (octets: Buffer) => call.write(octets),
      onDrain: (resume: () => void) => void call.once("drain", resume),
      fail: (error: GnmiError) => this.fail(error),
    };
    const prefix = echoed(list.prefix, list.subscription[0]!.path);
    if (plan.history !== undefined) {
      void this.#tellHistory({ ...plan, history: plan.history }, prefix).catch((cause) => this.#failed(cause));
      return;
    }
    this.#outbox = new Outbox(prefix, sink, this.#parts.clock, this.#limits);
    this.#subscriber = new Subscriber(plan, this.#session, this.#parts, this.#outbox);
    if (plan.mode === "STREAM") void this.#subscriber.stream().catch((cause) => this.#failed(cause));
    else this.#round();
  }

  async #tellHistory(plan: Parameters<typeof tellHistory>[0], prefix: Uint8Array): Promise<void> {
    const write = (octets: Buffer): Promise<boolean> => this.#life.write(octets, this.#parts.clock, STALL_LIMIT);
    await tellHistory(plan, this.#session, { ...this.#parts, prefix, write });
    this.#life.finish();
  }

  #poll(): void {
    if (this.#plan?.mode !== "POLL") throw new GnmiError("INVALID_ARGUMENT", "poll needs a subscription of mode POLL");
    if (this.#polls >= MOST_POLLS) throw new GnmiError("RESOURCE_EXHAUSTED", `${MOST_POLLS} polls wait already`);
    this.#round();
  }

  /** One after the other. ONCE ends with its first. */
  #round(): void {
    this.#polls++;
    this.#rounds = this.#rounds
      .then(async () => {
        await this.#subscriber?.round();
        await this.#outbox?.flushed();
        this.#polls--;
        if (this.#plan?.mode === "ONCE") this.#life.finish();
      })
      .catch((cause) => this.#failed(cause));
  }

  /** The client says nothing more: a stream goes on, polls end with the last that was asked for. */
  #ended(): void {
    if (this.#plan === undefined) {
      this.#failed(new GnmiError("INVALID_ARGUMENT", "the stream ended before its subscription"));
    } else if (this.#plan.mode === "POLL") {
      void this.#rounds.then(() => this.#life.finish());
    }
  }

  #failed(cause: unknown): void {
    if (!(cause instanceof GnmiError)) {
      this.#parts.log.error("gnmi.subscribe-broken", { user: this.#session.user, reason: messageOf(cause) });
    }
    this.fail(asGnmiError(cause));
  }
}
