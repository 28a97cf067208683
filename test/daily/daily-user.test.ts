import { test } from "vitest";
import { dailyTasks } from "./tasks.ts";

// Who runs the tests as an ordinary user has done them all in daily.test.ts.
if (process.getuid?.() === 0) dailyTasks({ uid: 65534, gid: 65534 });
else test.skip("an ordinary user: see daily.test.ts");
