import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { loadNative, type YangContext, type YangSchemaNode } from "../../native/index.ts";
import { openSchema } from "../../src/management/yang/schema.ts";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const TABLE = readFileSync(path.join(HERE, "README.md"), "utf8");
const ROWS = TABLE.split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, feature, , configured, shown, without, by]) => ({ feature, configured, shown, without, with: by }));

const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);

/** `a/{b,c}` as both. */
function each(written: string): string[] {
  const [, head, names, tail] = /^(.*)\{(.+)\}(.*)$/.exec(written) ?? [];
  return names === undefined ? [written] : names.split(",").map((name) => `${head}${name}${tail}`);
}

/** A test, all of a folder, or those whose names begin like this. */
function isThere(written: string): boolean {
  const place = path.join(HERE, written.replace(/\/?\*$/, ""));
  if (existsSync(place) || existsSync(`${place}.test.ts`)) return true;
  const [folder, beginning] = [path.dirname(place), path.basename(place)];
  return written.endsWith("*") && existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(beginning));
}

/** The files behind such words. */
function filesOf(written: string): string[] {
  const place = path.join(HERE, written.replace(/\*$/, ""));
  const [folder, beginning] = [path.dirname(place), path.basename(place)];
  if (written.endsWith("*"))
    return readdirSync(folder)
      .filter((name) => name.startsWith(beginning) && name.endsWith(".ts"))
      .map((name) => path.join(folder, name));
  if (existsSync(`${place}.test.ts`)) return [`${place}.test.ts`];
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.join(place, name));
}

const sources = (folder: string): string =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(path.join(folder, file), "utf8"))
    .join("\n");

describe("the table of features and standards", () => {
  let schema: YangContext;
  before(async () => {
    schema = await openSchema(loadNative().yang);
  });
  after(() => schema[Symbol.asyncDispose]());

  /** All paths of the model, `/router/bgp/...`, by whether they are settings. */
  async function paths(): Promise<{ readonly settings: string[]; readonly state: string[] }> {
    const found = { settings: [] as string[], state: [] as string[] };
    const walk = (node: YangSchemaNode, above: string): void => {
      const here = `${above}/${node.name.slice(node.name.indexOf(":") + 1)}`;
      found[node.config || node.kind === "action" ? "settings" : "state"].push(here);
      for (const child of node.children ?? []) walk(child, here);
    };
    for (const node of await schema.schema()) if (node.name === "semrd-router:router") walk(node, "");
    return found;
  }

  it("names settings and state that are in the model, and metrics that are counted", async () => {
    assert.ok(ROWS.length > 30, `${ROWS.length} rows`);
    const { settings, state } = await paths();
    const code = sources(path.join(HERE, "../../src"));
    const wrong: string[] = [];
    for (const { feature, configured, shown } of ROWS) {
      const ends = (all: readonly string[], text: string): boolean => all.some((one) => one.endsWith(`/${text}`));
      for (const text of quoted(configured!.replace(/\([^)]*\)/g, ""))) {
        if (!text.startsWith("../") && !ends(settings, text)) wrong.push(`${feature}: no setting ${text}`);
      }
      for (const text of quoted(shown!.replace(/\([^)]*\)/g, ""))) {
        const known = text.startsWith("semrd_") ? code.includes(`"${text}"`) : ends(state, text);
        if (!known) wrong.push(`${feature}: nothing shows ${text}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("names tests that are there", () => {
    const wrong = ROWS.flatMap(({ feature, without, with: by, configured }) =>
      [...quoted(without!), ...quoted(by!), ...quoted(configured!).filter((text) => text.startsWith("../"))]
        .flatMap(each)
        .filter((written) => !isThere(written))
        .map((written) => `${feature}: no test ${written}`),
    );
    assert.deepEqual(wrong, []);
  });

  /** Programs of other makers, by the name that the table has for them, and what a test that runs one has in it. */
  const PEERS = {
    BIRD: /\bbirdc?\b/i,
    FRR: /\b(?:frr|vtysh|bfdd)\b/i,
    GoBGP: /\bgobgpd?\b/i,
    OpenBGPD: /\b(?:openbgpd|bgpctl)\b/i,
    ExaBGP: /\bexabgp\b/i,
    stayrtr: /\bstayrtr\b/,
    bgpdump: /\bbgpdump\b/,
    pmbmpd: /\bpmbmpd\b/,
    tshark: /\btshark\b/i,
  };

  it("names for each peer a test that runs it", () => {
    const wrong: string[] = [];
    for (const { feature, with: by } of ROWS) {
      const files = quoted(by!)
        .flatMap(each)
        .flatMap((written) => filesOf(written));
      const text = files.map((file) => readFileSync(file, "utf8")).join("\n");
      for (const [peer, runs] of Object.entries(PEERS))
        if (new RegExp(`\\b${peer}\\b`).test(by!) && !runs.test(text))
          wrong.push(`${feature}: no test that runs ${peer}`);
    }
    assert.deepEqual(wrong, []);
  });
});
