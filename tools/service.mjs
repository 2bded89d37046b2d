// npm run install:service: what is missing is installed and built, then a unit of systemd, the two commands and their
// completion are put where an operator looks for them. `-- --remove` takes them away; state and configuration stay.

import { existsSync } from "node:fs";
import { lstat, mkdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { reportFailure, SetupError, step } from "./progress.mjs";
import { run } from "./run.mjs";
import { root, setup } from "./setup.mjs";

const { values: options } = parseArgs({
  options: {
    remove: { type: "boolean", default: false },
    config: { type: "string", default: "/etc/semrd/semrd.json" },
    socket: { type: "string", default: "/run/semrd/semrd.sock" },
    destination: { type: "string", default: "/" },
    help: { type: "boolean", short: "h", default: false },
  },
});

const HELP = `npm run install:service -- [--config FILE] [--socket FILE] [--destination FOLDER] [--remove]

Puts a unit of systemd for the router, links to semrd and semrctl, and the completion of semrctl into the system.

  --config FILE         the router's configuration (${options.config})
  --socket FILE         its management/control-socket (${options.socket})
  --destination FOLDER  stands for / of another system, for those who make packages or images
  --remove              takes away what an earlier call has put there; configuration and state stay`;

/** @param {string} file absolute, in the system that is installed to */
const at = (file) => path.join(options.destination, file);

const UNIT = "/etc/systemd/system/semrd.service";
const COMPLETION = "/usr/share/bash-completion/completions/semrctl";
const LINKS = { "/usr/local/sbin/semrd": "tools/semrd", "/usr/local/bin/semrctl": "tools/semrctl" };

/**
 * It restarts after anything but mistakes that a restart cannot mend (sysexits.h: usage, permission, configuration), as often
 * as it takes; the pinned tables forward meanwhile. A watchdog ends a router whose event loop no longer turns. No mount namespace of its own: what it pins has
 * to outlive it. A reload is asked for and answered: after a signal it would be done as soon as that is sent, also where the file
 * is refused.
 */
const unitText = () => `[Unit]
Description=semrd, a capability router
Documentation=file://${root}/README.md
After=network.target systemd-sysctl.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${root}/tools/semrd --config ${options.config}
ExecReload=${root}/tools/semrctl --socket ${options.socket} --timeout 290 config reload
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=64 77 78
TimeoutStartSec=300
TimeoutStopSec=45
WatchdogSec=60
StateDirectory=semrd
StateDirectoryMode=0700
RuntimeDirectory=semrd
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
UMask=0077
LimitNOFILE=1048576
LimitMEMLOCK=infinity
NoNewPrivileges=yes
RestrictSUIDSGID=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`;

/** What a command prints. @throws {SetupError} where it fails */
async function printed(command, args) {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new SetupError(`${command} ${args.join(" ")} failed`, output.trim());
  return output;
}

/** Our own link is replaced; anything else of that name is somebody's. @throws {SetupError} */
async function refuseForeign(file, target) {
  const there = await lstat(file).catch(() => undefined);
  if (there !== undefined && !(await isOurs(file)))
    throw new SetupError(`${file} is not ours`, `move it away, or use ${target} as it is`);
}

async function link(file, target) {
  await mkdir(path.dirname(file), { recursive: true });
  await rm(file, { force: true });
  await symlink(target, file);
}

async function isOurs(file) {
  const target = await readlink(file).catch(() => undefined);
  return target !== undefined && /\/tools\/semr(d|ctl)$/.test(target);
}

/** systemd, where it is what runs here and not another system's. */
async function reloadManager() {
  if (options.destination !== "/" || !existsSync("/run/systemd/system")) return;
  await printed("systemctl", ["daemon-reload"]);
}

async function install() {
  for (const [file, target] of Object.entries(LINKS)) await refuseForeign(at(file), path.join(root, target));
  await step("unit", async () => {
    await mkdir(path.dirname(at(UNIT)), { recursive: true });
    await writeFile(at(UNIT), unitText());
    await reloadManager();
    return at(UNIT);
  });
  await step("commands", async () => {
    for (const [file, target] of Object.entries(LINKS)) await link(at(file), path.join(root, target));
    return Object.keys(LINKS).join(" ");
  });
  await step("completion", async () => {
    await mkdir(path.dirname(at(COMPLETION)), { recursive: true });
    await writeFile(at(COMPLETION), await printed(path.join(root, "tools", "semrctl"), ["completion", "bash"]));
    return at(COMPLETION);
  });
  const configure = existsSync(at(options.config)) ? "" : `  write ${options.config}, then\n`;
  console.log(
    `\n${configure}  systemctl enable --now semrd\n  systemctl status semrd; journalctl -u semrd; semrctl show status`,
  );
}

async function remove() {
  await step("removed", async () => {
    const gone = [];
    for (const file of Object.keys(LINKS).map(at)) if (await isOurs(file)) gone.push(file);
    for (const file of [UNIT, COMPLETION].map(at)) if (existsSync(file)) gone.push(file);
    for (const file of gone) await rm(file);
    await reloadManager();
    return gone.join(" ") || "nothing was there";
  });
}

try {
  if (options.help) console.log(HELP);
  else if (options.remove) await remove();
  else {
    await setup({ needRoot: true });
    await install();
  }
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
