import type { FlowReason, FlowRecord } from "./record.ts";

/** @see RFC 7011 §3.1 */
const VERSION = 10;
const HEADER = 16;
const SET_HEADER = 4;
const TEMPLATE_SET = 2;
const FLOW_TEMPLATE = 256;
/** Of the elements that count what comes back. @see RFC 5103 §6.1 */
const REVERSE = 29305;
/** A length that each record says for itself. @see RFC 7011 §7 */
const VARIABLE = 0xffff;
/** Names are cut here, so that one octet tells their length. */
const LONGEST_NAME = 254;

/** @see RFC 7011; IANA registry "IPFIX Information Elements" */
interface Element {
  readonly id: number;
  readonly length: number;
  readonly enterprise?: number;
  write(view: DataView, at: number, record: FlowRecord): void;
}

interface NameElement {
  readonly id: number;
  text(record: FlowRecord): string;
}

/** @see IANA registry "IPFIX Flow End Reasons"; a beginning is told as a flow that goes on */
const END_REASON: Readonly<Record<FlowReason, number>> = {
  idle: 0x01,
  active: 0x02,
  begun: 0x02,
  closed: 0x03,
  refused: 0x03,
  forgotten: 0x05,
};

/** @see RFC 7270 §4.12: upper two bits 01 forwarded, 10 dropped */
const FORWARDED = 0x40;
const DROPPED = 0x80;

const NOBODY = new Uint8Array(16);

const u64 = (id: number, value: (record: FlowRecord) => bigint, enterprise?: number): Element => ({
  ...{ id, length: 8, ...(enterprise === undefined ? {} : { enterprise }) },
  write: (view, at, record) => view.setBigUint64(at, value(record)),
});
const u32 = (id: number, value: (record: FlowRecord) => number): Element => ({
  ...{ id, length: 4 },
  write: (view, at, record) => view.setUint32(at, value(record)),
});
const u16 = (id: number, value: (record: FlowRecord) => number): Element => ({
  ...{ id, length: 2 },
  write: (view, at, record) => view.setUint16(at, value(record)),
});
const u8 = (id: number, value: (record: FlowRecord) => number): Element => ({
  ...{ id, length: 1 },
  write: (view, at, record) => view.setUint8(at, value(record)),
});
const address = (id: number, value: (record: FlowRecord) => Uint8Array): Element => ({
  ...{ id, length: 16 },
  write: (view, at, record) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(value(record), at),
});

const ELEMENTS: readonly Element[] = [
  u64(152, ({ at }) => BigInt(Math.floor(at))), // flowStartMilliseconds
  u64(153, ({ until }) => BigInt(Math.floor(until))), // flowEndMilliseconds
  address(27, ({ client }) => client), // sourceIPv6Address
  address(28, ({ address: to }) => to), // destinationIPv6Address
  u16(7, ({ clientPort }) => clientPort), // sourceTransportPort
  u16(11, ({ port }) => port), // destinationTransportPort
  u8(4, ({ protocol }) => protocol), // protocolIdentifier
  u32(10, (record) => record.interface), // ingressInterface
  u64(2, ({ packets }) => BigInt(packets)), // packetDeltaCount
  u64(1, ({ octets }) => octets), // octetDeltaCount
  u64(2, ({ packetsBack }) => BigInt(packetsBack), REVERSE),
  u64(1, ({ octetsBack }) => octetsBack, REVERSE),
  address(62, ({ site }) => site?.locator ?? NOBODY), // ipNextHopIPv6Address
  address(282, ({ instance }) => instance?.address ?? NOBODY), // postNATDestinationIPv6Address
  u16(228, ({ instance }) => instance?.port ?? 0), // postNAPTDestinationTransportPort
  u32(234, ({ tenantIndex }) => tenantIndex), // ingressVRFID
  // selectorId, which the registry has in place of classId: the class that policy put it in by its tag, 0 for none
  u64(302, ({ tag = 0 }) => BigInt(tag)),
  u8(136, ({ reason }) => END_REASON[reason]), // flowEndReason
  u8(89, ({ reason }) => (reason === "refused" ? DROPPED : FORWARDED)), // forwardingStatus
  {
    ...{ id: 311, length: 8 }, // samplingProbability
    write: (view, at, { interval }) => view.setFloat64(at, 1 / interval),
  },
];

const NAMES: readonly NameElement[] = [
  { id: 236, text: ({ tenant }) => tenant ?? "" }, // VRFname
  { id: 96, text: ({ capability }) => capability ?? "" }, // applicationName
  { id: 371, text: ({ instance }) => instance?.agent ?? "" }, // userName
];

const FIXED = ELEMENTS.reduce((sum, { length }) => sum + length, 0);

/** The set that says what records look like. @see RFC 7011 §3.4.1 */
const TEMPLATE = templateSet();

function templateSet(): Uint8Array {
  const all = [...ELEMENTS, ...NAMES.map(({ id }) => ({ id, length: VARIABLE }))] as readonly Element[];
  const size = SET_HEADER + 4 + all.reduce((sum, { enterprise }) => sum + (enterprise === undefined ? 4 : 8), 0);
  const octets = new Uint8Array(size);
  const view = new DataView(octets.buffer);
  view.setUint16(0, TEMPLATE_SET);
  view.setUint16(2, size);
  view.setUint16(4, FLOW_TEMPLATE);
  view.setUint16(6, all.length);
  let at = 8;
  for (const { id, length, enterprise } of all) {
    view.setUint16(at, enterprise === undefined ? id : id | 0x8000);
    view.setUint16(at + 2, length);
    at += 4;
    if (enterprise === undefined) continue;
    view.setUint32(at, enterprise);
    at += 4;
  }
  return octets;
}

function nameOctets(record: FlowRecord): Uint8Array[] {
  return NAMES.map(({ text }) => Buffer.from(text(record), "utf8").subarray(0, LONGEST_NAME));
}

/** Writes records into messages that are sent when they are full or asked for. */
export class IpfixWriter {
  readonly #domain: number;
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  readonly #send: (message: Uint8Array) => void;
  #end = HEADER;
  /** Where the data set began; 0: none has. */
  #set = 0;
  #records = 0;
  #sequence = 0;

  /**
   * @param domain observation domain, the same for all messages of one router
   * @param limit octets of a message, at least 576: what the way to the collector takes, with UDP and IPv6 subtracted
   */
  constructor(domain: number, limit: number, send: (message: Uint8Array) => void) {
    this.#domain = domain;
    this.#octets = new Uint8Array(limit);
    this.#view = new DataView(this.#octets.buffer);
    this.#send = send;
  }

  /** Octets of the message that is being written; 0: there is none. */
  get pending(): number {
    return this.#end === HEADER ? 0 : this.#end;
  }

  /** To be repeated now and then: the transport may lose it. @see RFC 7011 §8.1 */
  template(now: number): void {
    this.flush(now);
    this.#octets.set(TEMPLATE, HEADER);
    this.#end = HEADER + TEMPLATE.length;
  }

  add(record: FlowRecord, now: number): void {
    const names = nameOctets(record);
    const size = FIXED + names.reduce((sum, { length }) => sum + 1 + length, 0);
    const opens = this.#set === 0 ? SET_HEADER : 0;
    if (this.#end + opens + size > this.#octets.length) this.flush(now);
    if (this.#set === 0) {
      this.#set = this.#end;
      this.#view.setUint16(this.#set, FLOW_TEMPLATE);
      this.#end += SET_HEADER;
    }
    for (const element of ELEMENTS) {
      element.write(this.#view, this.#end, record);
      this.#end += element.length;
    }
    for (const octets of names) {
      this.#octets[this.#end] = octets.length;
      this.#octets.set(octets, this.#end + 1);
      this.#end += 1 + octets.length;
    }
    this.#records++;
  }

  /** Sends what there is. `now`: wall clock in milliseconds. */
  flush(now: number): void {
    if (this.#end === HEADER) return;
    if (this.#set !== 0) this.#view.setUint16(this.#set + 2, this.#end - this.#set);
    this.#view.setUint16(0, VERSION);
    this.#view.setUint16(2, this.#end);
    this.#view.setUint32(4, Math.floor(now / 1000));
    this.#view.setUint32(8, this.#sequence);
    this.#view.setUint32(12, this.#domain);
    this.#send(this.#octets.slice(0, this.#end));
    this.#sequence = (this.#sequence + this.#records) >>> 0;
    this.#end = HEADER;
    this.#set = 0;
    this.#records = 0;
  }
}
