/** A process that has the data plane, to be killed: `driver-process.ts PLAN_FILE`. */
import { startLinuxDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";

const [planFile] = process.argv.slice(2);
const dataplane = await startLinuxDataplane(OPTIONS, { planFile: planFile! }, { log: SILENT });
console.log(`adopted ${dataplane.adopted}`);
setInterval(() => undefined, 1000);
