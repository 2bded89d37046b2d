import { type Command, Option } from "commander";
import { CommandFailure, EXIT } from "../exit.ts";
import { readProfile } from "./profiles.ts";
import { type Environment, type RouterLogin, type RouterTarget, readAddress } from "./target.ts";

const DEFAULT_SOCKET = "/run/semrd/semrd.sock";

interface Given {
  readonly socket?: string;
  readonly router?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
}

/** Where the router is; names are those of gnmic where it has them. */
export function addRouterOptions(program: Command): void {
  program
    .addOption(
      new Option("-s, --socket <path>", `control socket of a router of this host (default: "${DEFAULT_SOCKET}")`),
    )
    .addOption(
      new Option("-r, --router <name>", "another router: host, host:port, or its name in routers.yaml").conflicts(
        "socket",
      ),
    )
    .option("--tls-ca <file>", "who signs that router's certificate; without it, those that this host trusts")
    .option("--tls-cert <file>", "certificate to show to the router, with --tls-key")
    .option("--tls-key <file>", "its key")
    .option("--tls-server-name <name>", "name in the router's certificate, where it is not the host")
    .option("-u, --username <name>", "who logs in; the password is asked for, or in a file")
    .option("--password-file <file>", "the password is its first line")
    .option("--token-file <file>", "the access token is its first line");
}

/** Each option has a variable of the environment. */
const VARIABLES: Readonly<Record<keyof Given, string>> = {
  socket: "SEMRD_SOCKET",
  router: "SEMRD_ROUTER",
  tlsCa: "SEMRD_TLS_CA",
  tlsCert: "SEMRD_TLS_CERT",
  tlsKey: "SEMRD_TLS_KEY",
  tlsServerName: "SEMRD_TLS_SERVER_NAME",
  username: "SEMRD_USERNAME",
  passwordFile: "SEMRD_PASSWORD_FILE",
  tokenFile: "SEMRD_TOKEN_FILE",
};

/**
 * The router that the options name, else the environment; what neither says of it is in the profile.
 * @throws {CommandFailure} usage, for a name that is no address, or options that do not go together
 */
export async function targetOf(options: Given, env: Environment): Promise<RouterTarget> {
  const user = env.SUDO_USER || env.USER || undefined;
  const socketAt = (place: string): RouterTarget => ({
    ...{ kind: "socket", path: place },
    ...(user === undefined ? {} : { user }),
  });
  if (options.socket !== undefined) return socketAt(options.socket);
  const said = (name: keyof Given): string | undefined => options[name] ?? (env[VARIABLES[name]] || undefined);
  const router = said("router");
  if (router === undefined) {
    const needless = (
      ["tlsCa", "tlsCert", "tlsKey", "tlsServerName", "username", "passwordFile", "tokenFile"] as const
    ).find((name) => options[name] !== undefined);
    if (needless === undefined) return socketAt(said("socket") ?? DEFAULT_SOCKET);
    throw new CommandFailure(EXIT.usage, "how to log in is said, but not where: name the router with --router");
  }
  const { address, ...kept } = (await readProfile(router, env)) ?? {};
  const place = readAddress(address ?? router);
  if (place === undefined) {
    const wrong = JSON.stringify(address ?? router);
    throw new CommandFailure(EXIT.usage, `${wrong} is no address of a router: host, host:port, or [IPv6]:port`);
  }
  return { kind: "router", ...place, ...loginOf(said, kept) };
}

/** A way of logging in that is said takes the place of another one that is kept. */
function loginOf(said: (name: keyof Given) => string | undefined, kept: RouterLogin): RouterLogin {
  const given = {
    ca: said("tlsCa"),
    cert: said("tlsCert"),
    key: said("tlsKey"),
    serverName: said("tlsServerName"),
    username: said("username"),
    passwordFile: said("passwordFile"),
    tokenFile: said("tokenFile"),
  };
  if (given.username !== undefined && given.tokenFile !== undefined)
    throw new CommandFailure(EXIT.usage, "a user name and an access token do not go together: give one of them");
  const { username, passwordFile, tokenFile, ...rest } = { ...kept, ...present(given) };
  if (given.tokenFile !== undefined) return { ...rest, tokenFile: given.tokenFile };
  const isOther = given.username !== undefined && given.username !== kept.username;
  // The password that is kept is another one's.
  const password = isOther ? given.passwordFile : passwordFile;
  if (isOther || tokenFile === undefined) return { ...rest, ...present({ username, passwordFile: password }) };
  return { ...rest, tokenFile };
}

const present = (given: Readonly<Record<string, string | undefined>>): RouterLogin =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
