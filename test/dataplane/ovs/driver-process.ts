/** A process that has the data plane, to be killed: `driver-process.ts DATABASE BRIDGE`. */
import { startOvsDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";

const [database, bridge] = process.argv.slice(2);
const dataplane = await startOvsDataplane(
  OPTIONS,
  { database: database!, bridge: bridge!, datapathType: "netdev" },
  { log: SILENT },
);
console.log(`adopted ${dataplane.adopted}`);
setInterval(() => undefined, 1000);
