/**
 * route: how an agent's shells become ours. In: an installation, the person's environment. Out: a view of the file system in which
 * the real shells' paths are shims (Linux, no privilege needed), the words that start an agent in it, and which ways hold.
 * What holds: the strongest way that works is taken, and it is said which; a view that cannot be made is never pretended. In a view
 * nothing of vetsh can be written, and the person's socket is not there.
 * See docs/decisions/0015-mount-view.md.
 */
export { notesAbout, type Note } from "./notes.ts";
export { findShells, type FoundShells } from "./shells.ts";
export { View, ViewError } from "./view.ts";
export { viewPlan, type ViewPlan } from "./view-plan.ts";
