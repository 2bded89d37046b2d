import assert from "node:assert/strict";
import { it } from "node:test";
import { milliseconds } from "../../../src/base/index.ts";
import type { OperationParts } from "../../../src/management/gnmi/parts.ts";
import { RowChanges } from "../../../src/management/gnmi/subscribe/row-changes.ts";
import { formatPath, type Path, StateBook, type StateChanged } from "../../../src/management/index.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const PATTERN = [{ name: "semrd-router:router" }, { name: "row" }];
const rowOf = (id: number): Path => [PATTERN[0]!, { name: "row", keys: { id: String(id) } }];

/** A source that tells of rows, of which it has none, and who follows it. */
function world() {
  const clock = new VirtualClock();
  const state = new StateBook(clock);
  const reads: string[] = [];
  let listener: StateChanged = () => undefined;
  state.add({
    path: PATTERN,
    rows(wanted) {
      reads.push(formatPath(wanted));
      return [];
    },
    watch(changed) {
      listener = changed;
      return { [Symbol.dispose]() {} };
    },
  });
  const pattern = PATTERN.map(({ name }) => ({ node: { qualified: name }, keys: {} }));
  const changes = new RowChanges(
    { state, clock, model: { leaves: { placeOf: () => undefined } } } as unknown as OperationParts,
    { pattern, encoding: "json", access: undefined } as never,
    {} as never,
  );
  /** What is read of what was told until now. */
  const read = async (): Promise<readonly string[]> => {
    clock.advance(milliseconds(5));
    for (let turns = 0; turns < 2000; turns++) await Promise.resolve();
    return reads.splice(0);
  };
  return { changes, tell: (path: Path) => listener(path), read };
}

const textOf = (id: number): string => `/semrd-router:router/row[id='${id}']`;

it("a row that changes a thousand times is read once, whether it is told of by one path or by many; after that it is again", async () => {
  const { changes, tell, read } = world();
  using _changes = changes;
  const [one, two] = [rowOf(1), rowOf(2)];
  for (let times = 0; times < 1000; times++) for (const path of [one, two, rowOf(2)]) tell(path);
  assert.deepEqual(await read(), [textOf(1), textOf(2)]);
  assert.deepEqual(await read(), []);
  tell(one);
  assert.deepEqual(await read(), [textOf(1)], "the same path once more");
});

it("more than a few hundred rows are read together, and then one alone again", async () => {
  const { changes, tell, read } = world();
  using _changes = changes;
  const paths = Array.from({ length: 1000 }, (_, id) => rowOf(id));
  for (const path of [...paths, ...paths]) tell(path);
  assert.deepEqual(await read(), ["/semrd-router:router/row"]);
  tell(paths[999]!);
  tell(paths[0]!);
  assert.deepEqual(await read(), [textOf(999), textOf(0)]);
});
