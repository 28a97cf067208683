/** One line of the table that `npm run bench` prints. `met` is undefined where there is no aim. */
export type Row = { readonly what: string; readonly measured: string; readonly aim: string; readonly met: boolean | undefined };

/** What spawn-loop.c says of one command, in nanoseconds. */
export type Times = { readonly least: number; readonly p50: number; readonly p95: number; readonly p99: number };
