/**
 * sandbox: how a permitted command is started, and what it really may do.
 * Goes in: a permit, what the host can do (`probe`), where the command runs (`survey`). Comes out: a `Plan`: the words to put
 * before the shell's argv, the environment to remove and set, and the authority given.
 * What holds: `plan` is pure and never gives more than the claim; what it cannot give is in `missing`, and then nothing runs.
 * A sandbox that does not work is never replaced by none, except by a human's grant or settings. Linux only: bubblewrap,
 * and Landlock for what only reads where bubblewrap cannot work. `seatbelt` writes what macOS would be told; nothing starts it yet.
 * `Rooms` keeps sandboxes for commands whose plan has the same words, and knows how each enters.
 * See docs/sandbox.md for what each mount is for.
 */
export { Dialler } from "./dialler.ts";
export { listenersIn, portsIn, type Listener } from "./listeners.ts";
export { namespaceWords, plan } from "./plan.ts";
export { gitLayout } from "./git-layout.ts";
export { planOnce } from "./plan-once.ts";
export { probe, type ProbePlace } from "./probe.ts";
export { namespaceOf, type Around } from "./holder.ts";
export { probeReading } from "./probe-landlock.ts";
export { Rooms, type Doorkeeper, type Entry, type Inhabited, type Stay } from "./rooms.ts";
export { prepareSsh, sshConfigText, type SshConfig } from "./ssh-config.ts";
export { readableHere } from "./readable.ts";
export { seatbelt, type LocalProxy, type SeatbeltPlan } from "./seatbelt.ts";
export { findPlanted, hiddenPaths, survey, type SurveyRequest } from "./survey.ts";
export { realPathOf } from "./looks.ts";
export type { Feature, Gap, GitLayout, HostProbe, PermitView, Place, Plan, RoomPlan, Survey } from "./place.ts";
