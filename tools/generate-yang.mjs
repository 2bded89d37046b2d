// Writes what is generated from yang/*.yang: the types of instance documents and the tree diagrams. Run by the project's
// Node after a change of a module: node_modules/.bin/node tools/generate-yang.mjs
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { generateYang, INSTANCE_FOLDER } from "../src/management/schema/generate.ts";

const files = await generateYang();
rmSync(new URL(`../${INSTANCE_FOLDER}`, import.meta.url), { recursive: true, force: true }); // also what is of no module now
for (const [file, text] of files) {
  const path = new URL(`../${file}`, import.meta.url);
  mkdirSync(new URL(".", path), { recursive: true });
  writeFileSync(path, text);
  console.log(file);
}
