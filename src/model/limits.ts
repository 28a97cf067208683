/**
 * Every limit of vetsh in one place: what is bounded, by how much, and what happens beyond.
 * Reaching one is never an allow: it is an `opaque` effect, a refused frame or a denied run.
 */
export const LIMITS = {
  /** A question of a gated shell: fields, and bytes of all of them; beyond: the connection ends, and with it the shell. */
  gateFields: 512,
  gateBytes: 4_194_304,
  /** What comes back with the answer, in UTF-16 code units; and bytes of answers that nobody has read yet. Beyond: the connection ends. */
  gateNonce: 64,
  gateUnread: 1_048_576,
  /** Text of a stream that is followed, in UTF-16 code units; beyond: nothing more of it runs. */
  gateStream: 262_144,
  /** Runs of one command that are stopped at hosts it was not given, before a person is asked; and how many commands are remembered for that. */
  stopsBeforeAsk: 2,
  /** Things a command was stopped at that its standard error tells of. */
  stopNotes: 3,
  stopsRemembered: 1_000,
  /** Shells that may stand between an agent's start and a script that its launcher calls; beyond: judged. */
  launcherDepth: 16,
  /** Patterns of variables that one file of settings may keep or drop; beyond: the file is an error. */
  environmentPatterns: 200,
  /** Compiled lists of such patterns that are remembered. */
  environmentLists: 16,
  /** Source text that is parsed, in UTF-16 code units; beyond: opaque. */
  sourceLength: 1_048_576,
  /** Depth of our command tree (nested scripts, lists, words); beyond: opaque. */
  treeDepth: 200,
  /** Alternatives that one brace expansion may spell out; beyond: opaque. */
  braceAlternatives: 256,
  /** Characters and pieces of a word that has a brace expansion, and how deep its braces may nest; beyond: opaque. */
  braceAtoms: 8_192,
  braceDepth: 16,
  /** Steps of brace expansion in one source; beyond: its remaining braces are opaque. */
  braceSteps: 500_000,
  /** `<<` on one line; bash stops at 16 here-documents, a parser takes quadratic time; beyond: opaque. */
  hereDocumentsPerLine: 1_000,
  /** Notes kept about what was not understood in one script; beyond: the first ones stand for all. */
  opaqueNotes: 64,
  /** How many scripts inside scripts (`sh -c "sh -c …"`) are followed; beyond: opaque. */
  nestedScripts: 16,
  /** Strings a word may stand for before it becomes unknown. */
  wordValues: 64,
  /** Patterns of a shell that are kept as expressions; beyond: all are made again. */
  keptPatterns: 1_024,
  /** Length of one abstract string, in UTF-16 code units; beyond: unknown. */
  wordLength: 131_072,
  /** Times a loop body is interpreted before its variables become unknown. */
  loopRounds: 3,
  /** Simple commands interpreted for one request; beyond: opaque. */
  interpretedCommands: 20_000,
  /** Effects kept for one request; beyond: opaque. */
  effects: 5_000,
  /** Bytes of a workspace script read through the file port; beyond: opaque. */
  scriptBytes: 1_048_576,
  /** One frame on either socket, in bytes; beyond: connection refused. */
  frameBytes: 48 * 1024 * 1024,
  /** Connections to the shim socket at once; beyond: refused, the shim denies. */
  shimConnections: 1_024,
  /** Time from connect to a complete request frame, in milliseconds. */
  requestMs: 10_000,
  /** Time the shim waits for a broker to start and answer, in milliseconds (also in shims/limits.h). */
  brokerStartMs: 10_000,
  /** Deadline of one review by the model, in milliseconds. */
  reviewMs: 8_000,
  /** Source text a reviewer is shown, in UTF-16 code units, and all facts beside it; beyond: no review, ask. */
  reviewedText: 16_000,
  reviewedFacts: 64_000,
  /** Tokens a reviewer's answer may have, thoughts included; beyond: truncated, ask. */
  reviewTokens: 2_000,
  /** Bytes of an answer that are read; beyond: a failure. */
  reviewAnswerBytes: 1_048_576,
  /** Failures in a row before the endpoint is left alone, and for how long, in milliseconds. */
  reviewFailures: 3,
  reviewPauseMs: 30_000,
  /** Denials in a row, or among the last reviews, before a human is asked instead once. */
  reviewDenialsInRow: 3,
  reviewDenials: 20,
  reviewDenialWindow: 50,
  /** How long an answer may be given again, in milliseconds, and how many are kept. */
  reviewKeptMs: 10 * 60_000,
  reviewsKept: 256,
  /** How long a question to a human may hold a command, in milliseconds; then: nothing ran, pending. */
  askMs: 25_000,
  /** How long an unanswered or approved question stays usable, in milliseconds. */
  pendingMs: 15 * 60_000,
  /** Names that are looked at to tell a person what would be lost, for how long in milliseconds, and things told. */
  stakeEntries: 20_000,
  stakeMs: 60,
  stakeLines: 6,
  /** Lines that were asked about and can be turned into a rule; beyond: the oldest cannot. */
  draftableQuestions: 64,
  /** How far back and how many stopped lines are judged again to show what else a rule would let through, for how long at most (milliseconds), and how many are shown. */
  replayedMs: 30 * 86_400_000,
  replayedLines: 400,
  replayMs: 400,
  alsoShown: 5,
  /** Time for telling a webhook of a question, in milliseconds. */
  webhookMs: 5_000,
  /** How long a no is told again to the identical command without asking anybody, in milliseconds. */
  answerAgainMs: 60_000,
  /** Questions kept open at once; beyond: the oldest expires. */
  pendingQuestions: 256,
  /** Grants for sessions that are kept at once; beyond: the oldest goes. */
  sessionGrants: 256,
  /** Command text shown in a question or kept in a record, in UTF-16 code units. */
  shownCommand: 16_384,
  /** Characters behind the cut of a shown command that are still searched for secrets. */
  redactionOverlap: 4_096,
  /** Words of an argument list, and rules of a decision, that a record keeps. */
  recordedWords: 256,
  recordedRules: 64,
  /** Process spans remembered for finding the command around a nested one. */
  rememberedSpans: 4_096,
  /** A stated intent, and how far into a script its comment is looked for, in UTF-16 code units. */
  intentLength: 500,
  intentSearch: 8_192,
  /** The end of an agent's transcript that is read, one line of it, how deep that may nest, names looked at to find it and kept of one directory, and the time for one look, in bytes, UTF-16 code units and milliseconds. */
  transcriptBytes: 512 * 1024,
  transcriptLine: 262_144,
  transcriptDepth: 64,
  transcriptNames: 4_000,
  transcriptPlaces: 64,
  transcriptMs: 2,
  /** When a transcript is looked into after a command was let run, and after it ended, in milliseconds; and calls that are remembered as found. */
  transcriptLooksMs: [40, 300],
  transcriptAfterMs: [250, 2_500, 10_000],
  transcriptCalls: 4_096,
  /** How often requests of an earlier broker are looked after, in milliseconds. */
  sweepMs: 5_000,
  /** Finished requests that are exported at once: few, because making their spans holds up whoever asks meanwhile. */
  exportBatch: 16,
  /** Time for which finished requests are gathered before they are exported, in milliseconds. */
  exportDelayMs: 250,
  /** First and longest wait after a failed export, in milliseconds. */
  exportRetryMs: 1_000,
  exportRetryMostMs: 60_000,
  /** How long a collector may refuse (401, 404) before it is tried less often, and how often then, in milliseconds; also the longest Retry-After that is heeded. */
  exportRefusedMs: 10 * 60_000,
  exportRestMs: 60 * 60_000,
  /** Answer of a collector that is read, in bytes. */
  exportAnswerBytes: 65_536,
  /** How often metrics are sent while there are new ones, in milliseconds, and finished requests that are counted at once. */
  metricsMs: 60_000,
  metricsBatch: 1_000,
  /** Series of one metric; beyond: counted under none. */
  metricSeries: 500,
  /** Events that one span may carry; beyond: only the journal has them. */
  spanEvents: 64,
  /** Time after the first finished request before OpenTelemetry is loaded, in milliseconds. */
  exportLoadMs: 200,
  /** Time after the start before what an earlier broker left is exported, in milliseconds. */
  exportResumeMs: 3_000,
  /** Size at which the local file of spans is set aside and a new one begun, in bytes. */
  spansFileBytes: 64 * 1024 * 1024,
  /** Size at which a file of the journal is ended and the next begun, in bytes; only the last is read at start. */
  journalSegmentBytes: 1024 * 1024,
  /** Records of the journal after which its end is signed, and how long what is new waits for that, in milliseconds. */
  checkpointRecords: 1_000,
  checkpointMs: 60_000,
  /** How often it is looked for files of the journal that need not be kept any longer, in milliseconds. */
  retireMs: 60 * 60_000,
  /** Requests that are named one by one in the record of a time in which nothing could be written; beyond: counted. */
  unrecordedNamed: 256,
  /** A line of an exported file that is looked at for checkpoints, in bytes; beyond: left out, and said so. */
  exportedLineBytes: 64 * 1024 * 1024,
  /** Time after which a line of the journal that nobody waited for goes to the disk, in milliseconds. */
  journalFlushMs: 100,
  /** Paths that one command without namespaces may be let read (4 microseconds each); beyond: Landlock does not hold it. */
  readablePaths: 2_000,
  /** Binds of one sandbox before nested repositories get their whole .git read-only instead of its parts (each costs about 0.15 ms). */
  sandboxBinds: 25,
  /** Binds of one sandbox; beyond: the command is not run. */
  sandboxBindsMost: 120,
  /** Directories searched for nested repositories, and how deep below the workspace; beyond: what is not found is not protected, and a note says so. */
  surveyDirectories: 2_000,
  surveyDepth: 3,
  /** Names in a directory beyond which it is not listed to see what of it is protected: each of those is looked at instead. */
  listedNames: 256,
  /** Places whose survey is remembered until something of it changes, and how long a change must lie back for that, in milliseconds: longer than a tick of the kernel's clock. */
  looksRemembered: 256,
  looksSettleMs: 25,
  /** Plans that are remembered. */
  plansRemembered: 128,
  /** How long the search for nested repositories stays valid, in milliseconds. */
  surveyMs: 30_000,
  /** One canary of the sandbox probe, in milliseconds; then: no sandbox. */
  probeMs: 5_000,
  /** How long a failed probe is believed before it is tried again, in milliseconds. */
  probeRetryMs: 60_000,
  /** Warm sandboxes of one session and of all: beyond, the one that was used least recently is let go, or the command starts cold. */
  roomsPerSession: 4,
  rooms: 32,
  /** How long a warm sandbox is kept that nobody uses, and how often that is looked at, in milliseconds. */
  roomIdleMs: 10 * 60_000,
  roomSweepMs: 30_000,
  /** Time for a warm sandbox to be made, in milliseconds, and how long none is tried after a failure; then: commands start cold. */
  roomReadyMs: 2_000,
  roomRetryMs: 60_000,
  /** Time after the first command of a warm sandbox before the one that is likely next is made, in milliseconds. */
  roomPrepareMs: 50,
  /** Processes that wait to make a warm sandbox; beyond: one is started when it is needed. */
  roomsStandby: 2,
  /** Looks for processes of a killed command's group; what forks faster than that lives on in its sandbox. */
  roomKillRounds: 8,
  /** Time for a connection to a port of a warm sandbox, in milliseconds (shims/limits.h has less), and how many are made at once for one; beyond: refused. */
  dialMs: 6_000,
  dialsWaiting: 256,
  /** Ports of warm sandboxes that are published at once, connections to one, and silence after which one ends, in milliseconds. */
  portsPublished: 64,
  portConnections: 256,
  portIdleMs: 60 * 60_000,
  /** How often ports that settings publish are looked for while something runs in a warm sandbox, in milliseconds. */
  portsLookMs: 1_000,
  /** Listening ports of one warm sandbox that are shown, the table of them that is read, in bytes, and processes and descriptors that are looked at for their names. */
  portsShown: 200,
  portTableBytes: 256 * 1024,
  portProcesses: 2_000,
  portDescriptors: 20_000,
  /** Agent output kept while a question is on the screen, in bytes; beyond: the agent waits. */
  heldOutputBytes: 1_048_576,
  /** Agent output not yet read by the terminal model, in bytes; beyond: the agent waits. */
  modelBacklogBytes: 4 * 1_048_576,
  /** A recording of a terminal (`vetsh run --record`), in bytes; beyond: it ends there. */
  recordingBytes: 1_073_741_824,
  /** The longest pause when a recording is played, in milliseconds: silence is shortened to it. */
  playPauseMs: 3_000,
  /** How long output waits for more before the terminal model reads it, in milliseconds; a question does not wait. */
  modelPauseMs: 20,
  /** Input on its way to the agent, in bytes; beyond: the human's terminal is not read. */
  heldInputBytes: 65_536,
  /** Silence on the keyboard before a question takes keys, and after a key that is no answer, in milliseconds. */
  questionGuardMs: 500,
  /** Silence after an answer key before it counts (a word that begins with y is not a yes), in milliseconds. */
  questionSettleMs: 150,
  /** Wait for the agent to finish an escape sequence before a question is drawn, in milliseconds. */
  sequenceEndMs: 100,
  /** Questions that wait behind the one on the screen; beyond: left to other channels. */
  queuedQuestions: 64,
  /** Time an agent has to end after SIGTERM or SIGHUP before it is killed, in milliseconds. */
  agentEndMs: 5_000,
  /** Questions about files that one request may ask; beyond: nothing is known. */
  fileLooks: 4_000,
  /** Symlinks and missing parents followed for one path; beyond: unknown. */
  linkDepth: 64,
  /** A git index that is read, in bytes, and how many are remembered; beyond: not known what is tracked. */
  gitIndexBytes: 64 * 1024 * 1024,
  gitIndexes: 16,
  /** How long it is remembered which workspace a directory belongs to, in milliseconds, and for how many. */
  workspaceMs: 1_000,
  surveyedDirectories: 1_000,
  /** One line on the control socket, in UTF-16 code units, and connections to it at once; beyond: closed. */
  controlLine: 262_144,
  controlConnections: 64,
  /** Files that an agent's view of the file system shows something else for, and time to make one, in milliseconds. */
  coveredPaths: 48,
  viewReadyMs: 5_000,
  /** How often agents' views are looked at for shells that went past us, in milliseconds; how far up, and how many files are remembered. */
  bypassLookMs: 500,
  bypassDepth: 64,
  bypassPrints: 500,
  /** How long after its start a broker waits for agents' views that the one before knew, in milliseconds. */
  viewsReturnMs: 4_000,
  /** How often the configuration's files are looked at for changes, at most, in milliseconds. */
  configCheckMs: 1_000,
  /** Quiet after the start before a broker judges lines of its own, and the time it takes for that in all, in milliseconds. */
  rehearsalAfterMs: 1_000,
  rehearsalMs: 400,
  /** Time for a stopping broker to hear the ends of commands that still run, in milliseconds. */
  stopMs: 5_000,
  /** One reason shown to people and agents, in UTF-16 code units; beyond: cut, and said so. */
  shownReason: 600,
  /** One path, host or piece of a command inside a message, in UTF-16 code units. */
  shownPiece: 200,
  /** One configuration or rules file, in bytes; beyond: it counts as one that cannot be read. */
  configBytes: 1_048_576,
  /** Variables of the human's environment that are remembered. */
  vouchedVariables: 2_000,
  /** Unfinished frames on all connections together, in bytes; beyond: the connection that adds to them is closed. */
  heldFrameBytes: 192 * 1024 * 1024,
  /** How often the broker looks whether shims can still find its socket, in milliseconds. */
  socketCheckMs: 1_000,
  /** Connections of one command to the filtering proxy at once (also in shims/limits.h); beyond: refused. */
  networkConnections: 256,
  /** Head of one request to the proxy, in bytes, and the time it may take, in milliseconds; beyond: refused. */
  networkHeadBytes: 65_536,
  networkHeadMs: 10_000,
  /** One read of a tunnel, and what may wait to be written to a client that is slow, in bytes; beyond: the other side waits. */
  networkBlockBytes: 262_144,
  networkBacklogBytes: 524_288,
  /** Silence in both directions before a connection through the proxy is ended, in milliseconds. */
  networkIdleMs: 10 * 60_000,
  /** Time to look a name up and to connect, in milliseconds, and addresses of one name that are tried. */
  networkConnectMs: 10_000,
  networkAddresses: 8,
  /** How long a connection to a host that its command was not given may be held for an answer, in milliseconds; then: refused, pending. */
  connectionHoldMs: 20_000,
  /** Time for a question that was not answered to end by itself, in milliseconds, before its clients are told without it. */
  connectionMarginMs: 1_000,
  /** How long a refusal by somebody who was asked holds for the same connection of the same command line, in milliseconds. */
  connectionAnswerMs: 60_000,
  /** Hosts that one command may ask for; beyond: refused without a question. */
  connectionQuestions: 12,
  /** New files outside of the workspace that a person may let one line make; beyond: refused. */
  standIns: 16,
  /** Files of the user's own caches that a new workspace starts with, and the size of one that is copied, in bytes; beyond: left out. */
  cacheSeeds: 20_000,
  cacheCopyBytes: 1_048_576,
  /** One file in /tmp that an agent and a command hand to each other, in bytes; beyond: it is not handed over. */
  handoverBytes: 16 * 1024 * 1024,
  /** All files that one line hands over in one direction, in bytes: the broker does nothing else meanwhile. */
  handoverLineBytes: 32 * 1024 * 1024,
  /** Files in /tmp that one line may name and have handed over, and how many are remembered as put there by vetsh. */
  handoverFiles: 32,
  handoverMarks: 4_096,
  /** Connections of one command that the record keeps one by one; beyond: the broker's log says so once. */
  recordedConnections: 1_000,
  /** Time for a snapshot before a command, and for looking again after it, in milliseconds; beyond: it counts as failed. */
  undoMs: 10_000,
  /** Time for keeping the workspace only because of code that nobody could read, and how long that is left out after it took longer, in milliseconds. */
  undoCodeMs: 1_000,
  undoCodePauseMs: 60_000,
  /** Time for bringing back, in milliseconds. */
  undoApplyMs: 120_000,
  /** Directories in each other that a snapshot follows; beyond: not covered, and said so. */
  undoDepth: 128,
  /** Snapshots kept for one workspace; beyond: the oldest go. */
  undoSnapshots: 100,
  /** What snapshots of all workspaces may take, in bytes; beyond: the workspaces used least recently are forgotten. */
  undoTotalBytes: 8 * 1024 * 1024 * 1024,
  /** A file that changed less than this before it was read is read again next time, in milliseconds. */
  undoSettleMs: 100,
  /** How long a keeper of snapshots waits for more work, in milliseconds, and how many there are at once; beyond: the longest idle one ends. */
  undoIdleMs: 120_000,
  undoKeepers: 4,
  /** Memory of one keeper, in MiB. */
  undoMemoryMb: 512,
  /** Paths named in a record, an answer or a message about what is not covered, and changes shown before they are made. */
  undoNamed: 20,
  undoShown: 500,
  /** Text of a file, in bytes, and lines of it, that a shown difference is made of. */
  undoDiffBytes: 65_536,
  undoDiffLines: 12,
  /** What a held command may still wait after the last answer was due, in milliseconds: the shim then gives up by itself. */
  waitMarginMs: 10_000,
} as const;
