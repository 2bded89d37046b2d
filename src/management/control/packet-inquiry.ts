import { type Ipv6Address, parseIpv4, parseIpv6 } from "../../base/index.ts";
import { ControlRefusal, type PacketInquiry } from "./handlers.ts";
import { capabilityNamed, parameters, type Target } from "./request.ts";

const NAMES = [
  ...["source", "destination", "tenant", "protocol", "source-port", "port", "flags", "hop-limit", "length"],
  ...["interface", "tunnel-from"],
] as const;

const PROTOCOLS = ["tcp", "udp", "icmpv6"] as const;
const FLAGS = ["syn", "ack", "fin", "rst"] as const;

const bad = (detail: string): ControlRefusal => new ControlRefusal(400, "control.bad-request", "Bad request", detail);

/** What is asked about a packet; every mistake is a {@link ControlRefusal} 400. */
export function packetInquiry(target: Target): PacketInquiry {
  const given = parameters(target, NAMES) as Readonly<Record<string, string | undefined>>;
  if (given.source === undefined || given.destination === undefined)
    throw bad("explain which packet? give ?source= and &destination=, such as fd00:c::10 and /vision/ocr");
  return {
    source: parseIpv4(given.source) ?? address("source", given.source),
    destination: given.destination.startsWith("/")
      ? capabilityNamed(given.destination)
      : (parseIpv4(given.destination) ?? address("destination", given.destination)),
    ...optional("tenant", given.tenant),
    ...optional("protocol", given.protocol && oneOf("protocol", given.protocol, PROTOCOLS)),
    ...optional("sourcePort", number("source-port", given["source-port"], 1, 65535)),
    ...optional("port", number("port", given.port, 1, 65535)),
    ...optional("flags", given.flags && oneOf("flags", given.flags, FLAGS)),
    ...optional("hopLimit", number("hop-limit", given["hop-limit"], 0, 255)),
    ...optional("length", number("length", given.length, 40, 65575)),
    ...optional("interface", given.interface),
    ...optional("tunnelFrom", given["tunnel-from"] && address("tunnel-from", given["tunnel-from"])),
  };
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | "" | undefined,
): { readonly [K in Name]?: Value } {
  return (value === undefined || value === "" ? {} : { [name]: value }) as { readonly [K in Name]?: Value };
}

function address(name: string, text: string): Ipv6Address {
  const found = parseIpv6(text);
  if (found === undefined) throw bad(`${name}: ${JSON.stringify(text)} is not an IPv6 address`);
  return found;
}

function oneOf<Value extends string>(name: string, text: string, values: readonly Value[]): Value {
  const found = values.find((value) => value === text);
  if (found === undefined) throw bad(`${name}: ${JSON.stringify(text)} is none of ${values.join(", ")}`);
  return found;
}

function number(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw bad(`${name}: ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
}
