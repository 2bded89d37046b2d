export { mayMeet, StateBook } from "./book.ts";
export { type DocumentStep, StateDocument } from "./document.ts";
export { type ModuleNamed, reachOfSubtree, reachOfXPath } from "./reach.ts";
export { readableRows } from "./readable.ts";
export type * from "./source.ts";
export { type FilterElement, subtreeFilter } from "./subtree-filter.ts";
