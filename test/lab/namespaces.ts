import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Why labs cannot be made here; `undefined` where they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "skipped: needs Linux";
  if (process.getuid?.() !== 0) return "skipped: needs root";
  const tried = spawnSync("unshare", [
    "--net",
    "--mount",
    "--uts",
    "--pid",
    "--fork",
    "mount",
    "-n",
    "-t",
    "tmpfs",
    "x",
    "/mnt",
  ]);
  if (tried.error) return "skipped: there is no unshare(1)";
  return tried.status === 0 ? undefined : `skipped: cannot make namespaces (${tried.stderr.toString().trim()})`;
}

/** What a lab could leave behind: network namespaces in use, mounts of this namespace, processes by command line. */
export function inventory(marker: string): {
  readonly namespaces: string[];
  readonly mounts: string[];
  readonly processes: string[];
} {
  const namespaces = new Set<string>();
  const processes: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      if (!line.includes(marker) || Number(pid) === process.pid) continue;
      processes.push(line);
      namespaces.add(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {}
  }
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(marker));
  return { namespaces: [...namespaces], mounts, processes };
}

/** Processes, mounts and folders of a lab that is gone. */
export function leftovers(lab: string): string[] {
  const { mounts, processes } = inventory(`/run/semrd-lab/${lab}/`);
  const folders = readdirSync("/run").includes("semrd-lab")
    ? readdirSync("/run/semrd-lab").filter((name) => name === lab)
    : [];
  return [...mounts, ...processes, ...folders.map((name) => `/run/semrd-lab/${name}`)];
}
