export { mayMeet, StateBook } from "./book.ts";
export type * from "./source.ts";
