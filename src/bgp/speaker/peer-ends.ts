import { formatIpv4, type Moment } from "../../base/index.ts";
import type { Agreement, SessionEnd } from "../session/index.ts";
import {
  CeaseSubcode,
  ErrorCode,
  type NotificationMessage,
  type OpenMessage,
  OpenSubcode,
  roleOf,
} from "../wire/index.ts";
import { endText, notificationText } from "./error-text.ts";
import type { PeerError, PeerStatus } from "./status.ts";

/** A neighbour may put its own words into each refusal. */
const MOST_REFUSALS = 16;

/** What of an OPEN it was that this router did not take: the message that says so does not tell. */
const OFFERS: Readonly<Record<number, (open: OpenMessage) => string>> = {
  [OpenSubcode.BadPeerAs]: ({ autonomousSystem }) => `it is ${autonomousSystem}`,
  [OpenSubcode.BadBgpIdentifier]: ({ bgpIdentifier }) => `it is ${formatIpv4(bgpIdentifier)} as here`,
  [OpenSubcode.UnacceptableHoldTime]: ({ holdTime }) =>
    holdTime === undefined ? "it offers no timers" : `it offers ${holdTime}s`,
  [OpenSubcode.RoleMismatch]: ({ capabilities: { roles = [] } }) =>
    roles.length === 0 ? "it says none" : `it is ${roles.map((code) => roleOf(code) ?? `role ${code}`).join(" and ")}`,
};

/** How connections with one peer have ended, and what people are told of it. */
export class PeerEnds {
  #lostBecause: string | undefined;
  #sent: PeerError | undefined;
  #received: PeerError | undefined;
  #latest: PeerError | undefined;
  /** What people are shown: a NOTIFICATION says more than that the neighbour hung up on the attempts after it. */
  #telling: PeerError | undefined;
  /** What attempts since the last session were refused with, as far as the log has it. */
  readonly #refusals = new Set<string>();
  /** The OPEN of the latest attempt. */
  #open: OpenMessage | undefined;
  /** Since the last session; an attempt that another one has made good is no news. */
  #failedAttempt: PeerError | undefined;

  /** Its OPEN, which may not be as it should be. */
  opened(open: OpenMessage): void {
    this.#open = open;
  }

  established(): void {
    this.#failedAttempt = undefined;
    this.#refusals.clear();
  }

  /** Why the connection is gone, as the transport says; used by the next `ended`. */
  lost(reason: string): void {
    this.#lostBecause = reason;
  }

  /** A connection that could not be made. */
  failed(reason: string, at: Moment): void {
    this.#failedAttempt = { direction: "none", code: 0, subcode: 0, text: `cannot connect: ${reason}`, at };
  }

  /** Remembers how a connection ended, which had been a session if something was agreed, and says it in one line. */
  ended(end: SessionEnd, at: Moment, agreed: Agreement | undefined): string {
    const text = endText(end, this.#lostBecause);
    this.#lostBecause = undefined;
    // A session whose output is stuck ends without a message, but not without a code. @see RFC 9687 §3.2
    const code = end.cause === "SendHoldTimer_Expires" ? ErrorCode.SendHoldTimerExpired : 0;
    let latest: PeerError = { direction: "none", code, subcode: 0, text, at };
    if (end.sent !== undefined) {
      latest = this.#withOffer(errorOf("sent", end.sent, at));
      this.#sent = latest;
    }
    if (end.received !== undefined) {
      latest = errorOf("received", end.received, at);
      this.#received = latest;
    }
    // Losing a collision is how two connections become one: not an error.
    if (end.cause !== "OpenCollisionDump") {
      const isSession = agreed !== undefined;
      const tellsLess = latest.direction === "none" && (this.#telling?.direction ?? "none") !== "none";
      if (isSession || !tellsLess) this.#telling = latest;
      this.#latest = latest;
      this.#failedAttempt = undefined;
    }
    this.#open = undefined;
    return latest.direction === "none" ? latest.text : `${latest.direction} ${latest.text}`;
  }

  /** Whether an attempt was refused with a NOTIFICATION that none since the last session was: the log says each once. */
  isNewRefusal({ cause, sent, received }: SessionEnd, reason: string): boolean {
    if (cause === "OpenCollisionDump" || (sent ?? received) === undefined) return false;
    if (this.#refusals.has(reason) || this.#refusals.size >= MOST_REFUSALS) return false;
    this.#refusals.add(reason);
    return true;
  }

  /** This router has ended the latest session since the neighbour had too many routes. @see RFC 4486 §4 */
  get isRoutesLimit(): boolean {
    const { direction, code, subcode } = this.#latest ?? { direction: "none", code: 0, subcode: 0 };
    return direction === "sent" && code === ErrorCode.Cease && subcode === CeaseSubcode.MaximumNumberOfPrefixesReached;
  }

  get status(): Pick<PeerStatus, "lastSent" | "lastReceived" | "lastError"> {
    return {
      lastSent: this.#sent,
      lastReceived: this.#received,
      lastError: this.#failedAttempt ?? this.#telling,
    };
  }

  #withOffer(error: PeerError): PeerError {
    const offer = error.code === ErrorCode.OpenMessage ? OFFERS[error.subcode] : undefined;
    if (offer === undefined || this.#open === undefined) return error;
    return { ...error, text: `${error.text}, ${offer(this.#open)}` };
  }
}

function errorOf(direction: "sent" | "received", message: NotificationMessage, at: Moment): PeerError {
  return { direction, code: message.code, subcode: message.subcode, text: notificationText(message), at };
}
