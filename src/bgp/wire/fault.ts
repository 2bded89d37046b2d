/** What a NOTIFICATION says: error code, subcode and data. @see RFC 4271 §4.5 */
export interface NotificationMessage {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

/** A decoder's answer; `fault` is what the NOTIFICATION to the peer says. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: NotificationMessage };

const NO_DATA = new Uint8Array(0);

/** A NOTIFICATION message. @param code of `ErrorCode` @param data octets behind the subcode @see RFC 4271 §4.5 */
export function notification(code: number, subcode = 0, data: Uint8Array = NO_DATA): NotificationMessage {
  return { code, subcode, data };
}

/** What was read. */
export function decoded<T>(value: T): Decoded<T> {
  return { ok: true, value };
}

/** What could not be read, as the NOTIFICATION that it deserves. */
export function refused(code: number, subcode = 0, data: Uint8Array = NO_DATA): Decoded<never> {
  return { ok: false, fault: notification(code, subcode, data) };
}
