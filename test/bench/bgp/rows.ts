import type { Measured, Run, Scenario } from "./harness.ts";

/** One thing that is measured: which scenario tells it, how it is read off, and what is asked for. */
export interface Part {
  readonly name: string;
  readonly unit: string;
  /** Name of the scenario in `scenariosOf`. */
  readonly scenario: string;
  /** @param one the run of one sender, where there was one */
  readonly figure: (run: Run, one: Run | undefined) => number | undefined;
  /** Times the figure of BIRD in the same run, or so much whatever the others do. */
  readonly bar?: { readonly ofBird: number } | { readonly most: number };
  /** Only of semrd: a family or a question that others do not know. */
  readonly only?: "semrd";
}

const phase = (name: string, figure: (measured: Measured) => number | undefined) => (run: Run) => {
  const found = run.measured.find((measured) => measured.phase === name);
  return found && figure(found);
};
const cpu = (name: string) => phase(name, ({ cpu }) => cpu);
const perFlap = phase("churn", ({ cpu, flaps = 0 }) => (flaps === 0 ? undefined : (1e6 * cpu) / flaps));

export interface Sizes {
  readonly routes: number;
  /** Of the part where every route has attributes of its own. */
  readonly own: number;
}

const BASE = { family: "ipv6-unicast", senders: 1, idle: 0 } as const;

/** One start of a router each. */
export function scenariosOf({ routes, own }: Sizes): Readonly<Record<string, Scenario>> {
  const sets = Math.ceil(routes / 8);
  const withIdle = { routes, sets, idle: 100, turns: true, commands: ["load", "dump", "withdraw", "silence"] };
  const all = ["load", "dump", "churn 5 20000", "paced 5 1000", "withdraw"];
  return {
    one: { ...BASE, routes, sets, commands: all },
    four: { ...BASE, routes, sets, senders: 4, commands: ["load", "withdraw"] },
    ten: { ...BASE, routes, sets, senders: 10, commands: ["load"] },
    own: { ...BASE, routes: own, sets: own, commands: ["load"] },
    capability: { ...BASE, family: "capability", routes, sets, commands: all },
    "capability-four": { ...BASE, family: "capability", routes, sets, senders: 4, commands: ["load", "withdraw"] },
    turns: { ...BASE, ...withIdle },
    "capability-turns": { ...BASE, family: "capability", ...withIdle },
  };
}

/** What the capability family is measured by beside unicast: the same scenario with its routes. */
export const CAPABILITY_TWINS: Readonly<Record<string, string>> = { one: "capability", four: "capability-four" };

export function partsOf({ routes, own }: Sizes): readonly Part[] {
  const one = { scenario: "one" } as const;
  return [
    { ...one, name: "load, 1 sender", unit: "CPU s", figure: cpu("load"), bar: { ofBird: 1 } },
    { ...one, name: "load, wall", unit: "s", figure: phase("load", ({ seconds }) => seconds) },
    { scenario: "four", name: "load, 4 senders", unit: "CPU s", figure: cpu("load"), bar: { ofBird: 1 } },
    { scenario: "ten", name: "load, 10 senders", unit: "CPU s", figure: cpu("load"), bar: { ofBird: 1 } },
    { ...one, name: "dump to a late peer", unit: "CPU s", figure: cpu("dump"), bar: { ofBird: 0.25 } },
    { ...one, name: "its first route", unit: "ms", figure: phase("dump", (m) => 1000 * m.first!), bar: { most: 5 } },
    {
      ...one,
      name: "its UPDATEs per 1000 routes",
      unit: "",
      figure: phase("dump", (m) => (1000 * m.updates!) / m.routes!),
      bar: { most: 130 },
    },
    { ...one, name: "churn, per flap", unit: "CPU µs", figure: perFlap, bar: { ofBird: 1 } },
    { ...one, name: "1000 flaps/s, p50", unit: "ms", figure: phase("paced", (m) => 1000 * m.p50!), bar: { most: 0.3 } },
    { ...one, name: "1000 flaps/s, p99", unit: "ms", figure: phase("paced", (m) => 1000 * m.p99!), bar: { most: 5 } },
    { ...one, name: "withdraw, 1 sender", unit: "CPU s", figure: cpu("withdraw"), bar: { ofBird: 1 } },
    { scenario: "four", name: "withdraw, 4 senders", unit: "CPU s", figure: cpu("withdraw") },
    {
      scenario: "own",
      name: `own attributes, ${own} routes`,
      unit: "CPU µs a route",
      figure: phase("load", (m) => (1e6 * m.cpu) / own),
      bar: { ofBird: 1 },
    },
    { ...one, name: "memory before, 1 sender", unit: "MB", figure: ({ idle }) => idle },
    { ...one, name: "memory, peak of the load", unit: "MB", figure: phase("load", ({ peak }) => peak) },
    {
      ...one,
      name: "memory, a route",
      unit: "octets",
      figure: (run) => phase("load", ({ peak }) => (1048576 * (peak - run.idle)) / routes)(run),
    },
    { scenario: "four", name: "memory, 4 senders", unit: "MB", figure: phase("load", ({ peak }) => peak) },
    {
      scenario: "four",
      name: "memory, a further path and its share of a set",
      unit: "octets",
      bar: { most: 40 },
      figure(run, one) {
        const [less, more] = [one && phase("load", ({ peak }) => peak)(one), phase("load", ({ peak }) => peak)(run)];
        return less === undefined || more === undefined ? undefined : (1048576 * (more - less)) / (3 * routes);
      },
    },
  ];
}

/** Of semrd alone: what the others are not asked. */
export const OWN_PARTS: readonly Part[] = (["turns", "capability-turns"] as const).flatMap((scenario): Part[] => {
  const family = scenario === "turns" ? "" : ", SAFI 251";
  return [
    {
      scenario,
      only: "semrd",
      name: `longest turn, with 100 idle peers${family}`,
      unit: "CPU ms",
      figure: (run) => run.longestTurn,
      bar: { most: 25 },
    },
    {
      scenario,
      only: "semrd",
      name: `longest silence of 100 idle peers (keepalives every 3 s)${family}`,
      unit: "s",
      figure: phase("silence", ({ seconds }) => seconds),
      bar: { most: 4 },
    },
  ];
});
