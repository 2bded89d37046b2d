import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { StoryContext } from "../quickstart/story/index.ts";
import { PROJECT, type RouterName } from "../quickstart/story/places.ts";

/** Who the tools are, and where the routers listen: yangcli knows addresses of IPv4 only. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Who signed the certificate of the gNMI server, PEM. */
  readonly authority: string;
}

/** What a tool is told to do: what both routers get, what only the site's router gets, or five mistakes. */
export type Part = "change" | "site" | "mistakes";

export interface Tool {
  readonly name: string;
  /** Debian package and the reason why it cannot be used here, if so. */
  whyNot(): string | undefined;
  /** Does `parts` on a router, in one transaction where the tool has them; gives what it printed. */
  run(context: StoryContext, router: RouterName, login: Login, parts: readonly Part[]): Promise<readonly string[]>;
}

const FILES = path.join(import.meta.dirname, "tools");
const SEMRCTL = [`${PROJECT}/tools/semrctl`, "--socket", "/run/semrd/semrd.sock"];
/** Debian's own, which has Debian's modules. */
const PYTHON = "/usr/bin/python3";
const YANGCLI = "/usr/bin/yangcli";
const PATIENCE = 60_000;

const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line.trim() !== "");
const script = (parts: readonly Part[], tool: string): string =>
  parts.map((part) => readFileSync(path.join(FILES, `${part}.${tool}`), "utf8")).join("");
const runs = (...argv: readonly [string, ...string[]]): boolean => {
  const [file, ...args] = argv;
  return spawnSync(file, args, { stdio: "ignore" }).status === 0;
};

const semrctl: Tool = {
  name: "semrctl",
  whyNot: () => undefined,
  async run(context, router, _login, parts) {
    const words = lines(script(parts, "semrctl"));
    if (!parts.includes("mistakes")) {
      const stdin = [...words, "commit comment globex", ""].join("\n");
      const done = await context.lab.exec(router, [...SEMRCTL, "configure"], { stdin, timeout: PATIENCE });
      return ended(done, "semrctl configure");
    }
    const said: string[] = [];
    for (const line of words) {
      const done = await context.lab.exec(router, [...SEMRCTL, "config", ...line.split(" ")], { timeout: PATIENCE });
      if (done.code === 0) {
        const checked = await context.lab.exec(router, [...SEMRCTL, "config", "validate"], { timeout: PATIENCE });
        said.push(`${line}:`, ...lines(checked.stdout + checked.stderr));
      } else said.push(`${line}:`, ...lines(done.stderr));
      await context.lab.exec(router, [...SEMRCTL, "config", "discard"]);
    }
    return said;
  },
};

const ncclient: Tool = {
  name: "ncclient",
  whyNot: () => (runs(PYTHON, "-c", "import ncclient") ? undefined : "apt-get install python3-ncclient"),
  async run(context, router, login, parts) {
    const argv = [PYTHON, `${PROJECT}/lab/operators/tools/ncclient_change.py`, ...parts];
    const done = await context.lab.exec(router, argv, { stdin: JSON.stringify(login), timeout: PATIENCE });
    return ended(done, "ncclient");
  },
};

const gnmi: Tool = {
  name: "gNMI",
  whyNot: () =>
    runs(PYTHON, "-c", "import grpc, google.protobuf") ? undefined : "apt-get install python3-grpcio python3-protobuf",
  async run(context, router, login, parts) {
    const argv = [PYTHON, `${PROJECT}/lab/operators/tools/gnmi_change.py`, ...parts];
    const stdin = JSON.stringify({ ...login, name: `${router}.example.net` });
    return ended(await context.lab.exec(router, argv, { stdin, timeout: PATIENCE }), "the client of gNMI");
  },
};

const yangcli: Tool = {
  name: "yangcli",
  whyNot: () => (existsSync(YANGCLI) ? undefined : "apt-get install yangcli"),
  async run(context, router, login, parts) {
    if (!parts.includes("mistakes"))
      return await yangcliRuns(context, router, login, `${script(parts, "yangcli")}commit`);
    const said: string[] = [];
    for (const line of lines(script(parts, "yangcli"))) {
      const answers = await yangcliRuns(context, router, login, `${line}\nvalidate source=candidate`);
      said.push(`${line}:`, ...answers.filter((answer) => !answer.startsWith("RPC OK")));
      await context.lab.exec(router, [...SEMRCTL, "config", "discard"]);
    }
    return said;
  },
};

const PLAYBOOK = "/usr/bin/ansible-playbook";

const ansible: Tool = {
  name: "Ansible",
  whyNot: () =>
    existsSync(PLAYBOOK) && runs(PYTHON, "-c", "import ncclient")
      ? undefined
      : "apt-get install ansible python3-ncclient: 260 MB",
  async run(context, router, login, parts) {
    const play = async (...args: readonly string[]): Promise<readonly string[]> => {
      const folder = `${PROJECT}/lab/operators/tools/ansible`;
      const argv = [PLAYBOOK, `--inventory=${folder}/routers.yml`, `--limit=${router}`, ...args.slice(1)];
      const env = {
        ...{ SEMRD_HOST: login.host, SEMRD_USER: login.user, SEMRD_PASSWORD: login.password },
        ...{ HOME: "/run", LC_ALL: "C.UTF-8", ANSIBLE_NOCOLOR: "1", ANSIBLE_DEVEL_WARNING: "0" },
      };
      const done = await context.lab.exec(router, [...argv, `${folder}/${args[0]}`], { env, timeout: PATIENCE });
      return ended(done, `ansible-playbook ${args.join(" ")}`);
    };
    if (parts.includes("mistakes")) return messages(await play("mistakes.yml"));
    const shown = await play("change.yml", "--check", "--diff");
    const done = await play("change.yml");
    const again = await play("change.yml");
    const more = shown.filter((line) => /^\+(?!\+)/.test(line)).length;
    return [`--check --diff: ${more} lines more`, ...of("once", done), ...of("twice", again)];
  },
};

/** The last line of a play, which counts. */
const of = (when: string, said: readonly string[]): readonly string[] =>
  said.flatMap((line) => {
    const counts = /: (ok=\d+) +(changed=\d+) .*(failed=\d+)/.exec(line);
    return counts === null ? [] : [`${when}: ${counts.slice(1).join(" ")}`];
  });

/** What was wrong with each item of a loop, without the item. */
const messages = (said: readonly string[]): readonly string[] =>
  said.flatMap((line) => {
    const failed = /^failed: \[\w+\] \(item=([^)]*)\) => (\{.*\})$/.exec(line);
    return failed === null ? [] : [`${failed[1]}: ${(JSON.parse(failed[2]!) as { readonly msg: string }).msg}`];
  });

const SESSION = "Checking Server Modules...";
/** What it says of modules each time: it cannot read that of RFC 8632, which has a notification in a list. */
const OF_MODULES =
  /^Warning: skipping|ietf-alarms|semrd-alarms|'notification'|^choice, uses,or|^Error: +Got 'notification'/;

/** It reads the modules anew each time, and ends a script at the first mistake. */
async function yangcliRuns(context: StoryContext, router: RouterName, login: Login, text: string) {
  const file = "/run/yangcli-script";
  await context.lab.exec(router, ["sh", "-c", `cat > ${file}`], { stdin: `${text}\n` });
  const { host, port, user, password } = login;
  const argv = [
    ...[YANGCLI, `--server=${host}`, `--ncport=${port}`, `--user=${user}`, `--password=${password}`],
    ...["--batch-mode", "--display-mode=plain", `--run-script=${file}`, "--timeout=20"],
    `--modpath=${PROJECT}/yang:/usr/share/yuma/modules`,
  ];
  const done = await context.lab.exec(router, argv, { timeout: PATIENCE, env: { HOME: "/run", TERM: "dumb" } });
  const printed = done.stdout + done.stderr;
  // Before it lie its name, and what the router can.
  const begins = printed.indexOf(SESSION);
  if (begins < 0) throw new Error(`yangcli ended with ${done.code}: ${printed.trim()}`);
  return lines(printed.slice(begins + SESSION.length)).filter((line) => !OF_MODULES.test(line));
}

function ended(done: { readonly code: number; readonly stdout: string; readonly stderr: string }, what: string) {
  if (done.code !== 0) throw new Error(`${what} ended with ${done.code}: ${(done.stderr || done.stdout).trim()}`);
  return lines(done.stdout);
}

export const TOOLS: readonly Tool[] = [semrctl, ncclient, gnmi, yangcli, ansible];
