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

const select = (inner: string): string => `<orchard ${ORCHARD}>${inner}</orchard>`;
const filtered = (inner: string): string =>
  `<get-config><source><running/></source><filter type="subtree">${inner}</filter></get-config>`;
const xpath = (expression: string): string =>
  `<get-config><source><running/></source><filter type="xpath" xmlns:o="urn:semrd:test:orchard" select="${expression}"/></get-config>`;
const validate = (inner: string): string => `<validate><source><config>${inner}</config></source></validate>`;
const YANG = 'xmlns:y="urn:ietf:params:xml:ns:yang:1"';

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
  {
    name: "confirmed commit of nothing, cancelled",
    asks: [confirmed("<confirm-timeout>60</confirm-timeout>"), "<cancel-commit/>"],
  },
  {
    name: "confirmed commit, followed up by one of nothing and confirmed",
    asks: [
      edit(orchard("<label>new</label>")),
      confirmed("<confirm-timeout>60</confirm-timeout>"),
      confirmed("<confirm-timeout>90</confirm-timeout>"),
      ["b", lock("running")],
      "<commit/>",
      "<cancel-commit/>",
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
  ...[
    ["nothing", ""],
    ["a namespace that there is not", '<x xmlns="urn:none"/>'],
    ["an entry that there is not", select("<tree><name>elm</name></tree>")],
    ["one leaf of all entries", select("<tree><height/></tree>")],
    ["content of two leaves", select("<tree><name>oak</name><height>3</height></tree>")],
    ["content of two leaves, one of them another", select("<tree><name>oak</name><height>4</height></tree>")],
    ["content, with a node besides", select("<label>old</label><size/>")],
    ["other content, with a node besides", select("<label>new</label><size/>")],
    ["two of one parent", select("<label/>") + select("<tree/>")],
    ["a leaf that there is not", select("<frobnicate/>")],
  ].map(([what, inner]) => ({ name: `a filter by ${what}`, asks: [filtered(inner!)] })),
  ...[
    ["a union", "/o:orchard/o:label | /o:orchard/o:tree/o:name"],
    ["nothing that there is", "/o:orchard/o:tree[o:name='elm']"],
    ["all descendants of a name", "//o:height"],
    ["no expression", "/o:orchard["],
    ["a number", "count(//o:tree)"],
    ["a prefix that nobody has declared", "/p:orchard"],
  ].map(([what, select]) => ({ name: `XPath: ${what}`, asks: [xpath(select!)] })),
  {
    name: "a filter by XPath without its expression",
    asks: ['<get-config><source><running/></source><filter type="xpath"/></get-config>'],
  },
  {
    name: "a filter of no kind",
    asks: ['<get-config><source><running/></source><filter type="regex"/></get-config>'],
  },
  { name: "with-defaults report-all-tagged", asks: [read("running", withDefaults("report-all-tagged"))] },
  { name: "with-defaults of no kind", asks: [read("running", withDefaults("none"))] },
  {
    name: "a default value that was set",
    asks: [
      edit(orchard("<watered>true</watered>")),
      ...["report-all", "trim", "explicit"].map((mode) => read("candidate", withDefaults(mode))),
    ],
  },
  { name: "delete of a container", asks: [edit(orchard("", "delete")), read()] },
  { name: "an entry twice in one edit", asks: [edit(orchard(tree("elm") + tree("elm")))] },
  {
    name: "create twice in one edit",
    asks: [edit(orchard(tree("elm", undefined, "create") + tree("elm", undefined, "create")))],
  },
  {
    name: "a value of a leaf-list goes",
    asks: [
      edit(orchard(tree("oak", "<tag>a</tag><tag>b</tag>"))),
      edit(orchard(tree("oak", `<tag ${NC} nc:operation="delete">a</tag>`))),
      edit(orchard(tree("oak", `<tag ${NC} nc:operation="delete">c</tag>`))),
      read(),
    ],
  },
  {
    name: "a value of a leaf-list comes first",
    asks: [
      edit(orchard(tree("oak", "<tag>a</tag><tag>b</tag>"))),
      edit(orchard(tree("oak", `<tag ${YANG} ${NC} nc:operation="create" y:insert="first">c</tag>`))),
      edit(orchard(tree("oak", `<tag ${YANG} y:insert="after" y:value="a">d</tag>`))),
      read(),
    ],
  },
  {
    name: "a value of a leaf-list comes after one that there is not",
    asks: [edit(orchard(tree("oak", `<tag ${YANG} y:insert="after" y:value="z">d</tag>`)))],
  },
  { name: "an edit without a target", asks: ["<edit-config><config/></edit-config>"] },
  { name: "an edit without content", asks: ["<edit-config><target><candidate/></target></edit-config>"] },
  {
    name: "an edit with what there is not",
    asks: ["<edit-config><target><candidate/></target><frob/><config/></edit-config>"],
  },
  { name: "an empty edit", asks: [edit(""), read()] },
  { name: "an unknown error-option", asks: [edit("", "<error-option>zap</error-option>")] },
  { name: "an unknown test-option", asks: [edit("", "<test-option>zap</test-option>")] },
  {
    name: "validate of what is sent along",
    asks: [validate(orchard(tree("elm"))), validate(orchard("<best>elm</best>")), validate(orchard("<frobnicate/>"))],
  },
  {
    name: "copy of what is sent along",
    asks: [
      `<copy-config><target><candidate/></target><source><config>${orchard(tree("elm"))}</config></source></copy-config>`,
      read(),
    ],
  },
  {
    name: "copy of a datastore to itself",
    asks: ["<copy-config><target><candidate/></target><source><candidate/></source></copy-config>"],
  },
  {
    name: "edit of running, locked by another",
    asks: [
      ["b", lock("candidate")],
      edit(orchard("<label>new</label>")),
      "<commit/>",
      ["b", lock("candidate", "unlock")],
    ],
  },
  {
    name: "commit of running, locked by another",
    asks: [["b", lock("running")], edit(orchard("<label>new</label>")), "<commit/>", ["b", lock("running", "unlock")]],
  },
  {
    name: "unlock of what another has locked",
    asks: [["b", lock("running")], lock("running", "unlock"), ["b", lock("running", "unlock")]],
  },
  { name: "confirmed commit without time", asks: [confirmed("<confirm-timeout>0</confirm-timeout>")] },
  { name: "persist-id with nothing that waits", asks: ["<commit><persist-id>x</persist-id></commit>"] },
  {
    name: "cancel with a wrong id",
    asks: [
      edit(orchard("<label>new</label>")),
      confirmed("<persist>p</persist>"),
      "<cancel-commit><persist-id>q</persist-id></cancel-commit>",
      "<cancel-commit><persist-id>p</persist-id></cancel-commit>",
      read("running"),
    ],
  },
  {
    name: "a schema that there is not",
    asks: [
      '<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><identifier>none</identifier></get-schema>',
    ],
  },
  {
    name: "a stream that there is not",
    asks: [
      '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><stream>none</stream></create-subscription>',
    ],
  },
  {
    name: "a replay that ends before it begins",
    asks: [
      '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><startTime>2020-01-02T00:00:00Z</startTime><stopTime>2020-01-01T00:00:00Z</stopTime></create-subscription>',
    ],
  },
  {
    name: "an end of what is no replay",
    asks: [
      '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><stopTime>2020-01-01T00:00:00Z</stopTime></create-subscription>',
    ],
  },
  { name: "kill-session of oneself", asks: ["<kill-session><session-id>$a</session-id></kill-session>"] },
  { name: "kill-session of nobody", asks: ["<kill-session><session-id>4294967295</session-id></kill-session>"] },
  { name: "a datastore that there is not", asks: ["<get-config><source><nowhere/></source></get-config>"] },
];
