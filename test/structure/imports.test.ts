import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** What each part may import from other parts, besides itself and `base`. The table of STYLE.md, "Direction of imports". */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  directory: [],
  rib: [],
  "bgp/wire": ["rib"],
  "bgp/session": ["bgp/wire", "rib"],
  "bgp/policy": ["bgp/wire", "rib"],
  "bgp/brownfield": ["bgp/wire", "bgp/policy", "rib"],
  forwarding: ["rib", "directory"],
  host: ["directory"],
  registration: ["directory", "pacing", "sockets"],
  discovery: ["directory", "pacing", "rib", "sockets"],
  "bgp/bmp": ["bgp/wire", "bgp/session", "bgp/speaker", "rib", "sockets"],
  "bgp/mrt": ["bgp/wire", "bgp/session", "bgp/speaker", "rib"],
  "bgp/rpki": ["bgp/policy", "rib"],
  "bgp/speaker": ["bgp/wire", "bgp/session", "bgp/policy", "rib", "native", "sockets"],
  dataplane: ["forwarding", "native", "sockets"],
  bfd: ["native"],
  pacing: [],
  sockets: [],
  telemetry: ["pacing", "sockets"],
  words: ["native"],
  management: ["native", "pacing", "sockets", "words"],
  cli: ["management", "words"],
  daemon: ["*"],
  "command-line.ts": ["daemon", "host", "exit-codes.ts"],
  "exit-codes.ts": ["management"],
  "main.ts": ["daemon", "management", "host", "command-line.ts", "exit-codes.ts"],
};

/** Codecs inside a driver's folder: pure as well. */
const CODEC = /^src\/bgp\/(mrt|bmp|rpki)\/wire\//;

const CORE = new Set([
  "base",
  "words",
  "directory",
  "rib",
  "forwarding",
  "bgp/wire",
  "bgp/session",
  "bgp/policy",
  "bgp/brownfield",
]);

/** Pure functions of Node's that the core may use: no I/O, no time, no chance. */
const PURE_BUILTINS: Readonly<Record<string, readonly string[]>> = { base: ["node:crypto"] };

interface Import {
  readonly file: string;
  readonly part: string;
  readonly target: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.m?[jt]s$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** The part that a file of ours belongs to: `bgp/wire`, `rib`, `native`, or a file directly under `src/`. */
function partOf(file: string): string {
  const [top, first, second] = file.split("/");
  if (top !== "src") return top!;
  return first === "bgp" && second !== undefined && !second.endsWith(".ts") ? `bgp/${second}` : first!;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found = text.matchAll(/^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?"([^"]+)"|\bimport\("([^"]+)"\)/gms);
  return Array.from(found, (match) => ({ file, part: partOf(file), target: (match[1] ?? match[2])! }));
}

const IMPORTS = sources("src").flatMap(importsOf);

it("finds the imports it is about", () => {
  assert.ok(IMPORTS.length > 50, `only ${IMPORTS.length} imports found: the pattern no longer fits the sources`);
});

it("imports go one way", () => {
  const wrong: string[] = [];
  for (const { file, part, target } of IMPORTS) {
    if (!target.startsWith(".")) continue;
    const other = partOf(relative(ROOT, resolve(ROOT, dirname(file), target)));
    if (other === part || other === "base") continue;
    const allowed = MAY_IMPORT[part];
    if (allowed === undefined) wrong.push(`${file}: the part "${part}" is not in the table`);
    else if (!allowed.includes("*") && !allowed.includes(other)) wrong.push(`${file} imports ${other}`);
  }
  assert.deepEqual(wrong, []);
});

it("parts see each other through index.ts", () => {
  const wrong = IMPORTS.filter(({ file, part, target }) => {
    if (!target.startsWith(".")) return false;
    const path = relative(ROOT, resolve(ROOT, dirname(file), target));
    const other = partOf(path);
    if (other === part || !path.includes("/")) return false;
    // The addon's interface is a file of types beside its loader.
    return (
      !path.endsWith("/index.ts") && path !== "native/api.ts" && other !== "base" && !/^src\/[a-z-]+\.ts$/.test(path)
    );
  });
  assert.deepEqual(
    wrong.map(({ file, target }) => `${file}: ${target}`),
    [],
  );
});

it("the core does no I/O and reads no clock", () => {
  const wrong: string[] = [];
  for (const file of sources("src")) {
    const part = partOf(file);
    if (!CORE.has(part) && !CODEC.test(file)) continue;
    for (const { target } of importsOf(file)) {
      if (!target.startsWith(".") && !(PURE_BUILTINS[part] ?? []).includes(target)) wrong.push(`${file}: ${target}`);
    }
    const text = readFileSync(join(ROOT, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    const chance =
      /\b(Date\.now|new Date|Math\.random|process\.|setTimeout|setInterval|setImmediate|performance\.now)\b/.exec(text);
    if (chance !== null) wrong.push(`${file}: ${chance[1]}`);
  }
  assert.deepEqual(wrong, []);
});

it("datastores and transactions know no protocol, no YANG and no disk", () => {
  const core = /^src\/management\/(datastore|transaction)\//;
  const inside = IMPORTS.filter(({ file }) => core.test(file));
  assert.ok(inside.length > 20);
  const wrong = inside.filter(({ file, target }) => {
    const path = relative(ROOT, resolve(ROOT, dirname(file), target));
    return !target.startsWith(".") || !(core.test(path) || path === "src/base/index.ts");
  });
  assert.deepEqual(
    wrong.map(({ file, target }) => `${file}: ${target}`),
    [],
  );
  for (const file of sources("src/management").filter((name) => core.test(name))) {
    assert.doesNotMatch(
      readFileSync(join(ROOT, file), "utf8"),
      /\b(Date\.now|Math\.random|process\.|setTimeout|setImmediate)\b/,
    );
  }
});

it("whoever listens does so by a ListeningSocket, which hears of what goes wrong later", () => {
  const makesServers = sources("src").filter((file) => /\bcreateServer\(/.test(readFileSync(join(ROOT, file), "utf8")));
  assert.ok(makesServers.length >= 9, `${makesServers}`);
  // These two are handed connections, and that one has none: it holds a name.
  const without = [
    "src/host/exclusive-name.ts",
    "src/management/gnmi/tls-door.ts",
    "src/management/netconf/tls-transport.ts",
  ];
  assert.deepEqual(
    makesServers
      .filter((file) => !/\b(ListeningSocket|LocalSocket)\.open\(/.test(readFileSync(join(ROOT, file), "utf8")))
      .sort(),
    without,
  );
});

it("only main.ts imports the composition root, and the command line what it is asked for", () => {
  const importers = IMPORTS.filter(({ part, target }) => part !== "daemon" && target.endsWith("/daemon/index.ts")).map(
    ({ file }) => file,
  );
  assert.deepEqual(
    importers.filter((file) => file !== "src/main.ts" && file !== "src/command-line.ts"),
    [],
  );
  assert.match(
    readFileSync(join(ROOT, "src/command-line.ts"), "utf8"),
    /^import type \{[^}]*\} from "\.\/daemon\/index\.ts";$/m,
  );
});

/** What files outside `src/` may import of other folders at the top; tests may import anything. */
const BESIDE: Readonly<Record<string, RegExp>> = {
  native: /^native\//,
  lab: /^(lab\/|src\/[a-z]+\/index\.ts$)/,
  // Runs before anything is installed.
  tools: /^tools\//,
};

/** By its file: what else one of those imports. */
const BESIDES = new Map([["tools/generate-yang.mjs", "src/management/schema/generate.ts"]]);

it("addon, labs and tools stand on the sources through their indices, and nothing stands on tests", () => {
  const wrong: string[] = [];
  for (const [folder, allowed] of Object.entries(BESIDE)) {
    const own = sources(folder).flatMap(importsOf);
    assert.ok(own.length > 10, `only ${own.length} imports in ${folder}`);
    for (const { file, target } of own) {
      const path = relative(ROOT, resolve(ROOT, dirname(file), target));
      if (target.startsWith(".") && !allowed.test(path) && BESIDES.get(file) !== path) wrong.push(`${file}: ${target}`);
      if (folder === "tools" && !target.startsWith(".") && !target.startsWith("node:"))
        wrong.push(`${file}: ${target} is not there before the setup`);
    }
  }
  assert.deepEqual(wrong, []);
});
