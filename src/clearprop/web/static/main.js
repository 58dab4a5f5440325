// The page: every room is started, then the bench of this tab is opened and watched.

import { bench } from "./bench.js";
import * as data from "./data.js";
import { watch } from "./frames.js";
import * as glass from "./glass.js";
import * as learning from "./learning.js";
import * as network from "./network.js";
import * as run from "./run.js";
import { saying } from "./say.js";
import * as views from "./views.js";

for (const room of [run, data, network, learning, glass, views]) room.start();

saying(async () => {
  await bench.open();
  watch();
})();
