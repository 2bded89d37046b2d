import { seconds } from "../../base/index.ts";
import type { NetconfConfiguration, User } from "../configuration/operators.ts";
import type { KeyPairRef, Stores } from "./keystore-binding.ts";

/** As libyang prints it with all defaults. */
export interface UsersInstance {
  readonly user?: readonly {
    readonly name: string;
    readonly description?: string;
    readonly "authorized-key"?: readonly string[];
    readonly "password-hash"?: string;
  }[];
}

type Listen = readonly { readonly address: string; readonly port: number }[];

export interface NetconfInstance {
  readonly ssh: {
    readonly listen?: Listen;
    readonly "login-timeout": number;
    readonly "maximum-logins": number;
    readonly "maximum-attempts": number;
  };
  readonly tls: KeyPairRef & {
    readonly listen?: Listen;
    readonly "client-ca-certs"?: string;
    readonly "login-timeout": number;
    readonly "maximum-logins": number;
    readonly "user-of-certificate"?: NonNullable<NetconfConfiguration["tls"]>["rules"];
  };
  readonly "call-home": {
    readonly client?: NetconfConfiguration["callHome"]["clients"];
    readonly "retry-interval": number;
    readonly "maximum-retry-interval": number;
  };
  readonly "maximum-sessions": number;
  readonly "maximum-message-size": number;
  readonly "hello-timeout": number;
  readonly "idle-timeout": number;
}

export function bindUsers(users: UsersInstance | undefined): readonly User[] {
  return (users?.user ?? []).map((user) => ({
    name: user.name,
    authorizedKeys: user["authorized-key"] ?? [],
    ...(user["password-hash"] === undefined ? {} : { passwordHash: user["password-hash"] }),
  }));
}

export function bindNetconf(netconf: NetconfInstance, stores: Stores): NetconfConfiguration {
  const { ssh, tls, "call-home": callHome } = netconf;
  const idle = netconf["idle-timeout"];
  const transport = (of: typeof ssh | typeof tls) => ({
    ...{ listen: of.listen ?? [], loginTimeout: seconds(of["login-timeout"]), maxLogins: of["maximum-logins"] },
  });
  const pair = stores.keyPair(tls);
  const clientCaFiles = stores.authorities(tls["client-ca-certs"]);
  return {
    ssh: { ...transport(ssh), maxAttempts: ssh["maximum-attempts"] },
    ...(pair === undefined || clientCaFiles === undefined
      ? {}
      : { tls: { ...transport(tls), ...pair, clientCaFiles, rules: tls["user-of-certificate"] ?? [] } }),
    callHome: {
      clients: callHome.client ?? [],
      retry: seconds(callHome["retry-interval"]),
      maxRetry: seconds(callHome["maximum-retry-interval"]),
    },
    maxSessions: netconf["maximum-sessions"],
    maxMessage: netconf["maximum-message-size"],
    helloTimeout: seconds(netconf["hello-timeout"]),
    ...(idle === 0 ? {} : { idleTimeout: seconds(idle) }),
  };
}
