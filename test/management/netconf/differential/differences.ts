/** Where the two servers answer otherwise, and who is right. A difference that is not here, or is no more, fails the test. */
export interface Difference {
  /** Which of the case's requests, from 0. */
  readonly ask: number;
  readonly semrd: string;
  readonly netconfd: string;
  readonly why: string;
}

export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  "default-operation none creates nothing": {
    ask: 0,
    semrd: "data-missing",
    netconfd: "ok",
    why: "RFC 6241 §7.2: data without a corresponding level in the target is data-missing; netconfd leaves it out and says ok",
  },
  "a value of the wrong type": {
    ask: 0,
    semrd: "invalid-value",
    netconfd: "bad-element",
    why: "RFC 7950 §8.3.1: a value that does not match the type of its leaf is invalid-value, as netconfd says too of one out of its range",
  },
  "a leaf that is state": {
    ask: 0,
    semrd: "unknown-element",
    netconfd: "access-denied",
    why: "RFC 7950 does not say; state is no part of a configuration datastore (§7.21.1), so there is no such node in it for anybody",
  },
  "lock of a candidate with changes": {
    ask: 1,
    semrd: "lock-denied",
    netconfd: "resource-denied",
    why: "RFC 6241 §7.5 forbids to grant it and names one tag for a lock that is not granted",
  },
};
