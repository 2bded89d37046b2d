export { AccessBook } from "./access-book.ts";
export type * from "./configuration.ts";
export { type AccessSchema, accessSchema, secretsOf } from "./schema.ts";
