import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { contentId } from "../../../src/management/netconf/start.ts";
import { startNetconfRouter } from "./netconf-router.ts";
import { readReply } from "./oracle.ts";

const MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";

/** What a client that knows nothing, as OpenDaylight, does first. */
it("all that the modules of the hello need can be fetched, and makes the same set of modules elsewhere", async () => {
  await using router = await startNetconfRouter();
  await using client = await router.open();
  const capabilities = [...client.hello.matchAll(/<capability>([^<]*)<\/capability>/g)].map(([, text]) =>
    text!.replaceAll("&amp;", "&"),
  );
  const queries = capabilities.map((uri) => new URLSearchParams(uri.slice(uri.indexOf("?") + 1)));
  const wanted = queries.flatMap((query) => {
    const name = query.get("module");
    return name === null ? [] : [{ name, features: query.get("features")?.split(",") ?? [] }];
  });
  assert.ok(wanted.length > 20);
  const folder = path.join(router.folder, "fetched");
  await mkdir(folder);
  const fetched = new Set<string>();
  const missing = wanted.map(({ name }) => name);
  for (;;) {
    const name = missing.shift();
    if (name === undefined) break;
    if (fetched.has(name)) continue;
    fetched.add(name);
    const text = await schema(client, name);
    await writeFile(path.join(folder, `${name}.yang`), text);
    missing.push(...[...text.matchAll(/^\s*(?:import|include)\s+"?([\w.-]+)"?\s*[;{]/gm)].map(([, other]) => other!));
  }
  await using context = await loadNative().yang.createContext([folder], wanted);
  const stated = queries.map((query) => query.get("content-id")).find((id) => id !== null);
  assert.equal(contentId(context), stated);
});

async function schema(client: { rpc(operation: string): Promise<string> }, name: string): Promise<string> {
  const answer = await client.rpc(
    `<get-schema xmlns="${MONITORING}"><identifier>${name}</identifier><format>yang</format></get-schema>`,
  );
  assert.deepEqual(readReply(answer).errors, [], answer);
  const text = /<data [^>]*>([\s\S]*)<\/data>/.exec(answer)?.[1];
  assert.ok(text !== undefined, answer);
  const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(\w+);/g, (_, entity: string) => entities[entity]!);
}
