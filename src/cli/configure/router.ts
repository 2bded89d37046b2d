import type { Change, CommitEntry, Consequence } from "../../management/index.ts";
import { dataPath, type Place, type WordedStep } from "../../words/index.ts";
import { type Answer, type ClientOptions, fetchReport, send } from "../client.ts";
import type { Parameters } from "../router/messages.ts";
import type { CommitReport, ConfigurationStatus } from "../views/index.ts";

export type Candidate = "candidate" | "private-candidate";

/** The router as a configure session sees it: one candidate, in a session that lasts until this is disposed of. */
export class CandidateRouter implements AsyncDisposable {
  readonly candidate: Candidate;
  readonly #client: ClientOptions;
  readonly #held: Answer;

  private constructor(candidate: Candidate, client: ClientOptions, held: Answer) {
    this.candidate = candidate;
    this.#client = client;
    this.#held = held;
  }

  /** @throws {CommandFailure} when no router answers */
  static async open(client: ClientOptions, candidate: Candidate): Promise<CandidateRouter> {
    const held = await send(client, { method: "SESSION", path: "/config/session" });
    const { value } = await held.next();
    const { session } = JSON.parse(Buffer.from(value!.octets).toString()) as { session: number };
    return new CandidateRouter(candidate, { ...client, session }, held);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.return();
  }

  /** The document from the top with what the place selects; a list without keys selects all of its entries. */
  document(place: Place, datastore: string = this.candidate): Promise<unknown> {
    return this.#get("/config", { datastore, path: place.length === 0 ? undefined : dataPath(place) });
  }

  async edit(steps: readonly WordedStep["step"][]): Promise<void> {
    await this.#post("/config/steps", { datastore: this.candidate }, steps);
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

  #get<T>(path: string, parameters: Parameters): Promise<T> {
    return fetchReport<T>(this.#client, { method: "GET", path, parameters });
  }

  #post<T>(path: string, parameters: Parameters, body?: unknown): Promise<T> {
    const wanted = { method: "POST", path, parameters } as const;
    return fetchReport<T>(this.#client, body === undefined ? wanted : { ...wanted, body });
  }
}
