import { sameValue } from "../../base/index.ts";
import type { AttributeSet } from "../../rib/index.ts";
import { compileActions, type PolicyFacts, type SetChange } from "./actions.ts";
import { compileConditions, type KeyQuestion, SetCompiler, type SetTest } from "./conditions.ts";
import type { PolicyDefinition, PolicyStatement, StatementResult } from "./definition.ts";
import type { KeyTest } from "./key-sets.ts";
import { defaultPolicy, type Judgement, type PolicyPeer, type RoutePolicy, type Verdict, wholeSet } from "./policy.ts";
import { Trail } from "./trail.ts";

/** How often a statement has fitted, in all places where its policy is used. */
export interface StatementHits {
  readonly policy: string;
  readonly statement: string;
  /** Answers that were worked out: one for each attribute set and session, more where keys matter. */
  readonly sets: number;
  /** Routes that such an answer was applied to, each time that they came or were to be sent. */
  readonly routes: number;
}

class Statement {
  readonly policy: string;
  readonly name: string;
  readonly definition: PolicyStatement;
  readonly tests: readonly SetTest[];
  readonly keys: readonly KeyQuestion[];
  readonly looksAtPeer: boolean;
  readonly looksAtOrigin: boolean;
  readonly changes: readonly SetChange[];
  readonly result: StatementResult;
  sets = 0;
  routes = 0;

  constructor(policy: string, definition: PolicyStatement, facts: PolicyFacts, compiler: SetCompiler) {
    const { tests, keys, looksAtPeer, looksAtOrigin } = compileConditions(definition.conditions, compiler, facts);
    this.policy = policy;
    this.name = definition.name;
    this.definition = definition;
    this.tests = tests;
    this.keys = keys;
    this.looksAtPeer = looksAtPeer;
    this.looksAtOrigin = looksAtOrigin;
    this.changes = compileActions(definition.actions, facts);
    this.result = definition.result;
  }

  fits(set: AttributeSet, peer: PolicyPeer): boolean {
    for (const test of this.tests) if (!test(set, peer)) return false;
    return true;
  }

  /** Whether every route fits, whatever it is, and stays as it is. */
  get isBlind(): boolean {
    return this.tests.length === 0 && this.keys.length === 0 && this.changes.length === 0;
  }

  /** The test that a key has to pass, or the answer for all keys. */
  question(peer: PolicyPeer, set: AttributeSet): KeyTest | boolean {
    if (this.keys.length === 0) return true;
    const tests: KeyTest[] = [];
    for (const key of this.keys) {
      const test = key(peer.family, set);
      if (test === false) return false;
      if (test !== true) tests.push(test);
    }
    const [only] = tests;
    if (only === undefined) return true;
    if (tests.length === 1) return only;
    return (octets, start) => tests.every((test) => test(octets, start));
  }
}

/** A chain of policies as one list; each place knows where the next policy begins. */
interface Place {
  readonly statement: Statement;
  readonly nextPolicy: number;
}

type EndPolicy = ReturnType<typeof defaultPolicy>;

interface Chain {
  readonly statements: readonly (readonly Statement[])[];
  readonly policy: RoutePolicy;
}

/** The policies of a router, compiled once. */
export class PolicyBook {
  readonly #policies: ReadonlyMap<string, readonly Statement[]>;
  readonly #facts: PolicyFacts;
  readonly #end: EndPolicy;
  readonly #chains = new Map<string, Chain>();
  /** Of the book before: those whose policies are still the same objects are used again. */
  readonly #inherited: ReadonlyMap<string, Chain>;

  /**
   * @param before the book that this one takes the place of: what is defined as there is the same object as there, chains
   *   and counters too, so that identity tells what has changed
   * @throws {RangeError} for an AS path pattern that is too long, or a policy that is defined twice
   */
  constructor(definitions: readonly PolicyDefinition[], facts: PolicyFacts, before?: PolicyBook) {
    const compiler = new SetCompiler();
    this.#facts = facts;
    const last = before !== undefined && sameValue(before.#facts, facts) ? before : undefined;
    this.#inherited = last === undefined ? new Map() : last.#chains;
    const policies = new Map<string, readonly Statement[]>();
    for (const { name, statements } of definitions) {
      if (policies.has(name)) throw new RangeError(`the policy ${name} is defined twice`);
      const known = (last === undefined ? undefined : last.#policies.get(name)) ?? [];
      const compiled = statements.map(
        (statement) =>
          known.find(({ definition }) => sameValue(definition, statement)) ??
          new Statement(name, statement, facts, compiler),
      );
      const same = compiled.length === known.length && compiled.every((statement, i) => statement === known[i]);
      policies.set(name, same && known.length > 0 ? known : compiled);
    }
    this.#policies = policies;
    const acceptExternal = facts.acceptExternal ?? false;
    this.#end = last === undefined ? defaultPolicy({ acceptExternal }) : last.#end;
  }

  /**
   * The policies of these names, one after the other; what holds without a policy decides where none of them does. The
   * same names give the same object.
   * @throws {RangeError} for a name that is not defined
   */
  chain(names: readonly string[]): RoutePolicy {
    const key = JSON.stringify(names);
    const known = this.#chains.get(key);
    if (known !== undefined) return known.policy;
    const statements = names.map((name) => {
      const found = this.#policies.get(name);
      if (found === undefined) throw new RangeError(`there is no policy ${name}`);
      return found;
    });
    const before = this.#inherited.get(key);
    const same = before?.statements.every((policy, i) => policy === statements[i]) === true;
    const chain = same ? before : { statements, policy: compileChain(placesOf(statements), this.#end) };
    this.#chains.set(key, chain);
    return chain.policy;
  }

  /** What it was made with. */
  get facts(): PolicyFacts {
    return this.#facts;
  }

  /** In the order of definition. */
  *hits(): IterableIterator<StatementHits> {
    for (const statements of this.#policies.values()) {
      for (const { policy, name, sets, routes } of statements) yield { policy, statement: name, sets, routes };
    }
  }
}

function placesOf(policies: readonly (readonly Statement[])[]): readonly Place[] {
  const places: Place[] = [];
  for (const statements of policies) {
    const nextPolicy = places.length + statements.length;
    for (const statement of statements) places.push({ statement, nextPolicy });
  }
  return places;
}

function compileChain(places: readonly Place[], end: EndPolicy): RoutePolicy {
  /**
   * @param original what `set` was before the first statement
   * @param fits the statement at `from` is known to fit
   */
  const run = (
    from: number,
    original: AttributeSet,
    set: AttributeSet,
    passed: Trail<Statement>,
    peer: PolicyPeer,
    fits: boolean,
  ): Judgement => {
    let now = set;
    let trail = passed;
    let known = fits;
    for (let at = from; at < places.length; known = false) {
      const { statement, nextPolicy } = places[at]!;
      if (!known) {
        const question = statement.fits(now, peer) && statement.question(peer, now);
        if (question === false) {
          at++;
          continue;
        }
        if (question !== true) {
          // What is asked later is asked about a set that stays.
          const held = wholeSet(now);
          const [here, first, before] = [at, now === original ? held : original, trail];
          return new ByKey(
            question,
            () => run(here, first, held, before, peer, true),
            () => run(here + 1, first, held, before, peer, false),
          );
        }
      }
      if (statement.changes.length > 0) {
        const whole = wholeSet(now);
        let changed = whole;
        for (const change of statement.changes) changed = change(changed, peer);
        if (changed !== whole) now = changed;
      }
      trail = trail.after(statement);
      switch (statement.result) {
        case "accept":
          return trail.accept(original, now);
        case "reject":
          return trail.reject("policy");
        case "next-statement":
          at++;
          break;
        case "next-policy":
          at = nextPolicy;
          break;
      }
    }
    const last = end(now, peer);
    return last.verdict === "reject" ? trail.reject(last.reason) : trail.accept(original, now);
  };
  const start = new Trail<Statement>();
  const always = blindEnd(places, start);
  const chain: RoutePolicy = always ?? ((set, peer) => run(0, set, set, start, peer, false));
  const looksAtPeer = places.some(({ statement }) => statement.looksAtPeer);
  const looksAtOrigin = places.some(({ statement }) => statement.looksAtOrigin);
  const known = always === undefined ? {} : { always };
  return Object.assign(chain, { looksAtPeer, looksAtOrigin, readsInPlace: true, ...known });
}

/** The end of a chain that comes to it without a look at what it is about; `undefined`: it looks. */
function blindEnd(places: readonly Place[], start: Trail<Statement>): (() => Verdict) | undefined {
  let trail = start;
  for (let at = 0; at < places.length && places[at]!.statement.isBlind; ) {
    const { statement, nextPolicy } = places[at]!;
    trail = trail.after(statement);
    const last = trail;
    if (statement.result === "accept") return () => last.pass();
    if (statement.result === "reject") return () => last.reject("policy");
    at = statement.result === "next-policy" ? nextPolicy : at + 1;
  }
  return undefined;
}

/** A question about the key, and the two ways on: each is gone once, by the first key that takes it. */
class ByKey {
  readonly verdict = "by-key";
  readonly #test: KeyTest;
  readonly #ifFits: Way;
  readonly #ifNot: Way;

  constructor(test: KeyTest, ifFits: () => Judgement, ifNot: () => Judgement) {
    this.#test = test;
    this.#ifFits = new Way(ifFits);
    this.#ifNot = new Way(ifNot);
  }

  of(octets: Uint8Array, start: number): Verdict {
    const next = (this.#test(octets, start) ? this.#ifFits : this.#ifNot).end();
    return next.verdict === "by-key" ? next.of(octets, start) : next;
  }
}

class Way {
  readonly #go: () => Judgement;
  #end: Judgement | undefined;

  constructor(go: () => Judgement) {
    this.#go = go;
  }

  end(): Judgement {
    this.#end ??= this.#go();
    return this.#end;
  }
}
