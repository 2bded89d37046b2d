import { seconds } from "../../base/index.ts";
import type { NetconfConfiguration, User } from "../configuration/operators.ts";
import type { Users } from "../schema/instance/semrd-access.ts";
import type { Netconf } from "../schema/instance/semrd-netconf.ts";
import type { Stores } from "./keystore-binding.ts";

export function bindUsers(users: Users | undefined): readonly User[] {
  return (users?.user ?? []).map((user) => ({
    name: user.name,
    authorizedKeys: user["authorized-key"] ?? [],
    ...(user["password-hash"] === undefined ? {} : { passwordHash: user["password-hash"] }),
  }));
}

export function bindNetconf(netconf: Netconf, stores: Stores): NetconfConfiguration {
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
