import { after } from "node:test";
import { startOvsDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS } from "../../dataplane/memory/story.ts";
import { isolatedWithOpenVswitch, OpenVswitch } from "../../dataplane/ovs/open-vswitch.ts";
import { SWITCHED_LINKS_SETUP } from "../../dataplane/suite/links.ts";
import { complaining } from "./complaining.ts";
import { dataplaneContract } from "./suite.ts";

await isolatedWithOpenVswitch(import.meta.filename, SWITCHED_LINKS_SETUP, async () => {
  const openVswitch = await OpenVswitch.start();
  after(() => openVswitch[Symbol.asyncDispose]());
  const ovs = { database: openVswitch.socket, bridge: "contract", datapathType: "netdev" } as const;
  dataplaneContract(
    "ovs",
    async (options = {}) => {
      const { log, complaints } = complaining();
      const dataplane = await startOvsDataplane({ ...OPTIONS, ...options }, ovs, { log });
      return {
        ...{ dataplane, complaints, settled: () => dataplane.settled() },
        [Symbol.asyncDispose]: () => dataplane.remove(),
      };
    },
    { runs: 6, packets: false },
  );
});
