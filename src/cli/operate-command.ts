import { type Command, Option } from "commander";
import type { CountersReset } from "../management/index.ts";
import type { Print } from "./agent-command.ts";

export function addClear(program: Command, print: Print): void {
  const clear = program.command("clear").description("start something afresh");
  addClearCounters(clear, print);
  clear
    .command("peer")
    .description("close the BGP session with a peer; it comes up again by itself")
    .argument("<address>", "IPv6 address of the peer")
    .option("--message <text>", "what the operator of the peer is told; not with a soft reset")
    .addOption(new Option("--soft-in", "ask the peer for its routes instead").conflicts(["softOut", "hard", "message"]))
    .addOption(new Option("--soft-out", "send the peer our routes instead").conflicts(["hard", "message"]))
    .addOption(new Option("--hard", "close the session (default)"))
    .action((address: string, { message, softIn, softOut }: ClearOptions) => {
      const how = softIn === true ? "soft-in" : softOut === true ? "soft-out" : "hard";
      return print<unknown>({ method: "POST", path: "/peers/clear", id: address, parameters: { how, message } }, () =>
        CLEARED[how](address),
      );
    });
}

function addClearCounters(clear: Command, print: Print): void {
  clear
    .command("counters")
    .description("let the counters of the data plane, or others, begin at zero; metrics for Prometheus go on")
    .addOption(
      new Option("--only <parts>", "these, with commas between: verdicts, next-hops, tenants, capabilities, tags"),
    )
    .addOption(new Option("--peer <address>", "those of a session and its path (BFD) instead").conflicts(["only"]))
    .addOption(new Option("--peers", "those of all sessions instead").conflicts(["only", "peer"]))
    .addOption(new Option("--policy <name>", "those of a policy instead").conflicts(["only", "peer", "peers"]))
    .addOption(new Option("--policies", "those of all policies").conflicts(["only", "peer", "peers", "policy"]))
    .action((options: CounterOptions) =>
      print<CountersReset>(
        { method: "POST", ...countersMeant(options) },
        ({ "discontinuity-time": time }) => `the counters begin at zero, ${time}\n`,
      ),
    );
}

interface CounterOptions {
  readonly only?: string;
  readonly peer?: string;
  readonly peers?: true;
  readonly policy?: string;
  readonly policies?: true;
}

function countersMeant({ only, peer, peers, policy, policies }: CounterOptions) {
  if (peer !== undefined) return { path: "/peers/reset-counters", id: peer };
  if (policy !== undefined) return { path: "/policies/reset-counters", id: policy };
  if (peers === true) return { path: "/peers/reset-counters" };
  if (policies === true) return { path: "/policies/reset-counters" };
  return { path: "/counters/reset", parameters: { only } };
}

interface ClearOptions {
  readonly message?: string;
  readonly softIn?: boolean;
  readonly softOut?: boolean;
}

const CLEARED = {
  hard: (address: string) => `the session with ${address} is being reset\n`,
  "soft-in": (address: string) => `${address} is asked for its routes again\n`,
  "soft-out": (address: string) => `${address} is sent our routes again\n`,
} as const;

export function addDrain(program: Command, print: Print): void {
  program
    .command("drain")
    .description("take out of service without losing a flow")
    .command("router")
    .description("let other routers take over what they can; until the router restarts, or undrain")
    .action(() => print({ method: "POST", path: "/router/drain" }, () => "this router is draining\n"));
  program
    .command("undrain")
    .description("take back into service")
    .command("router")
    .description("take new flows again")
    .action(() => print({ method: "POST", path: "/router/undrain" }, () => "this router takes new flows again\n"));
}
