import { seconds } from "../../base/index.ts";
import type { NetconfConfiguration, User } from "../configuration/operators.ts";

/** As libyang prints it with all defaults. */
export interface UsersInstance {
  readonly user?: readonly {
    readonly name: string;
    readonly description?: string;
    readonly "authorized-key"?: readonly string[];
    readonly "password-hash"?: string;
  }[];
}

export interface NetconfInstance {
  readonly ssh: {
    readonly listen?: readonly { readonly address: string; readonly port: number }[];
    readonly "login-timeout": number;
    readonly "maximum-logins": number;
    readonly "maximum-attempts": number;
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

export function bindNetconf(netconf: NetconfInstance): NetconfConfiguration {
  const { ssh } = netconf;
  const idle = netconf["idle-timeout"];
  return {
    listen: ssh.listen ?? [],
    loginTimeout: seconds(ssh["login-timeout"]),
    maxLogins: ssh["maximum-logins"],
    maxAttempts: ssh["maximum-attempts"],
    maxSessions: netconf["maximum-sessions"],
    maxMessage: netconf["maximum-message-size"],
    helloTimeout: seconds(netconf["hello-timeout"]),
    ...(idle === 0 ? {} : { idleTimeout: seconds(idle) }),
  };
}
