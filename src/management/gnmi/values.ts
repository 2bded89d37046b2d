import type { YangSchemaType } from "../../../native/api.ts";
import { fieldNumber, fieldOctets } from "../../base/index.ts";
import type { Encoding, TypedValue } from "./messages.ts";
import { GnmiError } from "./status.ts";

/** How values are sent. */
export type ValueEncoding = "JSON" | "JSON_IETF" | "PROTO";

export const ENCODINGS: readonly ValueEncoding[] = ["JSON", "JSON_IETF", "PROTO"];

/** @throws {GnmiError} UNIMPLEMENTED */
export function valueEncoding(asked: Encoding): ValueEncoding {
  const found = ENCODINGS.find((encoding) => encoding === asked);
  if (found !== undefined) return found;
  throw new GnmiError("UNIMPLEMENTED", `encoding ${asked} is not supported; there are ${ENCODINGS.join(", ")}`);
}

const WIDE = new Set(["int64", "uint64", "decimal64"]);

/** What an RFC 7951 value is in plain JSON: 64-bit numbers are numbers where they are exact, names have no module. */
export function plainJson(type: YangSchemaType | undefined, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => (entry === null ? true : plainJson(type, entry)));
  const base = resolved(type)?.base ?? "";
  if (!WIDE.has(base) || typeof value !== "string") return value;
  const number = Number(value);
  return base === "decimal64" || Number.isSafeInteger(number) ? number : value;
}

const resolved = (type: YangSchemaType | undefined): YangSchemaType | undefined =>
  type?.base === "leafref" ? resolved(type.target) : type;

/** The octets of a TypedValue for the RFC 7951 value of a leaf or leaf-list. */
export function valueOctets(encoding: ValueEncoding, type: YangSchemaType | undefined, value: unknown): Buffer {
  switch (encoding) {
    case "JSON_IETF":
      return fieldOctets(11, Buffer.from(JSON.stringify(value)));
    case "JSON":
      return fieldOctets(10, Buffer.from(JSON.stringify(plainJson(type, value))));
    case "PROTO":
      return scalarOctets(resolved(type), value);
  }
}

function scalarOctets(type: YangSchemaType | undefined, value: unknown): Buffer {
  if (Array.isArray(value)) {
    if (type?.base === "empty") return fieldNumber(4, 1);
    return fieldOctets(8, ...value.map((entry) => fieldOctets(1, scalarOctets(type, entry))));
  }
  if (typeof value === "boolean") return fieldNumber(4, value ? 1 : 0);
  switch (type?.base) {
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      return varint64(2, BigInt(value as string | number));
    case "uint8":
    case "uint16":
    case "uint32":
    case "uint64":
      return varint64(3, BigInt(value as string | number));
    case "decimal64": {
      const octets = Buffer.allocUnsafe(9);
      octets[0] = (14 << 3) | 1;
      octets.writeDoubleLE(Number(value), 1);
      return octets;
    }
    case "binary":
      return fieldOctets(5, Buffer.from(String(value), "base64"));
    default:
      return typeof value === "number" ? varint64(2, BigInt(value)) : fieldOctets(1, Buffer.from(String(value)));
  }
}

/** Negative numbers are their two's complement of 64 bits. */
function varint64(field: number, value: bigint): Buffer {
  const octets: number[] = [field << 3];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) octets.push(Number(rest & 0x7fn) | 0x80);
  octets.push(Number(rest));
  return Buffer.from(octets);
}

/**
 * The RFC 7951 value of a leaf or leaf-list that a client sent with a type of its own. The type of the leaf says how it
 * is written; whether it is good is for the model to say.
 *
 * @throws {GnmiError} INVALID_ARGUMENT for a value that no leaf can have
 */
export function ietfValue(type: YangSchemaType | undefined, sent: TypedValue, where: string): unknown {
  switch (sent.value) {
    case "leaflist_val":
      return sent.leaflist_val.element.map((element) => ietfValue(type, element, where));
    case "string_val":
      return fromText(type, sent.string_val);
    case "ascii_val":
      return fromText(type, sent.ascii_val);
    case "int_val":
      return fromText(type, sent.int_val);
    case "uint_val":
      return fromText(type, sent.uint_val);
    case "bool_val":
      return resolved(type)?.base === "empty" && sent.bool_val ? [null] : sent.bool_val;
    case "bytes_val":
      return sent.bytes_val.toString("base64");
    case "float_val":
      return decimal(type, sent.float_val, where);
    case "double_val":
      return decimal(type, sent.double_val, where);
    case "decimal_val": {
      const { digits, precision } = sent.decimal_val;
      if (precision > 18) throw new GnmiError("INVALID_ARGUMENT", `${where}: a precision above 18`);
      const isNegative = digits.startsWith("-");
      const padded = digits.replace("-", "").padStart(precision + 1, "0");
      const point = padded.length - precision;
      const text = precision === 0 ? padded : `${padded.slice(0, point)}.${padded.slice(point)}`;
      return fromText(type, isNegative ? `-${text}` : text);
    }
    default:
      throw new GnmiError("INVALID_ARGUMENT", `${where}: no value of a leaf is of this kind (${sent.value})`);
  }
}

function decimal(type: YangSchemaType | undefined, value: number, where: string): unknown {
  if (!Number.isFinite(value)) throw new GnmiError("INVALID_ARGUMENT", `${where}: ${value} is no number of the model`);
  const found = resolved(type);
  if (found?.base !== "decimal64") return fromText(type, String(value));
  const text = value.toFixed(Math.min(found.fractionDigits ?? 1, 18));
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, ".0") : text;
}

const NARROW = /^u?int(8|16|32)$/;

/** As RFC 7951 §6 writes the type. */
function fromText(type: YangSchemaType | undefined, text: string): unknown {
  const found = resolved(type);
  if (found === undefined) return text;
  if (NARROW.test(found.base)) return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
  if (found.base === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (found.base === "empty") return text === "" ? [null] : text;
  if (found.base !== "union") return text;
  // The first member that could have been meant: numbers as numbers.
  const isNumber = found.union?.some(({ base }) => NARROW.test(base)) === true && /^-?\d{1,10}$/.test(text);
  return isNumber && found.union?.every(({ base }) => base !== "string") === true ? Number(text) : text;
}
