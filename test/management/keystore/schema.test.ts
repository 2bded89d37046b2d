import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { loadNative, type YangContext, type YangSchemaNode } from "../../../native/index.ts";
import { isSecret } from "../../../src/management/configuration/wording.ts";
import { formatPath } from "../../../src/management/datastore/index.ts";
import { accessSchema, secretsOf } from "../../../src/management/nacm/index.ts";
import { openSchema } from "../../../src/management/yang/schema.ts";

const KEYSTORE = "/semrd-router:router/semrd-keystore:keystore";
/** What sounds like a credential. */
const CREDENTIAL = /passw|secret|cleartext|private-key|key-file|certificate-file|ca-file|keystring|passphrase/;
/** A hash, which lets nobody in. */
const HASH = "/semrd-router:router/management/semrd-access:users/user/password-hash";

describe("the models", () => {
  let schema: YangContext;
  before(async () => {
    schema = await openSchema(loadNative().yang);
  });
  after(() => schema[Symbol.asyncDispose]());

  it("have secrets in the keystore only, and each by a name that messages are silent about", async () => {
    const secrets = secretsOf(accessSchema(await schema.schema()));
    assert.ok(secrets.length > 0);
    for (const { path, cases, permit } of secrets) {
      assert.deepEqual([cases, permit], [[], false]);
      assert.ok(formatPath(path).startsWith(KEYSTORE), formatPath(path));
      assert.ok(isSecret(path.at(-1)!.name), formatPath(path));
    }
  });

  it("have credentials nowhere but in the stores", async () => {
    const found: string[] = [];
    const look = (node: YangSchemaNode, above: string): void => {
      const here = node.kind === "choice" || node.kind === "case" ? above : `${above}/${node.name}`;
      const isLeaf = node.kind === "leaf" || node.kind === "leaf-list";
      if (isLeaf && node.config && CREDENTIAL.test(node.name)) found.push(here);
      for (const child of node.children ?? []) look(child, here);
    };
    for (const node of await schema.schema()) if (node.name === "semrd-router:router") look(node, "");
    const stores = /^\/semrd-router:router\/semrd-(keystore:keystore|truststore:truststore)\//;
    assert.deepEqual(
      found.filter((path) => !stores.test(path)),
      [HASH],
    );
    assert.equal(found.length, 5, found.join("\n"));
  });
});
