import type { YangContext, YangRequest } from "../../../native/index.ts";
import { type Log, messageOf } from "../../base/index.ts";
import type { Answer, Management, ManagementFault } from "../datastore/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import { yangAnswer } from "../yang/faults.ts";
import type { Operation, Operations } from "./operations/index.ts";
import { faulty, type NamespaceOf, printReply, protocolFault, type Reply } from "./reply.ts";
import type { Answered, NetconfSession } from "./session.ts";
import { BASE_NAMESPACE, firstElement } from "./xml.ts";

export interface AnsweringParts {
  readonly management: Management;
  readonly access: AccessBook;
  readonly context: YangContext;
  readonly namespaceOf: NamespaceOf;
  readonly operations: Operations;
  /** For actions, and what is not in `operations`. */
  readonly otherwise: Operation;
  readonly log: Log;
}

/** From the text of an `<rpc>` to the text of its `<rpc-reply>`. Messages are read off the main thread. */
export class Answering {
  readonly #parts: AnsweringParts;

  constructor(parts: AnsweringParts) {
    this.#parts = parts;
  }

  async answer(session: NetconfSession, text: string): Promise<Answered> {
    const parsed = await this.#read(text);
    if (!parsed.ok) return this.#unread(text, parsed.faults);
    const request = parsed.value;
    if (request.attributes["message-id"] === undefined) return this.#reply({}, faulty(NO_MESSAGE_ID), "bad");
    const reply = await this.#carryOut(session, request);
    const closes = request.name === "close-session" && request.module === "ietf-netconf" && reply.kind === "ok";
    return {
      ...this.#reply(request.attributes, reply, reply.kind === "faults" ? "error" : "fine"),
      ...(closes ? { last: true } : {}),
    };
  }

  async #read(text: string): Promise<Answer<YangRequest>> {
    const { context } = this.#parts;
    const parsed = await yangAnswer(context.parseRequest(text));
    if (parsed.ok || !parsed.faults.some(isOfNoNamespace)) return parsed;
    // Ansible writes an operation as its user has named it, of no namespace inside of nc:rpc; its examples name none.
    const start = RPC_WITHOUT_DEFAULT.exec(text.slice(0, RPC_WITHIN));
    if (start === null) return parsed;
    const at = start.index + start[0].length;
    const qualified = `${text.slice(0, at)} xmlns="${BASE_NAMESPACE}"${text.slice(at)}`;
    const again = await yangAnswer(context.parseRequest(qualified));
    return again.ok ? again : parsed;
  }

  async #carryOut(session: NetconfSession, request: YangRequest): Promise<Reply> {
    const { operations, management, access, log } = this.#parts;
    const name = `${request.module}:${request.name}`;
    if (request.kind === "rpc") {
      const allowed = access.calling(session.identity, name);
      if (!allowed.ok) return faulty(...allowed.faults);
    }
    // Whatever the protocols have not is one of our own modules.
    const operation = (request.kind === "rpc" ? operations[name] : undefined) ?? this.#parts.otherwise;
    try {
      return await operation({ management, session: session.identity, request });
    } catch (cause) {
      log.error("netconf.operation-failed", {
        operation: name,
        session: session.identity.id,
        reason: messageOf(cause),
      });
      const message = `${request.name} failed inside the router; its log has the reason`;
      return faulty({ ...protocolFault("operation-failed", message), errorType: "application" });
    }
  }

  /** What could not be read is answered by what could be read of it. @see RFC 6241 §4.2, §4.3 */
  #unread(text: string, faults: readonly ManagementFault[]): Answered {
    const first = firstElement(text);
    if (first === undefined) {
      return this.#reply({}, faulty(protocolFault("malformed-message", faults[0]!.message)), "bad");
    }
    if (first.name !== "rpc" || first.namespace !== BASE_NAMESPACE) {
      const message = `a message begins with rpc of ${BASE_NAMESPACE}, not with ${first.name}`;
      return this.#reply({}, faulty(protocolFault("unknown-element", message, { badElement: first.name })), "bad");
    }
    const { attributes } = first;
    if (attributes["message-id"] === undefined) return this.#reply(attributes, faulty(NO_MESSAGE_ID), "bad");
    if (faults.some(isOriginElsewhere)) return this.#reply(attributes, faulty(ORIGIN_ELSEWHERE), "error");
    const malformed = faults.some(({ errorTag }) => errorTag === "malformed-message");
    return this.#reply(attributes, faulty(...faults), malformed ? "bad" : "error");
  }

  #reply(attributes: Readonly<Record<string, string>>, reply: Reply, outcome: Answered["outcome"]): Answered {
    return { text: printReply(attributes, reply, this.#parts.namespaceOf), outcome };
  }
}

/** The model has a condition for it, which would be answered as an unknown element. @see RFC 8526 §3.1.1, get-data */
const isOriginElsewhere = ({ errorTag, path }: ManagementFault): boolean =>
  errorTag === "unknown-element" && path === "/ietf-netconf-nmda:get-data/with-origin";

const ORIGIN_ELSEWHERE = protocolFault(
  "invalid-value",
  "with-origin is for the datastore operational: no other says where something comes from",
  { badElement: "with-origin" },
);

const isOfNoNamespace = ({ errorTag, info }: ManagementFault): boolean =>
  errorTag === "unknown-namespace" && info?.badNamespace === undefined;

/** Of so many characters at the front: a message may be large. */
const RPC_WITHIN = 4_096;
/** The start of a prefixed `rpc`, whose tag declares no default namespace. */
const RPC_WITHOUT_DEFAULT = /<[\w.-]+:rpc(?=\s)(?![^>]*\sxmlns\s*=)/;

const NO_MESSAGE_ID: ManagementFault = {
  ...protocolFault("missing-attribute", "an rpc has the attribute message-id"),
  errorType: "rpc",
  info: { badAttribute: "message-id", badElement: "rpc" },
};
