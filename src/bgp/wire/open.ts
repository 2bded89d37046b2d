import { type Reader, type Seconds, seconds, Writer } from "../../base/index.ts";
import { type Capabilities, type CapabilitiesDraft, decodeCapabilities, encodeCapabilities } from "./capabilities.ts";
import { AS_TRANS, BGP_VERSION, ErrorCode, MessageType, OpenSubcode } from "./constants.ts";
import { type Decoded, decoded, refused } from "./fault.ts";
import { encodeMessage } from "./message.ts";

/** The body of an OPEN message. @see RFC 4271 §4.2 */
export interface OpenMessage {
  /** The 4-octet number of the capability where there is one, else the one of the fixed field. */
  readonly autonomousSystem: number;
  /** `undefined`: no timers. */
  readonly holdTime: Seconds | undefined;
  /** Unsigned 32 bits, not 0. */
  readonly bgpIdentifier: number;
  readonly capabilities: Capabilities;
}

const CAPABILITIES_PARAMETER = 2;
const EXTENDED_LENGTH = 255;

const refuse = (subcode: number, data?: Uint8Array): Decoded<never> => refused(ErrorCode.OpenMessage, subcode, data);

/**
 * Decodes the body of an OPEN message (the octets after the 19-octet header).
 *
 *     | version | my AS | hold time | BGP identifier | opt len | parameters     |
 *     | u8 = 4  | u16   | u16, s    | u32            | u8      | opt len octets |
 *
 * @throws {ShortRead} on truncation; `decodeControl` is the one place that maps it to a fault.
 * @see RFC 4271 §4.2 (format) and §6.2 (errors); RFC 6286 §2.2 (identifier); RFC 7607 §2 (AS 0); RFC 9072 §2 (lengths)
 */
export function decodeOpen(body: Reader): Decoded<OpenMessage> {
  const version = body.u8();
  if (version !== BGP_VERSION) {
    return refuse(OpenSubcode.UnsupportedVersionNumber, Uint8Array.of(0, BGP_VERSION));
  }
  const myAs = body.u16();
  const holdTime = body.u16();
  const bgpIdentifier = body.u32();
  const parameters = decodeOptionalParameters(body);
  if (!parameters.ok) return parameters;
  const capabilities = parameters.value;
  const autonomousSystem = capabilities.fourOctetAs ?? myAs;
  if (myAs === 0 || autonomousSystem === 0) return refuse(OpenSubcode.BadPeerAs);
  if (bgpIdentifier === 0) return refuse(OpenSubcode.BadBgpIdentifier);
  if (holdTime === 1 || holdTime === 2) return refuse(OpenSubcode.UnacceptableHoldTime);

  // Zero on the wire means "no timers"; inside the process that is the absence of a value.
  const offered = holdTime === 0 ? undefined : seconds(holdTime);
  return decoded({ autonomousSystem, holdTime: offered, bgpIdentifier, capabilities });
}

function decodeOptionalParameters(body: Reader): Decoded<Capabilities> {
  const draft: CapabilitiesDraft = { families: [], routeRefresh: false, unknown: [] };
  let length = body.u8();
  const extended = length !== 0 && body.left > 0 && body.octets[body.offset] === EXTENDED_LENGTH;
  if (extended) {
    body.skip(1);
    length = body.u16();
  }
  if (length !== body.left) return refuse(OpenSubcode.Unspecific);
  const parameters = body.within(length);
  while (parameters.left > 0) {
    const type = parameters.u8();
    const value = parameters.within(extended ? parameters.u16() : parameters.u8());
    if (type !== CAPABILITIES_PARAMETER) return refuse(OpenSubcode.UnsupportedOptionalParameter);
    if (!decodeCapabilities(value, draft)) return refuse(OpenSubcode.Unspecific);
  }
  return decoded(draft);
}

/** The whole OPEN message. AS numbers above 65535 go into the fixed field as AS_TRANS. @see RFC 6793 §4.1 */
export function encodeOpen(open: OpenMessage): Uint8Array {
  const capabilities = encodeCapabilities(open.capabilities);
  const body = new Writer(512)
    .u8(BGP_VERSION)
    .u16(open.autonomousSystem > 0xffff ? AS_TRANS : open.autonomousSystem)
    .u16(open.holdTime ?? 0)
    .u32(open.bgpIdentifier);
  if (capabilities.length === 0) body.u8(0);
  else
    body
      .u8(capabilities.length + 2)
      .u8(CAPABILITIES_PARAMETER)
      .u8(capabilities.length)
      .bytes(capabilities);
  return encodeMessage(MessageType.Open, body.finish());
}
