import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNative } from "../../../native/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import type { DataplaneOptions } from "../../../src/dataplane/index.ts";
import { carryMemory, carryOver } from "../../../src/dataplane/kernel/carry/index.ts";
import { loadPass } from "../../../src/dataplane/kernel/loaded-pass.ts";
import { removeLayout } from "../../../src/dataplane/kernel/pins.ts";
import { inSlices } from "../../../src/dataplane/kernel/succession.ts";
import { tableSizes } from "../../../src/dataplane/sizes.ts";
import { compileBpf } from "../../../tools/build-dataplane.mjs";

const SOURCES = join(import.meta.dirname, "../../../dataplane");
/** Where it is compiled to. */
let former = "";

/** Records that have another size, and begin elsewhere, in the layout of before. */
const OTHERS = { next_hop: 64, node: 8, group: 264 } as const;

/** Where filters are in front of, in and behind the pass. */
const CLSACT = [
  ["before", "in"],
  ["ingress", "tc"],
  ["egress", "out"],
] as const;

/** The pass as another version of it, whose next hops, groups and nodes are laid out in another way. */
export async function compileFormer(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "st-former-sources-"));
  try {
    cpSync(SOURCES, folder, { recursive: true });
    for (const file of readdirSync(folder).filter((name) => name.startsWith("abi_"))) {
      let text = readFileSync(join(folder, file), "utf8");
      for (const [name, size] of Object.entries(OTHERS))
        text = text
          .replace(`struct semr_${name} {\n`, (head) => `${head}\t__u64 reserved_before;\n`)
          .replace(
            `SEMR_ASSERT_SIZE(struct semr_${name}, ${size})`,
            `SEMR_ASSERT_SIZE(struct semr_${name}, ${size + 8})`,
          );
      writeFileSync(join(folder, file), text);
    }
    const made = join(mkdtempSync(join(tmpdir(), "st-former-")), "semr.bpf.o");
    process.once("exit", () => rmSync(join(made, ".."), { recursive: true, force: true }));
    await compileBpf(join(folder, "semr.bpf.c"), made);
    former = made;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Lets that version forward in the place of the one that does now, by the same plan and with what that one remembers. `flows`: in
 * tables of another size. `clsact`: on ports that have their programs so.
 */
export async function becomeFormer(
  options: DataplaneOptions,
  { flows, clsact = false }: { readonly flows?: number; readonly clsact?: boolean } = {},
): Promise<void> {
  const native = loadNative();
  const { bpf } = native;
  const memory = flows === undefined ? {} : { flows, returns: flows };
  const load: typeof bpf.load = (path, given) =>
    bpf.load(path, { ...given, maxEntries: { ...given?.maxEntries, ...memory } });
  const { pinDirectory, maxCapabilities, domain } = options;
  const now = readdirSync(pinDirectory).find((name) => name.startsWith("v"))!;
  const [version, router] = now.split("-");
  const [present, own] = [join(pinDirectory, now), join(pinDirectory, `${version}-${router}-${"0".repeat(12)}`)];
  const folders = { maps: join(pinDirectory, "other"), sizes: tableSizes(maxCapabilities), former: present };
  mkdirSync(folders.maps);
  const needs = { native: { ...native, bpf: Object.assign(Object.create(bpf), { load }) }, objectPath: former };
  using object = await loadPass(options, needs, folders);
  const parts = { native, former: present, own: object.maps, shared: object.inherited, domain };
  const { planLeft, left } = await inSlices(carryOver(parts));
  if (planLeft !== undefined || left.length > 0) throw new Error(JSON.stringify([planLeft, left]));
  renameSync(folders.maps, own);
  const programs = { xdp: PROGRAMS.xdp, tc: PROGRAMS.tc, in: PROGRAMS.edgeIn, out: PROGRAMS.edgeOut };
  if (clsact)
    for (const { interface: name } of options.ports)
      for (const [place, program] of CLSACT) {
        const ifindex = native.sock.interfaceIndex(name)!;
        using _ = bpf.attachTc(object.programs.get(programs[program])!, ifindex, "clsact", place);
      }
  for (const pin of readdirSync(join(pinDirectory, "links"))) {
    using link = native.bpf.openLink(join(pinDirectory, "links", pin));
    await link.update(object.programs.get(programs[pin.split("-")[0] as keyof typeof programs])!);
  }
  await inSlices(carryMemory(parts, { missing: true }));
  removeLayout(present);
}
