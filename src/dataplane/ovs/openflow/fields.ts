import { type Reader, Writer } from "../../../base/index.ts";
import { pad8 } from "./message.ts";

/** A field of a packet or of the pipeline: where OpenFlow or Open vSwitch has it, and its octets. @see OpenFlow 1.5.1 §7.2.3; ovs-fields(7) */
export interface Field {
  readonly class: number;
  readonly number: number;
  readonly octets: number;
}

const BASIC = 0x8000;
const PACKET = 0x8000;
const NXM0 = 0x0000;
const NXM1 = 0x0001;

export const FIELD = {
  inPort: { class: PACKET, number: 0, octets: 4 },
  metadata: { class: BASIC, number: 2, octets: 8 },
  ethDst: { class: BASIC, number: 3, octets: 6 },
  ethSrc: { class: BASIC, number: 4, octets: 6 },
  ethType: { class: BASIC, number: 5, octets: 2 },
  /** With a bit that says that there is a tag. */
  vlanId: { class: BASIC, number: 6, octets: 2 },
  ipDscp: { class: BASIC, number: 8, octets: 1 },
  ipProto: { class: BASIC, number: 10, octets: 1 },
  tcpSrc: { class: BASIC, number: 13, octets: 2 },
  tcpDst: { class: BASIC, number: 14, octets: 2 },
  udpSrc: { class: BASIC, number: 15, octets: 2 },
  udpDst: { class: BASIC, number: 16, octets: 2 },
  ipv6Src: { class: BASIC, number: 26, octets: 16 },
  ipv6Dst: { class: BASIC, number: 27, octets: 16 },
  icmpv6Type: { class: BASIC, number: 29, octets: 1 },
  tunnelId: { class: BASIC, number: 38, octets: 8 },
  tcpFlags: { class: BASIC, number: 42, octets: 2 },
  /** Registers of Open vSwitch; zero at the beginning of the pipeline. */
  reg1: { class: NXM1, number: 1, octets: 4 },
  reg2: { class: NXM1, number: 2, octets: 4 },
  reg3: { class: NXM1, number: 3, octets: 4 },
  reg4: { class: NXM1, number: 4, octets: 4 },
  reg5: { class: NXM1, number: 5, octets: 4 },
  reg6: { class: NXM1, number: 6, octets: 4 },
  reg7: { class: NXM1, number: 7, octets: 4 },
  reg8: { class: NXM1, number: 8, octets: 4 },
  reg9: { class: NXM1, number: 9, octets: 4 },
  reg10: { class: NXM1, number: 10, octets: 4 },
  reg11: { class: NXM1, number: 11, octets: 4 },
  ipFrag: { class: NXM1, number: 26, octets: 1 },
  ipTtl: { class: NXM1, number: 29, octets: 1 },
  ctState: { class: NXM1, number: 105, octets: 4 },
  tunnelIpv6Src: { class: NXM1, number: 109, octets: 16 },
  tunnelIpv6Dst: { class: NXM1, number: 110, octets: 16 },
  ctIpv6Dst: { class: NXM1, number: 123, octets: 16 },
  ctPortDst: { class: NXM1, number: 125, octets: 2 },
  /** The older names, which `learn` and copies use. */
  nxInPort: { class: NXM0, number: 0, octets: 2 },
} as const satisfies Readonly<Record<string, Field>>;

/** One condition of a match, or one value to set. */
export interface FieldValue {
  readonly field: Field;
  readonly value: Uint8Array;
  readonly mask?: Uint8Array;
}

/** A number as a field's octets, network order. */
function numeric(field: Field, value: number | bigint): Uint8Array {
  const octets = new Uint8Array(field.octets);
  let rest = BigInt(value);
  for (let i = octets.length - 1; i >= 0; i--) {
    octets[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return octets;
}

export const is = (field: Field, value: number | bigint | Uint8Array, mask?: number | Uint8Array): FieldValue => ({
  field,
  value: value instanceof Uint8Array ? value : numeric(field, value),
  ...(mask === undefined ? {} : { mask: mask instanceof Uint8Array ? mask : numeric(field, mask) }),
});

/** The four octets before a field's value. */
export const fieldHeader = ({ class: fieldClass, number, octets }: Field, hasMask = false): number =>
  fieldClass * 0x10000 + (((number << 1) | (hasMask ? 1 : 0)) << 8) + (hasMask ? 2 * octets : octets);

export function writeField(writer: Writer, { field, value, mask }: FieldValue): void {
  if (value.length !== field.octets || (mask !== undefined && mask.length !== field.octets))
    throw new RangeError(`a field of ${field.octets} octets given ${value.length}`);
  writer.u32(fieldHeader(field, mask !== undefined)).bytes(value);
  if (mask !== undefined) writer.bytes(mask);
}

/** A match structure. @see OpenFlow 1.5.1 §7.2.3.1 */
export function writeMatch(writer: Writer, conditions: readonly FieldValue[]): void {
  const fields = new Writer();
  for (const condition of conditions) writeField(fields, condition);
  const start = writer.length;
  writer
    .u16(1)
    .u16(4 + fields.length)
    .bytes(fields.finish());
  pad8(writer, start);
}

/** The conditions of a match that stands here, those of fields that are not in {@link FIELD} left out. */
export function readMatch(reader: Reader): FieldValue[] {
  reader.skip(2);
  const length = reader.u16();
  const fields = reader.within(Math.max(length - 4, 0));
  reader.skip((8 - (length % 8)) % 8);
  const found: FieldValue[] = [];
  while (fields.left > 0) {
    const header = fields.u32();
    const hasMask = (header & 0x100) !== 0;
    const value = fields.within(header & 0xff);
    const field = KNOWN.get(fieldKey(Math.floor(header / 0x10000), (header >> 9) & 0x7f));
    if (field === undefined || value.left !== field.octets * (hasMask ? 2 : 1)) continue;
    const octets = value.bytes(field.octets);
    found.push(hasMask ? { field, value: octets, mask: value.bytes(field.octets) } : { field, value: octets });
  }
  return found;
}

const fieldKey = (fieldClass: number, number: number): number => fieldClass * 128 + number;
const KNOWN: ReadonlyMap<number, Field> = new Map(
  Object.values(FIELD).map((field) => [fieldKey(field.class, field.number), field]),
);

/** The exact value of a field among conditions. */
export const exactValue = (conditions: readonly FieldValue[], wanted: Field): Uint8Array | undefined =>
  conditions.find(({ field, mask }) => field === wanted && mask === undefined)?.value;
