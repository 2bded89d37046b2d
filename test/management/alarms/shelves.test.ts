import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Alarm,
  AlarmBook,
  type AlarmControl,
  type AlarmNews,
  type AlarmProfile,
  alarmOperations,
  alarmState,
  DEFAULT_CONTROL,
  operatorStateOf,
  resourceCriterion,
  type Shelf,
  type TypeCriterion,
} from "../../../src/management/index.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const FULL = "semrd-alarms:table-nearly-full";
const DOWN = "semrd-alarms:bgp-session-down";
const NEIGHBORS = "/semrd-router:router/semrd-bgp:bgp/neighbors";
const [ONE, TWO] = [`${NEIGHBORS}/neighbor[address='fd00::1']`, `${NEIGHBORS}/neighbor[address='fd00::2']`];
const TYPES = [{ id: FULL, severities: ["warning", "critical"], description: "full" }] as const;

const any = (id: string): TypeCriterion => ({ id, qualifier: ".*" });
const shelf = (name: string, criteria: Partial<Shelf> = {}): Shelf => ({ name, resources: [], types: [], ...criteria });

function bench(control: Partial<AlarmControl> = {}) {
  const clock = new VirtualClock();
  const book = new AlarmBook(TYPES, clock);
  const news: AlarmNews[] = [];
  book.subscribe((one) => news.push(one));
  const follow = (changes: Partial<AlarmControl>): void => book.follow({ ...DEFAULT_CONTROL, ...changes });
  follow(control);
  const list = (): readonly string[] => Array.from(book.alarms, ({ resource }) => resource);
  const shelved = (): readonly (string | undefined)[][] =>
    Array.from(book.shelved, ({ resource, shelf }) => [resource, shelf]);
  return { clock, book, news, follow, list, shelved };
}

describe("criteria of resources (RFC 8632, resource-match)", () => {
  for (const [criterion, fits, others] of [
    [NEIGHBORS.concat("/neighbor"), [ONE, TWO], [NEIGHBORS, `${ONE}/state`]],
    [`${NEIGHBORS}/neighbor[address='fd00::1']`, [ONE], [TWO]],
    [
      "/semrd-router:router/semrd-bgp:bgp/semrd-bgp:neighbors/semrd-bgp:neighbor[semrd-bgp:address='fd00::1']",
      [ONE],
      [TWO],
    ],
    ["//semrd-bgp:neighbor", [ONE, TWO], [NEIGHBORS]],
    ["//semrd-rib:neighbor", [], [ONE]],
    ["//*", [ONE, NEIGHBORS], ["eth0"]],
    ["/semrd-router:router//*", [ONE], ["/ietf-alarms:alarms"]],
    ["/*/semrd-bgp:bgp/*", [NEIGHBORS], [ONE]],
    ["eth[0-9]+", ["eth0", "eth12"], ["eth", "xeth0", ONE]],
  ] as const)
    it(criterion, () => {
      const read = resourceCriterion(criterion);
      assert.ok(read.ok);
      for (const resource of fits) assert.ok(read.fits(resource), resource);
      for (const resource of others) assert.ok(!read.fits(resource), resource);
    });

  for (const beyond of ["//*[position() = 1]", "/a[b > 1]", "/a | /b", "/a/..", "count(/a)[", "eth[", "(x"])
    it(`refuses ${beyond}`, () => assert.equal(resourceCriterion(beyond).ok, false));
});

describe("shelves (RFC 8632 §4.1.1)", () => {
  it("what fits all kinds of criteria of a shelf is on the first such, in its own list, and nobody is told", () => {
    const { book, news, list, shelved } = bench({
      shelves: [
        shelf("first", { resources: [ONE], types: [any(FULL)] }),
        shelf("second", { resources: [ONE, "//nothing"] }),
        shelf("third", { types: [any("semrd-alarms:router-alarm")], resources: [TWO] }),
      ],
    });
    book.raise(ONE, DOWN, { severity: "major", text: "t" });
    book.raise(TWO, DOWN, { severity: "major", text: "t" });
    book.raise("eth0", DOWN, { severity: "major", text: "t" });
    assert.deepEqual(shelved(), [
      [ONE, "second"],
      [TWO, "third"],
    ]);
    assert.deepEqual(list(), ["eth0"]);
    assert.deepEqual([book.size, book.shelvedSize], [1, 2]);
    assert.deepEqual(
      book.counts.filter(({ count }) => count > 0),
      [{ severity: "major", count: 1 }],
    );
    assert.deepEqual(
      news.flatMap((one) => (one.type === "status" && one.isTold ? [one.alarm.resource] : [])),
      ["eth0"],
    );
    assert.equal(operatorStateOf(book.find(ONE, DOWN)!), "shelved");
    assert.match(book.find(ONE, DOWN)!.operatorChanges[0]!.text!, /second/);
  });

  it("one without criteria takes all; a qualifier that is asked for takes none, as there are none", () => {
    assert.deepEqual(shelvedBy(shelf("all")), [[ONE, "all"]]);
    assert.deepEqual(shelvedBy(shelf("q", { types: [{ id: DOWN, qualifier: "x+" }] })), []);
    assert.deepEqual(shelvedBy(shelf("e", { types: [{ id: DOWN, qualifier: "" }] })), [[ONE, "e"]]);
    function shelvedBy(one: Shelf) {
      const { book, shelved } = bench({ shelves: [one] });
      book.raise(ONE, DOWN, { severity: "major", text: "t" });
      return shelved();
    }
  });

  it("alarms follow the shelves as they change, keep their history, and are told of again", () => {
    const { book, news, follow, list, shelved } = bench();
    const is = (severity: "major" | "critical"): void => book.raise(ONE, DOWN, { severity, text: "t" });
    is("major");
    follow({ shelves: [shelf("a")] });
    is("critical");
    assert.deepEqual([list(), shelved()], [[], [[ONE, "a"]]]);
    follow({ shelves: [shelf("b")] });
    follow({});
    const alarm = book.find(ONE, DOWN)!;
    assert.deepEqual([list(), shelved(), alarm.shelf], [[ONE], [], undefined]);
    assert.deepEqual(
      alarm.changes.map(({ severity }) => severity),
      ["critical", "major"],
    );
    assert.deepEqual(
      alarm.operatorChanges.map(({ state, text }) => `${state}: ${text}`),
      ["un-shelved: taken from the shelf b", "shelved: on the shelf b", "shelved: on the shelf a"],
    );
    book.clear(ONE, DOWN);
    assert.deepEqual(
      news.map((one) => (one.type === "status" ? `${one.change.severity} ${one.isTold}` : one.type)),
      ["major true", "shelf", "critical false", "shelf", "shelf", "cleared true"],
    );
  });

  it("actions of one list leave the other alone; operators say nothing of what is on a shelf", async () => {
    const { book, clock, list, shelved } = bench({ shelves: [shelf("a", { resources: [ONE] })] });
    for (const resource of [ONE, TWO])
      for (const text of ["t", "u"]) book.raise(resource, DOWN, { severity: "major", text });
    const operations = alarmOperations(book, clock);
    const at = "/ietf-alarms:alarms";
    const call = (name: string, input: object, keys?: Readonly<Record<string, string>>) =>
      operations[`${at}${name}`]!(
        {
          name,
          input: input as never,
          target: [{ name: "ietf-alarms:alarm", ...(keys === undefined ? {} : { keys }) }],
        },
        { user: "ann" } as never,
      );
    const keys = { resource: ONE, "alarm-type-id": DOWN, "alarm-type-qualifier": "" };
    const said = await call("/alarm-list/alarm/set-operator-state", { state: "ack" }, keys);
    assert.ok(!said.ok && said.faults[0]!.errorTag === "data-missing" && /on a shelf/.test(said.faults[0]!.message));
    assert.deepEqual(await call("/shelved-alarms/compress-shelved-alarms", {}), {
      ok: true,
      value: { "compressed-alarms": 1 },
    });
    const changes = (resource: string): number => book.find(resource, DOWN)!.changes.length;
    assert.deepEqual([changes(ONE), changes(TWO)], [1, 2]);
    const everything = { "alarm-clearance-status": "any" };
    assert.deepEqual(await call("/shelved-alarms/purge-shelved-alarms", everything), {
      ok: true,
      value: { "purged-alarms": 1 },
    });
    assert.deepEqual([list(), shelved()], [[TWO], []]);
  });

  it("state says that there are some, and where each stands; those who watch hear of both lists", () => {
    const { book, follow } = bench({ shelves: [shelf("a")] });
    book.raise(ONE, DOWN, { severity: "major", text: "t" });
    const sources = alarmState(book);
    const rows = (name: string) => {
      const source = sources.find(({ path }) => path.at(-1)!.name === `ietf-alarms:${name}`)!;
      return [...(source.rows(source.path) as Iterable<{ readonly value: Readonly<Record<string, unknown>> }>)];
    };
    assert.deepEqual(rows("alarm"), []);
    assert.equal(rows("shelved-alarm")[0]!.value["shelf-name"], "a");
    assert.equal(rows("shelved-alarms")[0]!.value["number-of-shelved-alarms"], 1);
    assert.deepEqual(rows("summary")[0]!.value, { "alarm-summary": [], "shelves-active": [null] });
    const heard: string[] = [];
    for (const source of sources.filter(({ path }) => path.length === 3))
      source.watch!((path) => heard.push(path.at(-1)!.name));
    follow({});
    assert.deepEqual(heard.toSorted(), ["ietf-alarms:alarm", "ietf-alarms:shelved-alarm"]);
  });
});

describe("profiles (RFC 8632 §4.7)", () => {
  const profile = (...levels: AlarmProfile["levels"]): AlarmProfile => ({ type: any(FULL), resource: "//*", levels });

  it("the severities of the type become those of the first profile that fits, in their order", () => {
    const { book, follow } = bench({ profiles: [profile("minor", "major"), profile("critical")] });
    const severity = (): Alarm["severity"] => book.find(ONE, FULL)!.severity;
    book.raise(ONE, FULL, { severity: "warning", text: "t" });
    assert.equal(severity(), "minor");
    book.raise(ONE, FULL, { severity: "critical", text: "t" });
    assert.equal(severity(), "major");
    follow({ profiles: [profile("indeterminate")] });
    assert.equal(severity(), "indeterminate", "at once, and the last one where there are fewer");
    follow({ profiles: [profile()] });
    assert.equal(severity(), "critical", "one without levels leaves them");
    follow({
      profiles: [
        { ...profile("minor"), resource: TWO },
        { ...profile("minor"), type: any(DOWN) },
      ],
    });
    assert.equal(severity(), "critical", "of something else");
    book.clear(ONE, FULL);
    follow({ profiles: [profile("minor")] });
    assert.equal(book.find(ONE, FULL)!.isCleared, true, "what is over stays so");
  });
});
