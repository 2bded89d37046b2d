export { readAssignments, readDeletion, readPlace, type WordedStep } from "./assignment.ts";
export { completePath } from "./complete.ts";
export type { Explained } from "./help.ts";
export { dataPath, type Model, type Place } from "./place.ts";
export { CandidateRouter } from "./router.ts";
export { runPrompt, runScript } from "./run.ts";
export { fetchModel } from "./schema-cache.ts";
export { LineFault, splitWords, type Word, wordsOf } from "./words.ts";
