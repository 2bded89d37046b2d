import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { semrctl } from "../cli/in-process.ts";
import { RouterFolder } from "../daemon/router-process.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const folder = mkdtempSync(path.join(tmpdir(), "st-service-"));
after(() => rmSync(folder, { recursive: true }));

const UNIT = "etc/systemd/system/semrd.service";
const skip = process.getuid?.() === 0 ? undefined : "skipped: needs root, as the router does";

function service(system: string, ...options: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(ROOT, "tools/service.mjs"), "--destination", system, ...options],
    { encoding: "utf8" },
  );
  return { status, out: stdout + stderr };
}

const files = (system: string): string[] =>
  readdirSync(system, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(system, path.join(entry.parentPath, entry.name)))
    .sort();

describe("the router as a service of a host", { skip, timeout: 60_000 }, () => {
  it("is installed twice as once, and removed without a trace of it", () => {
    const system = path.join(folder, "system");
    mkdirSync(path.join(system, "etc/semrd"), { recursive: true });
    writeFileSync(path.join(system, "etc/semrd/semrd.json"), "{}");
    for (const _ of ["once", "twice"]) {
      const { status, out } = service(system);
      assert.equal(status, 0, out);
      assert.match(out, /systemctl enable --now semrd/);
    }
    assert.deepEqual(files(system), [
      "etc/semrd/semrd.json",
      UNIT,
      "usr/local/bin/semrctl",
      "usr/local/sbin/semrd",
      "usr/share/bash-completion/completions/semrctl",
    ]);
    const command = readlinkSync(path.join(system, "usr/local/bin/semrctl"));
    assert.match(spawnSync(command, ["--help"], { encoding: "utf8" }).stdout, /^Usage: semrctl/);
    assert.equal(service(system, "--remove").status, 0);
    assert.deepEqual(files(system), ["etc/semrd/semrd.json"]);
  });

  it("takes nobody's program away", () => {
    const system = path.join(folder, "foreign");
    mkdirSync(path.join(system, "usr/local/bin"), { recursive: true });
    writeFileSync(path.join(system, "usr/local/bin/semrctl"), "another program");
    const { status, out } = service(system);
    assert.equal(status, 1);
    assert.match(out, /semrctl is not ours/);
    assert.equal(service(system, "--remove").status, 0);
    assert.deepEqual(files(system), ["usr/local/bin/semrctl"]);
  });

  it("a reload that is refused has failed, and says why", async () => {
    const routers = new RouterFolder(mkdtempSync(path.join(folder, "reload-")));
    const file = path.join(routers.path, "r1.json");
    const system = path.join(folder, "reloaded");
    await using router = await routers.started("r1", routers.configuration("r1"));
    assert.equal(service(system, "--config", file, "--socket", router.socket).status, 0);
    const [, line] = /^ExecReload=(.*)$/m.exec(readFileSync(path.join(system, UNIT), "utf8"))!;
    const reload = () => semrctl(line!.split(" ").slice(1));
    assert.match(line!, /^\S+\/tools\/semrctl /);

    await routers.written("r1", routers.configuration("r1", { "semrd-telemetry:telemetry": { "log-level": "warn" } }));
    assert.equal((await reload()).exitCode, 0);
    assert.match(JSON.stringify(await router.ctl("config", "show", "telemetry")), /"log-level":"warn"/);
    await routers.written("r1", '{ "semrd-router:router": {');
    const { exitCode, err } = await reload();
    assert.equal(exitCode, 1);
    assert.match(err, /not JSON: column \d+: a member name in quotes is expected here, not the end of the text/);
  });

  it("systemd has nothing to say about the unit", (t) => {
    const analyze = "/usr/bin/systemd-analyze";
    if (!existsSync(analyze)) return t.skip("skipped: there is no systemd-analyze");
    const system = path.join(folder, "verified");
    assert.equal(service(system, "--config", "/etc/semrd/edge.json").status, 0);
    const unit = path.join(system, UNIT);
    assert.match(readFileSync(unit, "utf8"), /^ExecStart=\S+\/tools\/semrd --config \/etc\/semrd\/edge\.json$/m);
    const { status, stdout, stderr } = spawnSync(analyze, ["verify", unit], { encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
    assert.doesNotMatch(stdout + stderr, /semrd\.service/);
  });
});
