export * from "./key-pair.ts";
export { hashPassword } from "./password.ts";
export * from "./users.ts";
