import assert from "node:assert/strict";
import { it } from "node:test";
import { parseIpv6Prefix } from "../../../src/base/index.ts";
import { ConcernedDestinations } from "../../../src/dataplane/linux/concerned-destinations.ts";
import type { Destination } from "../../../src/dataplane/linux/destinations.ts";

const destination = (prefix: string, group: number, localGroup: number, policy?: number): Destination => ({
  ...{ prefix, address: parseIpv6Prefix(prefix)!, group, localGroup },
  ...(policy === undefined ? {} : { policy }),
});

it("a change concerns the destinations that name its group or have its policy, for as long as they do", () => {
  const concerned = new ConcernedDestinations();
  const one = destination("fd5e:0:0:1::1/128", 5, 6, 9);
  const other = destination("fd5e:0:0:1::2/128", 5, 5);
  concerned.add(one);
  concerned.add(other);
  concerned.add(one);
  const of = () => [concerned.naming(5), concerned.naming(6), concerned.under(9)].map((names) => [...names]);
  assert.deepEqual(of(), [[one.prefix, other.prefix], [one.prefix], [one.prefix]]);
  concerned.remove(one);
  concerned.add({ ...one, localGroup: 0 });
  assert.deepEqual(of(), [[other.prefix, one.prefix], [], [one.prefix]]);
  concerned.remove({ ...one, localGroup: 0 });
  concerned.remove(other);
  assert.deepEqual(of(), [[], [], []]);
  assert.deepEqual([[...concerned.naming(77)], [...concerned.under(77)]], [[], []]);
});
