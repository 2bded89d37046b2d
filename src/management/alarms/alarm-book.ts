import { type Clock, type Milliseconds, milliseconds } from "../../base/index.ts";
import { Placement } from "./placement.ts";
import type { SelectionParts, SelectNodes } from "./selections.ts";
import {
  type Alarm,
  type AlarmControl,
  type AlarmType,
  type Condition,
  DEFAULT_CONTROL,
  MOST_CHANGES,
  type OperatorChange,
  type OperatorState,
  operatorStateOf,
  SEVERITIES,
  type Severity,
  type StatusChange,
} from "./types.ts";

/** What happened to an alarm. `alarm` is absent once it is purged. */
export type AlarmNews =
  | { readonly type: "status"; readonly alarm: Alarm; readonly change: StatusChange; readonly isTold: boolean }
  | { readonly type: "operator"; readonly alarm: Alarm; readonly change: OperatorChange }
  /** Put on a shelf, or taken from one. */
  | { readonly type: "shelf"; readonly alarm: Alarm; readonly change: OperatorChange }
  | { readonly type: "purged"; readonly resource: string; readonly alarmType: string };

/** More than anybody looks at; a cleared one makes room for a new one. */
const MOST_ALARMS = 4096;
/** What operators say of one alarm. */
const MOST_OPERATOR_CHANGES = 100;
const RAISED_AGAIN = "raised again";
/** Who says what operators do not. */
const ROUTER = "semrd";

/**
 * The alarm list: what is wrong now, and what was until it is purged. Parts say which conditions there are; the book notes what
 * has changed, so that saying the same twice changes nothing. In memory: after a restart what is still wrong is raised anew.
 * Alarms on shelves have a list of their own, and nobody is told of them.
 *
 * @see RFC 8632 §3.5 (life cycle)
 */
export class AlarmBook {
  readonly types: readonly AlarmType[];
  /** Evaluates XPath of criteria. */
  readonly select: SelectNodes;
  readonly #clock: Clock;
  readonly #alarms = new Map<string, Alarm>();
  /** Keys of the alarms of each type. */
  readonly #byType = new Map<string, Set<string>>();
  readonly #watches = new Set<(news: AlarmNews) => void>();
  #control: AlarmControl = DEFAULT_CONTROL;
  readonly #placement: Placement;
  /** Said, and not looked at yet: nobody knows whether an expression is about them. */
  readonly #waiting = new Map<
    string,
    { readonly resource: string; readonly type: string; readonly condition: Condition }
  >();
  #changed: Milliseconds;
  #refused = 0;

  /** `nodes` evaluates XPath criteria; absent: they select nothing. */
  constructor(types: readonly AlarmType[], clock: Clock, nodes: Omit<SelectionParts, "known"> = NO_NODES) {
    this.types = types;
    this.select = nodes.select;
    this.#clock = clock;
    this.#changed = clock.wall();
    this.#placement = new Placement(types, { ...nodes, known: () => this.#judge() });
  }

  /** Those that are on no shelf. */
  get alarms(): Iterable<Alarm> {
    return this.#alarms.values().filter(({ shelf }) => shelf === undefined);
  }

  get shelved(): Iterable<Alarm> {
    return this.#alarms.values().filter(({ shelf }) => shelf !== undefined);
  }

  /** Of those that are neither cleared nor on a shelf, from the least to the most severe. */
  get counts(): readonly { readonly severity: Severity; readonly count: number }[] {
    const counts = new Map(SEVERITIES.map((severity) => [severity, 0]));
    for (const { severity, isCleared } of this.alarms) if (!isCleared) counts.set(severity, counts.get(severity)! + 1);
    return Array.from(counts, ([severity, count]) => ({ severity, count }));
  }

  /** Of the alarm list. */
  get size(): number {
    return this.#alarms.size - this.shelvedSize;
  }

  get shelvedSize(): number {
    let count = 0;
    for (const { shelf } of this.#alarms.values()) if (shelf !== undefined) count++;
    return count;
  }

  /** When the list last changed. */
  get changed(): Milliseconds {
    return this.#changed;
  }

  /** Alarms that had no place, as too many are raised. */
  get refused(): number {
    return this.#refused;
  }

  /** On a shelf or not. */
  find(resource: string, type: string): Alarm | undefined {
    return this.#alarms.get(keyOf(resource, type));
  }

  /** Holds from now on. */
  follow(control: AlarmControl): void {
    this.#control = control;
    this.#placement.follow(control);
    for (const [key, alarm] of [...this.#alarms]) {
      if (alarm.changes.length > this.#mostChanges)
        this.#alarms.set(key, { ...alarm, changes: alarm.changes.slice(0, this.#mostChanges) });
    }
    this.#judge();
  }

  /** The data tree that XPath criteria select of is another one. */
  dataChanged(): void {
    this.#placement.refresh();
  }

  /** Puts every alarm where it belongs, with the severity that it has there, as far as that is known. */
  #judge(): void {
    for (const alarm of [...this.#alarms.values()]) {
      this.#shelve(alarm);
      const { resource, type, reported, text, isCleared } = alarm;
      if (!isCleared) this.raise(resource, type, { severity: reported, text });
    }
    for (const { resource, type, condition } of [...this.#waiting.values()]) this.raise(resource, type, condition);
  }

  subscribe(watch: (news: AlarmNews) => void): Disposable {
    this.#watches.add(watch);
    return { [Symbol.dispose]: () => void this.#watches.delete(watch) };
  }

  /** All that is wrong by this type, by resource: what is not in it is over. */
  reconcile(type: string, conditions: ReadonlyMap<string, Condition>): void {
    for (const [resource, condition] of conditions) this.raise(resource, type, condition);
    for (const [key, waiting] of this.#waiting)
      if (waiting.type === type && !conditions.has(waiting.resource)) this.#waiting.delete(key);
    for (const key of this.#byType.get(type) ?? []) {
      const alarm = this.#alarms.get(key)!;
      if (!alarm.isCleared && !conditions.has(alarm.resource)) this.clear(alarm.resource, type);
    }
  }

  /** Raises, raises again, or changes severity or text; the same as before changes nothing. */
  raise(resource: string, type: string, condition: Condition): void {
    const { severity: reported, text } = condition;
    const severity = this.#placement.severityOf({ resource, type }, reported);
    const known = this.find(resource, type);
    const chosen = known === undefined ? this.#placement.shelfOf({ resource, type }) : known.shelf;
    this.#waiting.delete(keyOf(resource, type));
    if (severity === undefined || chosen === null) {
      if (known !== undefined || this.#waiting.size < MOST_ALARMS)
        this.#waiting.set(keyOf(resource, type), { resource, type, condition });
      return;
    }
    const shelf = chosen;
    if (known !== undefined && !known.isCleared && known.severity === severity && known.text === text) return;
    if (known === undefined && !this.#makeRoom()) {
      this.#refused++;
      return;
    }
    const time = this.#after(known?.changes[0]?.time);
    const change: StatusChange = { time, severity, text };
    const isRaised = known === undefined || known.isCleared;
    const isNew = known === undefined && shelf !== undefined;
    const alarm: Alarm = {
      ...{ resource, type, severity, text, isCleared: false, changed: time, reported },
      ...(shelf === undefined ? {} : { shelf }),
      created: known?.created ?? time,
      raised: isRaised ? time : known.raised,
      changes: this.#kept(change, known),
      operatorChanges: isNew ? [this.#shelfChange(undefined, shelf)] : (known?.operatorChanges ?? []),
    };
    this.#put(alarm);
    const crosses = SEVERITIES.indexOf(severity) >= this.#floor || (!isRaised && this.#isAtLeast(known.severity));
    this.#tell({ type: "status", alarm, change, isTold: shelf === undefined && this.#notify(isRaised, crosses) });
    if (isRaised && operatorStateOf(alarm) === "closed")
      this.setOperatorState(alarm, { operator: ROUTER, state: "none", text: RAISED_AGAIN });
  }

  clear(resource: string, type: string, text = "over"): void {
    this.#waiting.delete(keyOf(resource, type));
    const known = this.find(resource, type);
    if (known === undefined || known.isCleared) return;
    const time = this.#after(known.changes[0]?.time);
    const change: StatusChange = { time, severity: "cleared", text: `${text}; it was: ${known.text}` };
    const alarm: Alarm = {
      ...known,
      ...{ isCleared: true, changed: time, text: change.text, changes: this.#kept(change, known) },
    };
    this.#put(alarm);
    this.#tell({ type: "status", alarm, change, isTold: alarm.shelf === undefined });
  }

  setOperatorState(alarm: Alarm, said: { operator: string; state: OperatorState; text?: string }): void {
    const time = this.#after(alarm.operatorChanges[0]?.time);
    const change: OperatorChange = { time, ...said };
    const next: Alarm = { ...alarm, operatorChanges: saidOf(change, alarm) };
    this.#put(next);
    this.#tell({ type: "operator", alarm: next, change });
  }

  /** Takes these out of the list; what is still wrong is raised anew. Returns how many. */
  purge(which: (alarm: Alarm) => boolean): number {
    const gone = [...this.#alarms.values()].filter(which);
    for (const { resource, type } of gone) this.#remove(resource, type);
    return gone.length;
  }

  /** Forgets all but the last status change of these. Returns of how many there were more. */
  compress(which: (alarm: Alarm) => boolean): number {
    const found = [...this.#alarms.values()].filter((alarm) => alarm.changes.length > 1 && which(alarm));
    for (const alarm of found) this.#put({ ...alarm, changes: alarm.changes.slice(0, 1) });
    return found.length;
  }

  /** Puts it where it belongs now. */
  #shelve(alarm: Alarm): void {
    const { shelf: was, ...free } = alarm;
    const shelf = this.#placement.shelfOf(alarm);
    if (shelf === was || shelf === null) return;
    const moved = shelf === undefined ? free : { ...alarm, shelf };
    const change = this.#shelfChange(alarm, shelf);
    const next: Alarm = { ...moved, operatorChanges: saidOf(change, alarm) };
    this.#put(next);
    this.#tell({ type: "shelf", alarm: next, change });
  }

  #shelfChange(alarm: Alarm | undefined, shelf: string | undefined): OperatorChange {
    return {
      ...{ time: this.#after(alarm?.operatorChanges[0]?.time), operator: ROUTER },
      ...(shelf === undefined
        ? { state: "un-shelved", text: `taken from the shelf ${alarm?.shelf}` }
        : { state: "shelved", text: `on the shelf ${shelf}` }),
    };
  }

  get #mostChanges(): number {
    return Math.max(1, Math.min(this.#control.maxStatusChanges, MOST_CHANGES));
  }

  /** Severities from here on are told of. */
  get #floor(): number {
    const { notify } = this.#control;
    return typeof notify === "string" ? 0 : SEVERITIES.indexOf(notify.from);
  }

  #isAtLeast(severity: Severity): boolean {
    return SEVERITIES.indexOf(severity) >= this.#floor;
  }

  #notify(isRaised: boolean, crosses: boolean): boolean {
    return this.#control.notify === "raise-and-clear" ? isRaised : crosses;
  }

  #kept(change: StatusChange, known: Alarm | undefined): readonly StatusChange[] {
    return [change, ...(known?.changes ?? [])].slice(0, this.#mostChanges);
  }

  /** Times are keys of their lists. */
  #after(last: Milliseconds | undefined): Milliseconds {
    const now = this.#clock.wall();
    return last !== undefined && last >= now ? milliseconds(last + 1) : now;
  }

  /** The one that was cleared first goes. */
  #makeRoom(): boolean {
    if (this.#alarms.size < MOST_ALARMS) return true;
    let oldest: Alarm | undefined;
    for (const alarm of this.#alarms.values())
      if (alarm.isCleared && (oldest === undefined || alarm.changed < oldest.changed)) oldest = alarm;
    if (oldest === undefined) return false;
    this.#remove(oldest.resource, oldest.type);
    return true;
  }

  #put(alarm: Alarm): void {
    const key = keyOf(alarm.resource, alarm.type);
    this.#alarms.set(key, alarm);
    const own = this.#byType.get(alarm.type) ?? new Set();
    this.#byType.set(alarm.type, own.add(key));
    this.#changed = this.#clock.wall();
  }

  #remove(resource: string, type: string): void {
    const key = keyOf(resource, type);
    this.#alarms.delete(key);
    this.#byType.get(type)?.delete(key);
    this.#placement.forget(resource);
    this.#changed = this.#clock.wall();
    this.#tell({ type: "purged", resource, alarmType: type });
  }

  #tell(news: AlarmNews): void {
    for (const watch of this.#watches) watch(news);
  }
}

const saidOf = (change: OperatorChange, { operatorChanges }: Alarm): readonly OperatorChange[] =>
  [change, ...operatorChanges].slice(0, MOST_OPERATOR_CHANGES);

const NO_NODES: Omit<SelectionParts, "known"> = {
  select: async () => ({ ok: true, value: "{}" }),
  failed: () => undefined,
};

const keyOf = (resource: string, type: string): string => `${type} ${resource}`;
