/** What stands behind the name of a command; completion and help go by it. */
export type Arguments =
  | "assignment"
  | "path"
  | "entry"
  | "show"
  | "commit"
  | "commit-id"
  | "back"
  | "load"
  | "file"
  | "help"
  | "none";

export interface SessionCommand {
  readonly name: string;
  readonly usage: string;
  readonly help: string;
  readonly takes: Arguments;
}

export const COMMANDS: readonly SessionCommand[] = [
  { name: "set", usage: "set PATH VALUE…", help: "set leaves; what is on the way is made", takes: "assignment" },
  { name: "delete", usage: "delete PATH [VALUE]", help: "delete a node with all below it", takes: "path" },
  { name: "edit", usage: "edit PATH", help: "go to a container or list entry", takes: "entry" },
  { name: "up", usage: "up", help: "go one level up", takes: "none" },
  { name: "top", usage: "top", help: "go to the top", takes: "none" },
  { name: "show", usage: "show [PATH] [| FORM]", help: "print the candidate", takes: "show" },
  { name: "compare", usage: "compare [COMMIT]", help: "what differs from running or a commit", takes: "commit-id" },
  { name: "validate", usage: "validate", help: "what is wrong, or what a commit brings about", takes: "none" },
  {
    name: "commit",
    usage: 'commit [check] [confirmed [MINUTES]] [comment "TEXT"] [yes]',
    help: "make the candidate running",
    takes: "commit",
  },
  { name: "confirm", usage: "confirm", help: "keep the commit that waits for it", takes: "none" },
  { name: "cancel", usage: "cancel", help: "undo the commit that waits for confirmation", takes: "none" },
  { name: "rollback", usage: "rollback [N]", help: "take the configuration of N commits ago", takes: "back" },
  { name: "discard", usage: "discard", help: "forget what the candidate has changed", takes: "none" },
  {
    name: "load",
    usage: "load merge|override FILE",
    help: "add a file of RFC 7951 JSON to the candidate, or put it in its place",
    takes: "load",
  },
  { name: "save", usage: "save FILE", help: "write the candidate to a file, as load takes it", takes: "file" },
  { name: "status", usage: "status", help: "locks, and what waits", takes: "none" },
  { name: "log", usage: "log", help: "commits, the newest first", takes: "none" },
  { name: "help", usage: "help [COMMAND or PATH]", help: "explain a command or a node", takes: "help" },
  { name: "exit", usage: "exit", help: "go back to the level before, or leave", takes: "none" },
  { name: "quit", usage: "quit", help: "leave", takes: "none" },
];

/** The command that is meant: by its name, or by a beginning that no other has. */
export function commandOf(text: string): SessionCommand | undefined {
  const exact = COMMANDS.find(({ name }) => name === text);
  if (exact !== undefined || text === "") return exact;
  const begun = COMMANDS.filter(({ name }) => name.startsWith(text));
  return begun.length === 1 ? begun[0] : undefined;
}

/** How `load` puts a file into the candidate. */
export const LOAD_WORDS = [
  { name: "merge", help: "add it to what is there" },
  { name: "override", help: "take it instead of what is there" },
] as const;

/** Behind the `|` of `show`. */
export const FORMS = [
  { name: "compare", help: "only what differs from running" },
  { name: "json", help: "as RFC 7951 JSON" },
  { name: "set", help: "as words that set takes" },
  { name: "match", help: "only lines with this text" },
] as const;

export const COMMIT_WORDS = [
  { name: "check", help: "only say what it would bring about" },
  { name: "confirmed", help: "undo it after MINUTES (10) unless confirmed" },
  { name: "comment", help: "text for the commit log" },
  { name: "yes", help: "do not ask" },
] as const;
