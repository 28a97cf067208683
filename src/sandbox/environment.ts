import { LIMITS, type Claim } from "../model/index.ts";

/**
 * What a sandboxed command does not inherit. Removed before bubblewrap starts, because the environment of its first
 * process can be read inside (/proc/1/environ).
 * A pattern is a whole name; `*` stands for any run of characters.
 */

/** SECURITY: would load the agent's code into bubblewrap itself, before there is a sandbox. */
const LOADER = ["LD_*", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH"] as const;

/** Ways to programs outside that act for the user, and file descriptors that are closed. */
const CHANNELS = [
  "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_AGENT_INFO", "GNOME_KEYRING_CONTROL", "DOCKER_HOST", "CONTAINER_HOST", "PODMAN_HOST", "XAUTHORITY", "DISPLAY", "WAYLAND_DISPLAY",
  "TMUX", "TMUX_TMPDIR", "STY", "SCREENDIR", "VSCODE_IPC_HOOK*", "VSCODE_GIT_IPC_*", "VSCODE_GIT_ASKPASS_*", "GIT_ASKPASS", "SSH_ASKPASS", "SUDO_ASKPASS", "NVIM", "NVIM_LISTEN_ADDRESS", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE", "XDG_RUNTIME_DIR", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID",
] as const;

/** Secrets by the name they usually have. A name outside this list is not recognised: say so where it is documented. */
const SECRETS = [
  "*_TOKEN", "TOKEN", "*_API_KEY", "API_KEY", "*_APIKEY", "*_ACCESS_KEY", "*_SECRET*", "SECRET", "SECRET_*", "*_PASSWORD", "PASSWORD", "*_PASSWD", "*_PASSPHRASE", "*_PRIVATE_KEY", "*_CREDENTIAL", "*_CREDENTIALS", "*_AUTH", "AWS_*", "AZURE_*_KEY", "AZURE_CLIENT_*",
  "GOOGLE_APPLICATION_CREDENTIALS", "ANTHROPIC_*_KEY", "OPENAI_*_KEY", "PGPASSWORD", "MYSQL_PWD", "REDISCLI_AUTH", "DATABASE_URL", "*_DATABASE_URL", "*_CONNECTION_STRING", "*_DSN", "NPM_CONFIG__AUTH*", "npm_config__auth*", "npm_config_//*", "GITHUB_PAT", "GH_PAT", "VAULT_*", "KUBECONFIG", "DOCKER_AUTH_CONFIG", "NETRC",
] as const;

/** In AWS_* but harmless, and builds need them. */
const NOT_SECRET = ["AWS_REGION", "AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_SDK_LOAD_CONFIG", "AWS_EC2_METADATA_DISABLED", "AWS_DEFAULT_REGION", "AWS_PAGER", "AWS_DEFAULT_OUTPUT"] as const;

const compile = (patterns: readonly string[]): RegExp =>
  new RegExp(`^(?:${patterns.map((pattern) => pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")).join("|")})$`, "s");

const ALWAYS = compile([...LOADER, ...CHANNELS]);
const SECRET = compile(SECRETS);
const HARMLESS = compile(NOT_SECRET);

/** What settings say beside the tables above: patterns as there. */
export type EnvironmentPolicy = { readonly keep: readonly string[]; readonly drop: readonly string[] };

/**
 * In: names a command would inherit, the variables whose use was approved, what settings say. Out: the names to remove.
 * INVARIANT: what the loader reads is always removed, approved, kept or not; what settings drop, only an approval of that very name keeps.
 */
export function scrub(names: Iterable<string>, approved: ReadonlySet<string>, { keep, drop }: EnvironmentPolicy): readonly string[] {
  const kept = compiled(keep);
  const dropped = compiled(drop);
  const isSecret = (name: string): boolean => dropped.test(name) || (SECRET.test(name) && !HARMLESS.test(name) && !kept.test(name));
  return [...names].filter((name) => ALWAYS.test(name) || (isSecret(name) && !approved.has(name)));
}

/** The same where nothing confines the command: it keeps its loader, its channels and its secrets, but not what settings drop. */
export function scrubUnconfined(names: Iterable<string>, approved: ReadonlySet<string>, { drop }: EnvironmentPolicy): readonly string[] {
  const dropped = compiled(drop);
  return [...names].filter((name) => dropped.test(name) && !approved.has(name));
}

/** Settings rarely change: their last two lists stay compiled. */
const known = new Map<readonly string[], RegExp>();

function compiled(patterns: readonly string[]): RegExp {
  const found = known.get(patterns);
  if (found !== undefined) return found;
  const made = compile(patterns);
  if (known.size >= LIMITS.environmentLists) known.clear();
  known.set(patterns, made);
  return made;
}

/** In: a claim. Out: the secret variables whose use was approved. */
export function approvedVariables(claim: Pick<Claim, "secrets">): ReadonlySet<string> {
  return new Set(claim.secrets.filter((secret) => secret.startsWith("$")).map((secret) => secret.slice(1)));
}
