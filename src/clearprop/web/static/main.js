// The page: every room is started, then the bench of this tab is opened and watched.

import { bench } from "./bench.js";
import * as arrows from "./arrows.js";
import * as data from "./data.js";
import * as exporting from "./export.js";
import { watch } from "./frames.js";
import * as glass from "./glass.js";
import * as learning from "./learning.js";
import * as lessons from "./lessons.js";
import * as memory from "./memory.js";
import * as network from "./network.js";
import * as pace from "./pace.js";
import * as run from "./run.js";
import { saying } from "./say.js";
import * as views from "./views.js";

const rooms = [run, data, network, learning, glass, views, lessons, exporting, pace, arrows, memory];
for (const room of rooms) room.start();

saying(async () => {
  await bench.open();
  watch();
})();
