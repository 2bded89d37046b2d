import { join } from "node:path";
import { Slices } from "../base/index.ts";
import {
  type AgentRecord,
  DirectoryError,
  type DirectoryStore,
  decodeAgentRecord,
  encodeAgentRecord,
} from "../directory/index.ts";
import { systemClock } from "./clock.ts";
import { HostError } from "./faults.ts";
import { type JournalParts, openJournal } from "./journal.ts";

/** A {@link DirectoryStore} that owns its file. */
export interface FileDirectoryStore extends DirectoryStore, AsyncDisposable {}

/**
 * The directory's records in `agents.journal` of a state directory.
 *
 * A record that this version cannot read is reported and left in the file, untouched.
 * @throws {HostError} host.journal-unreadable
 */
export async function openDirectoryStore(stateDirectory: string, parts: JournalParts): Promise<FileDirectoryStore> {
  const journal = await openJournal(join(stateDirectory, "agents.journal"), parts);
  const restored: AgentRecord[] = [];
  const slices = new Slices(systemClock);
  for (const [agent, value] of journal.restored) {
    const record = decodeAgentRecord(value);
    if (record === undefined) parts.log.error("directory.record-unreadable", { agent, path: journal.path });
    else restored.push(record);
    if (slices.isOver) await slices.next();
  }
  return {
    restored,
    put: (record) => acknowledged(journal.set(record.agent, encodeAgentRecord(record))),
    delete: (agent) => acknowledged(journal.set(agent, undefined)),
    [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
  };
}

async function acknowledged(written: Promise<void>): Promise<void> {
  try {
    await written;
  } catch (cause) {
    if (!(cause instanceof HostError)) throw cause;
    const errno = "errno" in cause.fault ? cause.fault.errno : "EAGAIN";
    throw new DirectoryError({ code: "directory.store-failed", errno }, cause.message, { cause });
  }
}
