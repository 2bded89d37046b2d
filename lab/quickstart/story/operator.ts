import path from "node:path";
import { sshKeyPair } from "../../../src/management/index.ts";
import { expectThat } from "./check.ts";
import type { StoryContext } from "./context.ts";
import { PROJECT, type RouterName } from "./places.ts";

const USER = "operator";
const PORT = 830;
const KEY = "/run/operator-key";
const ROUTER = "urn:semrd:yang:semrd-router";

/** Somebody with a key, who may change routers over NETCONF. */
export class Operator {
  readonly #context: StoryContext;
  readonly #keys = sshKeyPair("ed25519", "operator@lab");

  constructor(context: StoryContext) {
    this.#context = context;
  }

  /** Adds the operator and a NETCONF server to the running router, by semrctl. */
  async switchOn(router: RouterName): Promise<void> {
    const management = {
      "semrd-access:users": { user: [{ name: USER, "authorized-key": [this.#keys.public] }] },
      "semrd-netconf:netconf": { ssh: { listen: [{ address: "::1", port: PORT }] } },
    };
    const access = {
      groups: { group: [{ name: "operators", "user-name": [USER] }] },
      "rule-list": [{ name: "operators", group: ["operators"], rule: [{ name: "everything", action: "permit" }] }],
    };
    const edit = { "semrd-router:router": { management }, "ietf-netconf-acm:nacm": access };
    await this.#config(router, JSON.stringify(edit), "edit", "-");
    await this.#config(router, "", "commit", "--comment", "NETCONF for the operator");
    await this.#context.lab.exec(router, ["sh", "-c", `umask 077 && cat > ${KEY}`], { stdin: this.#keys.private });
  }

  /** Puts the configuration back to what the router was started with. */
  async switchOff(router: RouterName): Promise<void> {
    await this.#config(router, "", "reload");
  }

  /** Sends operations in one session; all must be answered without an error. */
  async netconf(router: RouterName, ...operations: string[]): Promise<readonly string[]> {
    const argv = [path.join(PROJECT, "node_modules/.bin/node"), path.join(PROJECT, "lab/quickstart/netconf.mjs")];
    const input = `${operations.map((operation) => operation.replaceAll(/\s*\n\s*/g, "")).join("\n")}\n`;
    const done = await this.#context.lab.exec(router, [...argv, "::1", String(PORT), USER, KEY], { stdin: input });
    const said = (done.stderr || done.stdout).trim();
    expectThat(`${router} does what it is told over NETCONF`, done.code === 0, "no rpc-error", said);
    return done.stdout.trimEnd().split("\n");
  }

  /** An edit of the candidate. `inside` is what stands in the router. */
  edit(inside: string): string {
    const config = `<config><router xmlns="${ROUTER}">${inside}</router></config>`;
    return `<edit-config><target><candidate/></target>${config}</edit-config>`;
  }

  async #config(router: RouterName, stdin: string, ...words: string[]): Promise<void> {
    const argv = [`${PROJECT}/tools/semrctl`, "--socket", "/run/semrd/semrd.sock", "config", ...words];
    const done = await this.#context.lab.exec(router, argv, { stdin });
    expectThat(
      `${router}: semrctl config ${words[0]}`,
      done.code === 0,
      "exit code 0",
      (done.stderr || done.stdout).trim(),
    );
  }
}
