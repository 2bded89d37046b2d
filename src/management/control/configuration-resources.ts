import type { CommitResult, Datastore, EditTarget } from "../datastore/index.ts";
import { type CommitOrder, commitOptions, order, PERSIST_ID, steps } from "./configuration-bodies.ts";
import { accepted } from "./configuration-refusal.ts";
import { heldSessionAnswer, inSession, isHeld } from "./configure-sessions.ts";
import { ControlRefusal } from "./handlers.ts";
import { asSession, NOTHING, operation } from "./permission.ts";
import { parameters } from "./request.ts";
import { type ControlAnswer, type Exchange, type Resource, report } from "./resource.ts";

/** A configuration document may be large. */
const MAX_DOCUMENT = 16 * 1024 * 1024;

const DATASTORES = ["startup", "candidate", "private-candidate", "running", "intended", "operational"] as const;
const TARGETS = ["candidate", "private-candidate", "running", "startup"] as const;
const CANDIDATES = ["candidate", "private-candidate"] as const;
const OPERATIONS = ["merge", "replace"] as const;

function oneOf<T extends string>(what: string, allowed: readonly T[], given: string | undefined, otherwise: T): T {
  const found = given === undefined ? otherwise : allowed.find((one) => one === given);
  if (found !== undefined) return found;
  const detail = `${JSON.stringify(given)} is no ${what}: there are ${allowed.join(", ")}`;
  throw new ControlRefusal(400, "control.bad-parameter", "Bad request", detail);
}

/** A datastore, or a commit by its number. */
function source(exchange: Exchange, given: string | undefined, otherwise: Datastore): Datastore | number {
  if (given !== undefined && /^\d{1,9}$/.test(given)) return Number(given);
  return inReach(exchange, oneOf("datastore or commit", DATASTORES, given, otherwise));
}

/** A private candidate ends with its session, so one of a single request would be lost. */
function inReach<T extends Datastore>(exchange: Exchange, wanted: T): T {
  if (wanted !== "private-candidate" || isHeld(exchange)) return wanted;
  const detail =
    "a private candidate is of a session: open one with POST /v1/config/session, and name it in the field semrd-session";
  throw new ControlRefusal(400, "control.no-session", "Bad request", detail);
}

const candidateOf = (exchange: Exchange, given: string | undefined): (typeof CANDIDATES)[number] =>
  inReach(exchange, oneOf("candidate", CANDIDATES, given, "candidate"));

function committed({ entry, transactionId, consequences }: CommitResult): ControlAnswer {
  return report({
    ...(entry === undefined ? {} : { commit: entry.id, changes: entry.changeCount }),
    "transaction-id": transactionId,
    consequences,
  });
}

const transaction = (id: string): ControlAnswer => report({ "transaction-id": id });

/** A waiting commit that this socket has made is found by its own id, others by the one that is given. */
function persistIdOf(exchange: Exchange, given: unknown): string | undefined {
  if (typeof given === "string") return given;
  return exchange.handlers.management.pendingCommit()?.persist === PERSIST_ID ? PERSIST_ID : undefined;
}

async function* octets(text: string): AsyncIterable<Uint8Array> {
  yield new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`);
}

export const CONFIGURATION_RESOURCES: readonly Resource[] = [
  {
    method: "POST",
    path: "config/session",
    needs: NOTHING,
    answer: async (exchange) => {
      parameters(exchange.target, []);
      return heldSessionAnswer(exchange);
    },
  },
  {
    method: "GET",
    path: "config/schema",
    needs: NOTHING,
    answer: async ({ target, handlers }) => {
      const { known, of } = parameters(target, ["known", "of"]);
      const part = oneOf("part of the schema", ["configuration", "state"] as const, of, "configuration");
      const schema = await handlers.schema(part);
      return report(known === schema["content-id"] ? { "content-id": known } : schema);
    },
  },
  {
    method: "GET",
    path: "config",
    needs: operation("get-config"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const { datastore, path, defaults } = parameters(exchange.target, ["datastore", "path", "defaults"]);
        const from = inReach(exchange, oneOf("datastore", DATASTORES, datastore, "running"));
        const mode = oneOf(
          "way of showing defaults",
          ["explicit", "trim", "report-all"] as const,
          defaults,
          "explicit",
        );
        const select = path === undefined ? {} : { select: { paths: [path] } };
        const options = { format: "json", defaults: mode, ...select } as const;
        const { text } = accepted(await exchange.handlers.management.get(session, from, options));
        return { type: "octets", contentType: "application/yang-data+json", chunks: octets(text) };
      }),
  },
  {
    method: "GET",
    path: "config/status",
    needs: NOTHING,
    answer: async ({ target, handlers: { management }, who }) => {
      parameters(target, []);
      const pending = management.pendingCommit();
      if (pending === undefined) return report({ datastores: management.info() });
      // Who knows the id may confirm or cancel what waits.
      const { persist, ...rest } = pending;
      const mayKnow = persist !== undefined && (who.isRecovery || pending.user === who.name);
      return report({ datastores: management.info(), pending: { ...rest, ...(mayKnow ? { persist } : {}) } });
    },
  },
  {
    method: "GET",
    path: "config/log",
    needs: operation("get-config"),
    answer: async ({ target, handlers: { management }, who }) => {
      const { limit } = parameters(target, ["limit"]);
      const most = limit === undefined ? undefined : Math.max(1, Number(limit) || 1);
      return report(management.log(most, asSession(who)));
    },
  },
  {
    method: "GET",
    path: "config/compare",
    needs: operation("get-config"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const { before, after } = parameters(exchange.target, ["before", "after"]);
        const { management } = exchange.handlers;
        const [old, next] = [source(exchange, before, "running"), source(exchange, after, "candidate")];
        return report(accepted(await management.compare(session, old, next)));
      }),
  },
  {
    method: "POST",
    path: "config/edit",
    needs: operation("edit-config"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const { datastore, operation } = parameters(exchange.target, ["datastore", "operation"]);
        const to: EditTarget = inReach(
          exchange,
          oneOf("datastore that can be edited", TARGETS, datastore, "candidate"),
        );
        const defaultOperation = oneOf("operation", OPERATIONS, operation, "merge");
        const text = await exchange.request.body(MAX_DOCUMENT);
        const { management } = exchange.handlers;
        if (defaultOperation === "replace") {
          return transaction(accepted(await management.copy(session, { text, format: "json" }, to)));
        }
        return transaction(accepted(await management.edit(session, to, text, { format: "json", defaultOperation })));
      }),
  },
  {
    method: "POST",
    path: "config/steps",
    needs: operation("edit-config"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const { datastore } = parameters(exchange.target, ["datastore"]);
        const to: EditTarget = inReach(
          exchange,
          oneOf("datastore that can be edited", TARGETS, datastore, "candidate"),
        );
        const wanted = steps(await exchange.request.body(MAX_DOCUMENT));
        return transaction(accepted(await exchange.handlers.management.editSteps(session, to, wanted)));
      }),
  },
  {
    method: "POST",
    path: "config/validate",
    needs: operation("validate"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const { datastore } = parameters(exchange.target, ["datastore"]);
        const from = inReach(exchange, oneOf("datastore", DATASTORES, datastore, "candidate"));
        const consequences = accepted(await exchange.handlers.management.validate(session, from));
        return report({ valid: true, consequences });
      }),
  },
  {
    method: "POST",
    path: "config/commit",
    needs: operation("commit"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const from = candidateOf(exchange, parameters(exchange.target, ["datastore"]).datastore);
        const options = commitOptions(await order<CommitOrder>(exchange));
        const persistId = persistIdOf(exchange, options.persistId);
        const own = persistId === undefined ? options : { ...options, persistId };
        return committed(accepted(await exchange.handlers.management.commit(session, own, from)));
      }),
  },
  {
    method: "POST",
    path: "config/confirm",
    needs: operation("commit"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        parameters(exchange.target, []);
        const { "persist-id": given } = await order<CommitOrder>(exchange);
        const { management } = exchange.handlers;
        return committed(accepted(await management.confirm(session, persistIdOf(exchange, given))));
      }),
  },
  {
    method: "POST",
    path: "config/cancel",
    needs: operation("cancel-commit"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        parameters(exchange.target, []);
        const { "persist-id": given } = await order<CommitOrder>(exchange);
        const { management } = exchange.handlers;
        return committed(accepted(await management.cancelCommit(session, persistIdOf(exchange, given))));
      }),
  },
  {
    method: "POST",
    path: "config/discard",
    needs: operation("discard-changes"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const target = candidateOf(exchange, parameters(exchange.target, ["datastore"]).datastore);
        return transaction(accepted(await exchange.handlers.management.discard(session, target)));
      }),
  },
  {
    method: "POST",
    path: "config/rollback",
    needs: operation("edit-config"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        const { back = "1", datastore } = parameters(exchange.target, ["back", "datastore"]);
        const target = candidateOf(exchange, datastore);
        const number = /^\d{1,4}$/.test(back) ? Number(back) : 0;
        if (number < 1) {
          const detail = `${JSON.stringify(back)} is no number of commits: 1 is the configuration before the last one`;
          throw new ControlRefusal(400, "control.bad-parameter", "Bad request", detail);
        }
        return transaction(accepted(await exchange.handlers.management.rollback(session, number, target)));
      }),
  },
  {
    method: "POST",
    path: "config/save",
    needs: operation("copy-config"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        parameters(exchange.target, []);
        return transaction(accepted(await exchange.handlers.management.copy(session, "running", "startup")));
      }),
  },
  {
    method: "POST",
    path: "config/reload",
    needs: operation("copy-config"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        parameters(exchange.target, []);
        return committed(accepted(await exchange.handlers.management.reload(session)));
      }),
  },
];
