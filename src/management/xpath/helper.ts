/** The helper process: evaluates expressions over the tree that it was sent. It may be killed at any moment. */
import type { YangContext, YangError, YangTree } from "../../../native/api.ts";
import { loadNative } from "../../../native/index.ts";
import type { XPathAnswer, XPathRequest } from "./messages.ts";

let context: YangContext | undefined;
let tree: YangTree | undefined;

async function answer(request: XPathRequest): Promise<XPathAnswer> {
  if (request.type === "open") {
    context = await loadNative().yang.createContext(request.searchPaths, request.modules);
    return { type: "ready" };
  }
  if (context === undefined) throw new Error("no context is open");
  if (request.type === "tree") {
    const before = tree;
    tree = await context.parse(request.text, "xml", { validate: false, state: true });
    await before?.dispose();
    return { type: "ready" };
  }
  if (request.type === "event") {
    const { target, name, content } = request.event;
    const matches = await context.matchNotification(target, name, content, request.expression, request.prefixes);
    return { type: "matched", matches };
  }
  if (tree === undefined) throw new Error("no tree was sent");
  if (request.type === "nodes") {
    return { type: "found", paths: await context.xpathNodes(tree, request.expression, request.prefixes) };
  }
  const selected = await context.xpath(tree, request.expression, request.prefixes, request.levels);
  try {
    return { type: "selected", text: await context.print(selected, "xml", { defaults: "implicit-tagged" }) };
  } finally {
    await selected.dispose();
  }
}

// One at a time: the router sends the next when it has the answer.
process.on("message", (request: XPathRequest) => {
  answer(request)
    .catch((error: unknown): XPathAnswer => {
      if (error instanceof Error && "faults" in error) {
        return { type: "faults", faults: (error as YangError).faults };
      }
      return { type: "failed", message: String(error) };
    })
    .then((message) => process.send?.(message));
});
process.on("disconnect", () => process.exit(0));
