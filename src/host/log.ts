import pino from "pino";
import { type Log, type LogFields, messageOf, toHex } from "../base/index.ts";
import { LogWriter } from "./log-writer.ts";

/** The least severity that is written. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** Where the log goes, and how much of it: one JSON object a line. */
export interface LogOptions {
  readonly level: LogLevel;
  /** File descriptor to write to; standard output when absent. */
  readonly descriptor?: number;
  /** Path to append to, instead of a descriptor. */
  readonly file?: string;
}

/** A log that writes one JSON object a line: `level`, `time`, `event`, then the fields. */
export interface SystemLog extends Log, AsyncDisposable {
  level: LogLevel;
  /** Lines that were dropped because the reader of the log did not keep up, or its disk was full for long. */
  readonly dropped: number;
}

/** What may wait for a slow reader of the log before lines are dropped: the router must not stop for its log. */
const MOST_WAITING = 8 * 1024 * 1024;
const MOST_LEVELS = 5;
const MOST_MEMBERS = 100;

const SECRET = /^(proxy-)?authorization$|^cookie$|^dpop$|token$|password$|passphrase$|secret$|^key$|private-?key$/i;

/**
 * Opens the log. Values under names that stand for secrets (authorization, token, password, key, …) are written as
 * `[redacted]` at any depth; octets are written as hexadecimal, errors as their message and code.
 */
export function openLog(options: LogOptions): SystemLog {
  const destination = new LogWriter({
    to: options.file ?? options.descriptor ?? 1,
    most: MOST_WAITING,
    recovered: (errno) => log.error("log.recovered", { errno, dropped: destination.dropped }),
  });
  const sink = pino(
    {
      level: options.level,
      base: null,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    destination,
  );
  const write = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (!sink.isLevelEnabled(level)) return;
    if (fields === undefined) sink[level](event);
    else sink[level](loggable(fields, "", 0) as object, event);
  };
  const log: SystemLog = {
    error: write("error"),
    warn: write("warn"),
    info: write("info"),
    debug: write("debug"),
    get level() {
      return sink.level as LogLevel;
    },
    set level(level) {
      sink.level = level;
    },
    get dropped() {
      return destination.dropped;
    },
    [Symbol.asyncDispose]: () => destination[Symbol.asyncDispose](),
  };
  return log;
}

/** A bounded copy of a field that JSON can carry and that tells no secret. */
function loggable(value: unknown, name: string, depth: number): unknown {
  if (SECRET.test(name) && value !== undefined) return "[redacted]";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return toHex(value.subarray(0, 256));
  if (value instanceof Error) {
    const code = "code" in value ? { code: String(value.code) } : {};
    const cause = value.cause === undefined ? {} : { cause: loggable(value.cause, "", depth + 1) };
    return depth > MOST_LEVELS ? messageOf(value) : { name: value.name, message: value.message, ...code, ...cause };
  }
  if (depth > MOST_LEVELS) return "[too deep]";
  if (value instanceof Date) return value;
  if (value instanceof Map) return loggable(Object.fromEntries(value), name, depth);
  if (value instanceof Set) return loggable([...value], name, depth);
  if (Array.isArray(value)) return value.slice(0, MOST_MEMBERS).map((each) => loggable(each, "", depth + 1));
  const members = Object.entries(value).slice(0, MOST_MEMBERS);
  return Object.fromEntries(members.map(([key, each]) => [key, loggable(each, key, depth + 1)]));
}
