import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { SetupError } from "./progress.mjs";
import { run } from "./run.mjs";

/** The project's own Node, brought by the `node` package whatever the machine has. */
export const projectNode = (root) => path.join(root, "node_modules", ".bin", "node");

const lockedPackages = (file) => JSON.parse(readFileSync(file, "utf8")).packages ?? {};

/** True if what npm says it installed is what the lock file names; packages for other platforms may be absent. */
function installedAsLocked(root) {
  const record = path.join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = lockedPackages(record);
  return Object.entries(lockedPackages(path.join(root, "package-lock.json"))).every(
    ([place, { version, optional }]) => {
      if (place === "") return true;
      return installed[place] === undefined ? optional === true : installed[place].version === version;
    },
  );
}

async function npm(root, args, log) {
  const done = await run("npm", [...args, "--no-audit", "--no-fund"], { cwd: root, onText: log });
  if (done.code === 127) {
    throw new SetupError("there is no npm", "install it next to Node (Debian: apt-get install npm), then start again");
  }
  if (done.code !== 0) {
    throw new SetupError(
      `npm ${args.join(" ")} failed (exit code ${done.code})`,
      "read npm's own words above; without network check the proxy and the registry (npm config get registry), then start again",
      // npm says what is wrong first, and at length how it is used.
      done.output.split("\n").slice(0, 25).join("\n"),
    );
  }
}

const versionOf = async (binary) => {
  if (!existsSync(binary)) return undefined;
  const said = await run(binary, ["--version"]);
  return said.code === 0 ? said.output.trim().replace(/^v/, "") : undefined;
};

/**
 * Makes `node_modules/.bin/node` the Node of the lock file. The `node` package fetches it in an install script; scripts
 * are off here, so the binary comes straight from the platform's package.
 */
async function ensureNode(root, log) {
  const link = projectNode(root);
  const home = path.join(root, "node_modules", "node");
  const wanted = JSON.parse(readFileSync(path.join(home, "package.json"), "utf8")).version;
  if ((await versionOf(link)) === wanted) return wanted;

  const binary = path.join(home, "bin", "node");
  if ((await versionOf(binary)) !== wanted) {
    const platformPackage = `node-${process.platform}-${process.arch}`;
    log(`fetching ${platformPackage}@${wanted}`);
    await npm(
      home,
      ["install", "--no-save", "--ignore-scripts", "--no-package-lock", `${platformPackage}@${wanted}`],
      log,
    );
    mkdirSync(path.dirname(binary), { recursive: true });
    rmSync(binary, { force: true });
    copyFileSync(path.join(home, "node_modules", platformPackage, "bin", "node"), binary);
    chmodSync(binary, 0o755);
  }
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) {
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync("../node/bin/node", link);
  }
  const got = await versionOf(link);
  if (got !== wanted) {
    throw new SetupError(
      `node_modules/.bin/node is ${got ?? "not runnable"} instead of ${wanted}`,
      "remove node_modules and start again; the platform must be one that Node itself supports",
    );
  }
  return wanted;
}

/** Installs what package-lock.json names unless that is there. Returns a text about what was done. @throws {SetupError} */
export async function ensureNodePackages(root, log) {
  const fresh = !installedAsLocked(root);
  if (fresh) {
    log("npm ci");
    // Scripts of packages would compile optional parts that nothing here uses (ssh2's own ciphers) and fetch headers for it.
    await npm(root, ["ci", "--ignore-scripts"], log);
  }
  const version = await ensureNode(root, log);
  return fresh ? `installed; Node ${version}` : `as locked; Node ${version}`;
}
