// npm test: setup, lint and format, types, then every test. `npm test -- <text>…` runs only the test files whose path
// contains one of the texts, and leaves out lint and types.

import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { compileCache } from "./compile-cache.mjs";
import { projectNode } from "./node-packages.mjs";
import { reportFailure, SetupError, step } from "./progress.mjs";
import { run, runForeground } from "./run.mjs";
import { root, setup } from "./setup.mjs";

/** Tests wait for peers and timers for half of their time: two processors are busy with four files. */
const CONCURRENCY = availableParallelism() + 2;
const ONE_TEST_MS = 300_000;
/** The longest takes 40 s alone, and twice that beside others. */
const ONE_FILE_MS = 480_000;

/**
 * Tests of what a router does within milliseconds (BFD at 10 ms × 3, heartbeats, turns of the event loop): they run after all
 * others, one by one, so that what they measure is the router and not four files on two processors.
 */
const ALONE = [
  "test/dataplane/ladder/",
  "test/dataplane/kernel/load-shift",
  "test/bgp/hostile/beside-bird",
  "test/management/netconf/abuse",
  "test/daemon/floods",
];

function testFiles(filters) {
  const files = readdirSync(path.join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => path.join("test", name))
    .sort();
  return filters.length === 0 ? files : files.filter((file) => filters.some((text) => file.includes(text)));
}

async function check(label, command, args) {
  await step(label, async () => {
    const done = await run(command, args, { cwd: root, env: { FORCE_COLOR: process.stdout.isTTY ? "1" : "0" } });
    if (done.code !== 0) throw new SetupError(`${label}: exit code ${done.code}`, undefined, done.output);
    return "";
  });
}

async function main(filters) {
  await setup({ peers: true });
  const failures = [];
  const node = projectNode(root);
  if (filters.length === 0) {
    const local = (name) => path.join(root, "node_modules", ".bin", name);
    const checks = [
      ["lint and format (biome)", node, [local("biome"), "check", "."]],
      // What has not changed since it was last asked is not asked again.
      [
        "types (tsc)",
        node,
        [local("tsc"), "--noEmit", "--incremental", "--tsBuildInfoFile", "build/types.tsbuildinfo"],
      ],
    ];
    for (const [label, command, args] of checks) {
      try {
        await check(label, command, args);
      } catch (error) {
        reportFailure(error);
        failures.push(label);
      }
    }
  }
  const files = testFiles(filters);
  if (files.length === 0)
    throw new SetupError(`no test file matches ${filters.join(" ")}`, "give a part of a path under test/");
  const alone = files.filter((file) => ALONE.some((text) => file.includes(text)));
  const code = await runForeground(
    node,
    [
      path.join(root, "tools", "run-tests.mjs"),
      `${CONCURRENCY}`,
      `${ONE_TEST_MS}`,
      `${ONE_FILE_MS}`,
      ...files.filter((file) => !alone.includes(file)),
      "--",
      ...alone,
    ],
    { cwd: root, env: compileCache(root) },
  );
  if (code !== 0) failures.push("tests");
  if (failures.length > 0) throw new SetupError(`failed: ${failures.join(", ")}`);
}

main(process.argv.slice(2)).catch((error) => {
  reportFailure(error);
  process.exitCode = 1;
});
