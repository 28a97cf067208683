import { tmpdir } from "node:os";
import { join } from "node:path";
import { passing } from "../../support/leftovers.ts";

/** A folder for a journal, gone when the tests of this file are over. */
export const stateFolder = (): string => passing(join(tmpdir(), "vetsh-record-"));
