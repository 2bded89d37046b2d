// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are what is tested
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { expandEnvironment, expandMagicWords, splitCommand } from "../../lab/runner/expand.ts";
import { mermaid } from "../../lab/runner/graph.ts";
import { parseTopology, TopologyError } from "../../lab/runner/index.ts";
import { sysctlPath } from "../../lab/runner/start-node.ts";

const read = (text: string, environment: Record<string, string> = {}) =>
  parseTopology(text, "/x/a.clab.yml", environment);

function faultsOf(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof TopologyError);
    return error.faults.map((fault) => `${fault.path}: ${fault.text}`);
  }
  assert.fail("the file was accepted");
}

const TWO = "name: t\ntopology:\n  nodes:\n    a: {}\n    b: {}\n";

describe("environment in topology files", () => {
  const VECTORS = [
    { text: "${X}", environment: { X: "1" }, want: "1" },
    { text: "$X-$Y", environment: { X: "1", Y: "2" }, want: "1-2" },
    { text: "${X:=y}", environment: {}, want: "y" },
    { text: "${X:=y}", environment: { X: "" }, want: "y" },
    { text: "${X:-a/b:c}", environment: {}, want: "a/b:c" },
    { text: "${X-y}", environment: { X: "" }, want: "" },
    { text: "${X=y}", environment: {}, want: "y" },
    { text: "echo $$HOME", environment: { HOME: "/root" }, want: "echo $HOME" },
    { text: "costs 5$", environment: {}, want: "costs 5$" },
  ];
  for (const { text, environment, want } of VECTORS) {
    it(`${text} with ${JSON.stringify(environment)}`, () =>
      assert.equal(expandEnvironment(text, environment).text, want));
  }

  it("a variable without value and default is reported", () => {
    const topology = read(`${TWO}      image: "\${NO_SUCH}"\n`.replace("b: {}\n", "b:\n"));
    assert.deepEqual(
      topology.notices.filter((notice) => notice.path === "${NO_SUCH}").map((notice) => notice.level),
      ["warning"],
    );
  });

  it("magic words", () => {
    const words = { nodeName: "r1", labDirectory: "/run/x" };
    assert.equal(expandMagicWords("__clabNodeName__ __clabDir__ __clabNodeDir__/y", words), "r1 /run/x /run/x/r1/y");
  });
});

describe("command lines", () => {
  const VECTORS: [string, string[]][] = [
    ["ip link set lo up", ["ip", "link", "set", "lo", "up"]],
    [`sh -c 'echo "a b"'`, ["sh", "-c", 'echo "a b"']],
    [`a "b c" d\\ e`, ["a", "b c", "d e"]],
    [`"" x`, ["", "x"]],
    [`a"b"'c'`, ["abc"]],
    [`"a\\"b" "c\\d"`, ['a"b', "c\\d"]],
    ["  ", []],
  ];
  for (const [line, want] of VECTORS) it(line, () => assert.deepEqual(splitCommand(line), want));

  it("an open quote is an error", () => assert.throws(() => splitCommand("a 'b"), SyntaxError));

  it("quoting any words in single quotes gives them back", () => {
    const word = fc.string().filter((text) => !text.includes("'"));
    fc.assert(
      fc.property(fc.array(word), (words) => {
        assert.deepEqual(splitCommand(words.map((text) => `'${text}'`).join(" ")), words);
      }),
    );
  });
});

describe("inheritance", () => {
  const topology = read(`
name: t
topology:
  defaults:
    cmd: from defaults
    env: { A: defaults, B: defaults }
    exec: [first]
    binds: ["/d:/same:ro", "/d:/other"]
    sysctls: { net.ipv6.conf.all.forwarding: 1 }
  kinds:
    linux:
      env: { B: kind, C: kind }
      exec: [second]
  groups:
    routers:
      cmd: from group
      env: { C: group, D: group }
      binds: ["/g:/same"]
      cap-add: [NET_ADMIN]
  nodes:
    r1:
      group: routers
      env: { D: node }
      exec: [third]
      cap-add: [CAP_BPF]
    r2:
      cmd: from node
`);
  const [r1, r2] = topology.nodes;

  it("the more specific layer wins, key by key", () => {
    assert.deepEqual(r1!.env, { A: "defaults", B: "kind", C: "group", D: "node" });
    assert.deepEqual([r1!.cmd, r2!.cmd], ["from group", "from node"]);
    assert.deepEqual(r2!.env, { A: "defaults", B: "kind", C: "kind" });
    assert.deepEqual(r1!.sysctls, { "net.ipv6.conf.all.forwarding": "1" });
  });
  it("exec and cap-add add up, general first", () => {
    assert.deepEqual(r1!.exec, ["first", "second", "third"]);
    assert.deepEqual(r1!.capAdd, ["net_admin", "bpf"]);
  });
  it("a bind replaces one of the same target", () => {
    assert.deepEqual(r1!.binds, [
      { source: "/g", target: "/same", readOnly: false },
      { source: "/d", target: "/other", readOnly: false },
    ]);
  });
  it("nothing in it is reported", () => assert.deepEqual(topology.notices, []));
});

describe("what is not known is reported with its path", () => {
  const topology = read(`
name: t
mgmt: { network: x }
topology:
  defaults: { memory: 1Gb, image: some:tag }
  kinds: { linux: { startup-config: x } }
  nodes:
    a:
      license: x
      healthcheck: { test: [CMD, "true"], colour: red }
      stages: { exit: { wait-for: [] }, create: { exec: [] } }
    b: { network-mode: bridge }
  links:
    - endpoints: ["a:eth1", "b:eth1"]
      vars: { x: 1 }
      speed: 10G
`);
  const at = (path: string) => topology.notices.filter((notice) => notice.path === path).map((notice) => notice.level);
  const WANTED = {
    mgmt: "warning",
    "topology.defaults.memory": "warning",
    "topology.kinds.linux.startup-config": "warning",
    "topology.nodes.a.license": "warning",
    "topology.nodes.a.healthcheck.colour": "warning",
    "topology.nodes.a.stages.exit": "warning",
    "topology.nodes.a.stages.create.exec": "warning",
    "topology.nodes.b.network-mode": "warning",
    "topology.links[0].speed": "warning",
    "topology.links[0].vars": "info",
    "topology.nodes": "info", // the image
  };
  for (const [path, level] of Object.entries(WANTED)) it(path, () => assert.deepEqual(at(path), [level]));
  it("and nothing else", () => assert.equal(topology.notices.length, Object.keys(WANTED).length));
});

describe("files that cannot be realised", () => {
  const VECTORS: [string, string, RegExp][] = [
    ["no name", "topology: { nodes: { a: {} } }", /^name: /],
    ["no nodes", "name: t\ntopology: {}", /^topology\.nodes: /],
    ["not YAML", "name: [", /^: /],
    ["a list at the top", "- a", /must be a mapping/],
    [
      "a vendor's kind",
      TWO.replace("a: {}", "a: { kind: nokia_srlinux }"),
      /^topology\.nodes\.a\.kind: .*nokia_srlinux/,
    ],
    ["exec is text", TWO.replace("a: {}", "a: { exec: ip link }"), /^topology\.nodes\.a\.exec: /],
    ["an open quote", TWO.replace("a: {}", `a: { cmd: "sh -c 'x" }`), /^topology\.nodes\.a\.cmd: /],
    ["a relative target", TWO.replace("a: {}", `a: { binds: ["x:y"] }`), /^topology\.nodes\.a\.binds: x:y/],
    [
      "an unknown end",
      `${TWO}  links: [{ endpoints: ["a:eth1", "c:eth1"] }]`,
      /^topology\.links\[0\]\.endpoints: .*no node c/,
    ],
    ["three ends", `${TWO}  links: [{ endpoints: ["a:e", "b:e", "b:f"] }]`, /^topology\.links\[0\]\.endpoints: /],
    ["a long name", `${TWO}  links: [{ endpoints: ["a:eth1", "b:sixteen-letters1"] }]`, /sixteen-letters1/],
    [
      "an end twice",
      `${TWO}  links: [{ endpoints: ["a:e", "b:e"] }, { endpoints: ["a:e", "b:f"] }]`,
      /a:e is used by two links/,
    ],
    ["a macvlan", `${TWO}  links: [{ type: macvlan }]`, /^topology\.links\[0\]\.type: macvlan/],
    ["an MTU of 1", `${TWO}  links: [{ endpoints: ["a:e", "b:e"], mtu: 1 }]`, /^topology\.links\[0\]\.mtu: /],
    [
      "waiting in a circle",
      TWO.replace("a: {}", "a: { stages: { create: { wait-for: [{ node: b, stage: create }] } } }").replace(
        "b: {}",
        "b: { stages: { create: { wait-for: [{ node: a, stage: healthy }] } } }",
      ),
      /waits, through others, for itself/,
    ],
    [
      "waiting for nobody",
      TWO.replace("a: {}", "a: { stages: { create: { wait-for: [{ node: z, stage: create }] } } }"),
      /there is no node z/,
    ],
  ];
  for (const [name, text, want] of VECTORS) {
    it(name, () =>
      assert.ok(
        faultsOf(text).some((fault) => want.test(fault)),
        faultsOf(text).join("\n"),
      ),
    );
  }
  it("all faults are named at once", () =>
    assert.equal(faultsOf(TWO.replace("{}", "{ exec: 1 }").replace("t\n", "/\n")).length, 2));
});

it("typed links", () => {
  const { links } = read(`${TWO}  links:
    - type: veth
      mtu: 9000
      endpoints: [{ node: a, interface: eth1 }, { node: b, interface: eth1 }]
    - type: host
      endpoint: { node: a, interface: eth2 }
      host-interface: labhost
`);
  assert.deepEqual(links, [
    {
      ends: [
        { node: "a", interface: "eth1" },
        { node: "b", interface: "eth1" },
      ],
      mtu: 9000,
    },
    {
      ends: [
        { node: "a", interface: "eth2" },
        { node: "host", interface: "labhost" },
      ],
      mtu: undefined,
    },
  ]);
});

it("sysctl names", () => {
  assert.equal(sysctlPath("net.ipv6.conf.all.forwarding"), "net/ipv6/conf/all/forwarding");
  assert.equal(sysctlPath("net.ipv6.conf.eth0/100.accept_dad"), "net/ipv6/conf/eth0.100/accept_dad");
  assert.equal(sysctlPath("net/ipv6/conf/eth0.100/accept_dad"), "net/ipv6/conf/eth0.100/accept_dad");
});

it("the Mermaid graph names every node and link", () => {
  const text = mermaid(
    read(`${TWO.replace("a: {}", "a: { group: left }")}  links: [{ endpoints: ["a:eth1", "b:eth2"] }]`),
  );
  assert.equal(
    text,
    `graph LR
  subgraph n_group_left["left"]
    n_a["a"]
  end
  n_b["b"]
  n_a ---|"eth1 – eth2"| n_b
`,
  );
});
