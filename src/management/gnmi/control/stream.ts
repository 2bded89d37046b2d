import { rowPortions, STALL_LIMIT } from "../../control/portions.ts";
import type { ControlAnswer } from "../../control/resource.ts";
import type { Session } from "../../datastore/index.ts";
import { CallLife } from "../call-life.ts";
import type { OpenStream } from "../calls.ts";
import { refuseOthers } from "../extensions.ts";
import { echoed } from "../get.ts";
import type { SubscribeRequest, SubscriptionList } from "../messages.ts";
import { nanoseconds } from "../parts.ts";
import { GnmiError } from "../status.ts";
import type { SubscribeCall } from "../subscribe/index.ts";
import { notificationOctets, type Sent, SYNC_RESPONSE } from "../wire.ts";
import { answered, type ControlParts, controlRequest, isJson, lasts, otherCall, tooManyPaths } from "./calls.ts";
import { ControlAnswerWriter } from "./octets.ts";
import { controlError } from "./refusal.ts";
import { isControl } from "./target.ts";

const MOST_PATHS = 16;

export const isControlSubscription = ({ subscribe }: SubscribeRequest): boolean =>
  subscribe?.subscription.some(({ path }) => isControl(subscribe.prefix, path)) ?? false;

/**
 * A Subscribe call of origin semrd-control: ONCE is what there is, lists in slices at the reader's pace; STREAM is a session of the
 * configuration, which ends with it.
 */
export class ControlStream implements OpenStream {
  readonly #call: SubscribeCall;
  readonly #life: CallLife<SubscribeRequest>;
  readonly #session: Session;
  readonly #parts: ControlParts;
  #hasRequest = false;

  constructor(call: SubscribeCall, session: Session, parts: ControlParts) {
    this.#call = call;
    this.#life = new CallLife(call);
    this.#session = session;
    this.#parts = parts;
  }

  serve(): Promise<void> {
    return this.#life.serve((request) => this.#requested(request));
  }

  fail(error: GnmiError): void {
    this.#life.fail(error);
  }

  #requested(request: SubscribeRequest): void {
    if (this.#hasRequest) {
      this.fail(new GnmiError("INVALID_ARGUMENT", "this stream has its subscription already: open another one"));
      return;
    }
    this.#hasRequest = true;
    void this.#subscribe(request.subscribe!, request).then(
      () => this.#life.finish(),
      (cause) => this.fail(controlError(cause, this.#parts)),
    );
  }

  async #subscribe(list: SubscriptionList, { extension }: SubscribeRequest): Promise<void> {
    refuseOthers(extension, []);
    const { prefix, mode, subscription, encoding } = list;
    if (mode === "POLL") throw otherCall("origin semrd-control is not polled: Subscribe ONCE, again");
    if (subscription.length > MOST_PATHS) throw tooManyPaths(subscription.length);
    if (mode === "STREAM" && subscription.length > 1) throw otherCall("a stream is one session");
    for (const { path } of subscription) {
      const writer = new ControlAnswerWriter(prefix, path, encoding);
      const method = mode === "STREAM" ? "POST" : "GET";
      const caller = { session: this.#session, metadata: this.#call.metadata };
      const { isOfHost } = this.#parts;
      const asked = controlRequest(method, { prefix, path }, caller, { isOfHost, gone: () => this.#life.over });
      if (mode === "STREAM" && !lasts(asked))
        throw otherCall("of origin semrd-control only config/session is streamed: Subscribe ONCE");
      await this.#tell(await answered(asked, this.#session, this.#parts), writer, echoed(prefix, path));
    }
    if (mode !== "STREAM") await this.#write(SYNC_RESPONSE);
  }

  async #tell(given: ControlAnswer, writer: ControlAnswerWriter, prefix: Uint8Array): Promise<void> {
    const { clock } = this.#parts;
    const send = (item: Sent): Promise<void> => this.#write(notificationOctets(nanoseconds(clock), prefix, [item]));
    switch (given.type) {
      case "report":
        await send(writer.json(`${JSON.stringify(given.body)}\n`));
        return;
      case "octets":
        for await (const chunk of given.chunks) {
          await send(isJson(given.contentType) ? writer.json(chunk) : writer.octets(chunk));
        }
        return;
      case "rows": {
        let isEmpty = true;
        const options = { between: ",\n", ...(given.matches === undefined ? {} : { matches: given.matches }) };
        for await (const portion of rowPortions(given.rows, options, clock)) {
          isEmpty = false;
          await send(writer.rows(portion));
        }
        if (isEmpty) await send(writer.rows(""));
      }
    }
  }

  /** Resolves when more may be written. @throws {GnmiError} where nobody takes it */
  async #write(octets: Buffer): Promise<void> {
    if (!(await this.#life.write(octets, this.#parts.clock, STALL_LIMIT)))
      throw new GnmiError("CANCELLED", "the reader went away");
  }
}
