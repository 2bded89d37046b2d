/**
 * What a NETCONF session costs: `node test/bench/mgmt/netconf.ts`. The router is a process of its own with the memory
 * data plane; where netconfd (yuma123) is installed it answers the same client in the same run.
 *
 * CPU is that of the server for one of the things counted. Bars are those of the requirements.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Duplex } from "node:stream";
import { startNetconfRouter } from "../../management/netconf/netconf-router.ts";
import { RawClient } from "../../management/netconf/raw-client.ts";

const ROUNDS = 500;
const PIPELINED = 2_000;
const SESSIONS = 40;
const SMALL = "<get-config><source><candidate/></source><filter type='subtree'/></get-config>";

interface Subject {
  readonly name: string;
  /** Of the server. */
  readonly pid: number;
  open(): Promise<RawClient>;
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1]!;

/** Milliseconds of CPU so far; the kernel counts in ticks of 10. */
function cpu({ pid }: Subject): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function measure(subject: Subject): Promise<void> {
  const row = (what: string, value: string, bar: string, each: number): void =>
    console.log(`| ${what} | ${subject.name} | ${value} | ${bar} | ${each.toFixed(2)} |`);
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
    row("round trip, median", `${median(times).toFixed(2)} ms`, "0.6 ms", (cpu(subject) - used) / ROUNDS);
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
    row(`${PIPELINED} requests pipelined`, told, "3000 /s", (cpu(subject) - used) / PIPELINED);
    if (!finished) return; // it hangs: nobody else would be served either
  }
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
  row("sessions, 4 at a time", `${rate.toFixed(0)} /s`, "100 /s", (cpu(subject) - used) / SESSIONS);
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
  const child = spawn(netconfd, [...where, ...options], { stdio: "ignore", env });
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

const folder = await mkdtemp(path.join(tmpdir(), "semrd-bench-netconf-"));
try {
  console.log("| what | server | measured | bar | CPU ms each |\n| --- | --- | ---: | ---: | ---: |");
  await using router = await startNetconfRouter();
  await measure({ name: "semrd", open: () => router.open(), pid: router.process.child.pid! });
  await withNetconfd(folder, measure);
} finally {
  await rm(folder, { recursive: true, force: true });
}
