// npm start: everything that is missing is installed and built, then the quickstart lab runs.

import path from "node:path";
import { projectNode } from "./node-packages.mjs";
import { reportFailure } from "./progress.mjs";
import { runForeground } from "./run.mjs";
import { root, setup } from "./setup.mjs";

try {
  await setup({ needRoot: true });
  process.exitCode = await runForeground(
    projectNode(root),
    [path.join(root, "lab", "quickstart", "run.ts"), ...process.argv.slice(2)],
    { cwd: root },
  );
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
