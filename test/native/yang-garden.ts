import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loadNative, type YangContext, type YangError, type YangFault, type YangTree } from "../../native/index.ts";

const MODULES = join(import.meta.dirname, "yang");
const SYSTEM = ["/usr/share/yang/modules/libyang", "/usr/share/yuma/nmda-modules/ietf", "/usr/share/yuma/modules/ietf"];

/** A context with a module that has every construct, disposed with the test. Undefined where Debian's modules are missing. */
export async function openGarden(t: TestContext): Promise<YangContext | undefined> {
  const paths = [MODULES, ...SYSTEM.filter((path) => existsSync(path))];
  if (paths.length < 3) {
    t.skip("skipped: the standard modules are missing (Debian: libyuma-base)");
    return undefined;
  }
  const context = await loadNative().yang.createContext(paths, [
    { name: "semrd-garden-kinds" },
    { name: "semrd-garden" },
    { name: "ietf-yang-library" },
    { name: "ietf-netconf", features: ["*"] },
    { name: "ietf-netconf-with-defaults" },
  ]);
  t.after(() => context[Symbol.asyncDispose]());
  return context;
}

export async function faultsOf(work: Promise<unknown>): Promise<readonly YangFault[]> {
  try {
    await work;
  } catch (cause) {
    const error = cause as YangError;
    assert.equal(error.code, "EYANG", error.message);
    assert.ok(error.faults.length > 0);
    return error.faults;
  }
  return assert.fail("was accepted");
}

/** `<config>` of a garden. */
export const garden = (content: string): string =>
  `<nc:config xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" xmlns:yang="urn:ietf:params:xml:ns:yang:1">` +
  `<garden xmlns="urn:semrd:garden">${content}</garden></nc:config>`;

export async function json(context: YangContext, tree: YangTree): Promise<unknown> {
  const document = JSON.parse(await context.print(tree, "json")) as Record<string, unknown>;
  return document["semrd-garden:garden"];
}

export function gardenOf(context: YangContext, value: unknown): Promise<YangTree> {
  return context.edit(undefined, JSON.stringify({ "semrd-garden:garden": value }), "json");
}
