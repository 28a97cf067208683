/**
 * cli: the human's command line. In: argv, standard input, an installation. Out: text, exit codes; the only room that has them.
 * What holds: `check` and `test` judge with the broker's own pipeline, in this process, and run nothing; everything else
 * asks the broker over the control socket; nothing is read from the environment but what `vetsh run` passes to its agent
 * and two variables that only ever refuse (`vetsh approve` inside a command of ours).
 * The program is `main.ts`; what is exported here is for measurements.
 */
export { openDryRun, type Checked, type DryRun, type Line } from "./dry-run.ts";
export { findInstallation } from "./installation.ts";
