import { loadNative } from "../../../native/index.ts";
import { CONFIGURATION_MODULES, openSchema } from "../yang/schema.ts";
import { typesOf } from "./types-of.ts";

const HEAD = "// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited\n\n";
const TREE_HEAD = "Generated from yang/*.yang by tools/generate-yang.mjs, not to be edited. Symbols: RFC 8340.\n";

/** Where the types are, with nothing else. */
export const INSTANCE_FOLDER = "src/management/schema/instance/";

/** What is generated from our modules, by file name from the root of the project. */
export async function generateYang(): Promise<ReadonlyMap<string, string>> {
  await using context = await openSchema(loadNative().yang);
  const ours = (await context.schema()).filter(({ module }) => module.startsWith("semrd-"));
  const files = new Map<string, string>();
  for (const [module, types] of typesOf(ours)) files.set(`${INSTANCE_FOLDER}${module}.ts`, HEAD + types);
  const trees: string[] = [TREE_HEAD];
  for (const name of CONFIGURATION_MODULES) {
    const tree = await context.printSchema(name, "tree");
    trees.push(tree.replace(/[ \t]+$/gm, "").trimEnd(), "");
  }
  files.set("yang/tree.txt", trees.join("\n"));
  return files;
}
