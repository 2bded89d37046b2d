import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { attributeCases } from "./attribute-cases.ts";
import type { Case } from "./case.ts";
import { pathCases } from "./path-cases.ts";
import { play } from "./play.ts";
import { routeCases } from "./route-cases.ts";
import { semanticCases } from "./semantic-cases.ts";
import { type Cast, onLoopback, type Stage, simulated } from "./stage.ts";

const CASES: readonly Case[] = [...attributeCases(), ...pathCases(), ...routeCases(), ...semanticCases()];
/** A member of a confederation is another router than one that is in none. */
const GROUPS: readonly (readonly [string, readonly Case[]])[] = [
  ["a router of one AS", CASES.filter(({ kind }) => kind !== "confederation")],
  ["a member of a confederation", CASES.filter(({ kind }) => kind === "confederation")],
];

/** Cases on one router: whoever asks for one neighbour's state looks at all of them. */
const AT_ONCE = 50;

const WAYS: readonly (readonly [string, (t: TestContext, cast: Cast) => Promise<Stage>])[] = [
  ["in the simulated network", simulated],
  ["over TCP", onLoopback],
];

describe("malformed UPDATEs: what RFC 7606 says, case by case, while another session stands", () => {
  for (const [way, make] of WAYS) {
    for (const [who, cases] of GROUPS) {
      it(`${who}, ${way}`, async (t) => {
        const wrong: string[] = [];
        for (let from = 0; from < cases.length; from += AT_ONCE) {
          const some = cases.slice(from, from + AT_ONCE);
          await t.test(`cases ${from + 1} to ${from + some.length}`, async (t) => {
            const stage = await make(t, { kinds: some.map(({ kind }) => kind) });
            for (const [i, row] of some.entries()) {
              const answer = await play(stage, i, row);
              if (answer !== undefined) wrong.push(answer);
            }
          });
        }
        t.diagnostic(`score: ${cases.length - wrong.length} of ${cases.length}`);
        assert.deepEqual(wrong, []);
      });
    }
  }

  it("no two cases are the same", () => {
    const names = CASES.map(({ name, kind }) => `${name} ${kind}`);
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
    );
  });
});
