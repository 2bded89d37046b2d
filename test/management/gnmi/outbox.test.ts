import assert from "node:assert/strict";
import { it } from "node:test";
import type { MethodDefinition } from "@grpc/grpc-js";
import { fieldOctets } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import type { GnmiError } from "../../../src/management/gnmi/status.ts";
import { Outbox } from "../../../src/management/gnmi/subscribe/outbox.ts";
import { updateOctets } from "../../../src/management/gnmi/wire.ts";
import { type Message, pathText, sentValue } from "./gnmi-router.ts";

const { responseDeserialize } = (
  loadProto()["gnmi.gNMI"] as unknown as Record<string, MethodDefinition<object, Message>>
).Subscribe!;

const elem = (name: string): Buffer => fieldOctets(3, fieldOctets(1, Buffer.from(name)));
const leaf = (name: string, value: number) => ({
  key: `/${name}`,
  octets: updateOctets(Buffer.alloc(0), elem(name), fieldOctets(11, Buffer.from(String(value)))),
});

/** A reader that takes so many messages, and then none until it is told to. */
class Reader {
  readonly messages: Message[] = [];
  failure: GnmiError | undefined;
  taking: number;
  #resume: (() => void) | undefined;

  constructor(taking: number) {
    this.taking = taking;
  }

  write(octets: Buffer): boolean {
    this.messages.push(responseDeserialize(octets));
    return --this.taking > 0;
  }

  onDrain(resume: () => void): void {
    this.#resume = resume;
  }

  fail(error: GnmiError): void {
    this.failure = error;
  }

  take(messages: number): void {
    this.taking = messages;
    this.#resume?.();
  }

  /** What each message says, one line each. */
  get told(): string[] {
    return this.messages.map(({ response, update }) => {
      if (response === "sync_response") return "sync";
      const gone = update.delete.map((path: Message) => `-${pathText(path)}`);
      const there = update.update.map((one: Message) => {
        const missed = one.duplicates > 0 ? ` missed ${one.duplicates}` : "";
        return `${pathText(one.path)}=${sentValue(one)}${missed}`;
      });
      return [...gone, ...there].join(" ");
    });
  }
}

const LIMITS = { leaves: 1_000, octets: 1_000_000 };
const turn = (): Promise<void> => new Promise((resolve) => systemClock.soon(() => systemClock.soon(resolve)));
const opened = (taking: number, limits = LIMITS): [Reader, Outbox] => {
  const reader = new Reader(taking);
  return [reader, new Outbox(Buffer.alloc(0), reader, systemClock, limits)];
};

it("what comes at once goes as one message, before the sync", async () => {
  const [reader, outbox] = opened(10);
  outbox.put(leaf("a", 1));
  outbox.put(leaf("b", 2));
  outbox.sync();
  await turn();
  assert.deepEqual(reader.told, ["/a=1 /b=2", "sync"]);
});

it("a slow reader gets the newest value of each leaf, and how many it missed", async () => {
  const [reader, outbox] = opened(1);
  outbox.put(leaf("a", 0));
  await turn();
  for (let i = 1; i <= 5; i++) outbox.put(leaf("a", i));
  outbox.put(leaf("b", 1));
  await turn();
  assert.equal(outbox.size, 2);
  reader.take(10);
  assert.deepEqual(reader.told, ["/a=0", "/a=5 missed 4 /b=1"]);
});

it("a value after a delete is told after it, one before it before", async () => {
  const [reader, outbox] = opened(1);
  outbox.put(leaf("x", 0));
  await turn();
  outbox.put(leaf("a", 1));
  outbox.put(leaf("b", 1));
  outbox.remove("/", Buffer.alloc(0));
  outbox.put(leaf("a", 2));
  reader.take(10);
  assert.deepEqual(reader.told, ["/x=0", "/b=1", "- /a=2 missed 1"]);
  assert.equal(outbox.octets, 0);
});

it("beyond its limits the subscription ends, with nothing kept", async () => {
  const [reader, outbox] = opened(1, { leaves: 50, octets: 1_000_000 });
  for (let i = 0; i <= 50; i++) outbox.put(leaf(`l${i}`, i));
  assert.match(reader.failure?.details ?? "", /too slow/);
  assert.equal(outbox.size, 0);
  outbox.put(leaf("a", 1));
  assert.equal(outbox.size, 0);
});

it("a snapshot waits for room, and goes on when the reader does or is gone", async () => {
  const [reader, outbox] = opened(1, { leaves: 10_000, octets: 1_000_000 });
  for (let i = 0; i < 1_500; i++) outbox.put(leaf(`l${i}`, i));
  await turn();
  let isOn = false;
  const waiting = outbox.room().then(() => {
    isOn = true;
  });
  await turn();
  assert.equal(isOn, false);
  reader.take(100);
  await waiting;
  await outbox.flushed();
  assert.equal(reader.messages.length, 15, "of 100 leaves each");
});
