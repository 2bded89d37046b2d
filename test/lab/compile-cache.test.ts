import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { tidyCompileCache } from "../../tools/compile-cache.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const isRoot = process.geteuid?.() === 0;
const folder = mkdtempSync(path.join(tmpdir(), "semrd-compile-cache-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let caches = 0;
function cacheOf(...names: readonly string[]): string {
  const cache = path.join(folder, `${caches++}`);
  names.forEach((name, age) => {
    const at = path.join(cache, name);
    mkdirSync(at, { recursive: true });
    writeFileSync(path.join(at, "0a1b2c3d"), "entry");
    utimesSync(at, 1_000_000 - age, 1_000_000 - age);
  });
  return cache;
}
/** The cache that a program makes where there is none, with a umask that forbids nothing; made once, as that takes seconds. */
function madeBy(program: "semrd" | "semrctl"): string {
  const cache = path.join(folder, program);
  if (!existsSync(cache))
    execFileSync("sh", ["-c", `umask 0; exec "$0" --help`, path.join(ROOT, "tools", program)], {
      env: { ...process.env, NODE_COMPILE_CACHE: cache },
    });
  return cache;
}
const own = (name: string): string => `${name}-${process.geteuid!()}`;
const modeOf = (at: string): number => statSync(at).mode & 0o777;

describe("the cache of compiled sources", () => {
  it("is without those of other versions", () => {
    const cache = cacheOf(own("v24.1.0-x64-aaaaaaaa"), own("v24.1.00-x64-aaaaaaaa"), own("v22.1.0-x64-aaaaaaaa"));
    tidyCompileCache(cache, "v24.1.0");
    assert.deepEqual(readdirSync(cache), [own("v24.1.0-x64-aaaaaaaa")]);
  });

  it("is of the last six sets of options, and of no more entries than sources can have", () => {
    const names = Array.from({ length: 9 }, (_, i) => own(`v24.1.0-x64-0000000${i}`));
    const cache = cacheOf(...names);
    // One file by many names: ext4 looks for the inode of a new one past all that were freed in the last seconds, for seconds.
    const entry = path.join(cache, names[2]!, "0a1b2c3d");
    for (let i = 0; i < 6_001; i++) linkSync(entry, path.join(cache, names[2]!, i.toString(16)));
    utimesSync(path.join(cache, names[2]!), 2_000_000, 2_000_000);
    tidyCompileCache(cache, "v24.1.0");
    assert.deepEqual(
      readdirSync(cache).toSorted(),
      [0, 1, 3, 4, 5, 6].map((i) => names[i]),
    );
  });

  it("is written by nobody else, and what somebody else has put there is gone", { skip: !isRoot }, () => {
    const [good, foreign, link] = [own("v24.1.0-x64-aaaaaaaa"), "v24.1.0-x64-bbbbbbbb-0", "v24.1.0-x64-cccccccc-0"];
    const cache = cacheOf(good, foreign);
    chownSync(path.join(cache, foreign), 65_534, 65_534);
    const elsewhere = cacheOf("elsewhere");
    symlinkSync(elsewhere, path.join(cache, link));
    for (const at of [cache, path.join(cache, good)]) chmodSync(at, 0o777);
    tidyCompileCache(cache, "v24.1.0");
    assert.deepEqual(readdirSync(cache), [good]);
    assert.deepEqual([modeOf(cache), modeOf(path.join(cache, good))], [0o755, 0o755]);
    assert.deepEqual(readdirSync(elsewhere), ["elsewhere"]);
  });

  it("is none where there is none", () => tidyCompileCache(path.join(folder, "none"), "v24.1.0"));

  it("is open to nobody else where semrd or semrctl makes it, whatever the umask is", () => {
    for (const program of ["semrd", "semrctl"] as const) {
      const cache = madeBy(program);
      const [name] = readdirSync(cache);
      assert.deepEqual([modeOf(cache) & 0o022, modeOf(path.join(cache, name!)) & 0o022], [0, 0], program);
    }
  });

  it("may be damaged: then it is not used", () => {
    const semrd = (cache: string) => {
      const env = { ...process.env, NODE_COMPILE_CACHE: cache };
      const { status, stdout, stderr } = spawnSync(path.join(ROOT, "tools", "semrd"), ["--version"], {
        ...{ env, encoding: "utf8" },
      });
      return { status, stdout, stderr };
    };
    const whole = madeBy("semrd");
    const said = semrd(whole);
    assert.deepEqual([said.status, said.stderr], [0, ""]);
    const damages: readonly ((octets: Buffer) => Buffer)[] = [
      () => Buffer.alloc(0),
      (octets) => octets.subarray(0, octets.length / 2),
      (octets) => Buffer.alloc(octets.length, 0xa5),
      (octets) => {
        const at = octets.length - Math.ceil(octets.length / 3);
        octets[at] = octets[at]! ^ 0x40;
        return octets;
      },
    ];
    const [name] = readdirSync(whole);
    const entries = readdirSync(path.join(whole, name!));
    assert.ok(entries.length > 10 * damages.length, `${entries.length} entries`);
    entries.forEach((entry, i) => {
      const at = path.join(whole, name!, entry);
      writeFileSync(at, damages[i % damages.length]!(readFileSync(at)));
    });
    assert.deepEqual(semrd(whole), said);
  });
});
