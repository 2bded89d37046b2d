import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { instanceState } from "../../src/directory/index.ts";
import { type Outcomes, startPassiveHealth } from "../../src/registration/index.ts";
import { bench, configured, HTTP_CHECK, offer } from "../directory/samples.ts";
import { ListLog } from "../sim/tally-metrics.ts";

/** Two instances of one capability, and what the data plane counted of them. */
function watched(check?: typeof HTTP_CHECK) {
  const at = bench();
  const log = new ListLog();
  const offers = [8080, 8081].map((port) => offer({ port, ...(check === undefined ? {} : { check }) }));
  at.directory.register(configured({ offers }));
  const [one, two] = [...at.directory.instances()].map(({ id }) => id) as [string, string];
  const counts = new Map<string, Outcomes>([one, two].map((id) => [id, { flows: 0n, answered: 0n, refused: 0n }]));
  const passive = startPassiveHealth({
    ...{ directory: at.directory, clock: at.clock, metrics: at.metrics, log },
    outcomes: () => counts.entries(),
  });
  passive.follow({ failures: 5, rest: 10_000 });
  at.clock.advance(600);
  const refuse = (id: string, times: bigint) => {
    const { flows, answered, refused } = counts.get(id)!;
    counts.set(id, { flows: flows + times, answered, refused: refused + times });
    at.clock.advance(600);
  };
  const states = () => [one, two].map((id) => instanceState(at.directory.instance(id)!)).join(" ");
  return { ...at, log, counts, passive, one, two, refuse, states };
}

describe("passive health", () => {
  it("who only refuses is out for a while, and the directory says why", () => {
    const at = watched();
    assert.equal(at.states(), "up up");
    at.refuse(at.one, 5n);
    assert.equal(at.states(), "down up");
    const { reason } = at.directory.instance(at.one)!.health;
    assert.equal(reason, "refuses connections, 5 and more in a row; tried again after 10 s");
    assert.equal(at.metrics.value("semrd_passive_ejections_total"), 1);
    at.clock.advance(9_000);
    assert.equal(at.states(), "down up");
    at.clock.advance(1_500);
    assert.equal(at.states(), "up up");
  });

  it("the last usable one stays", () => {
    const at = watched();
    at.refuse(at.one, 5n);
    at.refuse(at.two, 50n);
    assert.equal(at.states(), "down up");
    at.clock.advance(11_000);
    assert.equal(at.states(), "up down", "there is another one again");
  });

  it("an instance with a check is the check's to judge", () => {
    const at = watched(HTTP_CHECK);
    for (const id of [at.one, at.two]) at.directory.setHealth(id, "up");
    at.refuse(at.one, 50n);
    assert.equal(at.states(), "up up");
  });

  it("when nobody is judged any more, those who are out come in; other measures hold from the next look on", () => {
    const at = watched();
    at.refuse(at.one, 5n);
    assert.equal(at.states(), "down up");
    at.passive.follow(undefined);
    assert.equal(at.states(), "up up");
    at.refuse(at.one, 50n);
    assert.equal(at.states(), "up up");
    at.passive.follow({ failures: 5, rest: 10_000 });
    at.clock.advance(600);
    at.passive.follow({ failures: 2, rest: 1_000 });
    at.refuse(at.one, 2n);
    assert.equal(at.states(), "down up");
    at.clock.advance(1_200);
    assert.equal(at.states(), "up up");
    at.passive[Symbol.dispose]();
  });

  it("a thousand instances are looked at in slices", () => {
    const at = watched();
    at.passive[Symbol.dispose]();
    let looked = 0;
    function* slow(): Generator<readonly [string, Outcomes]> {
      for (let i = 0; i < 10; i++) {
        looked++;
        at.clock.advance(3);
        yield [`x${i}`, { flows: 0n, answered: 0n, refused: 0n }];
      }
    }
    const passive = startPassiveHealth({
      ...{ directory: at.directory, clock: at.clock, metrics: at.metrics, log: at.log },
      outcomes: slow,
    });
    passive.follow({ failures: 5, rest: 10_000 });
    at.clock.advance(500);
    at.clock.settle();
    assert.equal(looked, 10);
    passive[Symbol.dispose]();
  });
});
