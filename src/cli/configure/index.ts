export { completePath } from "./complete.ts";
export type { Explained } from "./help.ts";
export { CandidateRouter } from "./router.ts";
export { runPrompt, runScript } from "./run.ts";
export { fetchModel } from "./schema-cache.ts";
