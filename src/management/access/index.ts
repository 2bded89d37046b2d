export { hashPassword } from "./password.ts";
export * from "./users.ts";
