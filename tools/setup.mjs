// Makes a fresh machine ready to run semrd. Plain JavaScript for Node 18 and newer, node: modules only: this runs
// before anything is installed. Every step looks first, so that a second run takes about a second.

import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { BuildError } from "./build-steps.mjs";
import { compileSources } from "./compile-cache.mjs";
import { ensurePackages, ensurePeers, release } from "./debian.mjs";
import { ensureNodePackages } from "./node-packages.mjs";
import { reportFailure, SetupError, step, style } from "./progress.mjs";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const OLDEST_NODE = 18;

/** @throws {SetupError} */
function checkMachine({ needRoot }) {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_NODE) {
    throw new SetupError(`Node ${process.versions.node} is too old`, `install Node ${OLDEST_NODE} or newer with npm`);
  }
  const { name, known } = release();
  if (!["x64", "arm64"].includes(process.arch)) {
    throw new SetupError(`no build for ${process.arch}`, "use an x86-64 or arm64 machine");
  }
  if (needRoot && process.getuid() !== 0) {
    throw new SetupError(
      "this needs root: it makes network namespaces and loads eBPF programs",
      "start it again as root (sudo npm start)",
    );
  }
  return known ? name : `${name} ${style.yellow("(not one of Debian 12, Debian 13, Ubuntu 24.04)")}`;
}

/**
 * Installs and builds everything that is missing. With `needRoot` it refuses at once where the caller will need root; with
 * `peers` also the programs of others that tests speak to.
 * @throws {SetupError} for what a person can put right; other errors are ours
 */
export async function setup({ needRoot = false, peers = false } = {}) {
  await step("machine", async () => checkMachine({ needRoot }));
  await step("Debian packages", ensurePackages);
  if (peers) await step("peers for the tests", ensurePeers);
  await step("npm packages", (log) => ensureNodePackages(root, log));
  await step("addon (C++)", async (log) => {
    const { buildNative } = await import("./build-native.mjs");
    return (await buildable(buildNative({ root, log }))) ? "compiled" : "up to date";
  });
  await step("data plane (eBPF)", async (log) => {
    const { buildDataplane } = await import("./build-dataplane.mjs");
    return (await buildable(buildDataplane({ root, log }))) ? "compiled" : "up to date";
  });
  await step("sources (TypeScript)", async () => {
    await compileSources(root);
    return "compiled";
  });
}

/** The compilers' words are for a person, without our stack. */
async function buildable(building) {
  try {
    return await building;
  } catch (cause) {
    if (!(cause instanceof BuildError)) throw cause;
    const [first, ...rest] = cause.message.split("\n");
    throw new SetupError(first, "if the sources are unchanged, remove build/ and start again", rest.join("\n"));
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  setup().catch((error) => {
    reportFailure(error);
    process.exitCode = 1;
  });
}
