import { after } from "node:test";
import type { Yang, YangContext } from "../../native/api.ts";
import { loadNative } from "../../native/index.ts";

/**
 * libyang of the addon for the tests of one file: a context that was asked for once is lent to all who ask for the same, since
 * making one costs 60 ms and it never changes. They are gone after the last test.
 */
export function keptYang(): Yang {
  const { yang } = loadNative();
  const made = new Map<string, Promise<YangContext>>();
  after(async () => {
    for (const context of made.values()) await (await context)[Symbol.asyncDispose]();
  });
  return {
    libraryVersion: yang.libraryVersion,
    async createContext(...asked) {
      const key = JSON.stringify(asked);
      const context = made.get(key) ?? yang.createContext(...asked);
      made.set(key, context);
      return lent(await context);
    },
  };
}

/** The context for one who disposes it. */
function lent(context: YangContext): YangContext {
  return new Proxy(context, {
    get(of, name) {
      if (name === Symbol.asyncDispose) return async () => {};
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
}
