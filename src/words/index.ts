export { readAssignments, readDeletion, readPlace, type WordedStep } from "./assignment.ts";
export {
  dataPath,
  type Expected,
  Model,
  memberName,
  nearest,
  type Place,
  type PlaceStep,
  type ReadPath,
} from "./place.ts";
export { printable } from "./printable.ts";
export type { SchemaNode } from "./schema-node.ts";
export { withoutSecrets } from "./secrets.ts";
export { LineFault, quotedWord, splitWords, stepsOfPath, type Word, wordsOf } from "./words.ts";
export { bracesView, eachWordLine, keysOf, placeOfPath, valueAt, valueWords, word, wordLines } from "./written.ts";
