/**
 * What the sandbox protects and hides, as data. Only entries that exist become mounts, so the lists may be long.
 * A name without `/` in front is below the workspace (protected) or below the home directory (secret).
 */

/** In the workspace: runs or configures something later, outside the sandbox. Bound read-only. */
export const PROTECTED_IN_WORKSPACE = [
  ".vscode", ".idea", ".fleet", ".zed", ".devcontainer", ".husky", ".githooks", ".lefthook", ".claude", ".codex", ".cursor", ".gemini", ".opencode",
  ".qwen", ".continue", ".cline", ".clinerules", ".windsurf", ".cursorrules", ".aider.conf.yml", ".mcp.json", "opencode.json", ".envrc", ".direnv",
  ".github/workflows", ".github/actions", ".gitlab-ci.yml", ".circleci", ".travis.yml", ".buildkite", ".drone.yml", ".pre-commit-config.yaml", ".vetsh.toml", ".gitmodules",
  "Jenkinsfile", "azure-pipelines.yml", "bitbucket-pipelines.yml", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".cargo/config.toml", ".cargo/config", "hooks.json",
] as const;

/** In a git directory: hooks run, configuration names programs, `commondir` and `gitdir` say where both are looked for. */
export const PROTECTED_IN_GIT = ["hooks", "config", "info", "config.worktree", "commondir", "gitdir"] as const;

/** Below the home directory: credentials, and sockets that act for the user. Hidden. */
export const SECRET_IN_HOME = [
  ".ssh", ".aws", ".gnupg", ".netrc", "_netrc", ".config/gh", ".config/hub", ".docker/config.json", ".docker/run", ".docker/desktop", ".colima", ".orbstack", ".rd", ".kube", ".npmrc", ".yarnrc.yml", ".pypirc",
  ".git-credentials", ".config/git/credentials", ".config/gcloud", ".azure", ".oci", ".fly", ".config/doctl", ".config/heroku", ".config/op", ".config/rclone", ".password-store", ".vault-token", ".pgpass", ".my.cnf",
  ".terraform.d/credentials.tfrc.json", ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".s3cfg", ".boto", ".m2/settings.xml", ".gradle/gradle.properties",
  ".local/share/keyrings", ".mozilla", ".config/google-chrome", ".config/chromium", ".config/github-copilot",
  ".claude/.credentials.json", ".codex/auth.json", ".gemini/oauth_creds.json", ".local/share/opencode/auth.json", ".bash_history", ".zsh_history", ".python_history", ".node_repl_history", ".mysql_history", ".psql_history",
] as const;

/** Of the machine; an ordinary user cannot read them anyway, root without capabilities still could. */
export const SECRET_IN_SYSTEM = [
  "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssl/private", "/etc/krb5.keytab", "/etc/kubernetes", "/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet",
  "/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key", "/root/.ssh", "/root/.aws", "/root/.gnupg", "/root/.netrc", "/root/.kube", "/root/.docker/config.json",
] as const;

/**
 * All of /run is hidden: it is where daemons listen (docker, containerd, podman, D-Bus, ssh and gpg agents, databases).
 * SECURITY: an allow-list, because a list of known sockets is never complete. These stay readable: name resolution and
 * the parts of NixOS and Guix without which nothing starts.
 */
export const RUN_KEPT = ["/run/systemd/resolve/resolv.conf", "/run/systemd/resolve/stub-resolv.conf", "/run/resolvconf", "/run/NetworkManager/resolv.conf", "/run/current-system", "/run/booted-system", "/run/wrappers", "/run/opengl-driver", "/run/setuid-programs"] as const;

/** Directories of the machine that are never made writable as a whole, whoever asks. */
export const NEVER_WRITABLE = [
  "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/media", "/mnt", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/sbin", "/usr/share", "/var", "/var/lib", "/var/log", "/var/run", "/var/tmp",
] as const;

/** Nothing below these is made writable: the kernel's interfaces and other programs' sockets. */
export const NEVER_WRITABLE_BELOW = ["/dev", "/proc", "/run", "/sys"] as const;

/** What macOS has beside these: secrets below the home directory, and directories that are never made writable as a whole. */
export const SECRET_IN_MAC_HOME = [
  "Library/Keychains", "Library/Cookies", "Library/Safari", "Library/Mail", "Library/Messages", "Library/Application Support/com.apple.TCC", "Library/Application Support/Google/Chrome", "Library/Application Support/Chromium",
  "Library/Application Support/Firefox", "Library/Application Support/BraveSoftware", "Library/Group Containers", "Library/Containers/com.apple.mail",
] as const;
export const NEVER_WRITABLE_ON_MAC = ["/Applications", "/Library", "/Network", "/System", "/Users", "/Volumes", "/cores", "/opt", "/opt/homebrew", "/private", "/private/etc", "/private/tmp", "/private/var", "/private/var/tmp"] as const;
