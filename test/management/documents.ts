import { readFileSync } from "node:fs";
import type { Files } from "../../src/management/configuration/files.ts";

/** The full example, as text. */
export const R2 = readFileSync(new URL("examples/r2.json", import.meta.url), "utf8");

// biome-ignore lint/suspicious/noExplicitAny: tests reach into the document to break it
export type Editable = any;

/** The example after `edit`, printed with one member a line: the router's own members begin on line 3. */
export function edited(edit: (router: Editable, document: Editable) => void): string {
  const document = JSON.parse(R2);
  edit(document["semrd-router:router"], document);
  return JSON.stringify(document, undefined, 2);
}

/** Every file that a configuration refers to is there. */
export const ALL_FILES: Files = {
  read: () => Promise.reject(new Error("not read here")),
  probe: () => Promise.resolve(),
  pairFault: () => Promise.resolve(undefined),
  authoritiesFault: () => Promise.resolve(undefined),
  notValidAt: () => Promise.resolve(undefined),
};
