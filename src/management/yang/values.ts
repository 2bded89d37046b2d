import {
  type CapabilityName,
  type Ipv6Address,
  type Ipv6Prefix,
  parseCapabilityName,
  parseIpv4,
  parseIpv6,
  parseIpv6Prefix,
  parseZoned,
  Writer,
  type ZonedAddress,
} from "../../base/index.ts";

/** The model lets a value through that the code cannot read: a defect of the model, not of the operator's text. */
function mismatch(type: string, text: string): never {
  throw new Error(
    `the YANG model accepts ${JSON.stringify(text)} as ${type}, and this program does not: please report it`,
  );
}

export const addressOf = (text: string): Ipv6Address => parseIpv6(text) ?? mismatch("ipv6-address", text);
export const zonedOf = (text: string): ZonedAddress => parseZoned(text) ?? mismatch("neighbor-address", text);
export const prefixOf = (text: string): Ipv6Prefix => parseIpv6Prefix(text) ?? mismatch("ipv6-prefix", text);
export const routerIdOf = (text: string): number => parseIpv4(text) ?? mismatch("dotted-quad", text);
export const capabilityNameOf = (text: string): CapabilityName =>
  parseCapabilityName(text) ?? mismatch("capability-name", text);

/** @see RFC 6991 §3 (mac-address) */
export const macAddressOf = (text: string): Uint8Array =>
  Uint8Array.from(text.split(":"), (octet) => Number.parseInt(octet, 16));

/**
 * Eight octets of a route distinguisher in its text form.
 *
 *     0:AS:number       | u16 = 0 | AS u16   | number u32 |
 *     1:address:number  | u16 = 1 | IPv4 u32 | number u16 |
 *     2:AS:number       | u16 = 2 | AS u32   | number u16 |
 *
 * @see RFC 4364 §4.2; RFC 8294 §3 (text form)
 */
export function routeDistinguisherOf(text: string): Uint8Array {
  const [type, administrator, number] = text.split(":") as [string, string, string];
  const writer = new Writer(8).u16(Number(type));
  if (type === "0") writer.u16(Number(administrator)).u32(Number(number));
  else if (type === "1") writer.u32(routerIdOf(administrator)).u16(Number(number));
  else if (type === "2") writer.u32(Number(administrator)).u16(Number(number));
  else mismatch("route-distinguisher", text);
  return writer.finish();
}

const ROUTE_TARGET = 0x02;

/**
 * The extended community of a route target in its text form; what stands before the colon decides about the type.
 *
 *     AS ≤ 65535 | 00 02 | AS u16   | number u32 |
 *     address    | 01 02 | IPv4 u32 | number u16 |
 *     AS > 65535 | 02 02 | AS u32   | number u16 |
 *
 * @see RFC 4360 §4; RFC 5668 §2
 */
export function routeTargetOf(text: string): Uint8Array {
  const [administrator, number] = text.split(":") as [string, string];
  const writer = new Writer(8);
  if (administrator.includes(".")) writer.u8(1).u8(ROUTE_TARGET).u32(routerIdOf(administrator)).u16(Number(number));
  else if (Number(administrator) <= 0xffff)
    writer.u8(0).u8(ROUTE_TARGET).u16(Number(administrator)).u32(Number(number));
  else writer.u8(2).u8(ROUTE_TARGET).u32(Number(administrator)).u16(Number(number));
  return writer.finish();
}
