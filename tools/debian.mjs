import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { SetupError } from "./progress.mjs";
import { run } from "./run.mjs";

/**
 * What is installed, and what each is for. Alternatives are tried in order: names differ between releases. Optional
 * ones are left out where no release of that name exists (their content is then part of another package).
 */
const PACKAGES = [
  { any: ["clang"] }, // eBPF objects
  { any: ["llvm"] },
  { any: ["libbpf-dev"] },
  { any: ["libelf-dev"] },
  { any: ["zlib1g-dev"] },
  { any: ["g++"] }, // the addon
  { any: ["pkg-config", "pkgconf"] },
  { any: ["libyang2-dev", "libyang-dev", "libyang3-dev"] },
  { any: ["libyang-modules", "libyang2-modules"], optional: true }, // Debian 12 has them in libyang2
  { any: ["libyuma-base"] }, // IETF modules
  { any: ["iproute2"] },
  { any: ["util-linux"] },
  { any: ["procps"] }, // sysctl
  { any: ["ethtool"] },
  { any: ["tcpdump"] },
  { any: ["curl"] },
  { any: ["openssl"] }, // certificates of the lab
  { any: ["tesseract-ocr"] }, // the agents of the quickstart
  { any: ["tesseract-ocr-eng"] },
  { any: ["espeak-ng"] },
];

/** Other people's programs that the tests speak to. Where one cannot be had, its tests say so and are skipped. */
const PEERS = [
  { any: ["bird2", "bird3"], optional: true }, // BGP, BFD
  { any: ["frr"], optional: true },
  { any: ["gobgpd"], optional: true },
  { any: ["openbgpd"], optional: true },
  { any: ["exabgp"], optional: true },
  { any: ["bgpdump"], optional: true }, // reads MRT
  { any: ["pmacct"], optional: true }, // takes BMP
  { any: ["stayrtr"], optional: true }, // RPKI cache
  { any: ["bind9-dnsutils", "dnsutils"], optional: true }, // dig
  { any: ["libyang2-tools", "libyang-tools"], optional: true }, // yanglint
  { any: ["python3-grpcio"], optional: true }, // gNMI
  { any: ["python3-protobuf"], optional: true },
  { any: ["python3-ncclient"], optional: true }, // NETCONF
  { any: ["yangcli"], optional: true },
  { any: ["yangdump"], optional: true },
  { any: ["openssh-client"], optional: true },
  { any: ["tshark"], optional: true }, // reads what BGP and BMP send
  { any: ["netconfd"], optional: true }, // answers what this one is asked
  { any: ["nfdump"], optional: true }, // takes flow records
  { any: ["iputils-ping", "inetutils-ping"], optional: true },
  { any: ["openvswitch-switch"], optional: true }, // a data plane
  { any: ["zsh"], optional: true }, // completion
  { any: ["less"], optional: true },
];

const KNOWN_RELEASES = new Set(["debian 12", "debian 13", "ubuntu 24.04"]);

/** Name of the release, and whether this project was written with it in mind. */
export function release() {
  if (process.platform !== "linux") {
    throw new SetupError(
      `semrd needs Linux; this is ${process.platform}`,
      "use a Debian 12, Debian 13 or Ubuntu 24.04 machine (a virtual one will do)",
    );
  }
  if (!existsSync("/etc/os-release")) {
    throw new SetupError(
      "there is no /etc/os-release, so the distribution is unknown",
      "use Debian 12 or 13, or Ubuntu 24.04",
    );
  }
  const fields = new Map();
  for (const text of readFileSync("/etc/os-release", "utf8").split("\n")) {
    const match = /^([A-Z_]+)="?([^"]*)"?$/.exec(text);
    if (match) fields.set(match[1], match[2]);
  }
  const id = `${fields.get("ID")} ${fields.get("VERSION_ID") ?? ""}`.trim();
  return { name: fields.get("PRETTY_NAME") ?? id, known: KNOWN_RELEASES.has(id) };
}

async function installedPackages(packages) {
  const names = packages.flatMap((wanted) => wanted.any);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the braces are dpkg-query's own
  const listed = await run("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...names]);
  if (listed.code === 127) {
    const list = packages.filter((wanted) => !wanted.optional).map((wanted) => wanted.any[0]);
    throw new SetupError(
      "there is no dpkg-query: this is not a Debian or Ubuntu system",
      `use Debian 12 or 13, or Ubuntu 24.04; what would have been installed: ${list.join(" ")}`,
    );
  }
  // Exit code 1 only means that some names are unknown.
  const installed = new Set();
  for (const text of listed.output.split("\n")) {
    const [name, status] = text.split(" ");
    if (status === "installed") installed.add(name);
  }
  return installed;
}

/** Names that apt can install now. */
async function available(names) {
  const policy = await run("apt-cache", ["policy", ...names], { env: { LC_ALL: "C" } });
  const found = new Set();
  let name = "";
  for (const text of policy.output.split("\n")) {
    const heading = /^(\S+):$/.exec(text);
    if (heading) name = heading[1];
    else if (/^ {2}Candidate: (?!\(none\))/.test(text)) found.add(name);
  }
  return found;
}

const apt = (args, log) =>
  run("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
    env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    onText: log,
  });

/** Installs what semrd needs and is missing. Returns a text about what was done. @throws {SetupError} */
export const ensurePackages = (log) => ensure(PACKAGES, log);

/** Installs what the tests can use besides; their services are not started. Only root can, so others get what is there. */
export async function ensurePeers(log) {
  const missing = missingFrom(PEERS, await installedPackages(PEERS));
  if (missing.length === 0) return `${PEERS.length} packages are there`;
  if (process.getuid() !== 0) return `not installed: ${missing.map((wanted) => wanted.any[0]).join(" ")} (needs root)`;
  const peers = PEERS.map((wanted) => ({ ...wanted, optional: false, mayBeAbsent: true }));
  return withoutServices(() => ensure(peers, log));
}

const POLICY = "/usr/sbin/policy-rc.d";

/** A package's service is started by its installation unless this file forbids it. */
async function withoutServices(install) {
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return await install();
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

const missingFrom = (packages, installed) =>
  packages.filter((wanted) => !wanted.any.some((name) => installed.has(name)));

async function ensure(packages, log) {
  const missing = missingFrom(packages, await installedPackages(packages));
  const needed = missing.filter((wanted) => !wanted.optional);
  if (needed.length === 0) return `${packages.length - missing.length} packages are there`;

  const command = `apt-get install ${needed.map((wanted) => wanted.any[0]).join(" ")}`;
  if (process.getuid() !== 0) {
    throw new SetupError(
      `Debian packages are missing and only root can install them: ${needed.map((wanted) => wanted.any[0]).join(" ")}`,
      `run this command as root once, or: sudo ${command}`,
    );
  }
  log("apt-get update");
  const updated = await apt(["update"], log);
  if (updated.code === 127) throw new SetupError("there is no apt-get", `install by hand what ${command} would`);

  const candidates = await available(missing.flatMap((wanted) => wanted.any));
  const chosen = [];
  for (const wanted of missing) {
    const name = wanted.any.find((candidate) => candidates.has(candidate));
    if (name !== undefined) chosen.push(name);
    else if (!wanted.optional && !wanted.mayBeAbsent) {
      throw new SetupError(
        `apt knows no package ${wanted.any.join(" or ")}`,
        updated.code === 0
          ? "enable the main section (Ubuntu: also universe) in /etc/apt/sources.list.d and start again"
          : "apt-get update failed: check the network, the proxy and /etc/apt, then start again",
        updated.code === 0 ? "" : updated.output,
      );
    }
  }
  if (chosen.length === 0) return `apt has none of ${missing.map((wanted) => wanted.any[0]).join(" ")}`;
  log(`apt-get install ${chosen.join(" ")}`);
  const done = await apt(["install", "--yes", "--no-install-recommends", ...chosen], log);
  if (done.code !== 0) {
    throw new SetupError(
      `apt-get install failed (exit code ${done.code}): ${chosen.join(" ")}`,
      "read apt's own words above; without network check the proxy (apt: Acquire::http::Proxy), then start again",
      done.output.split("\n").slice(-15).join("\n"),
    );
  }
  return `installed ${chosen.join(" ")}`;
}
