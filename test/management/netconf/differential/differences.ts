/** Where the two servers answer otherwise, and who is right. A difference that is not here, or is no more, fails the test. */
export interface Difference {
  /** Which of the case's requests, from 0. */
  readonly ask: number;
  readonly semrd: string;
  readonly netconfd: string;
  /** `either`: no standard says, and both are defensible. */
  readonly right: "semrd" | "either";
  readonly why: string;
}

const NO_MANDATORY: Difference = {
  ...{ ask: 0, semrd: "missing-element", netconfd: "data-missing", right: "semrd" },
  why: "RFC 6241 appendix A: an expected element is missing; data-missing (RFC 7950 §15.6) is of configuration, not of parameters",
};
const EXPRESSION: Omit<Difference, "semrd"> = {
  ...{ ask: 0, netconfd: "bad-attribute", right: "either" },
  why: "RFC 6241 §8.9.1 has invalid-value for one that gives no nodes, and nothing for one that is none; it stands in an attribute",
};

export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  "default-operation none creates nothing": {
    ...{ ask: 0, semrd: "data-missing", netconfd: "ok", right: "semrd" },
    why: "RFC 6241 §7.2: data without a corresponding level in the target is data-missing; netconfd leaves it out and says ok",
  },
  "a value of the wrong type": {
    ...{ ask: 0, semrd: "invalid-value", netconfd: "bad-element", right: "semrd" },
    why: "RFC 7950 §8.3.1: a value that does not match the type of its leaf is invalid-value, as netconfd says too of one out of its range",
  },
  "a leaf that is state": {
    ...{ ask: 0, semrd: "unknown-element", netconfd: "access-denied", right: "semrd" },
    why: "RFC 6241 appendix A: an unexpected element is present; access-denied is for authorization, which has not failed",
  },
  "lock of a candidate with changes": {
    ...{ ask: 1, semrd: "lock-denied", netconfd: "resource-denied", right: "either" },
    why: "RFC 6241 §7.5 forbids to grant it; it names lock-denied for a lock that is held, and no tag for this",
  },
  "a filter by two of one parent": {
    ...{ ask: 0, semrd: "data orchard{label=old tree{height=3 name=oak}}" },
    ...{ netconfd: "data orchard{label=old} orchard{tree{height=3 name=oak}}", right: "semrd" },
    why: "RFC 7950 §7.5.7: there is one instance of a container, and netconfd prints it twice",
  },
  "XPath: no expression": { ...EXPRESSION, semrd: "invalid-value" },
  "XPath: a prefix that nobody has declared": { ...EXPRESSION, semrd: "unknown-namespace" },
  "XPath: a number": {
    ...{ ask: 0, semrd: "invalid-value", netconfd: "data ", right: "semrd" },
    why: "RFC 6241 §8.9.1: an expression that does not give nodes is invalid-value",
  },
  "an entry twice in one edit": {
    ...{ ask: 0, semrd: "bad-element", netconfd: "ok", right: "semrd" },
    why: "RFC 7950 §7.8.2: keys identify one entry; of two that say different things the first would be lost without a word",
  },
  "create twice in one edit": {
    ...{ ask: 0, semrd: "data-exists", netconfd: "operation-failed", right: "semrd" },
    why: "RFC 6241 §7.2: create of what exists is data-exists, and the first of the two has made it",
  },
  "an edit without a target": NO_MANDATORY,
  "an edit without content": NO_MANDATORY,
  "validate of what is sent along": {
    ...{ ask: 1, semrd: "data-missing", netconfd: "data-missing operation-failed", right: "semrd" },
    why: "RFC 7950 §6.4.1: default values are there when a condition is evaluated, so that it holds here; the reference alone is wrong",
  },
  "copy of a datastore to itself": {
    ...{ ask: 0, semrd: "invalid-value", netconfd: "operation-not-supported", right: "semrd" },
    why: "RFC 6241 §7.3: the same source and target is invalid-value",
  },
  "unlock of what another has locked": {
    ...{ ask: 1, semrd: "operation-failed", netconfd: "in-use", right: "either" },
    why: "RFC 6241 §7.6 has it fail, and names no tag",
  },
  "confirmed commit, followed up by one of nothing and confirmed": {
    ...{ ask: 3, semrd: "lock-denied", netconfd: "in-use", right: "either" },
    why: "RFC 6241 §7.5 forbids to grant the lock while the confirmed commit of another waits, and names no tag",
  },
  "persist-id with nothing that waits": {
    ...{ ask: 0, semrd: "invalid-value", netconfd: "operation-failed", right: "either" },
    why: "RFC 6241 §8.4.5.1 has invalid-value for an id that does not match the one that waits, and nothing for one where none waits",
  },
  "a schema that there is not": {
    ...{ ask: 0, semrd: "invalid-value", netconfd: "operation-failed", right: "semrd" },
    why: "RFC 6022 §3.1: a schema that does not exist is invalid-value",
  },
  "a stream that there is not": {
    ...{ ask: 0, semrd: "invalid-value", netconfd: "operation-failed", right: "either" },
    why: "RFC 5277 §2.1.1 has it fail, and names no tag",
  },
};
