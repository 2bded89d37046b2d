import path from "node:path";
import { loadNative } from "../../../native/index.ts";
import { type Clock, type Log, type Metrics, messageOf, Scope, seconds } from "../../base/index.ts";
import { replaceFile } from "../../host/index.ts";
import {
  type AccessBook,
  Arbiter,
  answered,
  type ControlOrigin,
  checkGnmiCertificate,
  checkNetconfCertificate,
  type EventLog,
  type GnmiOptions,
  LONGEST_SOCKET_PATH,
  type LocalGnmi,
  type LocalGnmiOptions,
  type LocalGnmiSocket,
  type Management,
  type NetconfConfiguration,
  netconfState,
  openLocalGnmi,
  openProtocolSchema,
  type Provider,
  type RestartControl,
  type RouterChange,
  type RunningGnmi,
  type RunningNetconf,
  type StateBook,
  startGnmi,
  startLocalGnmi,
  startNetconf,
  UserBook,
} from "../../management/index.ts";
import { IssuerBook } from "./operator-tokens.ts";
import { ServerSlot } from "./server.ts";

export interface OperatorsParts {
  readonly management: Management;
  readonly access: AccessBook;
  readonly events: EventLog;
  readonly state: StateBook;
  readonly stateDirectory: string;
  readonly restart: RestartControl;
  readonly control: ControlOrigin;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Of gNMI on the control socket, which is there whatever the configuration of gNMI is. Connections are few, so none is kept for nothing. */
const CONTROL_SOCKET = { maxStreams: 128, maxMessage: 64 * 1024 * 1024, idleTimeout: seconds(60) } as const;

interface OperatorsNetconf extends AsyncDisposable {
  readonly running: RunningNetconf;
  /** What the model shows of it. */
  readonly state: DisposableStack;
}

/** Users, and the servers that they log in to. */
export class Operators implements AsyncDisposable {
  readonly users = new UserBook();
  readonly #access: AccessBook;
  readonly #log: Log;
  readonly #tokens: IssuerBook;
  readonly #netconf: ServerSlot<NetconfConfiguration, OperatorsNetconf>;
  readonly #gnmi: ServerSlot<GnmiOptions, RunningGnmi>;

  readonly #localGnmi: ServerSlot<LocalGnmiOptions, LocalGnmiSocket>;
  readonly #controlGnmi: LocalGnmi;

  constructor(parts: OperatorsParts) {
    const { users } = this;
    const tokens = new IssuerBook(parts);
    const own = { ...parts, arbiter: new Arbiter() };
    const openContext = () => openProtocolSchema(loadNative().yang);
    /** Nobody waits for a server that ends with its last answer. */
    const ended = async (event: string, end: () => Promise<void>): Promise<void> => {
      try {
        await end();
      } catch (cause) {
        parts.log.error(event, { reason: messageOf(cause) });
      }
    };
    this.#tokens = tokens;
    this.#access = parts.access;
    this.#log = parts.log;
    this.#netconf = new ServerSlot({
      name: "the NETCONF server",
      path: "/semrd-router:router/management/semrd-netconf:netconf",
      wanted: ({ management: { netconf } }) =>
        netconfListens(netconf).length > 0 || netconf.callHome.clients.length > 0 ? netconf : undefined,
      async start(options) {
        const scope = new Scope();
        try {
          const context = scope.own(await openProtocolSchema(loadNative().yang));
          const running = scope.own(
            await startNetconf(options, { ...parts, users, context, writeSecret: replaceFile }),
          );
          const state = scope.own(new DisposableStack());
          state.use(parts.state.add(...(await netconfState({ ...parts, context, server: running.server }))));
          return { running, state, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
        } catch (cause) {
          throw await scope.abandon(cause);
        }
      },
      async check({ tls }) {
        if (tls !== undefined) await checkNetconfCertificate(tls);
      },
      change: ({ running }, next) => running.prepare(next),
      retire(server) {
        server.state.dispose();
        return ended("netconf.end-failed", async () => {
          await server.running.retire();
          await server[Symbol.asyncDispose]();
        });
      },
    });
    this.#gnmi = new ServerSlot({
      name: "the gNMI server",
      path: "/semrd-router:router/management/semrd-grpc-server:grpc",
      wanted({ management: { grpc } }) {
        // Issuers change without it, and the local socket is another server.
        const { tls, listen, issuers: _, localSocket: _local, ...rest } = grpc;
        return tls === undefined || listen.length === 0 ? undefined : { ...rest, listen, tls };
      },
      async start(options) {
        await using context = await openProtocolSchema(loadNative().yang);
        return await startGnmi(options, { ...own, users, context, tokens });
      },
      check: ({ tls }) => checkGnmiCertificate(tls),
      change: (running, next) => running.prepare(next),
      retire: (running) => ended("gnmi.end-failed", () => running.retire()),
    });
    const socket = path.join(parts.stateDirectory, "grpc.sock");
    this.#localGnmi = new ServerSlot({
      name: "the local gNMI socket",
      path: "/semrd-router:router/management/semrd-grpc-server:grpc/local-socket",
      wanted({ management: { grpc } }) {
        if (!grpc.localSocket || Buffer.byteLength(socket) > LONGEST_SOCKET_PATH) return undefined;
        const { maxStreams, maxMessage, idleTimeout } = grpc;
        return { path: socket, maxStreams, maxMessage, ...(idleTimeout === undefined ? {} : { idleTimeout }) };
      },
      start: (options) => startLocalGnmi(options, { ...own, openContext }),
      change: async (running, next) => running.prepare(next),
      retire: (running) => ended("gnmi.end-failed", () => running.retire()),
    });
    this.#controlGnmi = openLocalGnmi(CONTROL_SOCKET, { ...own, openContext }, "control socket");
  }

  /** For the control socket: serves gNMI to somebody of this host. */
  readonly connectLocal: LocalGnmi["connect"] = (socket, who) => this.#controlGnmi.connect(socket, who);

  get providers(): readonly Provider<RouterChange>[] {
    return [
      usersProvider(this.users),
      accessProvider(this.#access),
      this.#tokens,
      this.#netconf,
      this.#gnmi,
      this.#localGnmi,
    ];
  }

  /** @throws the servers' own errors */
  async start(configuration: RouterChange["after"]): Promise<void> {
    this.users.replace(configuration.management.users);
    await this.#tokens.start(configuration);
    await this.#netconf.start(configuration);
    await this.#gnmi.start(configuration);
    await this.#startLocal(configuration);
    const users = configuration.management.users.map(({ name }) => name);
    if (users.length > 0 && !this.#access.letsWrite(users)) {
      this.#log.warn("management.nobody-may-write", {
        users: users.length,
        effect:
          "over NETCONF and gNMI nothing can be changed: give somebody a rule of ietf-netconf-acm, as root with semrctl",
      });
    }
  }

  /** Nobody has asked for it, as it is there by default: without it the router runs as well. */
  async #startLocal(configuration: RouterChange["after"]): Promise<void> {
    try {
      await this.#localGnmi.start(configuration);
    } catch (cause) {
      this.#log.error("gnmi.local-socket-failed", { reason: messageOf(cause) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#controlGnmi[Symbol.asyncDispose]();
      await this.#localGnmi[Symbol.asyncDispose]();
      await this.#gnmi[Symbol.asyncDispose]();
    } finally {
      await this.#netconf[Symbol.asyncDispose]();
    }
  }
}

const netconfListens = ({ ssh, tls }: NetconfConfiguration) => [...ssh.listen, ...(tls?.listen ?? [])];

/** What they may do from now on, in sessions and subscriptions that are open too. */
function accessProvider(access: AccessBook): Provider<RouterChange> {
  return {
    name: "access control",
    plan: () => answered([]),
    prepare({ before, after }) {
      const [old, next] = [before.nacm, after.nacm];
      if (old === next) return answered(undefined);
      return answered({ apply: () => access.replace(next), revert: () => access.replace(old) });
    },
  };
}

/** Who may log in from now on; sessions that are open go on. */
function usersProvider(users: UserBook): Provider<RouterChange> {
  return {
    name: "users",
    plan: () => answered([]),
    prepare({ before, after }) {
      const [old, next] = [before.management.users, after.management.users];
      if (old === next) return answered(undefined);
      return answered({ apply: () => users.replace(next), revert: () => users.replace(old) });
    },
  };
}
