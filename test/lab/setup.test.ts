import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";

const folder = mkdtempSync(path.join(tmpdir(), "st-setup-"));
after(() => rmSync(folder, { recursive: true }));

const DEBIAN = path.join(import.meta.dirname, "../../tools/debian.mjs");
const skip = process.getuid?.() === 0 ? undefined : "skipped: needs root, since apt does";

interface Machine {
  /** Names that dpkg knows as installed. */
  readonly installed: readonly string[];
  /** Names that apt could install. */
  readonly available: readonly string[];
  /** Exit codes of `apt-get update` and `apt-get install`. */
  readonly update?: number;
  readonly install?: number;
}

/** Runs `ensurePackages` on a machine whose dpkg and apt are stand-ins; gives its answer and the calls of apt-get. */
function ensure({ installed, available, update = 0, install = 0 }: Machine) {
  const place = mkdtempSync(path.join(folder, "m-"));
  const script = (name: string, body: string): void => {
    writeFileSync(path.join(place, name), `#!/bin/sh\n${body}\n`);
    chmodSync(path.join(place, name), 0o755);
  };
  script("dpkg-query", `printf '%s installed\\n' ${installed.join(" ")}; exit 1`);
  script(
    "apt-cache",
    available.map((name) => `printf '${name}:\\n  Installed: (none)\\n  Candidate: 1.0\\n'`).join("\n"),
  );
  script(
    "apt-get",
    `echo "$@" >>${place}/calls
case "$*" in *update*) echo "E: no network"; exit ${update};; *) echo "E: broken"; exit ${install};; esac`,
  );
  writeFileSync(path.join(place, "calls"), "");
  const code = `const { ensurePackages } = await import(${JSON.stringify(DEBIAN)});
    try { console.log(JSON.stringify({ said: await ensurePackages(() => {}) })); }
    catch (error) { console.log(JSON.stringify({ error: error.message, todo: error.whatToDo, output: error.output })); }`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    env: { PATH: `${place}:/usr/bin:/bin` },
  });
  const calls = readFileSync(path.join(place, "calls"), "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return { ...JSON.parse(done.stdout.toString()), calls } as {
    readonly said?: string;
    readonly error?: string;
    readonly todo?: string;
    readonly output?: string;
    readonly calls: readonly string[];
  };
}

const ALL = [
  ..."clang llvm libbpf-dev libelf-dev zlib1g-dev g++ pkg-config libyang2-dev libyuma-base iproute2 util-linux procps".split(
    " ",
  ),
  ..."ethtool tcpdump curl openssl tesseract-ocr tesseract-ocr-eng espeak-ng".split(" "),
];
const without = (...names: string[]): string[] => ALL.filter((name) => !names.includes(name));

describe("Debian packages", { skip }, () => {
  it("nothing is missing: apt is not called", () => {
    const seen = ensure({ installed: ALL, available: [] });
    assert.equal(seen.said, "19 packages are there");
    assert.deepEqual(seen.calls, []);
  });

  it("only what is missing is installed, after one update", () => {
    const seen = ensure({ installed: without("clang", "espeak-ng"), available: ["clang", "espeak-ng"] });
    assert.equal(seen.said, "installed clang espeak-ng");
    assert.equal(seen.calls.length, 2);
    assert.match(seen.calls[0]!, / update$/);
    assert.match(seen.calls[1]!, / install --yes --no-install-recommends clang espeak-ng$/);
  });

  it("other releases: libyang and pkgconf have other names, and modules a package of their own", () => {
    const seen = ensure({
      installed: without("libyang2-dev", "pkg-config"),
      available: ["libyang-dev", "libyang-modules", "pkgconf"],
    });
    assert.equal(seen.said, "installed pkgconf libyang-dev libyang-modules");
  });

  it("any of the names is enough", () => {
    assert.deepEqual(ensure({ installed: [...without("libyang2-dev"), "libyang-dev"], available: [] }).calls, []);
  });

  it("a package that apt does not know", () => {
    const seen = ensure({ installed: without("libyuma-base"), available: [] });
    assert.equal(seen.error, "apt knows no package libyuma-base");
    assert.match(seen.todo!, /universe/);
  });

  it("no network", () => {
    const seen = ensure({ installed: without("clang"), available: [], update: 100 });
    assert.match(seen.todo!, /network/);
    assert.match(seen.output!, /E: no network/);
  });

  it("apt-get install fails: its own words are kept", () => {
    const seen = ensure({ installed: without("clang"), available: ["clang"], install: 100 });
    assert.equal(seen.error, "apt-get install failed (exit code 100): clang");
    assert.match(seen.output!, /E: broken/);
  });
});
