import { letGo, type Tree } from "../datastore/index.ts";

/** A tree that is let go with its block. */
export function held(tree: Tree): { readonly tree: Tree } & Disposable {
  return { tree, [Symbol.dispose]: () => letGo(tree) };
}
