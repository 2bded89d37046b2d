import type { Clock } from "../../base/index.ts";
import {
  type AccessControl,
  type Answer,
  answered,
  fault,
  formatPath,
  localName,
  type Path,
  refused,
  type Session,
} from "../datastore/index.ts";
import type { StateSource } from "../state/index.ts";
import type { NacmConfiguration, Rule } from "./configuration.ts";
import { Role } from "./role.ts";
import { type DeniedCounters, RoleAccess } from "./role-access.ts";
import { type AccessNode, type AccessSchema, nodeAt } from "./schema.ts";

/** Sessions whose role is remembered. */
const MOST_REMEMBERED = 4_096;
const MOST_ROLES = 256;

/**
 * Network configuration access control: who may do what, by the rules that run. Everybody asks each time, so that a change of
 * the rules holds for sessions and subscriptions that are open.
 *
 * @see RFC 8341
 */
export class AccessBook implements AccessControl {
  readonly #schema: AccessSchema;
  readonly #clock: Clock;
  readonly #denied: DeniedCounters = { operations: 0, dataWrites: 0, notifications: 0 };
  readonly #watches = new Set<() => void>();
  #configuration: NacmConfiguration;
  /** By their rules. */
  readonly #roles = new Map<string, RoleAccess>();
  readonly #known = new Map<string, RoleAccess>();

  constructor(schema: AccessSchema, configuration: NacmConfiguration, clock: Clock) {
    this.#schema = schema;
    this.#clock = clock;
    this.#configuration = configuration;
  }

  /** Holds from now on. */
  replace(configuration: NacmConfiguration): void {
    this.#configuration = configuration;
    this.#known.clear();
    for (const watch of this.#watches) watch();
  }

  /** Calls `changed` whenever the rules have changed. */
  watch(changed: () => void): Disposable {
    this.#watches.add(changed);
    return { [Symbol.dispose]: () => void this.#watches.delete(changed) };
  }

  get denied(): Readonly<DeniedCounters> {
    return this.#denied;
  }

  /** @see RFC 8341 §3.4.4, §3.4.5, steps 1 to 5 */
  of(session: Session): RoleAccess | undefined {
    if (!this.#configuration.enabled || session.isRecovery === true) return undefined;
    // The router itself: its file at start and SIGHUP, the way back of a confirmed commit.
    if (session.protocol === "system" || session.protocol === "file") return undefined;
    const key = JSON.stringify([session.user, session.groups ?? []]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const access = this.#roleOf(session);
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
    this.#known.set(key, access);
    return access;
  }

  /**
   * Refuses an rpc, `module:name`, and counts it. `needsRule`: exec-default does not permit it; absent: as the model has it.
   * @see RFC 8341 §3.4.4
   */
  calling(session: Session, operation: string, options: { readonly needsRule?: boolean } = {}): Answer<void> {
    const access = this.of(session);
    if (access === undefined || operation === "ietf-netconf:close-session") return answered(undefined);
    const colon = operation.indexOf(":");
    const [module, name] = [operation.slice(0, colon), operation.slice(colon + 1)];
    const isDenied = options.needsRule ?? this.#schema.denied.has(operation);
    if (access.role.operation(module, name, isDenied)) return answered(undefined);
    this.#denied.operations++;
    const path = formatPath([{ name: "ietf-netconf:rpc" }, { name: operation }]);
    const message = `the access control does not let ${session.user} call ${name}`;
    return refused(fault("access-denied", message, { errorType: "protocol", path }));
  }

  /** Whether a notification may be told to a session; counts where not. `target`: the node that it is in. @see RFC 8341 §3.4.6 */
  telling(session: Session, { name, target }: { readonly name: string; readonly target: Path }): boolean {
    const access = this.of(session);
    if (access === undefined) return true;
    const colon = name.indexOf(":");
    const isTold =
      target.length === 0
        ? access.role.notification(name.slice(0, colon), name.slice(colon + 1), this.#schema.denied.has(name))
        : this.#tellingOf(access, target, name);
    if (!isTold) this.#denied.notifications++;
    return isTold;
  }

  /** `/nacm` as far as it is state. */
  get state(): StateSource {
    const path = [{ name: "ietf-netconf-acm:nacm" }];
    const wrap = (count: number): number => count % 2 ** 32; // zero-based-counter32
    return {
      path,
      rows: () => {
        const { operations, dataWrites, notifications } = this.#denied;
        const value = {
          "denied-operations": wrap(operations),
          "denied-data-writes": wrap(dataWrites),
          "denied-notifications": wrap(notifications),
        };
        return [{ path, value }];
      },
    };
  }

  /** Whether one of these users may change anything. */
  letsWrite(users: readonly string[]): boolean {
    const all = new Set(users.map((user) => this.of({ id: 0, user, protocol: "netconf", source: "" })));
    return [...all].some(
      (access) => access === undefined || this.#schema.top.some((node) => writesIn(access.role, node)),
    );
  }

  #tellingOf({ role }: RoleAccess, target: Path, name: string): boolean {
    const node = nodeAt(this.#schema, target);
    const told = [...(node?.children.values() ?? [])].find(
      ({ kind, step }) => kind === "notification" && localName(step) === localName({ name }),
    );
    return told !== undefined && role.mayRead(told, [...target, told.step]);
  }

  #roleOf({ user, groups = [] }: Session): RoleAccess {
    const { externalGroups, ruleLists, defaults } = this.#configuration;
    const own = this.#configuration.groups.filter(({ users }) => users.includes(user)).map(({ name }) => name);
    const all = new Set(externalGroups ? [...own, ...groups] : own);
    const isFor = (list: readonly string[]): boolean => list.some((name) => name === "*" || all.has(name));
    const rules: readonly Rule[] =
      all.size === 0 ? [] : ruleLists.filter((list) => isFor(list.groups)).flatMap((list) => list.rules);
    const signature = JSON.stringify([rules, defaults]);
    const known = this.#roles.get(signature);
    if (known !== undefined) return known;
    const made = new RoleAccess(new Role(this.#schema, rules, defaults), this.#denied, this.#clock);
    // A change of the rules that is none for somebody leaves him what he has, so those of before are kept a while.
    if (this.#roles.size >= MOST_ROLES) this.#roles.clear();
    this.#roles.set(signature, made);
    return made;
  }
}

function writesIn(role: Role, node: AccessNode): boolean {
  const { cases, permit } = role.decision(node, "update");
  if (permit || cases.some((one) => one.permit)) return true;
  return [...node.children.values()].some((child) => writesIn(role, child));
}
