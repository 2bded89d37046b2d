import { type Clock, type Milliseconds, milliseconds } from "../../base/index.ts";
import { profileCriteria, shelfCriteria } from "./criteria.ts";
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
  readonly #clock: Clock;
  readonly #alarms = new Map<string, Alarm>();
  /** Keys of the alarms of each type. */
  readonly #byType = new Map<string, Set<string>>();
  readonly #watches = new Set<(news: AlarmNews) => void>();
  #control: AlarmControl = DEFAULT_CONTROL;
  #shelves: readonly { readonly name: string; readonly fits: ReturnType<typeof shelfCriteria> }[] = [];
  #profiles: readonly ReturnType<typeof profileCriteria>[] = [];
  #changed: Milliseconds;
  #refused = 0;

  constructor(types: readonly AlarmType[], clock: Clock) {
    this.types = types;
    this.#clock = clock;
    this.#changed = clock.wall();
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
    this.#shelves = control.shelves.map((shelf) => ({ name: shelf.name, fits: shelfCriteria(shelf) }));
    this.#profiles = control.profiles.map(profileCriteria);
    for (const [key, alarm] of [...this.#alarms]) {
      if (alarm.changes.length > this.#mostChanges)
        this.#alarms.set(key, { ...alarm, changes: alarm.changes.slice(0, this.#mostChanges) });
      this.#shelve(this.#alarms.get(key)!);
      const { resource, type, reported, text, isCleared } = alarm;
      if (!isCleared) this.raise(resource, type, { severity: reported, text });
    }
  }

  subscribe(watch: (news: AlarmNews) => void): Disposable {
    this.#watches.add(watch);
    return { [Symbol.dispose]: () => void this.#watches.delete(watch) };
  }

  /** All that is wrong by this type, by resource: what is not in it is over. */
  reconcile(type: string, conditions: ReadonlyMap<string, Condition>): void {
    for (const [resource, condition] of conditions) this.raise(resource, type, condition);
    for (const key of this.#byType.get(type) ?? []) {
      const alarm = this.#alarms.get(key)!;
      if (!alarm.isCleared && !conditions.has(alarm.resource)) this.clear(alarm.resource, type);
    }
  }

  /** Raises, raises again, or changes severity or text; the same as before changes nothing. */
  raise(resource: string, type: string, { severity: reported, text }: Condition): void {
    const severity = this.#assigned({ resource, type }, reported);
    const known = this.find(resource, type);
    if (known !== undefined && !known.isCleared && known.severity === severity && known.text === text) return;
    if (known === undefined && !this.#makeRoom()) {
      this.#refused++;
      return;
    }
    const time = this.#after(known?.changes[0]?.time);
    const change: StatusChange = { time, severity, text };
    const isRaised = known === undefined || known.isCleared;
    const shelf = known === undefined ? this.#shelfFor({ resource, type }) : known.shelf;
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
    const shelf = this.#shelfFor(alarm);
    if (shelf === was) return;
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

  #shelfFor({ resource, type }: Pick<Alarm, "resource" | "type">): string | undefined {
    return this.#shelves.find(({ fits }) => fits(resource, type))?.name;
  }

  /** The severity that a profile has instead: the first of its type becomes the first of the profile, and so on. */
  #assigned({ resource, type }: Pick<Alarm, "resource" | "type">, reported: Severity): Severity {
    const levels = this.#profiles.find(({ fits }) => fits(resource, type))?.levels ?? [];
    if (levels.length === 0) return reported;
    const own = this.types.find(({ id }) => id === type)?.severities ?? [];
    const place = SEVERITIES.filter((severity) => own.includes(severity)).indexOf(reported);
    return levels[Math.min(Math.max(place, 0), levels.length - 1)]!;
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
    this.#changed = this.#clock.wall();
    this.#tell({ type: "purged", resource, alarmType: type });
  }

  #tell(news: AlarmNews): void {
    for (const watch of this.#watches) watch(news);
  }
}

const saidOf = (change: OperatorChange, { operatorChanges }: Alarm): readonly OperatorChange[] =>
  [change, ...operatorChanges].slice(0, MOST_OPERATOR_CHANGES);

const keyOf = (resource: string, type: string): string => `${type} ${resource}`;
