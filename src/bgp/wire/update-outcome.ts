import type { RouteFamily } from "../../rib/index.ts";
import type { AttributeFault } from "./attributes.ts";
import { ErrorCode, UpdateSubcode } from "./constants.ts";
import type { Family } from "./family.ts";
import { type NotificationMessage, notification } from "./fault.ts";
import type { ReceivedSet } from "./received-set.ts";

/**
 * What one UPDATE asks for. The keys are in the decoder's batches: `withdrawn` and `announced` from the multiprotocol
 * attributes, `classic` from the IPv4 fields of the message.
 *
 * With `attributes` undefined the announced keys are to be withdrawn as well (treat-as-withdraw, or there are none); the
 * same for `classicAttributes` and the announced keys of the classic field. Sets are borrowed until the next message.
 */
export type UpdateOutcome =
  | {
      readonly kind: "routes";
      readonly attributes: ReceivedSet | undefined;
      readonly classicAttributes: ReceivedSet | undefined;
      readonly faults: readonly AttributeFault[];
    }
  | { readonly kind: "end-of-rib"; readonly family: Family }
  /**
   * Routes of these families cannot be found any more: all of them go, and no more are taken. What the message says of other
   * families is as in "routes". @see RFC 4760 §7
   */
  | {
      readonly kind: "disable-family";
      readonly families: readonly RouteFamily[];
      readonly attributes: ReceivedSet | undefined;
      readonly classicAttributes: ReceivedSet | undefined;
      readonly faults: readonly AttributeFault[];
    }
  | { readonly kind: "reset"; readonly fault: NotificationMessage; readonly reason: string };

/** What ends the reading of a message before its end. */
export type Stop = Extract<UpdateOutcome, { kind: "reset" }>;

export function reset(reason: string): Stop {
  return {
    kind: "reset",
    fault: notification(ErrorCode.UpdateMessage, UpdateSubcode.MalformedAttributeList),
    reason,
  };
}

/** @see RFC 4271 §6.3 */
export function badNetwork(field: string): Stop {
  const fault = notification(ErrorCode.UpdateMessage, UpdateSubcode.InvalidNetworkField);
  return { kind: "reset", fault, reason: `a prefix in the ${field} is too long` };
}

export function unrecognized(attribute: Uint8Array): Stop {
  const subcode = UpdateSubcode.UnrecognizedWellKnownAttribute;
  return {
    kind: "reset",
    fault: notification(ErrorCode.UpdateMessage, subcode, attribute),
    reason: `unrecognized well-known attribute ${attribute[1]}`,
  };
}
