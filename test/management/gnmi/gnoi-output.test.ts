import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { PingRequest } from "../../../src/management/gnmi/gnoi/messages.ts";
import { pingArguments } from "../../../src/management/gnmi/gnoi/ping.ts";
import { PingOutput } from "../../../src/management/gnmi/gnoi/ping-output.ts";

const read = (text: string) => {
  const output = new PingOutput();
  const answers = text.split("\n").flatMap((line) => output.line(line) ?? []);
  return { answers, summary: output.summary };
};

it("what the ping of iputils prints", () => {
  const { answers, summary } = read(`PING ::1(::1) 56 data bytes
64 bytes from ::1: icmp_seq=1 ttl=64 time=0.034 ms
64 bytes from fe80::1%eth0: icmp_seq=2 ttl=63 time=12 ms
From 2001:db8::1 icmp_seq=3 Destination unreachable: Address unreachable

--- ::1 ping statistics ---
3 packets transmitted, 2 received, +1 errors, 33.3333% packet loss, time 2004ms
rtt min/avg/max/mdev = 0.034/6.017/12.000/5.983 ms`);
  assert.deepEqual(answers, [
    { source: "::1", bytes: 64, sequence: 1, ttl: 64, time: "34000" },
    { source: "fe80::1%eth0", bytes: 64, sequence: 2, ttl: 63, time: "12000000" },
  ]);
  assert.deepEqual(summary, {
    ...{ sent: 3, received: 2, time: "2004000000" },
    ...{ min_time: "34000", avg_time: "6017000", max_time: "12000000", std_dev: "5983000" },
  });
});

it("what the ping of inetutils prints, and a run that nobody answered", () => {
  const { answers, summary } = read(`PING 127.0.0.1 (127.0.0.1): 56 data bytes
64 bytes from 127.0.0.1: icmp_seq=0 ttl=64 time=0.063 ms
--- 127.0.0.1 ping statistics ---
1 packets transmitted, 1 packets received, 0% packet loss
round-trip min/avg/max/stddev = 0.063/0.063/0.063/0.000 ms`);
  assert.deepEqual(answers, [{ source: "127.0.0.1", bytes: 64, sequence: 0, ttl: 64, time: "63000" }]);
  assert.deepEqual([summary?.sent, summary?.received, summary?.avg_time], [1, 1, "63000"]);
  const silent = read("2 packets transmitted, 0 received, 100% packet loss, time 1010ms");
  assert.deepEqual(silent, { answers: [], summary: { sent: 2, received: 0, time: "1010000000" } });
});

it("whatever a program prints is read or passed over", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 200 })), (lines) => {
      const { answers } = read(lines.join("\n"));
      assert.ok(answers.length <= lines.length);
    }),
    { numRuns: 50 },
  );
});

const REQUEST: PingRequest = {
  ...{ destination: "::1", source: "", count: 0, interval: "0", wait: "0", size: 0 },
  ...{ do_not_fragment: false, l3protocol: "UNSPECIFIED", network_instance: "" },
};

it("arguments of the program: each field, and a destination is never an option", () => {
  assert.deepEqual(pingArguments(REQUEST), ["-n", "-i", "1", "-c", "5", "--", "::1"]);
  const all = { ...REQUEST, destination: "host.example", source: "192.0.2.1", count: -1, interval: "200000000" };
  const more = { wait: "1500000000", size: 1_000, do_not_fragment: true, l3protocol: "IPV4" } as const;
  assert.deepEqual(
    pingArguments({ ...all, ...more }),
    "-n -4 -i 0.2 -W 1.5 -s 1000 -I 192.0.2.1 -M do -- host.example".split(" "),
  );
  const refused: readonly [Partial<PingRequest>, RegExp][] = [
    [{ destination: "" }, /destination/],
    [{ destination: "-f" }, /destination/],
    [{ destination: "a b" }, /destination/],
    [{ destination: "$(id)" }, /destination/],
    [{ destination: "fe80::1%eth0;x" }, /destination/],
    [{ source: "eth0 -f" }, /source/],
    [{ count: -2 }, /count/],
    [{ size: 70_000 }, /size/],
    [{ interval: "-1" }, /flood/],
    [{ interval: "1000" }, /interval/],
    [{ wait: "-5" }, /wait/],
    [{ network_instance: "mgmt" }, /network_instance/],
  ];
  for (const [change, why] of refused) assert.throws(() => pingArguments({ ...REQUEST, ...change }), why);
});
