import { execFileSync } from "node:child_process";

/**
 * This process stays where it runs: what a processor has leased of a rate no other one has, while the model has one alone and an
 * explanation adds up what all have.
 */
export function stayOnOneProcessor(): void {
  const told = execFileSync("taskset", ["--cpu-list", "--pid", `${process.pid}`], { encoding: "utf8" });
  execFileSync("taskset", ["--cpu-list", "--pid", /: (\d+)/.exec(told)![1]!, `${process.pid}`], { stdio: "ignore" });
}
