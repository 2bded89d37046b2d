/**
 * What NETCONF costs: `node test/bench/mgmt/netconf.ts [agents]`. The router is a process of its own with the memory
 * data plane; where netconfd (yuma123) is installed it answers the same client in the same run, and an SSH server with nothing
 * behind it shows what no NETCONF server over `ssh2` can go below.
 *
 * CPU is that of the server for one of the things counted. Bars are those of the requirements.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { sshKeyPair } from "../../../src/management/index.ts";
import { type NetconfRouter, startNetconfRouter } from "../../management/netconf/netconf-router.ts";
import { RawClient } from "../../management/netconf/raw-client.ts";
import { CAPABILITIES } from "./subject.ts";

const ROUNDS = 500;
const PIPELINED = 2_000;
const SESSIONS = 40;
/** Entries that every server takes: a larger edit is a minute's work for netconfd. */
const GROUPS = 1_000;
const AGENTS = Number(process.argv[2] ?? 10_000);
const PROBE = new URL("../../host/stall-probe.ts", import.meta.url).href;
const ECHO = fileURLToPath(new URL("ssh-echo.ts", import.meta.url));
const SMALL = "<get-config><source><candidate/></source><filter type='subtree'/></get-config>";

interface Subject {
  readonly name: string;
  /** Of the server. */
  readonly pid: number;
  open(): Promise<RawClient>;
  /** Longest turn of its event loop since this was last asked for, in milliseconds of CPU. */
  stall?(): Promise<number>;
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1]!;

/** Milliseconds of CPU so far; the kernel counts in ticks of 10. */
function cpu({ pid }: Subject): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function row(what: string, subject: Pick<Subject, "name">, value: string, bar: string, each: number): void {
  console.log(`| ${what} | ${subject.name} | ${value} | ${bar} | ${each.toFixed(2)} |`);
}

async function roundTrips(subject: Subject): Promise<boolean> {
  {
    await using client = await subject.open();
    for (let i = 0; i < 50; i++) await client.rpc(SMALL);
    const times: number[] = [];
    let used = cpu(subject);
    for (let i = 0; i < ROUNDS; i++) {
      const began = performance.now();
      await client.rpc(SMALL);
      times.push(performance.now() - began);
    }
    row("round trip, median", subject, `${median(times).toFixed(2)} ms`, "0.6 ms", (cpu(subject) - used) / ROUNDS);
    used = cpu(subject);
    const began = performance.now();
    const answers = (async () => {
      for (let i = 0; i < PIPELINED; i++) await client.answer();
    })();
    answers.catch(() => undefined); // looked at below
    for (let i = 0; i < PIPELINED; i++) await client.send(SMALL);
    const finished = await answers.then(
      () => true,
      () => false,
    );
    const rate = (PIPELINED / (performance.now() - began)) * 1000;
    const told = finished ? `${rate.toFixed(0)} /s` : "never answered all";
    row(`${PIPELINED} requests pipelined`, subject, told, "3000 /s", (cpu(subject) - used) / PIPELINED);
    return finished; // else it hangs: nobody else would be served either
  }
}

async function sessions(subject: Subject): Promise<void> {
  const used = cpu(subject);
  const began = performance.now();
  let left = SESSIONS;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      await using client = await subject.open();
      await client.rpc(SMALL);
    }
  };
  await Promise.all([one(), one(), one(), one()]);
  const rate = (SESSIONS / (performance.now() - began)) * 1000;
  row("sessions, 4 at a time", subject, `${rate.toFixed(0)} /s`, "100 /s", (cpu(subject) - used) / SESSIONS);
}

const NACM = 'xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"';
const group = (i: number, more = ""): string =>
  `<group${more}><name>bench-${i}</name><user-name>user-${i}</user-name></group>`;
const edited = (config: string): string =>
  `<edit-config><target><candidate/></target><config xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">${config}</config></edit-config>`;

/** The same entries of a module that every server has. */
async function groups(subject: Subject): Promise<void> {
  await using client = await subject.open();
  const all = (more?: string): string =>
    `<nacm ${NACM}><groups>${Array.from({ length: GROUPS }, (_, i) => group(i, more)).join("")}</groups></nacm>`;
  await steps(subject, client, `${GROUPS} groups`, [
    ["edit", edited(all()), ""],
    ["commit", "<commit/>", ""],
    ["get-config", `<get-config><source><running/></source><filter><nacm ${NACM}/></filter></get-config>`, ""],
    ["edit that removes them", edited(all(' nc:operation="delete"')), ""],
    ["commit of that", "<commit/>", ""],
  ]);
}

type Step = readonly [what: string, operation: string, bar: string];

async function steps(subject: Subject, client: RawClient, of: string, wanted: readonly Step[]): Promise<void> {
  for (const [what, operation, bar] of wanted) {
    await subject.stall?.();
    const used = cpu(subject);
    const began = performance.now();
    const answer = await client.rpc(operation);
    if (answer.includes("<rpc-error>")) throw new Error(`${what}, ${of}: ${answer.slice(0, 500)}`);
    const wall = performance.now() - began;
    const spent = cpu(subject) - used;
    await new Promise((resolve) => setTimeout(resolve, AFTERWARDS)); // compiled and announced meanwhile
    const longest = await subject.stall?.();
    const turn = longest === undefined ? "" : `, longest turn ${longest.toFixed(0)} ms of CPU`;
    row(`${what}, ${of}`, subject, `${wall.toFixed(0)} ms${turn}`, bar, spent);
  }
}

const AFTERWARDS = 1_000;

/** What an operator does to a router of many agents. */
async function agents(subject: Subject): Promise<void> {
  await using client = await subject.open();
  const agent = (i: number): string =>
    `<agent><id>spiffe://example.net/acme/agent/a${i}</id><tenant>acme</tenant><capability><name>/bench/c${i % CAPABILITIES}</name>` +
    `<major-version>1</major-version><address>fd00:a::${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}</address>` +
    `<port>8080</port><weight>${(i % 100) + 1}</weight><label>eu</label></capability></agent>`;
  const inside = (text: string): string => edited(`<router xmlns="urn:semrd:yang:semrd-router">${text}</router>`);
  const list = (more: string, text: string): string =>
    inside(`<agents xmlns="urn:semrd:yang:semrd-agent"${more}>${text}</agents>`);
  const all = list("", Array.from({ length: AGENTS }, (_, i) => agent(i)).join(""));
  const level = (name: string): string =>
    inside(`<telemetry xmlns="urn:semrd:yang:semrd-telemetry"><log-level>${name}</log-level></telemetry>`);
  const gone = list(' nc:operation="delete"', "");
  const whole = "<get-config><source><running/></source></get-config>";
  const round: readonly Step[] = [
    ["edit", all, "500 ms"],
    ["commit", "<commit/>", "250 ms"],
    ["get-config", whole, "150 ms"],
    ["edit of one leaf beside", level("warn"), ""],
    ["its commit", "<commit/>", "150 ms"],
    ["edit of the leaf back", level("info"), ""],
    ["its commit", "<commit/>", "150 ms"],
    ["edit that removes them", gone, ""],
    ["commit of that", "<commit/>", "250 ms"],
  ];
  await steps(subject, client, `${AGENTS} agents, first time`, round);
  await steps(subject, client, `${AGENTS} agents`, round);
}

async function measure(subject: Subject): Promise<void> {
  await groups(subject);
  if (await roundTrips(subject)) await sessions(subject);
}

/** An SSH server without a router. */
async function withEcho(use: (subject: Subject) => Promise<void>): Promise<void> {
  const reply = '<rpc-reply message-id="1" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><data/></rpc-reply>';
  const child = spawn(process.execPath, [ECHO, sshKeyPair("ed25519").private, reply], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    const login = { host: "127.0.0.1", port: Number(port.toString()), username: "bench", password: "any" };
    await use({ name: "ssh2 alone", open: () => RawClient.open(login), pid: child.pid! });
  } finally {
    child.kill("SIGKILL");
  }
}

/** netconfd and the program that sshd would start, without the sshd: no SSH is in its figures. */
async function withNetconfd(folder: string, use: (subject: Subject) => Promise<void>): Promise<void> {
  const [netconfd, subsystem] = ["/usr/sbin/netconfd", "/usr/sbin/netconf-subsystem"];
  if (!existsSync(netconfd)) {
    console.log(`netconfd is not compared: there is no ${netconfd}`);
    return;
  }
  const socket = path.join(folder, "ncx.sock");
  const options = ["--superuser=root", "--access-control=off", "--no-startup", "--target=candidate"];
  const where = [`--ncxserver-sockname=${socket}`, `--log=${path.join(folder, "log")}`];
  const env = { ...process.env, HOME: folder, USER: "root", SSH_CONNECTION: "127.0.0.1 1111 127.0.0.1 830" };
  const child = spawn(netconfd, [...where, ...options], { stdio: "ignore", cwd: folder, env });
  try {
    await reached(socket);
    const open = (): Promise<RawClient> => {
      const ours = spawn(subsystem, [`--ncxserver-sockname=830@${socket}`], { stdio: ["pipe", "pipe", "ignore"], env });
      const stream = Duplex.from({ readable: ours.stdout, writable: ours.stdin });
      stream.on("error", () => undefined);
      return RawClient.on(stream, () => ours.kill("SIGKILL"));
    };
    await use({ name: "netconfd, no SSH", open, pid: child.pid! });
  } catch (cause) {
    // It is known to hang after many requests at once.
    console.log(`netconfd was not measured to the end: ${cause instanceof Error ? cause.message : String(cause)}`);
  } finally {
    child.kill("SIGKILL");
  }
}

async function reached(file: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const there = await new Promise((resolve) => {
      const socket = connect(file);
      socket.once("connect", () => resolve(socket.destroy()));
      socket.once("error", () => resolve(undefined));
    });
    if (there !== undefined) return;
    await new Promise((next) => setTimeout(next, 100));
  }
  throw new Error(`nobody listens on ${file}`);
}

const ROUTER = {
  "semrd-taxonomy:taxonomy": {
    revision: 1,
    capability: Array.from({ length: CAPABILITIES }, (_, i) => ({ name: `/bench/c${i}`, "major-version": 1 })),
  },
  "semrd-dataplane:dataplane": { driver: "memory", "max-capabilities": 65_536 },
};

async function stallOf({ process: { child, log }, process: said }: NetconfRouter): Promise<number> {
  const from = log.length;
  child.kill("SIGUSR2");
  for (;;) {
    const line = said.log.slice(from).match(/\{"event":"test\.stall".*\}/)?.[0];
    if (line !== undefined) return (JSON.parse(line) as { readonly longest: number }).longest;
    await once(child.stdout!, "data");
  }
}

const folder = await mkdtemp(path.join(tmpdir(), "semrd-bench-netconf-"));
try {
  console.log("| what | server | measured | bar | CPU ms each |\n| --- | --- | ---: | ---: | ---: |");
  await withEcho(async (subject) => void (await roundTrips(subject)));
  {
    // Without the probe, whose timer is work as well.
    await using plain = await startNetconfRouter();
    await measure({ name: "semrd", open: () => plain.open(), pid: plain.process.child.pid! });
  }
  await using router = await startNetconfRouter({}, ROUTER, ["env", `NODE_OPTIONS=--import=${PROBE}`]);
  const subject = {
    name: "semrd",
    open: () => router.open(),
    pid: router.process.child.pid!,
    stall: () => stallOf(router),
  };
  await agents(subject);
  await withNetconfd(folder, measure);
} finally {
  await rm(folder, { recursive: true, force: true });
}
