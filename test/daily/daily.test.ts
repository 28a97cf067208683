import { dailyTasks } from "./tasks.ts";

dailyTasks({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
