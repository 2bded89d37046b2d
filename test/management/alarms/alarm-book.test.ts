import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { resourceOf } from "../../../src/management/alarms/resource.ts";
import {
  AlarmBook,
  type AlarmControl,
  type AlarmNews,
  alarmOperations,
  type Condition,
  DEFAULT_CONTROL,
  operatorStateOf,
  type Severity,
} from "../../../src/management/index.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const TYPE = "semrd-alarms:table-nearly-full";
const OTHER = "semrd-alarms:bgp-session-down";
const AT = "/semrd-router:router";

function bench(control?: AlarmControl) {
  const clock = new VirtualClock();
  const book = new AlarmBook([], clock);
  if (control !== undefined) book.follow(control);
  const news: AlarmNews[] = [];
  book.subscribe((one) => news.push(one));
  const told = () => news.flatMap((one) => (one.type === "status" && one.isTold ? [one.change.severity] : []));
  const is = (severity: Severity, text = "t"): void => book.raise(AT, TYPE, { severity, text });
  return { clock, book, news, told, is };
}

describe("the alarm list (RFC 8632)", () => {
  it("an alarm is raised, changes, is cleared and raised again: one entry with its history (§3.5.1)", () => {
    const { clock, book, is } = bench();
    const begun = clock.wall();
    is("warning");
    clock.advance(1000 as never);
    is("critical", "full");
    clock.advance(1000 as never);
    book.clear(AT, TYPE);
    clock.advance(1000 as never);
    is("warning");
    const alarm = book.find(AT, TYPE)!;
    assert.equal(book.size, 1);
    assert.deepEqual(
      [alarm.created - begun, alarm.raised - begun, alarm.changed - begun, alarm.isCleared],
      [0, 3000, 3000, false],
    );
    assert.deepEqual(
      alarm.changes.map(({ severity, text }) => [severity, text]),
      [
        ["warning", "t"],
        ["cleared", "over; it was: full"],
        ["critical", "full"],
        ["warning", "t"],
      ],
    );
  });

  it("a cleared alarm keeps its last severity, and its text says what it was (§3.5.1)", () => {
    const { book, is } = bench();
    is("major", "broken");
    book.clear(AT, TYPE);
    const { severity, text, isCleared } = book.find(AT, TYPE)!;
    assert.deepEqual([severity, text, isCleared], ["major", "over; it was: broken", true]);
  });

  it("the same again changes nothing and is told to nobody (§3.5.1)", () => {
    const { news, is } = bench();
    is("warning");
    is("warning");
    assert.equal(news.length, 1);
  });

  it("times of changes are keys: two within a millisecond are a millisecond apart", () => {
    const { book, is } = bench();
    is("warning");
    is("major");
    is("minor");
    const times = book.find(AT, TYPE)!.changes.map(({ time }) => time);
    assert.deepEqual(times, [times[2]! + 2, times[2]! + 1, times[2]]);
  });

  it("max-alarm-status-changes: the oldest go, also when it is made smaller (§4.1)", () => {
    const { book, is } = bench({ ...DEFAULT_CONTROL, maxStatusChanges: 3, notify: "all-state-changes" });
    for (const severity of ["warning", "minor", "major", "critical"] as const) is(severity);
    const kept = () => book.find(AT, TYPE)!.changes.map(({ severity }) => severity);
    assert.deepEqual(kept(), ["critical", "major", "minor"]);
    book.follow({ ...DEFAULT_CONTROL, maxStatusChanges: 1, notify: "all-state-changes" });
    assert.deepEqual(kept(), ["critical"]);
  });

  it("notify raise-and-clear: no change of severity or text is told of (§4.1)", () => {
    const { book, told, is } = bench({ ...DEFAULT_CONTROL, maxStatusChanges: 32, notify: "raise-and-clear" });
    is("warning");
    is("major");
    is("major", "other");
    book.clear(AT, TYPE);
    is("minor");
    assert.deepEqual(told(), ["warning", "cleared", "minor"]);
  });

  it("notify severity-level: the example of RFC 8632 §4.1, level major", () => {
    const { book, told, is } = bench({ ...DEFAULT_CONTROL, maxStatusChanges: 32, notify: { from: "major" } });
    // [(T1, major, -), (T2, minor, -), (T3, warning, -), (T4, minor, -), (T5, major, -), (T6, critical, -), (T7, major, -), (T8, major, clear)]
    for (const severity of ["major", "minor", "warning", "minor", "major", "critical", "major"] as const) is(severity);
    book.clear(AT, TYPE);
    assert.deepEqual(told(), ["major", "minor", "major", "critical", "major", "cleared"]);
  });

  it("reconcile raises what is, clears what is not, and leaves other types alone", () => {
    const { book } = bench();
    const condition: Condition = { severity: "major", text: "t" };
    book.raise("c", OTHER, condition);
    book.reconcile(
      TYPE,
      new Map([
        ["a", condition],
        ["b", condition],
      ]),
    );
    book.reconcile(TYPE, new Map([["b", condition]]));
    assert.deepEqual(
      [...book.alarms].map(({ resource, isCleared }) => [resource, isCleared]),
      [
        ["c", false],
        ["a", true],
        ["b", false],
      ],
    );
  });

  it("closed by an operator, and raised again: somebody has to look once more", () => {
    const { book, is } = bench();
    is("major");
    book.setOperatorState(book.find(AT, TYPE)!, { operator: "ann", state: "closed", text: "mended" });
    book.clear(AT, TYPE);
    assert.equal(operatorStateOf(book.find(AT, TYPE)!), "closed");
    is("major");
    assert.deepEqual(
      book.find(AT, TYPE)!.operatorChanges.map(({ operator, state, text }) => [operator, state, text]),
      [
        ["semrd", "none", "raised again"],
        ["ann", "closed", "mended"],
      ],
    );
  });

  it("has a bound: a cleared one makes room, and without any the new one is counted as refused", () => {
    const { book } = bench();
    const condition: Condition = { severity: "minor", text: "t" };
    for (let i = 0; i < 4096; i++) book.raise(`r${i}`, TYPE, condition);
    book.raise("more", TYPE, condition);
    assert.deepEqual([book.size, book.refused, book.find("more", TYPE)], [4096, 1, undefined]);
    book.clear("r7", TYPE);
    book.raise("more", TYPE, condition);
    assert.deepEqual([book.size, book.find("r7", TYPE)], [4096, undefined]);
  });

  it("whatever is said, the list is what was last said (property)", () => {
    const severity = fc.constantFrom<Severity>("warning", "minor", "major");
    const conditions = fc.dictionary(fc.constantFrom("a", "b", "c"), severity);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(TYPE, OTHER), conditions), { maxLength: 20 }), (steps) => {
        const { book, clock } = bench({ ...DEFAULT_CONTROL, maxStatusChanges: 5, notify: "all-state-changes" });
        const last = new Map<string, Record<string, Severity>>();
        for (const [type, found] of steps) {
          clock.advance(7 as never);
          const said = Object.entries(found).map(([resource, is]) => [resource, { severity: is, text: is }] as const);
          book.reconcile(type, new Map(said));
          last.set(type, found);
        }
        for (const alarm of book.alarms) {
          const now = last.get(alarm.type)![alarm.resource];
          assert.equal(alarm.isCleared, now === undefined);
          if (now !== undefined) assert.equal(alarm.severity, now);
          assert.ok(alarm.changes.length <= 5);
          assert.equal(alarm.changes[0]!.severity, alarm.isCleared ? "cleared" : alarm.severity);
          assert.equal(new Set(alarm.changes.map(({ time }) => time)).size, alarm.changes.length);
        }
      }),
    );
  });
});

it("a resource is the same however its path is written (RFC 7951 §6.11)", () => {
  const short = "/a-b:x/c:y[k='d:e/f:g'][l=\"[m:n='\"]/z";
  for (const long of [
    short,
    "/a-b:x/c:y[c:k='d:e/f:g'][c:l=\"[m:n='\"]/c:z",
    "/a-b:x/c:y[ c:k='d:e/f:g'][l=\"[m:n='\"]/z",
  ])
    assert.equal(resourceOf(long), short);
  assert.equal(resourceOf("a:b c:d"), "a:b c:d");
});

describe("what operators do with it (RFC 8632 §4.5)", () => {
  const LIST = "/ietf-alarms:alarms/alarm-list";
  const session = { id: 1, user: "ann", protocol: "netconf", source: "here" } as const;

  function listed() {
    const { clock, book } = bench();
    book.raise("old", TYPE, { severity: "warning", text: "t" });
    book.clear("old", TYPE);
    clock.advance(120_000 as never);
    book.raise("new", TYPE, { severity: "critical", text: "t" });
    book.raise("new", TYPE, { severity: "major", text: "t" });
    const operations = alarmOperations(book, clock);
    const call = async (name: string, input: object, keys: Record<string, string> = {}) =>
      await operations[`${LIST}/${name}`]!({ name, target: [{ name: "x", keys }], input: input as never }, session);
    return { book, call, left: () => [...book.alarms].map(({ resource }) => resource) };
  }

  const PURGED: readonly (readonly [what: object, left: readonly string[]])[] = [
    [{ "alarm-clearance-status": "cleared" }, ["new"]],
    [{ "alarm-clearance-status": "not-cleared" }, ["old"]],
    [{ "alarm-clearance-status": "any" }, []],
    [{ "alarm-clearance-status": "any", "older-than": { minutes: 1 } }, ["new"]],
    [{ "alarm-clearance-status": "any", "older-than": { hours: 1 } }, ["old", "new"]],
    [{ "alarm-clearance-status": "any", severity: { above: "warning" } }, ["old"]],
    [{ "alarm-clearance-status": "any", severity: { below: "major" } }, ["new"]],
    [{ "alarm-clearance-status": "any", severity: { is: "major" } }, ["old"]],
    [{ "alarm-clearance-status": "any", "operator-state-filter": { state: "closed", user: "ann" } }, ["old", "new"]],
  ];
  for (const [what, left] of PURGED)
    it(`purge-alarms ${JSON.stringify(what)}`, async () => {
      const list = listed();
      const answer = await list.call("purge-alarms", what);
      assert.deepEqual(answer, { ok: true, value: { "purged-alarms": 2 - left.length } });
      assert.deepEqual(list.left(), left);
    });

  it("compress-alarms keeps the last change", async () => {
    const { book, call } = listed();
    assert.deepEqual(await call("compress-alarms", { resource: "new" }), {
      ok: true,
      value: { "compressed-alarms": 1 },
    });
    assert.equal(book.find("new", TYPE)!.changes.length, 1);
    assert.equal(book.find("old", TYPE)!.changes.length, 2);
  });

  it("set-operator-state notes who, and refuses an alarm that is not there", async () => {
    const { book, call } = listed();
    const keys = { resource: "new", "alarm-type-id": TYPE, "alarm-type-qualifier": "" };
    assert.deepEqual(await call("alarm/set-operator-state", { state: "ack", text: "mine" }, keys), {
      ok: true,
      value: {},
    });
    const [{ operator, state, text }] = book.find("new", TYPE)!.operatorChanges as unknown as [
      { operator: string; state: string; text: string },
    ];
    assert.deepEqual([operator, state, text], ["ann", "ack", "mine"]);
    const absent = await call("alarm/set-operator-state", { state: "ack" }, { ...keys, resource: "none" });
    assert.equal(absent.ok ? "" : absent.faults[0]!.errorTag, "data-missing");
  });
});
