import { createConnection, type Socket } from "node:net";
import { concatenate } from "../memory/packet.ts";
import {
  askFlows,
  decodeFlows,
  decodePacketIn,
  type FlowDescription,
  type Numbered,
  type PacketIn,
} from "./openflow/flow.ts";
import {
  addToBundle,
  commitBundle,
  decodeError,
  encode,
  frame,
  hello,
  isCommitted,
  type Message,
  openBundle,
  setAsync,
  setConfig,
  TYPE,
  VERSION,
} from "./openflow/message.ts";
import {
  askMeters,
  decodeMeters,
  type MeterCount,
  type MeterOrder,
  type MeterRate,
  removeMeter,
  setMeter,
} from "./openflow/meter.ts";
import { METER } from "./tables.ts";

const ANSWER_MS = 30_000;
/** Messages written in one turn of the event loop. */
const SLICE = 256;
const LARGEST_XID = 0xffffffff;

interface Question {
  /** Answers `true` when the answer is whole. */
  take(message: Message): boolean;
  fail(cause: Error): void;
}

export interface SwitchEvents {
  onPacket(packet: PacketIn): void;
  /** Once, when the conversation ends by itself. */
  onEnd(cause: Error): void;
}

/** A conversation in OpenFlow 1.5 with a bridge, over its management socket. */
export class SwitchConnection implements Disposable {
  readonly #socket: Socket;
  readonly #events: SwitchEvents;
  readonly #questions = new Map<number, Question>();
  #held: Uint8Array = new Uint8Array(0);
  #xid = 0;
  #bundle = 0;
  /** The refusal of a message in the bundle that is under way, which has these numbers. */
  #underWay: { readonly first: number; refused?: string } | undefined;
  #ended: Error | undefined;
  #closing = false;

  private constructor(socket: Socket, events: SwitchEvents) {
    this.#socket = socket;
    this.#events = events;
    // Not as a Buffer, whose slices are no copies
    socket.on("data", ({ buffer, byteOffset, length }: Buffer) =>
      this.#read(new Uint8Array(buffer, byteOffset, length)),
    );
    socket.on("error", (cause) => this.#end(cause));
    socket.on("close", () => this.#end(new Error("the switch closed the connection")));
  }

  /** @throws {Error} nobody listens there, or who listens does not speak OpenFlow 1.5 */
  static async connect(path: string, events: SwitchEvents): Promise<SwitchConnection> {
    const socket = createConnection(path);
    const opened = Promise.withResolvers<void>();
    socket.once("error", opened.reject);
    socket.once("connect", () => opened.resolve());
    await opened.promise;
    socket.off("error", opened.reject);
    const connection = new SwitchConnection(socket, events);
    const greeted = connection.#ask(0, (message) => message.type === TYPE.hello);
    socket.write(hello(connection.#number()));
    await greeted;
    socket.write(setConfig(connection.#number()));
    socket.write(setAsync(connection.#number()));
    return connection;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  send(message: Numbered): void {
    if (this.#ended === undefined) this.#socket.write(message(this.#number()));
  }

  /** Limits what comes here as packets. */
  limit(rate: MeterRate): void {
    // One of the two is refused: the meter is there, or it is not
    for (const exists of [false, true]) this.send(setMeter(METER, rate, { exists }));
  }

  /** Resolves when the meter is so. @throws {Error} with the switch's refusal */
  async meter({ meter, rate }: MeterOrder): Promise<void> {
    if (rate === undefined) this.send(removeMeter(meter));
    else if ((await this.#refusalOf(setMeter(meter, rate, { exists: true }))) !== undefined) {
      const refused = await this.#refusalOf(setMeter(meter, rate, { exists: false }));
      if (refused !== undefined) throw refused;
    }
  }

  /** Why the switch does not carry a message out, `undefined` when it has. */
  async #refusalOf(message: Numbered): Promise<Error | undefined> {
    const number = this.#number();
    let refused: Error | undefined;
    const fail = (cause: Error): void => {
      refused = cause;
    };
    this.#questions.set(number, { take: () => false, fail });
    this.#write(message(number));
    const barrier = this.#number();
    const done = this.#ask(barrier, ({ type }) => type === TYPE.barrierReply);
    this.#write(encode(TYPE.barrierRequest, barrier));
    await done;
    this.#questions.delete(number);
    return refused;
  }

  /** What all meters have counted. */
  async meters(): Promise<readonly MeterCount[]> {
    const found: MeterCount[] = [];
    const number = this.#number();
    const whole = this.#ask(number, ({ type, body }) => {
      if (type !== TYPE.multipartReply) return false;
      const part = decodeMeters(body);
      if (!part.ok) throw new Error(part.reason);
      found.push(...part.value.meters);
      return !part.value.more;
    });
    this.#write(askMeters(number));
    await whole;
    return found;
  }

  /** Carries all messages out, or none. One bundle at a time. @throws {Error} with the switch's refusal */
  async bundle(messages: Iterable<Numbered>): Promise<void> {
    const bundle = ++this.#bundle;
    const first = this.#number();
    const underWay: { first: number; refused?: string } = { first };
    this.#underWay = underWay;
    this.#write(openBundle(first, bundle));
    let inSlice = 0;
    for (const message of messages) {
      this.#write(addToBundle(bundle, message(this.#number())));
      if (++inSlice % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      if (this.#ended !== undefined) throw this.#ended;
    }
    const last = this.#number();
    const committed = this.#ask(last, ({ type, body }) => type === TYPE.bundleControl && isCommitted(body));
    this.#write(commitBundle(last, bundle));
    try {
      await committed;
    } catch (cause) {
      throw new Error(underWay.refused ?? (cause instanceof Error ? cause.message : String(cause)), { cause });
    } finally {
      this.#underWay = undefined;
    }
  }

  /** The flows of a table, or of all. */
  async flows(table?: number): Promise<readonly FlowDescription[]> {
    const found: FlowDescription[] = [];
    const number = this.#number();
    const whole = this.#ask(number, ({ type, body }) => {
      if (type !== TYPE.multipartReply) return false;
      const part = decodeFlows(body);
      if (!part.ok) throw new Error(part.reason);
      for (const flow of part.value.flows) found.push({ ...flow, match: flow.match.map(ownOctets) });
      return !part.value.more;
    });
    this.#write(askFlows(table)(number));
    await whole;
    return found;
  }

  [Symbol.dispose](): void {
    this.#closing = true;
    this.#socket.destroy();
    this.#end(new Error("closed here"));
  }

  #number(): number {
    this.#xid = this.#xid === LARGEST_XID ? 1 : this.#xid + 1;
    return this.#xid;
  }

  #write(octets: Uint8Array): void {
    if (this.#ended === undefined) this.#socket.write(octets);
  }

  /** Waits for what `take` calls the answer. 0 is whoever asks for no number: the greeting. */
  #ask(number: number, take: (message: Message) => boolean): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => fail(new Error(`the switch did not answer within ${ANSWER_MS / 1000} s`)),
      ANSWER_MS,
    );
    const fail = (cause: Error): void => {
      clearTimeout(timer);
      this.#questions.delete(number);
      reject(cause);
    };
    this.#questions.set(number, {
      take: (message) => {
        if (!take(message)) return false;
        clearTimeout(timer);
        this.#questions.delete(number);
        resolve();
        return true;
      },
      fail,
    });
    return promise;
  }

  #read(octets: Uint8Array): void {
    let rest = this.#held.length === 0 ? octets : concatenate(this.#held, octets);
    for (;;) {
      const framed = frame(rest);
      if (framed.type === "need-more") break;
      if (framed.type === "malformed") {
        this.#fail(new Error(`the switch does not speak OpenFlow: ${framed.reason}`));
        return;
      }
      rest = rest.subarray(framed.length);
      try {
        this.#take(framed.message);
      } catch (cause) {
        this.#fail(cause instanceof Error ? cause : new Error(String(cause)));
        return;
      }
    }
    this.#held = rest.length === 0 ? rest : rest.slice();
  }

  #take(message: Message): void {
    const { type, xid, body, version } = message;
    if (version !== VERSION && type !== TYPE.hello)
      throw new Error(`the switch speaks OpenFlow version ${version}: enable OpenFlow15 on the bridge`);
    switch (type) {
      case TYPE.hello:
        if (version < VERSION)
          throw new Error(`the switch speaks OpenFlow up to version ${version}: enable OpenFlow15 on the bridge`);
        this.#questions.get(0)?.take(message);
        break;
      case TYPE.echoRequest:
        this.#write(encode(TYPE.echoReply, xid, (reply) => reply.bytes(body)));
        break;
      case TYPE.packetIn: {
        const packet = decodePacketIn(body);
        if (packet.ok) this.#events.onPacket(packet.value);
        break;
      }
      case TYPE.error:
        this.#refused(xid, body);
        break;
      default:
        this.#questions.get(xid)?.take(message);
    }
  }

  #refused(xid: number, body: Uint8Array): void {
    const error = decodeError(body);
    const said = error.ok ? `error type ${error.value.type} code ${error.value.code}` : error.reason;
    const reason = `the switch refuses message ${xid} with ${said}`;
    if (this.#underWay !== undefined && xid >= this.#underWay.first) this.#underWay.refused ??= reason;
    this.#questions.get(xid)?.fail(new Error(reason));
  }

  #fail(cause: Error): void {
    this.#socket.destroy();
    this.#end(cause);
  }

  #end(cause: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = cause;
    for (const question of [...this.#questions.values()]) question.fail(cause);
    if (!this.#closing) this.#events.onEnd(cause);
  }
}

/** The receive buffer goes on to hold other things. */
const ownOctets = <T extends { readonly value: Uint8Array }>(field: T): T => ({ ...field, value: field.value.slice() });
