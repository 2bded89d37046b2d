import { milliseconds } from "../../../base/index.ts";
import type { Datastore, Session } from "../../datastore/index.ts";
import { readableRows, type StateSource } from "../../state/index.ts";
import { readConfiguration } from "../document.ts";
import { type Leaf, type LeafOptions, matches } from "../leaves.ts";
import type { OperationParts } from "../parts.ts";
import { dataPath, nodesOf, type Pattern } from "../paths.ts";

/** Longest run before other work of the process gets its turn. */
const SLICE = milliseconds(4);
/** Leaves that are handed on at once. */
const PORTION = 200;
/** The clock is read once in so many leaves. */
const LEAVES_PER_LOOK = 32;

/** The leaves of the configuration that a pattern selects, a few at a time; `from`: a number is a commit. @throws {GnmiError} */
export async function* configurationLeaves(
  parts: OperationParts,
  session: Session,
  pattern: Pattern,
  options: LeafOptions,
  from: Datastore | number = "running",
): AsyncGenerator<readonly Leaf[], void, void> {
  if (pattern.at(-1)?.node.schema.config === false) return;
  const document = await readConfiguration(parts.management, session, pattern, "the configuration", from);
  const { clock, model } = parts;
  let started = clock.monotonic();
  let portion: Leaf[] = [];
  let seen = 0;
  for (const match of matches(document, pattern)) {
    for (const leaf of model.leaves.of(match, options)) {
      portion.push(leaf);
      const isLate = ++seen % LEAVES_PER_LOOK === 0 && clock.monotonic() - started >= SLICE;
      if (portion.length < PORTION && !isLate) continue;
      yield portion;
      portion = [];
      if (!isLate) continue;
      await new Promise<void>((resolve) => clock.soon(resolve));
      started = clock.monotonic();
    }
  }
  if (portion.length > 0) yield portion;
}

/** The leaves of operational state that a pattern selects. `StateBook` has its own slices. */
export async function* stateLeaves(
  { state, model, access }: OperationParts,
  session: Session,
  pattern: Pattern,
  options: LeafOptions,
): AsyncGenerator<readonly Leaf[], void, void> {
  for await (const rows of state.read(dataPath(pattern))) {
    for (const row of readableRows(rows, access.of(session))) {
      const leaves = [...model.leaves.ofRow(row, pattern, options)];
      if (leaves.length > 0) yield leaves;
    }
  }
}

/** As {@link stateLeaves}, of the sources that do not tell of changes. */
export async function* unwatchedLeaves(
  parts: OperationParts,
  session: Session,
  pattern: Pattern,
  options: LeafOptions,
): AsyncGenerator<readonly Leaf[], void, void> {
  const { state, model, access } = parts;
  for (const source of state.find(dataPath(pattern)).filter(({ watch }) => watch === undefined)) {
    const select = dataPath(meeting(parts, source, pattern));
    for await (const rows of state.read(select)) {
      for (const row of readableRows(rows, access.of(session))) {
        if (row.path.length !== source.path.length) continue; // of a source above or below
        const leaves = [...model.leaves.ofRow(row, pattern, options)];
        if (leaves.length > 0) yield leaves;
      }
    }
  }
}

/** Where a source has what a pattern selects. */
function meeting({ model }: OperationParts, source: StateSource, pattern: Pattern): Pattern {
  const nodes = nodesOf(model.root, source.path) ?? [];
  return nodes.map((node, i) => pattern[i] ?? { node, keys: {} });
}
