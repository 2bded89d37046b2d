import type { Yang, YangContext } from "../../native/api.ts";
import { loadNative } from "../../native/index.ts";
import { type Clock, type Log, type Random, Scope, toHex } from "../base/index.ts";
import { RouterBinder, type RouterChange, type RouterState } from "./configuration/binder.ts";
import { ConfigurationError } from "./configuration/error.ts";
import { FormerCredentials } from "./configuration/stored-credentials.ts";
import { isSecret } from "./configuration/wording.ts";
import { type SchemaPart, type SchemaReport, schemaReport } from "./control/schema-report.ts";
import { AccessBook, accessSchema, secretsOf } from "./nacm/index.ts";
import { OperationBook } from "./operations/index.ts";
import { StateBook } from "./state/index.ts";
import {
  type CheckedOperations,
  CommitStore,
  type Engine,
  openEngine,
  type StartupFile,
  type StoreFiles,
} from "./transaction/index.ts";
import { XPathEvaluator } from "./xpath/index.ts";
import { YangModel } from "./yang/model.ts";
import { bindNacm } from "./yang/nacm-binding.ts";
import { StateReader } from "./yang/operational.ts";
import { openSchema, searchPaths } from "./yang/schema.ts";

/** What configuration is read and checked with. */
export type RouterSchema = YangContext;

/** For the caller to dispose: a process that reads its configuration and then runs makes one for both. */
export const openRouterSchema = (): Promise<RouterSchema> => openSchema(loadNative().yang);

export interface RouterManagementParts {
  readonly startup: StartupFile;
  /** Where relative file names of the configuration begin. */
  readonly folder: string;
  /** Where commits are kept. */
  readonly commits: StoreFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Default: that of the native addon. */
  readonly yang?: Yang;
  /** Stays the caller's. Default: one of its own. */
  readonly schema?: RouterSchema;
  /** Told after each commit whether it was made durable, and why not. */
  readonly durable?: (failure?: string) => void;
}

/** The datastores of a router, with a YANG context of their own that ends with them, unless one was given. */
export interface RouterManagement extends AsyncDisposable {
  readonly engine: Engine<RouterState, RouterChange>;
  /** Where the parts say what they do: the datastore `operational` and subscriptions read it. */
  readonly state: StateBook;
  /** Where the parts say which operations they carry out. */
  readonly operations: OperationBook;
  /** Who may do what; the parts replace its rules as the configuration does. */
  readonly access: AccessBook;
  /** What can be configured; put together when it is first asked for. */
  schema(of: SchemaPart): Promise<Required<SchemaReport>>;
}

/**
 * Opens the datastores and finds out what the router begins with.
 * @throws {ConfigurationError} when the startup file cannot be used
 * @throws {CommitStoreError} when what is kept cannot be read
 */
export async function openRouterManagement(parts: RouterManagementParts): Promise<RouterManagement> {
  const { startup, folder, commits, clock, random, log } = parts;
  const scope = new Scope();
  try {
    const context = parts.schema ?? scope.own(await openSchema(parts.yang ?? loadNative().yang));
    const xpath = scope.own(new XPathEvaluator({ searchPaths: searchPaths(), clock }));
    const model = await YangModel.open(context, { xpath });
    const schemaOfAccess = accessSchema(await context.schema());
    const binder = new RouterBinder({ model, clock, folder, access: schemaOfAccess });
    const former = new FormerCredentials(log);
    const store = await CommitStore.open(former.commits(commits), lineage(random), log);
    const state = new StateBook(clock);
    const operational = new StateReader(model, state, clock);
    const book = new OperationBook();
    const operations: CheckedOperations = {
      async call(request, session) {
        const checked = await model.checkInput(request);
        return checked.ok ? book.call(checked.value, session) : checked;
      },
    };
    const access = new AccessBook(schemaOfAccess, bindNacm(undefined, schemaOfAccess), clock);
    state.add(access.state);
    const opened = await openEngine({
      ...{ model, operational, operations, binder, store, clock, log, isSecret, access },
      startup: former.startup(startup),
      secrets: secretsOf(schemaOfAccess),
      ...(parts.durable === undefined ? {} : { durable: parts.durable }),
    });
    if (!opened.ok) {
      throw new ConfigurationError(
        opened.faults.map(({ path, message, appTag }) => ({
          ...(path === undefined ? {} : { path }),
          ...(appTag === undefined ? {} : { tag: appTag }),
          reason: message,
        })),
        startup.path,
      );
    }
    const engine = scope.own(opened.value);
    access.replace(engine.initial.inUse.nacm);
    const reports = new Map<SchemaPart, Promise<Required<SchemaReport>>>();
    const schema = (of: SchemaPart): Promise<Required<SchemaReport>> => {
      const known = reports.get(of) ?? schemaReport(context, of);
      reports.set(of, known);
      return known;
    };
    return {
      engine,
      state,
      operations: book,
      access,
      schema,
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

function lineage(random: Random): string {
  const octets = new Uint8Array(4);
  random.fill(octets);
  return toHex(octets);
}
