/** What is asked of both servers, with the module of this folder. Each case begins with the same running and candidate. */

export interface Case {
  readonly name: string;
  /** Requests of the first client, or of the second: `["b", request]`. `$a` is the id of the first one's session. */
  readonly asks: readonly (string | readonly ["b", string])[];
}

const NC = 'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"';
const WD = 'xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"';
const ORCHARD = 'xmlns="urn:semrd:test:orchard"';

export const orchard = (inner: string, operation?: string): string =>
  `<orchard ${ORCHARD} ${NC}${operation === undefined ? "" : ` nc:operation="${operation}"`}>${inner}</orchard>`;

export const edit = (inner: string, options = "", target = "candidate"): string =>
  `<edit-config><target><${target}/></target>${options}<config>${inner}</config></edit-config>`;

const tree = (name: string, more = "<height>3</height>", operation?: string): string =>
  `<tree${operation === undefined ? "" : ` ${NC} nc:operation="${operation}"`}><name>${name}</name>${more}</tree>`;

const read = (source = "candidate", more = ""): string =>
  `<get-config><source><${source}/></source><filter type="subtree"><orchard ${ORCHARD}/></filter>${more}</get-config>`;

const lock = (target: string, verb = "lock"): string => `<${verb}><target><${target}/></target></${verb}>`;
const confirmed = (more: string): string => `<commit><confirmed/>${more}</commit>`;
const withDefaults = (mode: string): string => `<with-defaults ${WD}>${mode}</with-defaults>`;

/** Running, at the beginning of each case. */
export const BEGIN = orchard(`<label>old</label>${tree("oak")}`, "replace");

export const CASES: readonly Case[] = [
  { name: "create", asks: [edit(orchard(tree("fir", "<height>9</height>", "create"))), read()] },
  { name: "create of what is there", asks: [edit(orchard(tree("oak", "<height>3</height>", "create")))] },
  { name: "delete", asks: [edit(orchard(tree("oak", "", "delete"))), read()] },
  { name: "delete of what is not there", asks: [edit(orchard(tree("elm", "", "delete")))] },
  { name: "remove", asks: [edit(orchard(tree("oak", "", "remove"))), read()] },
  { name: "remove of what is not there", asks: [edit(orchard(tree("elm", "", "remove"))), read()] },
  { name: "replace of an entry", asks: [edit(orchard(tree("oak", "<height>7</height>", "replace"))), read()] },
  { name: "merge keeps what is not in it", asks: [edit(orchard(tree("oak", "<kind>pear</kind>"))), read()] },
  {
    name: "default-operation none creates nothing",
    asks: [edit(orchard(tree("elm", "<height>2</height>")), "<default-operation>none</default-operation>"), read()],
  },
  {
    name: "default-operation none, with an operation inside",
    asks: [
      edit(orchard(tree("elm", "<height>2</height>", "create")), "<default-operation>none</default-operation>"),
      read(),
    ],
  },
  {
    name: "default-operation replace",
    asks: [edit(orchard(tree("elm", "<height>2</height>")), "<default-operation>replace</default-operation>"), read()],
  },
  { name: "an unknown default-operation", asks: [edit("", "<default-operation>zap</default-operation>")] },
  {
    name: "test-then-set of what is not valid",
    asks: [edit(orchard("<best>elm</best>"), "<test-option>test-then-set</test-option>"), read()],
  },
  {
    name: "set does not test",
    asks: [edit(orchard("<best>elm</best>"), "<test-option>set</test-option>"), read(), "<commit/>"],
  },
  { name: "test-only", asks: [edit(orchard(tree("elm")), "<test-option>test-only</test-option>"), read()] },
  ...["stop-on-error", "continue-on-error", "rollback-on-error"].map((option) => ({
    name: option,
    asks: [edit(orchard(tree("elm") + tree("ash", "", "delete")), `<error-option>${option}</error-option>`), read()],
  })),
  { name: "an unknown element", asks: [edit(orchard("<frobnicate/>"))] },
  { name: "an unknown namespace", asks: [edit('<x xmlns="urn:none"/>')] },
  { name: "an unknown attribute", asks: [edit(orchard('<label wrong="1">x</label>'))] },
  { name: "an unknown edit operation", asks: [edit(orchard(tree("elm", "", "zap")))] },
  { name: "delete of a leaf without its value", asks: [edit(orchard(`<label nc:operation="delete"/>`)), read()] },
  { name: "a value of the wrong type", asks: [edit(orchard("<size>many</size>"))] },
  { name: "a value out of its range", asks: [edit(orchard("<size>101</size>"))] },
  { name: "a value that breaks a pattern", asks: [edit(orchard("<label>No</label>"))] },
  { name: "a value that is too long", asks: [edit(orchard("<label>abcdefghijk</label>"))] },
  { name: "a key that breaks a pattern", asks: [edit(orchard(tree("No")))] },
  { name: "an entry without its key", asks: [edit(orchard("<tree><height>3</height></tree>"))] },
  { name: "an enumeration that there is not", asks: [edit(orchard(tree("oak", "<kind>plum</kind>")))] },
  { name: "a leaf that is state", asks: [edit(orchard("<state>x</state>"))] },
  {
    name: "a mandatory leaf that is missing",
    asks: [edit(orchard(tree("elm", "")), "<test-option>set</test-option>"), "<commit/>"],
  },
  {
    name: "a reference to nothing",
    asks: [
      edit(orchard("<best>elm</best>"), "<test-option>set</test-option>"),
      "<validate><source><candidate/></source></validate>",
    ],
  },
  {
    name: "a condition that does not hold",
    asks: [edit(orchard("<best>oak</best><size>1</size>"), "<test-option>set</test-option>"), "<commit/>"],
  },
  {
    name: "more entries than there may be",
    asks: [
      edit(orchard(["a", "b", "c", "d"].map((name) => tree(name)).join("")), "<test-option>set</test-option>"),
      "<commit/>",
    ],
  },
  {
    name: "a choice: the other case goes",
    asks: [edit(orchard("<path>x</path>")), edit(orchard("<road>y</road>")), read()],
  },
  {
    name: "a leaf-list in the order of the user",
    asks: [edit(orchard(tree("oak", "<tag>b</tag><tag>a</tag>"))), read()],
  },
  {
    name: "lock, and another session",
    asks: [lock("candidate"), ["b", lock("candidate")], ["b", edit(orchard(""))], lock("candidate", "unlock")],
  },
  { name: "unlock of what is not locked", asks: [lock("running", "unlock")] },
  { name: "lock of a candidate with changes", asks: [edit(orchard("<label>new</label>")), ["b", lock("candidate")]] },
  { name: "commit", asks: [edit(orchard("<label>new</label>")), "<commit/>", read("running")] },
  { name: "discard", asks: [edit(orchard("<label>new</label>")), "<discard-changes/>", read()] },
  {
    name: "confirmed commit and cancel",
    asks: [
      edit(orchard("<label>new</label>")),
      confirmed("<confirm-timeout>60</confirm-timeout>"),
      read("running"),
      "<cancel-commit/>",
      read("running"),
    ],
  },
  {
    name: "confirmed commit by another session with its id",
    asks: [
      edit(orchard("<label>new</label>")),
      confirmed("<persist>p</persist>"),
      ["b", "<commit><persist-id>q</persist-id></commit>"],
      ["b", "<commit><persist-id>p</persist-id></commit>"],
      read("running"),
    ],
  },
  { name: "cancel with nothing that waits", asks: ["<cancel-commit/>"] },
  { name: "delete-config of running", asks: ["<delete-config><target><running/></target></delete-config>"] },
  {
    name: "copy to the candidate",
    asks: [
      edit(orchard("<label>new</label>")),
      "<copy-config><target><candidate/></target><source><running/></source></copy-config>",
      read(),
    ],
  },
  ...["report-all", "trim", "explicit"].map((mode) => ({
    name: `with-defaults ${mode}`,
    asks: [read("running", withDefaults(mode))],
  })),
  { name: "an unknown operation", asks: ['<frobnicate xmlns="urn:none"/>'] },
  {
    name: "a filter by XPath",
    asks: [
      `<get-config><source><running/></source><filter type="xpath" xmlns:o="urn:semrd:test:orchard" select="/o:orchard/o:tree[o:name='oak']/o:height"/></get-config>`,
    ],
  },
  {
    name: "a filter by content",
    asks: [
      `<get-config><source><running/></source><filter type="subtree"><orchard ${ORCHARD}><tree><name>oak</name><height/></tree></orchard></filter></get-config>`,
    ],
  },
  { name: "kill-session of oneself", asks: ["<kill-session><session-id>$a</session-id></kill-session>"] },
  { name: "kill-session of nobody", asks: ["<kill-session><session-id>4294967295</session-id></kill-session>"] },
  { name: "a datastore that there is not", asks: ["<get-config><source><nowhere/></source></get-config>"] },
];
