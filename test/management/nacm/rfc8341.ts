/**
 * What RFC 8341 says, step by step and for one question at a time. It shares nothing with the router: rules are the
 * JSON of ietf-netconf-acm, and paths are compared as they are written here.
 */

export type Access = "create" | "read" | "update" | "delete" | "exec";

export interface NacmDocument {
  readonly "enable-nacm"?: boolean;
  readonly "enable-external-groups"?: boolean;
  readonly "read-default"?: "permit" | "deny";
  readonly "write-default"?: "permit" | "deny";
  readonly "exec-default"?: "permit" | "deny";
  readonly groups: { readonly group: readonly { readonly name: string; readonly "user-name": readonly string[] }[] };
  readonly "rule-list": readonly {
    readonly name: string;
    readonly group: readonly string[];
    readonly rule: readonly RuleDocument[];
  }[];
}

export interface RuleDocument {
  readonly name: string;
  readonly "module-name"?: string;
  readonly "rpc-name"?: string;
  readonly "notification-name"?: string;
  readonly path?: string;
  readonly "access-operations"?: string;
  readonly action: "permit" | "deny";
}

/** `module:name` and keys, each step with its module. */
export interface Step {
  readonly name: string;
  readonly keys?: Readonly<Record<string, string>>;
}

/** Marks of the model, its own and those of nodes above. */
export type Mark = "default-deny-all" | "default-deny-write" | undefined;

const isFor = (rule: RuleDocument, access: Access, module: string): boolean => {
  const operations = rule["access-operations"] ?? "*";
  const named = rule["module-name"] ?? "*";
  return (operations === "*" || operations.split(" ").includes(access)) && (named === "*" || named === module);
};

const hasNoType = (rule: RuleDocument): boolean =>
  rule["rpc-name"] === undefined && rule["notification-name"] === undefined && rule.path === undefined;

/** Steps 3 to 8 of §3.4.4, 3 to 7 of §3.4.5, 4 to 9 of §3.4.6: `undefined` where no rule matches. */
function byRules(nacm: NacmDocument, user: string, matches: (rule: RuleDocument) => boolean): boolean | undefined {
  const groups = nacm.groups.group.filter((group) => group["user-name"].includes(user)).map(({ name }) => name);
  if (groups.length === 0) return undefined;
  for (const list of nacm["rule-list"]) {
    if (!list.group.includes("*") && !list.group.some((name) => groups.includes(name))) continue;
    for (const rule of list.rule) if (matches(rule)) return rule.action === "permit";
  }
  return undefined;
}

/** @see RFC 8341 §3.4.4 */
export function mayCall(nacm: NacmDocument, user: string, module: string, rpc: string): boolean {
  if (nacm["enable-nacm"] === false) return true;
  if (module === "ietf-netconf" && rpc === "close-session") return true;
  const ruled = byRules(nacm, user, (rule) => {
    if (!isFor(rule, "exec", module)) return false;
    return hasNoType(rule) || rule["rpc-name"] === "*" || rule["rpc-name"] === rpc;
  });
  if (ruled !== undefined) return ruled;
  if (module === "ietf-netconf" && (rpc === "kill-session" || rpc === "delete-config")) return false;
  return (nacm["exec-default"] ?? "permit") === "permit";
}

/** @see RFC 8341 §3.4.6 */
export function mayHear(nacm: NacmDocument, user: string, module: string, notification: string): boolean {
  if (nacm["enable-nacm"] === false) return true;
  const ruled = byRules(nacm, user, (rule) => {
    if (!isFor(rule, "read", module)) return false;
    return hasNoType(rule) || rule["notification-name"] === "*" || rule["notification-name"] === notification;
  });
  return ruled ?? (nacm["read-default"] ?? "permit") === "permit";
}

/** One node, without what it stands in. @see RFC 8341 §3.4.5 */
function mayOnce(nacm: NacmDocument, user: string, access: Access, path: readonly Step[], mark: Mark): boolean {
  if (nacm["enable-nacm"] === false) return true;
  const module = path.at(-1)!.name.split(":")[0]!;
  const ruled = byRules(nacm, user, (rule) => {
    if (!isFor(rule, access, module)) return false;
    return hasNoType(rule) || (rule.path !== undefined && isAtOrBelow(path, rule.path));
  });
  if (ruled !== undefined) return ruled;
  if (access === "read") return mark !== "default-deny-all" && (nacm["read-default"] ?? "permit") === "permit";
  if (access === "exec") return (nacm["exec-default"] ?? "permit") === "permit";
  return mark === undefined && (nacm["write-default"] ?? "deny") === "permit";
}

/** Reading needs what a node stands in, too: "silently omitted, along with any descendants" (§3.2.4). */
export function may(nacm: NacmDocument, user: string, access: Access, path: readonly Step[], mark?: Mark): boolean {
  if (access !== "read") return mayOnce(nacm, user, access, path, mark);
  return path.every((_, i) =>
    mayOnce(nacm, user, access, path.slice(0, i + 1), i === path.length - 1 ? mark : undefined),
  );
}

/** @see RFC 8341 §3.1.3: read access to what identifies the action, and execute access to it */
export function mayAct(nacm: NacmDocument, user: string, target: readonly Step[], action: string): boolean {
  const module = target.at(-1)!.name.split(":")[0]!;
  return may(nacm, user, "read", target) && may(nacm, user, "exec", [...target, { name: `${module}:${action}` }]);
}

function isAtOrBelow(path: readonly Step[], rule: string): boolean {
  if (rule === "/") return true;
  const wanted = [...rule.matchAll(/\/([^/[]+)((?:\[[^=\]]+='[^']*'\])*)/g)];
  if (wanted.length > path.length) return false;
  let module = "";
  return wanted.every(([, written, predicates], i) => {
    const name = written!.includes(":") ? written! : `${module}:${written}`;
    module = name.split(":")[0]!;
    const step = path[i]!;
    const keys = [...predicates!.matchAll(/\[([^=]+)='([^']*)'\]/g)];
    return step.name === name && keys.every(([, key, value]) => step.keys?.[key!] === value);
  });
}
