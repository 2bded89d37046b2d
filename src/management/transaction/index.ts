export type { IsSecret } from "./changes.ts";
export { CommitStore, CommitStoreError, type StoreFiles } from "./commit-store.ts";
export { type Engine, type EngineParts, openEngine } from "./engine.ts";
export type { CheckedOperations } from "./opening.ts";
export type * from "./provider.ts";
export type { Binder } from "./running.ts";
export type { StartupFile, StartupText } from "./workspace.ts";
