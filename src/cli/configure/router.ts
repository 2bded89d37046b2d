import type { Change, CommitEntry, Consequence } from "../../management/index.ts";
import { dataPath, type Place, type WordedStep } from "../../words/index.ts";
import { type Answer, type ClientOptions, fetchReport, send } from "../client.ts";
import { CommandFailure, EXIT } from "../exit.ts";
import type { Parameters } from "../router/messages.ts";
import type { CommitReport, ConfigurationStatus } from "../views/index.ts";

export type Candidate = "candidate" | "private-candidate";

/** The router as a configure session sees it: one candidate, in a session that lasts until this is disposed of. */
export class CandidateRouter implements AsyncDisposable {
  readonly candidate: Candidate;
  readonly #client: ClientOptions;
  readonly #end: AbortController;
  /** Resolves when it is over, whoever has ended it. */
  readonly #lasting: Promise<void>;
  #isOver = false;

  private constructor(candidate: Candidate, client: ClientOptions, held: Answer, end: AbortController) {
    this.candidate = candidate;
    this.#client = client;
    this.#end = end;
    const over = (): void => {
      this.#isOver = true;
    };
    // Why it is over the next request will see, if there is one.
    this.#lasting = held.next().then(over, over);
  }

  /** @throws {CommandFailure} when no router answers */
  static async open(client: ClientOptions, candidate: Candidate): Promise<CandidateRouter> {
    const end = new AbortController();
    const held = await send(client, { method: "SESSION", path: "/config/session", signal: end.signal });
    const { value } = await held.next();
    const { session } = JSON.parse(Buffer.from(value!.octets).toString()) as { session: number };
    return new CandidateRouter(candidate, { ...client, session }, held, end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#lasting;
  }

  /** The document from the top with what the place selects; a list without keys selects all of its entries. */
  document(place: Place, datastore: string = this.candidate): Promise<unknown> {
    return this.#get("/config", { datastore, path: place.length === 0 ? undefined : dataPath(place) });
  }

  async edit(steps: readonly WordedStep["step"][]): Promise<void> {
    await this.#post("/config/steps", { datastore: this.candidate }, steps);
  }

  /** RFC 7951 text, into the candidate or in its place. */
  async load(text: string, operation: "merge" | "replace"): Promise<void> {
    this.#lasts();
    const parameters = { datastore: this.candidate, operation };
    await fetchReport(this.#client, { method: "POST", path: "/config/edit", parameters, text });
  }

  compare(before: string | number = "running"): Promise<readonly Change[]> {
    return this.#get("/config/compare", { before, after: this.candidate });
  }

  async validate(): Promise<readonly Consequence[]> {
    const { consequences } = await this.#post<CommitReport>("/config/validate", { datastore: this.candidate });
    return consequences;
  }

  commit(options: { readonly comment?: string; readonly confirmedSeconds?: number }): Promise<CommitReport> {
    const { comment, confirmedSeconds } = options;
    return this.#post(
      "/config/commit",
      { datastore: this.candidate },
      {
        ...(comment === undefined ? {} : { comment }),
        ...(confirmedSeconds === undefined ? {} : { "confirmed-seconds": confirmedSeconds }),
      },
    );
  }

  async confirm(): Promise<void> {
    await this.#post("/config/confirm", {}, {});
  }

  async cancel(): Promise<void> {
    await this.#post("/config/cancel", {}, {});
  }

  async rollback(back: number): Promise<void> {
    await this.#post("/config/rollback", { back, datastore: this.candidate });
  }

  async discard(): Promise<void> {
    await this.#post("/config/discard", { datastore: this.candidate });
  }

  status(): Promise<ConfigurationStatus> {
    return this.#get("/config/status", {});
  }

  log(): Promise<readonly CommitEntry[]> {
    return this.#get("/config/log", { limit: 50 });
  }

  async #get<T>(path: string, parameters: Parameters): Promise<T> {
    this.#lasts();
    return fetchReport<T>(this.#client, { method: "GET", path, parameters });
  }

  async #post<T>(path: string, parameters: Parameters, body?: unknown): Promise<T> {
    this.#lasts();
    const wanted = { method: "POST", path, parameters } as const;
    return fetchReport<T>(this.#client, body === undefined ? wanted : { ...wanted, body });
  }

  /** @throws {CommandFailure} when the router, or the way to it, has ended the session */
  #lasts(): void {
    if (!this.#isOver || this.#end.signal.aborted) return;
    const lost =
      this.candidate === "private-candidate" ? "what was not committed is gone" : "the candidate is as it was";
    throw new CommandFailure(
      EXIT.unreachable,
      `the session with the router at ${this.#client.link.place} is over, as it was restarted or the connection broke: ${lost}; begin again`,
    );
  }
}
