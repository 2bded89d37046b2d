// Writes what is generated from yang/*.yang: the types of instance documents and the tree diagrams. Run by the project's
// Node after a change of a module: node_modules/.bin/node tools/generate-yang.mjs
import { mkdirSync, writeFileSync } from "node:fs";
import { generateYang } from "../src/management/schema/generate.ts";

for (const [file, text] of await generateYang()) {
  const path = new URL(`../${file}`, import.meta.url);
  mkdirSync(new URL(".", path), { recursive: true });
  writeFileSync(path, text);
  console.log(file);
}
