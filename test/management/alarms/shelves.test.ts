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
  answered,
  DEFAULT_CONTROL,
  fault,
  operatorStateOf,
  refused,
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

function bench(control: Partial<AlarmControl> = {}, nodes?: ConstructorParameters<typeof AlarmBook>[2]) {
  const clock = new VirtualClock();
  const book = new AlarmBook(TYPES, clock, nodes);
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
      for (const resource of fits) assert.equal(read.fits?.(resource), true, resource);
      for (const resource of others) assert.equal(read.fits?.(resource), false, resource);
    });

  for (const beyond of ["//*[position() = 1]", "/a[b > 1]", "/a | /b", "/a/..", "(/a | /b)[1]"])
    it(`${beyond} is to be evaluated`, () => {
      const read = resourceCriterion(beyond);
      assert.ok(read.ok && "expression" in read);
      assert.deepEqual([read.expression, read.fits], [beyond, undefined]);
    });

  it("a leaf that is no key is a matter of the data", () => {
    const read = resourceCriterion(`${NEIGHBORS}/neighbor[enabled="false"]`);
    assert.ok(read.ok && "expression" in read);
    assert.equal(read.expression, `${NEIGHBORS}/neighbor[enabled='false']`);
    assert.deepEqual([read.fits?.(ONE), read.fits?.(NEIGHBORS), read.fits?.("eth0")], [undefined, false, false]);
  });

  it("an object identifier fits those that begin with it", () => {
    const read = resourceCriterion("1.3.6.1.2.1.2.2");
    assert.ok(read.ok);
    const fits = ["1.3.6.1.2.1.2.2.1.1.5", "1.3.6.1.2.1.2.2", "1.3.6.1.2.1.2.22", "x"].map((one) => read.fits?.(one));
    assert.deepEqual(fits, [true, true, false, false]);
  });

  for (const wrong of ["count(/a)[", "eth[", "(x"])
    it(`refuses ${wrong}`, () => assert.equal(resourceCriterion(wrong).ok, false));
});

describe("criteria that are XPath (RFC 8632, resource-match)", () => {
  const LAB = `${NEIGHBORS}/neighbor[description='lab']`;
  const document = (...addresses: readonly string[]): string =>
    JSON.stringify({
      "semrd-router:router": {
        "semrd-bgp:bgp": { neighbors: { neighbor: addresses.map((address) => ({ address })) } },
      },
    });
  const labShelf = { shelves: [shelf("lab", { resources: [LAB] })] };

  /** `selected` is what there is when the book asks. */
  function evaluated(control: Partial<AlarmControl>) {
    const asked: string[] = [];
    const failures: string[] = [];
    const state = { selected: document(), isBroken: false };
    const select = async (expression: string) => {
      asked.push(expression);
      return state.isBroken
        ? refused(fault("resource-denied", "it took longer than 1000 ms"))
        : answered(state.selected);
    };
    const failed = (expression: string): void => void failures.push(expression);
    return { ...bench(control, { select, failed }), asked, failures, state };
  }
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const down = (book: AlarmBook, ...resources: readonly string[]): void => {
    const condition = { severity: "major", text: "t" } as const;
    book.reconcile(DOWN, new Map(resources.map((one) => [one, condition])));
  };

  it("an alarm is in no list before it is known whether it is on a shelf; then it is in one, and told of or not", async () => {
    const { book, news, list, shelved, asked, state } = evaluated(labShelf);
    state.selected = document("fd00::1");
    down(book, ONE, TWO);
    assert.deepEqual([list(), shelved(), news.length], [[], [], 0]);
    await settled();
    assert.deepEqual([list(), shelved()], [[TWO], [[ONE, "lab"]]]);
    assert.deepEqual(
      news.map((one) => one.type === "status" && [one.alarm.resource, one.isTold]),
      [
        [ONE, false],
        [TWO, true],
      ],
    );
    // Once for both: they are of one depth
    assert.deepEqual(asked, [`(${NEIGHBORS}/neighbor[description='lab'])[../../../..][not(../../../../..)]`]);
  });

  it("what is over before it is known is never raised", async () => {
    const { book, news, list, shelved } = evaluated(labShelf);
    down(book, ONE, TWO);
    down(book, TWO);
    book.clear(TWO, DOWN);
    await settled();
    assert.deepEqual([list(), shelved(), news], [[], [], []]);
  });

  it("other data put alarms on shelves and take them back; what was known holds until then", async () => {
    const { book, list, shelved, state } = evaluated(labShelf);
    down(book, ONE);
    await settled();
    assert.deepEqual([list(), shelved()], [[ONE], []]);
    state.selected = document("fd00::1");
    book.dataChanged();
    assert.deepEqual(list(), [ONE]);
    await settled();
    assert.deepEqual([list(), shelved()], [[], [[ONE, "lab"]]]);
    state.selected = document();
    book.dataChanged();
    await settled();
    assert.deepEqual([list(), shelved()], [[ONE], []]);
  });

  it("one that cannot be evaluated selects nothing, and that is said", async () => {
    const { book, list, failures, state } = evaluated(labShelf);
    state.isBroken = true;
    down(book, ONE);
    await settled();
    assert.deepEqual([list(), failures], [[ONE], [LAB]]);
  });

  it("profiles go by it, too: the severity is that of the profile from the first moment", async () => {
    const profiles: AlarmProfile[] = [{ type: any(DOWN), resource: LAB, levels: ["warning"] }];
    const { book, news, state } = evaluated({ profiles });
    state.selected = document("fd00::1");
    down(book, ONE, TWO);
    await settled();
    assert.deepEqual([book.find(ONE, DOWN)?.severity, book.find(TWO, DOWN)?.severity], ["warning", "major"]);
    assert.equal(news.length, 2);
  });

  it("a shelf that comes later takes what is there once it is known, and gives it back when it goes", async () => {
    const { book, follow, list, shelved, state } = evaluated({});
    state.selected = document("fd00::1");
    down(book, ONE, TWO);
    follow(labShelf);
    assert.deepEqual(list(), [ONE, TWO]);
    await settled();
    assert.deepEqual([list(), shelved()], [[TWO], [[ONE, "lab"]]]);
    follow({});
    assert.deepEqual(list().toSorted(), [ONE, TWO]);
  });
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
