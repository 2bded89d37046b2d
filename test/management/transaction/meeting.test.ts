import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { isWithin, type Path, type TreeChange } from "../../../src/management/datastore/index.ts";
import { firstMeeting } from "../../../src/management/transaction/changes.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const step = fc.oneof(
  fc.constantFrom({ name: "m:a" }, { name: "b" }, { name: "n:b" }),
  fc.record({ name: fc.constant("l"), keys: fc.record({ k: fc.constantFrom("1", "2", "'", '"]/b', "1][k='2") }) }),
  fc.record({ name: fc.constant("v"), value: fc.constantFrom("1", "2") }),
);
const paths: fc.Arbitrary<readonly Path[]> = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 6 });
const overlap = (a: Path, b: Path): boolean => isWithin(a, b) || isWithin(b, a);
const changes = (all: readonly Path[]): TreeChange[] => all.map((path) => ({ operation: "create", path, value: 1 }));

it("two differences meet where a path of one is within a path of the other", async () => {
  const clock = new VirtualClock();
  await fc.assert(
    fc.asyncProperty(paths, paths, async (mine, theirs) => {
      // The nodes of one module that are said with it and without it are the same: differences say them one way.
      const exact = (path: Path): Path => path.map((one) => ({ ...one, name: one.name.replace(":", "-") }));
      const [own, other] = [mine.map(exact), theirs.map(exact)];
      const wanted = own.find((path) => other.some((there) => overlap(path, there)));
      assert.equal((await firstMeeting(changes(own), changes(other), clock))?.path, wanted);
    }),
  );
});
