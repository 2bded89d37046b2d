import { isIP } from "node:net";
import type { YangContext } from "../../../native/index.ts";
import type { DatastoreInfo, Management, Path } from "../datastore/index.ts";
import type { StateSource } from "../state/index.ts";
import type { NetconfServer } from "./server.ts";

const MODULE = "ietf-netconf-monitoring";
const TRANSPORTS = { ssh: `${MODULE}:netconf-ssh`, tls: `${MODULE}:netconf-tls` } as const;
const DATASTORES = ["running", "candidate", "startup"];

const at = (...names: readonly string[]): Path =>
  ["netconf-state", ...names].map((name) => ({ name: `${MODULE}:${name}` }));

export interface MonitoringParts {
  readonly server: NetconfServer;
  readonly management: Management;
  /** With the modules of the protocol; stays the caller's. */
  readonly context: YangContext;
}

/** What NETCONF says about itself: `/netconf-state`, and the modules. @see RFC 6022 §2.1, RFC 8525 */
export async function netconfState(parts: MonitoringParts): Promise<readonly StateSource[]> {
  const { server, management, context } = parts;
  const schemas = schemaList(context);
  return [
    one(at("capabilities"), () => ({ capability: server.capabilities })),
    one(at("datastores"), () => ({ datastore: datastores(management) })),
    one(at("schemas"), () => ({ schema: schemas })),
    one(at("sessions"), () => ({ session: sessions(server) })),
    one(at("statistics"), () => statistics(server)),
    ...(await library(context, server.contentId)),
  ];
}

/** A single container. */
const one = (path: Path, value: () => Readonly<Record<string, unknown>>): StateSource => ({
  path,
  rows: () => [{ path, value: value() }],
});

/** @see RFC 6022 §2.1.2 */
function datastores(management: Management) {
  return management
    .info()
    .filter(({ datastore }) => DATASTORES.includes(datastore))
    .map((info) => {
      const { datastore: name, transactionId, lastModified } = info;
      const locks = locksOf(info);
      return {
        ...{ name, ...(locks === undefined ? {} : { locks }) },
        "semrd-netconf-state:transaction-id": transactionId,
        ...(name === "running" ? { "semrd-netconf-state:last-modified": new Date(lastModified).toISOString() } : {}),
      };
    });
}

/** One lock of all, or locks of parts; never both. */
function locksOf({ lockedBy, lockedSince, partialLocks }: DatastoreInfo) {
  const holder = (session: number, since: number) => ({
    "locked-by-session": session,
    "locked-time": new Date(since).toISOString(),
  });
  if (lockedBy !== undefined && lockedSince !== undefined) return { "global-lock": holder(lockedBy, lockedSince) };
  if (partialLocks === undefined) return undefined;
  const held = partialLocks.map(({ id, session, since, paths }) => ({
    ...{ "lock-id": id, ...holder(session, since) },
    ...{ select: paths.map(withModules), "locked-node": paths },
  }));
  return { "partial-lock": held };
}

/** A path as an expression, in which no name takes its module from the one before. @see RFC 7951 §6.11, RFC 7950 §6.4.1 */
function withModules(path: string): string {
  let module = "";
  return path
    .split(/('[^']*'|"[^"]*")/)
    .map((part, i) => {
      if (i % 2 === 1) return part;
      const steps = part.replaceAll(/\/(?:([\w.-]+):)?([\w.-]+)/g, (_, own: string | undefined, name: string) => {
        module = own ?? module;
        return `/${module}:${name}`;
      });
      return steps.replaceAll(/\[([\w.-]+)=/g, (_, key: string) => `[${module}:${key}=`);
    })
    .join("");
}

/** @see RFC 6022 §2.1.3 */
function schemaList({ modules }: YangContext) {
  return modules.flatMap(({ name, revision, namespace, submodules }) =>
    [{ name, revision }, ...submodules].map((source) => ({
      identifier: source.name,
      version: source.revision,
      format: `${MODULE}:yang`,
      namespace,
      location: ["NETCONF"],
    })),
  );
}

/** @see RFC 6022 §2.1.4 */
function sessions(server: NetconfServer) {
  return server.sessions.map(({ identity, since, counters, transport }) => {
    const host = identity.source.split(" ", 1)[0]!;
    return {
      "session-id": identity.id,
      transport: TRANSPORTS[transport],
      username: identity.user,
      ...(isIP(host) === 0 ? {} : { "source-host": host }),
      "login-time": new Date(since).toISOString(),
      ...counted(counters),
    };
  });
}

/** @see RFC 6022 §2.1.5 */
function statistics({ statistics: { started, inBadHellos, inSessions, droppedSessions, ...counters } }: NetconfServer) {
  return {
    "netconf-start-time": new Date(started).toISOString(),
    "in-bad-hellos": inBadHellos,
    "in-sessions": inSessions,
    "dropped-sessions": droppedSessions,
    ...counted(counters),
  };
}

function counted(counters: NetconfServer["sessions"][number]["counters"]) {
  const { inRpcs, inBadRpcs, outRpcErrors, outNotifications } = counters;
  return {
    "in-rpcs": inRpcs,
    "in-bad-rpcs": inBadRpcs,
    "out-rpc-errors": outRpcErrors,
    "out-notifications": outNotifications,
  };
}

const NMDA_DATASTORES = ["startup", "candidate", "running", "intended", "operational"];

/** The modules that the hello stands for, which do not change while the server runs. */
async function library(context: YangContext, contentId: string): Promise<readonly StateSource[]> {
  const tree = await context.library(contentId);
  try {
    const text = await context.print(tree, "json");
    const document = JSON.parse(text, withoutFiles) as Readonly<Record<string, object>>;
    return Object.entries(document).map(([name, value]) => {
      const schema = (value as { readonly schema?: readonly { readonly name: string }[] }).schema?.[0]?.name;
      if (schema === undefined) return one([{ name }], () => ({ ...value }));
      const datastore = NMDA_DATASTORES.map((store) => ({ name: `ietf-datastores:${store}`, schema }));
      return one([{ name }], () => ({ ...value, datastore }));
    });
  } finally {
    await tree.dispose();
  }
}

/** libyang gives the files that it has read as URLs, which nobody else can fetch: get-schema is for that. */
function withoutFiles(name: string, value: unknown): unknown {
  return (name === "location" || name === "schema") && isFiles(value) ? undefined : value;
}

const isFiles = (value: unknown): boolean =>
  Array.isArray(value) ? value.every(isFiles) : typeof value === "string" && value.startsWith("file:");
