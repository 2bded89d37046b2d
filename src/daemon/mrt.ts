import { type Clock, type Log, type Metrics, Scope } from "../base/index.ts";
import { type JobStatus, SessionRecorder, TableJob, tableSnapshot, UpdateLog } from "../bgp/mrt/index.ts";
import type { SpeakerObserver } from "../bgp/speaker/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../bgp/wire/index.ts";
import type { MrtConfiguration, MrtJobRow, MrtTableQuestion } from "../management/index.ts";
import type { Rib } from "../rib/index.ts";

/** What is written to files, and what can be asked for. */
export interface MrtFiles extends AsyncDisposable {
  /** Of the sessions that a log wants. */
  readonly observers: readonly SpeakerObserver[];
  rows(): Iterable<MrtJobRow>;
  table(question: MrtTableQuestion): AsyncIterable<Uint8Array>;
}

export function startMrt(
  { tables, updates }: MrtConfiguration,
  parts: { readonly rib: Rib; readonly clock: Clock; readonly log: Log; readonly metrics: Metrics },
): MrtFiles {
  const scope = new Scope();
  const codec = new AttributeCodec(DEFAULT_DIALECT);
  const jobs: { status(): JobStatus }[] = tables.map((table) => scope.own(new TableJob(table, { ...parts, codec })));
  const observers = updates.map((options): SpeakerObserver => {
    const log = scope.own(new UpdateLog(options, parts));
    jobs.push(log);
    const wanted = new Set(options.neighbors);
    return (peer) =>
      wanted.size === 0 || wanted.has(peer.name) ? new SessionRecorder(peer, log, parts.clock) : undefined;
  });
  return {
    observers,
    *rows() {
      for (const job of jobs) yield rowOf(job.status());
    },
    table: (question) => tableSnapshot(question, { ...parts, codec }),
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

function rowOf({
  writing,
  lastFile,
  lastFailure,
  files,
  octets,
  records,
  lost,
  failures,
  ...job
}: JobStatus): MrtJobRow {
  return {
    ...job,
    ...(writing === undefined ? {} : { writing }),
    ...(lastFile === undefined ? {} : { lastFile }),
    files: String(files),
    octets: String(octets),
    records: String(records),
    lost: String(lost),
    failures: String(failures),
    ...(lastFailure === undefined ? {} : { lastFailure }),
  };
}
