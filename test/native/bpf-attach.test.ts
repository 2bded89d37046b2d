import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { compile, temporaryBpffs, whyNoBpf } from "./bpf-lab.ts";
import { makeNamespace, makeVeth, runInside, whyNoNamespaces } from "./namespaces.ts";

/** A namespace with the pair st0 and st1; `undefined` (and a visible skip) where that is not possible. */
function lab(t: TestContext): string | undefined {
  const reason = whyNoBpf() ?? whyNoNamespaces();
  if (reason !== undefined) {
    t.skip(`skipped: ${reason}`);
    return undefined;
  }
  const namespace = makeNamespace(t);
  makeVeth(namespace, "st0", "st1");
  return namespace;
}

test("native XDP on a veth: attach, pin, re-open, update, detach", (t) => {
  const namespace = lab(t);
  if (namespace === undefined) return;
  runInside(
    namespace,
    async ({ bpf, existsSync, indexOf, loadSample, member, sendUntilCounted }, pin) => {
      using object = await loadSample(bpf);
      const ifindex = indexOf("st0");
      assert.equal(bpf.queryXdp(ifindex), undefined);
      {
        using link = bpf.attachXdp(member(object.programs, "count_xdp"), ifindex);
        assert.deepEqual(
          { ifindex: link.ifindex, mode: link.mode, pinnable: link.pinnable },
          { ifindex, mode: "native", pinnable: true },
        );
        assert.equal(bpf.queryXdp(ifindex)?.mode, "native");
        link.pin(pin!);
        await sendUntilCounted("st1", member(object.maps, "shared"), 0);
      }
      assert.ok(bpf.queryXdp(ifindex) !== undefined, "a pinned link outlives its descriptor");

      using again = bpf.openLink(pin!);
      assert.deepEqual({ ifindex: again.ifindex, mode: again.mode }, { ifindex, mode: "native" });
      using next = await loadSample(bpf);
      const before = bpf.queryXdp(ifindex)!.programId;
      await again.update(member(next.programs, "count_xdp"));
      assert.notEqual(bpf.queryXdp(ifindex)!.programId, before);
      await sendUntilCounted("st1", member(next.maps, "shared"), 0);
      assert.throws(() => again.update(member(next.programs, "count_tc")), TypeError);

      again.detach();
      assert.equal(bpf.queryXdp(ifindex), undefined);
      assert.ok(!existsSync(pin!), "detaching removes the pin");
      assert.throws(() => bpf.openLink(pin!), { code: "ENOENT" });
      assert.throws(() => again.detach(), /disposed/);
    },
    join(temporaryBpffs(t), "link"),
  );
});

test("a program that is there is never replaced", (t) => {
  const namespace = lab(t);
  if (namespace === undefined) return;
  runInside(namespace, async ({ bpf, indexOf, loadSample, member }) => {
    using object = await loadSample(bpf);
    const program = member(object.programs, "count_xdp");
    const ifindex = indexOf("st0");
    const foreign = bpf.attachXdp(program, ifindex, "generic");
    assert.equal(foreign.mode, "generic");
    const there = bpf.queryXdp(ifindex);
    for (const mode of [undefined, "native", "generic"] as const)
      assert.throws(() => bpf.attachXdp(program, ifindex, mode), {
        code: "EBUSY",
        syscall: "xdp attach",
        message: new RegExp(`program ${there!.programId} \\(generic\\)`),
      });
    assert.deepEqual(bpf.queryXdp(ifindex), there);
    foreign[Symbol.dispose]();
    assert.equal(bpf.queryXdp(ifindex), undefined, "an unpinned link goes with its descriptor");
  });
});

test("generic mode where native is not possible, unless native is asked for", (t) => {
  const namespace = lab(t);
  if (namespace === undefined) return;
  for (const name of ["st0", "st1"]) execFileSync("ip", ["-n", namespace, "link", "set", name, "mtu", "9000"]);
  runInside(namespace, async ({ bpf, indexOf, loadSample, member }) => {
    using object = await loadSample(bpf);
    const program = member(object.programs, "count_xdp");
    for (const name of ["lo", "st0"]) {
      assert.throws(() => bpf.attachXdp(program, indexOf(name), "native"), {
        syscall: "xdp attach",
        message: /native/,
      });
      using link = bpf.attachXdp(program, indexOf(name));
      assert.equal(link.mode, "generic");
    }
  });
});

test("tc: attach on ingress, update, detach, each way", (t) => {
  const namespace = lab(t);
  if (namespace === undefined) return;
  const folder = temporaryBpffs(t);
  for (const mode of ["tcx", "clsact"] as const)
    runInside(
      namespace,
      async ({ bpf, existsSync, indexOf, loadSample, member, sendUntilCounted }, wanted, pin) => {
        using object = await loadSample(bpf);
        const ifindex = indexOf("st0");
        let link: ReturnType<typeof bpf.attachTc>;
        try {
          link = bpf.attachTc(member(object.programs, "count_tc"), ifindex, wanted as "tcx" | "clsact");
        } catch (cause) {
          // Kernels before 6.6 have no tcx: then the default must be clsact.
          assert.equal(wanted, "tcx", String(cause));
          link = bpf.attachTc(member(object.programs, "count_tc"), ifindex);
          assert.equal(link.mode, "clsact");
          link.detach();
          return;
        }
        assert.equal(link.mode, wanted);
        assert.equal(link.pinnable, wanted === "tcx");
        await sendUntilCounted("st1", member(object.maps, "shared"), 1);
        if (link.pinnable) {
          link.pin(pin!);
          link[Symbol.dispose]();
          link = bpf.openLink(pin!);
          assert.deepEqual({ ifindex: link.ifindex, mode: link.mode }, { ifindex, mode: "tcx" });
        } else {
          assert.throws(() => link.pin(pin!), { code: /EOPNOTSUPP|ENOTSUP/ });
        }
        using next = await loadSample(bpf);
        await link.update(member(next.programs, "count_tc"));
        await sendUntilCounted("st1", member(next.maps, "shared"), 1);
        link.detach();
        assert.ok(!existsSync(pin!));
      },
      mode,
      join(folder, "tc"),
    );
});

test("a clsact filter stays without its process; attaching again replaces only our own", async (t) => {
  const namespace = lab(t);
  if (namespace === undefined) return;
  const object = await compile("sample");
  const tc = (...words: string[]) => execFileSync("tc", ["-n", namespace, ...words], { encoding: "utf8" });
  tc("qdisc", "add", "dev", "st0", "clsact");
  tc("filter", "add", "dev", "st0", "ingress", "prio", "7", "bpf", "direct-action", "obj", object, "sec", "tc");
  const filters = (): string[] =>
    JSON.parse(tc("-j", "filter", "show", "dev", "st0", "ingress"))
      .filter((row: { options?: { handle?: string } }) => row.options?.handle !== undefined)
      .map((row: { pref: number }) => String(row.pref));
  assert.deepEqual(filters(), ["7"]);
  for (let i = 0; i < 2; i++) {
    runInside(namespace, async ({ bpf, indexOf, loadSample, member }) => {
      using object = await loadSample(bpf);
      bpf.attachTc(member(object.programs, "count_tc"), indexOf("st0"), "clsact");
    });
    assert.deepEqual(filters(), ["7", String(0x5345)]);
  }
  runInside(namespace, async ({ bpf, indexOf, loadSample, member }) => {
    using object = await loadSample(bpf);
    bpf.attachTc(member(object.programs, "count_tc"), indexOf("st0"), "clsact").detach();
  });
  assert.deepEqual(filters(), ["7"]);
});

test("a pinned link whose interface is gone or elsewhere is refused", (t) => {
  const namespace = lab(t);
  if (namespace === undefined) return;
  const folder = temporaryBpffs(t);
  const pins = [join(folder, "xdp"), join(folder, "tc")];
  runInside(
    namespace,
    async ({ bpf, indexOf, loadSample, member }, xdp, tc) => {
      using object = await loadSample(bpf);
      bpf.attachXdp(member(object.programs, "count_xdp"), indexOf("st0")).pin(xdp!);
      const link = bpf.attachTc(member(object.programs, "count_tc"), indexOf("st0"));
      if (link.pinnable) link.pin(tc!);
    },
    ...pins,
  );
  runInside(
    makeNamespace(t),
    async ({ bpf }, xdp) => {
      assert.throws(() => bpf.openLink(xdp!), { code: "ENODEV", message: /interface/ });
    },
    ...pins,
  );
  execFileSync("ip", ["-n", namespace, "link", "del", "st0"]);
  runInside(
    namespace,
    async ({ bpf, existsSync }, ...all) => {
      for (const pin of all.filter(existsSync))
        assert.throws(() => bpf.openLink(pin), { code: "ENODEV", message: /gone/ });
    },
    ...pins,
  );
});

test("wrong arguments throw, descriptors do not leak", (t) => {
  const namespace = lab(t);
  if (namespace === undefined) return;
  runInside(
    namespace,
    async ({ bpf, indexOf, loadSample, member, openDescriptors }, folder) => {
      using object = await loadSample(bpf);
      const xdp = member(object.programs, "count_xdp");
      const tc = member(object.programs, "count_tc");
      const map = member(object.maps, "table");
      const ifindex = indexOf("st0");
      const loose = bpf as unknown as Record<string, (...given: unknown[]) => unknown>;
      for (const name of ["attachXdp", "attachTc"])
        for (const given of [
          [],
          [{}, ifindex],
          [map, ifindex],
          [name === "attachXdp" ? tc : xdp, ifindex],
          [name === "attachXdp" ? xdp : tc, 0],
          [name === "attachXdp" ? xdp : tc, "st0"],
          [name === "attachXdp" ? xdp : tc, ifindex, "fast"],
        ])
          assert.throws(() => loose[name]!(...given), /must/, `${name} ${given.length}`);
      for (const name of ["openLink", "openMap", "mountBpffs"])
        for (const given of [[], [1], [""], ["x".repeat(5000)]]) assert.throws(() => loose[name]!(...given), /must/);
      assert.throws(() => bpf.attachXdp(xdp, 2 ** 30), { code: "ENODEV" });
      assert.throws(() => bpf.attachTc(tc, 2 ** 30), { code: "ENODEV" });
      assert.throws(() => bpf.queryXdp(2 ** 30), { code: "ENODEV" });
      assert.throws(() => bpf.queryXdp(0), RangeError);
      assert.throws(() => bpf.openMap(`${folder}/absent`), { code: "ENOENT", syscall: "bpf_obj_get" });
      assert.throws(() => bpf.mountBpffs(`${folder}/absent`), { code: "ENOENT" });
      bpf.mountBpffs(folder!); // is one already: nothing happens
      map.pin(`${folder}/map`);
      assert.throws(() => bpf.openLink(`${folder}/map`), Error, "a map is no link");

      const round = async (i: number) => {
        const link = bpf.attachXdp(xdp, ifindex);
        assert.throws(() => bpf.attachXdp(xdp, ifindex), { code: "EBUSY" });
        link.pin(`${folder}/xdp${i}`);
        const again = bpf.openLink(`${folder}/xdp${i}`);
        await again.update(xdp);
        again.detach();
        link[Symbol.dispose]();
        const filter = bpf.attachTc(tc, ifindex);
        await filter.update(tc);
        filter.detach();
      };
      await round(0);
      const before = openDescriptors();
      for (let i = 1; i < 10; i++) await round(i);
      assert.equal(openDescriptors(), before);
    },
    temporaryBpffs(t),
  );
});
