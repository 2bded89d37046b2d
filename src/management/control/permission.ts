import { formatPath, localName, type Path, parsePath, type Session } from "../datastore/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import type { EventRow } from "./alarm-rows.ts";
import { ControlRefusal } from "./handlers.ts";
import type { LocalUser } from "./local-users.ts";

/** What of the model a resource is about, so that who may not have that by other protocols has it not here either. */
export type Need =
  /** Nobody is kept from it; or what it does asks for itself. */
  | { readonly kind: "nothing" }
  /** An rpc, `module:name`. */
  | { readonly kind: "operation"; readonly name: string }
  /** All that is at a path. */
  | { readonly kind: "all"; readonly path: Path }
  /** The node that a row is about, for each row. */
  | { readonly kind: "rows"; readonly path: (row: Readonly<Record<string, unknown>>) => Path }
  /** Notifications: each row is one. */
  | { readonly kind: "notifications" }
  /** That an entry goes, whether it is configured or not. */
  | { readonly kind: "removal"; readonly path: (name: string) => Path }
  /** An action; `name` is what stands in the resource's path. */
  | { readonly kind: "action"; readonly target: (name: string) => Path; readonly name: string };

export const NOTHING: Need = { kind: "nothing" };

export const operation = (name: string): Need => ({ kind: "operation", name: `ietf-netconf:${name}` });

const ROUTER: Path = [{ name: "semrd-router:router" }];

/** A path in the router; modules as `module:name`. */
export const inRouter = (...names: readonly string[]): Path => [...ROUTER, ...names.map((name) => ({ name }))];

export const allOf = (...names: readonly string[]): Need => ({ kind: "all", path: inRouter(...names) });

/** An entry of a list in the router. */
export const entry = (names: readonly string[], keys: Readonly<Record<string, unknown>>): Path => {
  const path = inRouter(...names);
  const texts = Object.entries(keys).map(([key, value]) => [key, String(value)]);
  return [...path.slice(0, -1), { ...path.at(-1)!, keys: Object.fromEntries(texts) }];
};

/** The session that a request of somebody would have. */
export const asSession = ({ name, groups, isRecovery }: LocalUser): Session => ({
  ...{ id: 0, user: name, protocol: "control", source: "control socket", groups },
  ...(isRecovery ? { isRecovery } : {}),
});

/**
 * Refuses what somebody may not do; the answer lets through the rows that he may see.
 * @throws {ControlRefusal} 403
 */
export function permitted(
  need: Need,
  name: string,
  who: LocalUser,
  book: AccessBook,
): ((row: object) => boolean) | undefined {
  const access = book.of(asSession(who));
  if (access === undefined) return undefined;
  switch (need.kind) {
    case "nothing":
      return undefined;
    case "operation": {
      const allowed = book.calling(asSession(who), need.name);
      if (!allowed.ok) throw forbidden(allowed.faults[0]!.message);
      return undefined;
    }
    case "all": {
      const local = need.path.map(localName).join(" ");
      if (!access.mayReadAll(need.path))
        throw forbidden(`the access control does not let ${who.name} read all of ${local}`);
      return undefined;
    }
    case "rows":
      return (row) => access.mayRead(need.path(row as Readonly<Record<string, unknown>>));
    case "notifications":
      return (row) => {
        const { event, target } = row as EventRow;
        const place = target === undefined ? undefined : parsePath(target);
        return book.telling(asSession(who), { name: event, target: place?.ok === true ? place.value : [] });
      };
    case "removal": {
      const path = need.path(name);
      const allowed = book.calling(asSession(who), "ietf-netconf:edit-config");
      if (!allowed.ok) throw forbidden(allowed.faults[0]!.message);
      if (!access.mayDelete(path))
        throw forbidden(`${formatPath(path)}: the access control does not let you delete this`);
      return undefined;
    }
    case "action": {
      const target = need.target(name);
      const allowed = access.acting(target, need.name);
      if (!allowed.ok) throw forbidden(`${formatPath(target)}: ${allowed.faults[0]!.message}`);
      return undefined;
    }
  }
}

const forbidden = (detail: string): ControlRefusal =>
  new ControlRefusal(403, "control.access-denied", "Access denied", detail);
