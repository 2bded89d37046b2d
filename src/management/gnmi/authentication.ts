import { createHash, createHmac, randomBytes } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import type { Metadata } from "@grpc/grpc-js";
import { type Clock, type Log, type Milliseconds, milliseconds, SourceRates } from "../../base/index.ts";
import type { UserBook } from "../access/index.ts";
import { GnmiError } from "./status.ts";
import type { OperatorTokens } from "./tokens.ts";

export interface AuthenticationParts {
  readonly users: UserBook;
  readonly tokens: OperatorTokens;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a call says about who makes it. */
export interface Caller {
  readonly metadata: Metadata;
  /** Address and port; of a local socket the name of the connection. */
  readonly source: string;
  /** Absent: none was shown, or none that the client CA has signed. */
  readonly certificate: PeerCertificate | undefined;
}

/** Who makes a call. */
export interface Login {
  readonly user: string;
  /** Wall clock: what let him in is not good any more then. Absent: as long as he likes. */
  readonly until?: Milliseconds;
  /** See `Session`. */
  readonly isRecovery?: true;
  readonly groups?: readonly string[];
  /** Where he is, if that is not the source of the call. */
  readonly source?: string;
}

/** Answers who makes a call. */
export interface Doorkeeper {
  /** @throws {GnmiError} UNAUTHENTICATED; RESOURCE_EXHAUSTED where too many were not let in */
  loginOf(caller: Caller): Promise<Login>;
}

/** Wrong passwords and tokens of one source. */
const WRONG = { perSecond: 0.5, burst: 20 } as const;
/** Passwords are made to be slow to check; a right one is taken for right again for so long. */
const REMEMBERED = milliseconds(60_000);
const MOST_REMEMBERED = 1_024;
/** Checks at one time: each takes a thread and 32 MB. */
const MOST_CHECKS = 8;
const LONGEST_PASSWORD = 1_024;

const BAD_TOKEN = "the access token is not good here";

/** Answers which user makes a call: by access token, or name and password, in its metadata, or by certificate. */
export class Authentication implements Doorkeeper {
  readonly #users: UserBook;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #tokens: OperatorTokens;
  readonly #wrong: SourceRates;
  readonly #secret = randomBytes(32);
  readonly #right = new Map<string, number>();
  /** Checks that run, by what is checked and for whom: who opens many calls at once has one for all of them. */
  readonly #checks = new Map<string, Promise<boolean>>();

  constructor({ users, tokens, clock, log }: AuthenticationParts) {
    this.#users = users;
    this.#tokens = tokens;
    this.#clock = clock;
    this.#log = log;
    this.#wrong = new SourceRates(WRONG, clock);
  }

  /** @throws {GnmiError} UNAUTHENTICATED; RESOURCE_EXHAUSTED where there were too many wrong ones */
  async loginOf(caller: Caller): Promise<Login> {
    const [authorization] = caller.metadata.get("authorization");
    if (typeof authorization === "string") return this.#byToken(authorization, caller);
    const [name] = caller.metadata.get("username");
    const [password] = caller.metadata.get("password");
    if (typeof name === "string" && typeof password === "string") {
      if (await this.#isRight(name, password, addressOf(caller.source))) return { user: name };
      throw new GnmiError("UNAUTHENTICATED", "user name or password is wrong");
    }
    const named = caller.certificate === undefined ? [] : namesOf(caller.certificate);
    const user = named.find((candidate) => this.#users.has(candidate));
    if (user !== undefined) return { user };
    if (named.length > 0) {
      throw new GnmiError(
        "UNAUTHENTICATED",
        `no user of this router is named by the certificate (${named.join(", ")})`,
      );
    }
    throw new GnmiError(
      "UNAUTHENTICATED",
      "give username and password, or an access token, as metadata, or a client certificate",
    );
  }

  /** Whatever is wrong with it is only in the log. */
  async #byToken(authorization: string, { source, certificate }: Caller): Promise<Login> {
    const address = addressOf(source);
    if (!this.#wrong.has(address)) throw new GnmiError("RESOURCE_EXHAUSTED", "too many logins: wait a while");
    const judged = await this.#tokens.judge({ authorization, certificate: certificate && thumbprintOf(certificate) });
    if (judged.ok && typeof judged.claim === "string" && this.#users.has(judged.claim)) {
      return { user: judged.claim, until: judged.until };
    }
    this.#wrong.take(address);
    const reason = judged.ok ? "it names no user of this router" : judged.reason;
    this.#log.warn("gnmi.token-refused", { source, reason });
    throw new GnmiError("UNAUTHENTICATED", BAD_TOKEN);
  }

  async #isRight(name: string, password: string, address: string): Promise<boolean> {
    if (password.length > LONGEST_PASSWORD || name.length > LONGEST_PASSWORD) return false;
    const proof = createHmac("sha256", this.#secret)
      .update(JSON.stringify([this.#users.revision, name, password]))
      .digest("base64");
    const until = this.#right.get(proof);
    const now = this.#clock.monotonic();
    if (until !== undefined && until > now) return true;
    this.#right.delete(proof);
    const check = `${address} ${proof}`;
    const running = this.#checks.get(check);
    if (!this.#wrong.has(address) || (running === undefined && this.#checks.size >= MOST_CHECKS)) {
      throw new GnmiError("RESOURCE_EXHAUSTED", "too many logins: wait a while");
    }
    if (running !== undefined) return running;
    const checked = this.#users
      .passwordMatches(name, password)
      .then((isRight) => {
        if (!isRight) this.#wrong.take(address);
        else this.#remember(proof, now + REMEMBERED);
        return isRight;
      })
      .finally(() => this.#checks.delete(check));
    this.#checks.set(check, checked);
    return checked;
  }

  #remember(proof: string, until: number): void {
    this.#right.set(proof, until);
    if (this.#right.size > MOST_REMEMBERED) this.#right.delete(this.#right.keys().next().value!);
  }
}

/** @see RFC 8705 §3.1 */
const thumbprintOf = ({ raw }: PeerCertificate): string => createHash("sha256").update(raw).digest("base64url");

/** Names in the order in which they are looked for: DNS, URI and mail names of the subject, then its common name. */
function namesOf({ subjectaltname = "", subject }: PeerCertificate): readonly string[] {
  const alternative = subjectaltname.split(", ").flatMap((entry) => /^(?:DNS|URI|email):(.+)$/.exec(entry)?.[1] ?? []);
  const common = subject?.CN;
  return [...alternative, ...(typeof common === "string" ? [common] : [])];
}

/** Without the port. */
const addressOf = (source: string): string => source.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
