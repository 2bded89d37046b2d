import type { Router } from "../schema/instance.ts";
import type { RouterInstance } from "./instance.ts";

/*
 * The bindings read what the modules say: this does not compile where a module has changed and they have not followed.
 * `schema/instance.ts` is generated from the modules.
 */

type Entry<T> = T extends readonly (infer One)[] ? One : T;

/** The names of nodes that the modules have and the bindings do not know. */
type Unread<Model, Bound> = Model extends object
  ? {
      [Name in keyof Model]-?: Name extends keyof Bound
        ? Unread<Entry<NonNullable<Model[Name]>>, Entry<NonNullable<Bound[Name]>>>
        : Name;
    }[keyof Model]
  : never;

/** Whatever libyang prints can be bound. */
export const boundAs = (router: Router): RouterInstance => router;

type IfNever<T> = [T] extends [never] ? true : T;

/** And no node is left unread: otherwise the type is the name of one. */
export const allRead: IfNever<Unread<Router, RouterInstance>> = true;
