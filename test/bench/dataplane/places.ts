import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** The compiled pass. */
export const PASS_PATH = join(ROOT, "build/dataplane/semr.bpf.o");
export const PASS_SOURCES = join(ROOT, "dataplane");
/** Where the bench's own programs are compiled to. */
export const BUILD = join(ROOT, "build/bench");
/** A bpffs that only the bench's processes see. */
export const PIN_ROOT = "/sys/fs/bpf/semrd-bench";
