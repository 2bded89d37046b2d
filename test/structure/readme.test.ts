import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { checkConfiguration } from "../../src/management/index.ts";
import { certificate } from "../management/gnmi/gnmi-router.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const README = readFileSync(path.join(ROOT, "README.md"), "utf8");
/** What stands for "AAAA…": the octets of a public key of Ed25519. */
const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIIoxFN1UW2Cs8oeBjDo8oGr2Ghs4ESaeUG/XBPdEBFSA";

it("the example configuration of the README is valid", async () => {
  const [, text] = /<!-- example-configuration -->\n```json\n([\s\S]*?)\n```/.exec(README) ?? [];
  assert.ok(text, "no example between the marks");
  const { valid, faults } = await checkConfiguration({ text, folder: ROOT });
  assert.deepEqual([valid, faults], [true, []]);
});

it("each part of a configuration that the README shows is valid within the example", async (t) => {
  const [, example] = /<!-- example-configuration -->\n```json\n([\s\S]*?)\n```/.exec(README) ?? [];
  const parts = Array.from(README.matchAll(/```json\n("[\s\S]*?)\n```/g), ([, part]) => part!);
  assert.ok(parts.length >= 4, `${parts.length} parts`);
  const folder = mkdtempSync(path.join(tmpdir(), "semrd-readme-"));
  t.after(() => rmSync(folder, { recursive: true }));
  await certificate(folder, "cert", ["-subj", "/CN=r1"]);
  renameSync(path.join(folder, "cert.key"), path.join(folder, "key.pem"));
  for (const part of parts) {
    const whole = JSON.parse(example!);
    const router = whole["semrd-router:router"];
    const [acme] = router["semrd-tenant:tenants"].tenant;
    router["semrd-tenant:tenants"].tenant.push({
      ...acme,
      name: "globex",
      index: 2,
      "route-distinguisher": "0:65000:2",
    });
    router["semrd-taxonomy:taxonomy"].family.push({ label: "audio", code: 2 });
    router["semrd-taxonomy:taxonomy"].capability.push({
      name: "/audio/speech",
      "major-version": 1,
      "service-port": 80,
    });
    const shown = JSON.parse(`{${part.replace("AAAA…", KEY)}}`);
    for (const [name, value] of Object.entries(shown)) (name.startsWith("ietf-") ? whole : router)[name] = value;
    const { valid, faults } = await checkConfiguration({ text: JSON.stringify(whole), folder });
    assert.deepEqual([valid, faults], [true, []], part);
  }
});

it("every file that the README links to is there", () => {
  const links = Array.from(README.matchAll(/\]\(([^)#:]+)\)/g), ([, target]) => target!);
  assert.ok(links.length > 3);
  assert.deepEqual(
    links.filter((target) => !existsSync(path.join(ROOT, target))),
    [],
  );
});

it("every option of our own programs that the README shows exists", () => {
  const shown = new Set(Array.from(README.matchAll(/(?<= )--[a-z][a-z-]*/g), ([option]) => option));
  const commands = readdirSync(path.join(ROOT, "src/cli"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.join("src/cli", file));
  const sources = [
    "src/command-line.ts",
    "lab/quickstart/run.ts",
    "lab/quickstart/story/program.ts",
    "tools/service.mjs",
    ...commands,
  ]
    .map((file) => readFileSync(path.join(ROOT, file), "utf8"))
    .join("\n");
  // Of curl, ansible-playbook and systemctl.
  const foreign = new Set(["--cacert", "--unix-socket", "--diff", "--now"]);
  assert.deepEqual(
    [...shown].filter((option) => !foreign.has(option) && !sources.includes(option)),
    [],
  );
});
