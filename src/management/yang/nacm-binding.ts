import type { ManagementFault } from "../datastore/index.ts";
import { ACCESS_OPERATIONS, type NacmConfiguration, type Rule, type RuleType } from "../nacm/configuration.ts";
import { readRulePath } from "../nacm/rule-path.ts";
import type { AccessSchema } from "../nacm/schema.ts";

/** As libyang prints it with all defaults. */
export interface NacmInstance {
  readonly "enable-nacm": boolean;
  readonly "read-default": "permit" | "deny";
  readonly "write-default": "permit" | "deny";
  readonly "exec-default": "permit" | "deny";
  readonly "enable-external-groups": boolean;
  readonly groups?: { readonly group?: readonly { readonly name: string; readonly "user-name"?: readonly string[] }[] };
  readonly "rule-list"?: readonly {
    readonly name: string;
    readonly group?: readonly string[];
    readonly rule?: readonly RuleInstance[];
  }[];
}

interface RuleInstance {
  readonly name: string;
  readonly "module-name": string;
  readonly "rpc-name"?: string;
  readonly "notification-name"?: string;
  readonly path?: string;
  /** `*`, or bits. */
  readonly "access-operations": string;
  readonly action: "permit" | "deny";
}

/** What is wrong with the paths of rules, which the model takes as they are. */
export function nacmFaults(nacm: NacmInstance | undefined, schema: AccessSchema): readonly ManagementFault[] {
  const quoted = (name: string): string => (name.includes("'") ? `"${name}"` : `'${name}'`);
  return (nacm?.["rule-list"] ?? []).flatMap((list) =>
    (list.rule ?? []).flatMap(({ name, path }) => {
      const read = path === undefined ? undefined : readRulePath(path, schema);
      if (read === undefined || read.ok) return [];
      const where = `/ietf-netconf-acm:nacm/rule-list[name=${quoted(list.name)}]/rule[name=${quoted(name)}]/path`;
      return read.faults.map((fault) => ({ ...fault, path: where }));
    }),
  );
}

/** `undefined`: a configuration without the node has its default values. Paths have been looked at by {@link nacmFaults}. */
export function bindNacm(nacm: NacmInstance | undefined, schema: AccessSchema): NacmConfiguration {
  const permits = (of: "read-default" | "write-default" | "exec-default", otherwise: boolean): boolean =>
    nacm === undefined ? otherwise : nacm[of] === "permit";
  return {
    enabled: nacm?.["enable-nacm"] ?? true,
    defaults: {
      read: permits("read-default", true),
      write: permits("write-default", false),
      exec: permits("exec-default", true),
    },
    externalGroups: nacm?.["enable-external-groups"] ?? true,
    groups: (nacm?.groups?.group ?? []).map(({ name, "user-name": users = [] }) => ({ name, users })),
    ruleLists: (nacm?.["rule-list"] ?? []).map(({ name, group = [], rule = [] }) => ({
      ...{ name, groups: group, rules: rule.map((one) => bindRule(one, schema)) },
    })),
  };
}

function bindRule(rule: RuleInstance, schema: AccessSchema): Rule {
  const { name, "module-name": module, "access-operations": operations, action } = rule;
  const named = operations.split(" ");
  return {
    name,
    ...(module === "*" ? {} : { module }),
    type: typeOf(rule, schema),
    operations: operations === "*" ? ACCESS_OPERATIONS : ACCESS_OPERATIONS.filter((one) => named.includes(one)),
    permit: action === "permit",
  };
}

function typeOf(
  { "rpc-name": rpc, "notification-name": notification, path }: RuleInstance,
  schema: AccessSchema,
): RuleType {
  if (rpc !== undefined) return { kind: "operation", ...(rpc === "*" ? {} : { name: rpc }) };
  if (notification !== undefined) {
    return { kind: "notification", ...(notification === "*" ? {} : { name: notification }) };
  }
  if (path === undefined) return { kind: "any" };
  const read = readRulePath(path, schema);
  if (!read.ok) throw new Error(read.faults[0]!.message);
  return { kind: "data", path: read.value };
}
