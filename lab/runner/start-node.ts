import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { expandMagicWords, type MagicWords, splitCommand } from "./expand.ts";
import { identify } from "./identity.ts";
import { nodeEnvironment } from "./process.ts";
import type { NodeState } from "./state.ts";
import type { NodeDefinition } from "./topology.ts";

/** A node whose namespaces exist and whose command has not been started. */
export interface PreparedNode {
  readonly state: NodeState;
  readonly logFile: string;
  /** Starts the node's command. */
  start(): void;
}

const INIT = path.join(import.meta.dirname, "init.sh");

/** What Docker gives a container that is not privileged. */
const UNPRIVILEGED = [
  ..."chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw".split(" "),
  ..."sys_chroot mknod audit_write setfcap".split(" "),
];

/**
 * Makes the namespaces and the private file system of a node. Its interfaces are the caller's work; `start` then runs
 * its command. If the runner dies before `start`, the node ends by itself.
 */
export async function prepareNode(
  node: NodeDefinition,
  topologyFile: string,
  labFolder: string,
): Promise<PreparedNode> {
  const words: MagicWords = { nodeName: node.name, labDirectory: labFolder };
  const folder = path.join(labFolder, node.name);
  await mkdir(folder, { recursive: true });
  const env = Object.fromEntries(Object.entries(node.env).map(([key, value]) => [key, expandMagicWords(value, words)]));
  const confine = node.privileged ? [] : ["--bounding-set", await boundingSet([...UNPRIVILEGED, ...node.capAdd])];
  await writeFiles(node, words, folder, path.dirname(topologyFile));

  const command = [node.entrypoint, node.cmd].flatMap((line) => splitCommand(expandMagicWords(line ?? "", words)));
  const confined = command.length > 0 && confine.length > 0 ? ["setpriv", ...confine, "--", ...command] : command;
  const logFile = path.join(labFolder, `${node.name}.log`);
  const log = await open(logFile, "a");
  try {
    const child = spawn(
      "unshare",
      [
        "--net",
        "--mount",
        "--uts",
        "--pid",
        "--fork",
        "--propagation",
        "private",
        "--",
        INIT,
        node.name,
        folder,
        ...confined,
      ],
      {
        stdio: ["pipe", log.fd, log.fd, "pipe"],
        env: nodeEnvironment({ name: node.name, env }),
        detached: true, // Ctrl-C is for the runner, which then ends the nodes in order
      },
    );
    const ended = once(child, "exit").then(() => undefined);
    ended.catch(() => {}); // awaited below, if it matters
    // Its end may be told before what it said, which ends with it; only one that cannot be started says nothing at all.
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    const answer = await Promise.race([firstLine(child.stdio[3] as Readable), failed]);
    const pid = /^ready (\d+)$/.exec(answer ?? "")?.[1];
    if (pid === undefined) {
      await ended;
      throw startError(node.name, answer, (await readFile(logFile, "utf8")).trim());
    }
    const [init, carrier] = await Promise.all([identify(Number(pid)), identify(child.pid!)]);
    if (init === undefined || carrier === undefined) throw new Error(`node ${node.name} ended at once: see ${logFile}`);
    child.unref();
    const gate = child.stdin as Writable;
    gate.on("error", () => {}); // the node was ended before it was started
    const state: NodeState = { name: node.name, kind: node.kind, image: node.image, init, carrier, env, confine };
    return { state, logFile, start: () => gate.end("go\n") };
  } finally {
    await log.close();
  }
}

function startError(node: string, answer: string | undefined, said: string): Error {
  const why = [answer?.replace(/^error /, ""), said].filter((text) => text !== undefined && text !== "").join(": ");
  const hint = /unshare.*not permitted/i.test(said)
    ? "; namespaces need root with CAP_SYS_ADMIN and CAP_NET_ADMIN, in a container a privileged one"
    : "";
  return new Error(`node ${node} did not start: ${why}${hint}`);
}

async function writeFiles(node: NodeDefinition, words: MagicWords, folder: string, base: string): Promise<void> {
  const binds: string[] = [];
  for (const bind of node.binds) {
    const source = path.resolve(base, expandMagicWords(bind.source, words));
    // Folders of the lab itself are made on demand; what is expected to exist elsewhere must exist.
    if (source.startsWith(`${words.labDirectory}/`) && path.extname(source) === "")
      await mkdir(source, { recursive: true });
    binds.push(`${bind.readOnly ? "ro" : "rw"}\t${source}\t${bind.target}\n`);
  }
  const sysctls = Object.entries(node.sysctls).map(([key, value]) => `${sysctlPath(key)}\t${value}\n`);
  const { servers, search, options } = node.dns;
  const resolver = [
    ...servers.map((server) => `nameserver ${server}`),
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  await writeFile(path.join(folder, "binds"), binds.join(""));
  await writeFile(path.join(folder, "sysctls"), sysctls.join(""));
  await writeFile(path.join(folder, "hosts"), `127.0.0.1 localhost\n::1 localhost ${node.name}\n`);
  await writeFile(path.join(folder, "resolv.conf"), resolver.map((line) => `${line}\n`).join(""));
}

/** `a.b/c.d` as sysctl(8) reads it: the first separator decides; the other one is then a part of names. */
export function sysctlPath(key: string): string {
  const slash = key.indexOf("/");
  const dot = key.indexOf(".");
  if (dot < 0 || (slash >= 0 && slash < dot)) return key;
  return key.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

/** The words of setpriv for a bounding set: only capabilities that this process could give. */
async function boundingSet(wanted: readonly string[]): Promise<string> {
  const status = await readFile("/proc/self/status", "utf8");
  const mask = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const kept = wanted.filter((name) => name === "all" || (mask >> BigInt(capabilityNumber(name))) & 1n);
  return kept.includes("all") ? "+all" : ["-all", ...new Set(kept.map((name) => `+${name}`))].join(",");
}

// In the order of their numbers. @see include/uapi/linux/capability.h
const CAPABILITIES = [
  ..."chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable".split(" "),
  ..."net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot".split(" "),
  ..."sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease".split(" "),
  ..."audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read".split(" "),
  ..."perfmon bpf checkpoint_restore".split(" "),
];

function capabilityNumber(name: string): number {
  const number = CAPABILITIES.indexOf(name);
  if (number < 0) throw new RangeError(`cap-add: there is no capability ${name}`);
  return number;
}

/** Up to the first newline; `undefined` if the stream ends before. */
function firstLine(stream: Readable): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (part: string) => {
      text += part;
      if (text.includes("\n")) {
        resolve(text.slice(0, text.indexOf("\n")));
        stream.destroy();
      }
    });
    stream.on("end", () => resolve(undefined));
    stream.on("error", reject);
  });
}
