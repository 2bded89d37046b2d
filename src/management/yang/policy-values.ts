import { parseIpv4, parseIpv6Prefix } from "../../base/index.ts";
import type {
  AddressPrefixConfiguration,
  AsPathMember,
  CommunityMember,
  ExtendedCommunityMember,
  IntervalConfiguration,
  LargeCommunityMember,
} from "../configuration/policy.ts";

/*
 * Values of semrd-policy.yang. The model has checked their shape; whether the numbers fit is checked by
 * `configuration/policy-agreement.ts`, so the intervals here can be empty or too large.
 */

const ALL_16: IntervalConfiguration = { minimum: 0, maximum: 0xffff };
const ALL_32: IntervalConfiguration = { minimum: 0, maximum: 0xffffffff };

const exactly = (number: number): IntervalConfiguration => ({ minimum: number, maximum: number });

/** `*`, `7` or `1-9`. */
function intervalOf(text: string, all: IntervalConfiguration): IntervalConfiguration {
  if (text === "*") return all;
  const [minimum, maximum] = text.split("-");
  return { minimum: Number(minimum), maximum: Number(maximum ?? minimum) };
}

/** @see RFC 1997; RFC 8326 §4; RFC 9494 §4.6; RFC 7999 §5 */
const WELL_KNOWN: Readonly<Record<string, number>> = {
  "graceful-shutdown": 0x0000,
  "llgr-stale": 0x0006,
  "no-llgr": 0x0007,
  blackhole: 0x029a,
  "no-export": 0xff01,
  "no-advertise": 0xff02,
  "no-export-subconfed": 0xff03,
};

export function communityOf(text: string): CommunityMember {
  const known = WELL_KNOWN[text];
  if (known !== undefined) return { text, administrator: exactly(0xffff), value: exactly(known) };
  const [administrator, value] = text.split(":") as [string, string];
  return { text, administrator: intervalOf(administrator, ALL_16), value: intervalOf(value, ALL_16) };
}

export function largeCommunityOf(text: string): LargeCommunityMember {
  const [administrator, data1, data2] = text.split(":") as [string, string, string];
  return {
    text,
    globalAdministrator: intervalOf(administrator, ALL_32),
    data1: intervalOf(data1, ALL_32),
    data2: intervalOf(data2, ALL_32),
  };
}

const SUBTYPES: Readonly<Record<string, number>> = { target: 0x02, origin: 0x03 };

/** The types of an extended community by its administrator, and where their fields are. @see RFC 4360 §3; RFC 5668 §2 */
const ADMINISTRATORS = [
  { type: 0x00, kind: "as", octets: 2, values: { minimum: 0, maximum: 0xffff } },
  { type: 0x01, kind: "address", octets: 4, values: ALL_32 },
  { type: 0x02, kind: "as", octets: 4, values: { minimum: 0x10000, maximum: 0xffffffff } },
] as const;

const common = (a: IntervalConfiguration, b: IntervalConfiguration): IntervalConfiguration => ({
  minimum: Math.max(a.minimum, b.minimum),
  maximum: Math.min(a.maximum, b.maximum),
});

const isEmpty = ({ minimum, maximum }: IntervalConfiguration): boolean => minimum > maximum;

export function extendedCommunityOf(text: string): ExtendedCommunityMember {
  if (text.startsWith("0x")) {
    const fields = [0, 4].map((at) => ({
      at,
      octets: 4,
      values: exactly(Number(`0x${text.slice(2 + 2 * at, 10 + 2 * at)}`)),
    }));
    return { text, forms: [{ fields }] };
  }
  const [kind, administrator, value] = text.split(":") as [string, string, string];
  const address = administrator.includes(".") ? parseIpv4(administrator) : undefined;
  const wanted = address === undefined ? intervalOf(administrator, ALL_32) : exactly(address);
  const forms = ADMINISTRATORS.filter(({ kind: of }) => {
    if (administrator === "*") return true;
    return of === (administrator.includes(".") ? "address" : "as");
  }).map(({ type, octets, values }) => {
    const largest = octets === 2 ? ALL_32 : ALL_16;
    return {
      fields: [
        { at: 0, octets: 2, values: exactly((type << 8) | SUBTYPES[kind]!) },
        { at: 2, octets, values: administrator === "*" && octets === 4 ? ALL_32 : common(wanted, values) },
        { at: 2 + octets, octets: 6 - octets, values: common(intervalOf(value, largest), largest) },
      ],
    };
  });
  return { text, forms: forms.filter(({ fields }) => !fields.some(({ values }) => isEmpty(values))) };
}

export function asPathOf(text: string): AsPathMember {
  const tokens = text === "" ? [] : text.split(" ");
  return {
    text,
    tokens: tokens.map((token) => (token === "*" ? "many" : token === "?" ? ALL_32 : intervalOf(token, ALL_32))),
  };
}

/** IPv4 or IPv6. */
export function ipPrefixOf(text: string): AddressPrefixConfiguration {
  const [address, length] = text.split("/") as [string, string];
  const v4 = parseIpv4(address);
  if (v4 !== undefined) {
    return { address: Uint8Array.of(v4 >>> 24, v4 >>> 16, v4 >>> 8, v4), length: Number(length) };
  }
  const prefix = parseIpv6Prefix(text);
  if (prefix !== undefined) return prefix;
  throw new Error(
    `the YANG model accepts ${JSON.stringify(text)} as ip-prefix, and this program does not: please report it`,
  );
}
