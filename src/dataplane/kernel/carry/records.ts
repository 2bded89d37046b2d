import type { BpfMap, RecordMember } from "../../../../native/index.ts";

/** Octets that keep their order from one layout to the other. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** Copies one record of `from` at octet `at` over the record of `to` at octet `there`; what only the new layout has stays as it is. */
export type Translation = (from: Uint8Array, at: number, to: Uint8Array, there: number) => void;

/**
 * How records of one layout become records of another: member by member, by their names. A member that the old layout has not
 * keeps what is there (0); one that only the old one has, or that has another size, is a meaning that nobody here knows.
 */
export function translationOf(from: readonly RecordMember[], to: readonly RecordMember[]): Translation | string {
  const old = new Map(from.map((member) => [member.name, member]));
  const kept = to.filter(({ name }) => old.has(name));
  const other = kept.find(({ name, size }) => old.get(name)!.size !== size);
  if (other !== undefined) return `${other.name || "the record"} has another size`;
  const names = new Set(to.map(({ name }) => name));
  const lost = from.find(({ name }) => !names.has(name));
  if (lost !== undefined) return `there is no ${lost.name} any more`;
  // Half of a row of equal things would be there, half not
  const first = to.find(({ name }) => !old.has(name) && old.has(name.replace(/\[\d+\]/, "[0]")));
  if (first !== undefined) return `there was no ${first.name}`;
  return copying(
    runsOf(kept.map(({ name, offset, size }) => ({ from: old.get(name)!.offset, to: offset, length: size }))),
  );
}

/** Of keys and values. */
export interface Translations {
  readonly key: Translation;
  readonly value: Translation;
}

/** How entries of one map become those of another; why not, in words. */
export function translations(from: BpfMap, to: BpfMap): Translations | string {
  const [old, own] = [from.layout, to.layout];
  if (old === undefined || own === undefined) return "the kernel does not know what its records are made of";
  const [key, value] = [translationOf(old.key, own.key), translationOf(old.value, own.value)];
  if (typeof key === "string") return key;
  return typeof value === "string" ? value : { key, value };
}

/** Neighbours that stay neighbours are one run. */
function runsOf(pieces: readonly Run[]): readonly Run[] {
  const runs: Run[] = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    const goesOn = last !== undefined && last.from + last.length === piece.from && last.to + last.length === piece.to;
    if (goesOn) runs[runs.length - 1] = { ...last, length: last.length + piece.length };
    else runs.push(piece);
  }
  return runs;
}

function copying(runs: readonly Run[]): Translation {
  return (source, at, target, there) => {
    for (const { from, to, length } of runs)
      for (let i = 0; i < length; i++) target[there + to + i] = source[at + from + i]!;
  };
}
