/**
 * What paths are, as data. A pattern is matched against whole path components: `.git/hooks` matches
 * `…/.git/hooks` and everything below it; a leading `~/` anchors at the home directory, a leading `/` at the root.
 * `*` stands for any run of characters inside one component.
 */

/** Files that run or configure something later, without being asked again. */
export const PROTECTED = [
  ".git/hooks", ".git/config", ".git/config.worktree", ".git/info", ".git/modules/*/hooks", ".git/modules/*/config", ".gitmodules", ".husky", ".githooks", ".lefthook",
  ".envrc", ".direnv", ".vscode", ".idea", ".fleet", ".zed", ".devcontainer", ".claude", ".codex", ".cursor", ".gemini", ".opencode", ".qwen", ".continue", ".cline", ".clinerules", ".aider.conf.yml",
  ".mcp.json", "hooks.json", "opencode.json", ".cursorrules", ".windsurf", ".github/workflows", ".github/actions", ".gitlab-ci.yml", ".circleci", ".travis.yml", "Jenkinsfile", "azure-pipelines.yml", ".buildkite", ".drone.yml",
  "bitbucket-pipelines.yml", ".vetsh.toml", ".pre-commit-config.yaml", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".cargo/config.toml", ".cargo/config",
  "~/.bashrc", "~/.bash_profile", "~/.bash_login", "~/.bash_logout", "~/.profile", "~/.zshrc", "~/.zshenv", "~/.zprofile", "~/.zlogin", "~/.zlogout", "~/.inputrc", "~/.bash_aliases",
  "~/.gitconfig", "~/.config/git", "~/.ssh", "~/.config/autostart", "~/.config/systemd", "~/.config/fish", "~/.vimrc", "~/.vim", "~/.config/nvim", "~/.emacs", "~/.emacs.d", "~/.tmux.conf",
  "~/.local/bin", "~/bin", "~/.cargo/bin", "~/go/bin", "~/.crontab", "~/.pam_environment", "~/.xinitrc", "~/.xprofile", "~/.xsession", "~/.pythonrc", "~/.gnupg", "~/.docker", "~/.kube", "~/.aws",
  "~/Library/LaunchAgents", "/Library/LaunchAgents", "/Library/LaunchDaemons",
  "/etc", "/var/spool/cron", "/var/spool/at", "/lib/systemd", "/usr/lib/systemd", "/usr/local/bin", "/usr/local/sbin", "/boot", "/root/.ssh", "/root/.bashrc", "/root/.profile",
] as const;

/** Credentials. Reading one is an effect of its own. */
export const SECRETS = [
  "~/.ssh", "~/.aws", "~/.gnupg", "~/.netrc", "~/_netrc", "~/.config/gh", "~/.docker/config.json", "~/.kube", "~/.npmrc", "~/.pypirc",
  "~/.git-credentials", "~/.config/git/credentials", "~/.config/gcloud", "~/.azure", "~/.config/op", "~/.password-store", "~/.local/share/keyrings", "~/.config/hub", "~/.terraform.d/credentials.tfrc.json",
  "~/.vault-token", "~/.pgpass", "~/.my.cnf", "~/.cargo/credentials", "~/.cargo/credentials.toml", "~/.gem/credentials", "~/.config/rclone", "~/.s3cfg", "~/.boto", "~/.m2/settings.xml", "~/.gradle/gradle.properties",
  "~/.bash_history", "~/.zsh_history", "~/.python_history", "~/.node_repl_history", "~/.mysql_history", "~/.psql_history", "~/.mozilla", "~/.config/google-chrome", "~/.config/chromium", "~/Library/Keychains",
  "~/.claude/.credentials.json", "~/.codex/auth.json", "~/.gemini/oauth_creds.json", "~/.local/share/opencode/auth.json", "~/.config/github-copilot", "~/.oci", "~/.config/doctl", "~/.config/heroku", "~/.fly",
  "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/security/opasswd", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssl/private", "/etc/krb5.keytab", "/root/.ssh", "/root/.aws", "/etc/ssh/ssh_host_*_key", "/run/secrets", "/var/run/secrets",
  "/proc/*/environ", "/proc/*/mem", "/proc/kcore", "/dev/mem", "/dev/kmem", "/dev/sd*", "/dev/vd*", "/dev/xvd*", "/dev/nvme*", "/dev/mmcblk*", "/dev/mapper", "/dev/input", "/dev/video*", "/dev/fb*", "/var/log/btmp",
  ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".git-credentials", ".npmrc", ".pypirc", "credentials.json", "service-account*.json",
  "secrets.yml", "secrets.yaml", "secrets.json", ".htpasswd", "master.key", "terraform.tfstate", "terraform.tfvars",
] as const;

/** Names that look like secrets by the lists above but are made to be shown. */
export const NOT_SECRET = [".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "*.pub", "~/.ssh/known_hosts", "cacert.pem", "ca.pem", "ca-certificates.crt", "cert.pem", "*-cert.pem", "*.cert.pem", "*.crt.pem", "cert-*.pem", "chain.pem", "fullchain.pem", "pubkey.pem", "public.pem", "public_key.pem", "*_public.pem", "*-public.pem", "*.pub.pem"] as const;

/** What a build or an installation makes again; lost, nothing is lost. */
export const ARTEFACTS = [
  "node_modules", "dist", "build", "target", "out", "coverage", ".nyc_output", ".cache", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox", ".eggs", "*.egg-info", "*.pyc", "*.pyo",
  ".next", ".nuxt", ".svelte-kit", ".turbo", ".parcel-cache", ".vite", ".angular", ".gradle", ".terraform", "cmake-build-*", "bin/Debug", "bin/Release", "obj", "*.o", "*.obj", "*.a", "*.so", "*.class", "*.log", "*.tmp",
  "*.tsbuildinfo", "config.cache", "config.status", "autom4te.cache", ".DS_Store", "htmlcov", ".coverage", "tmp", ".tmp", "temp", "_build", ".venv", "venv", ".eslintcache", ".stylelintcache", "storybook-static", "playwright-report", "test-results", ".output", ".serverless", ".bundle",
  "vendor/bundle", "elm-stuff", "zig-cache", ".zig-cache", "zig-out", ".dart_tool", ".stack-work", "dist-newstyle", "*.orig", "*.rej", "*.bak", "*.swp",
] as const;

/**
 * Where programs of the machine live, which only its administrator fills: a command word in one of these is the program its
 * basename names. A JDK, a compiler or a Python of its own has a `bin` below /usr/lib, /usr/local, /opt or a package store.
 */
export const PROGRAM_DIRECTORY = /^(?:\/(?:usr\/(?:local\/)?)?s?bin|\/(?:usr\/games|snap\/bin)|\/(?:usr\/lib|usr\/local|opt|nix\/store|gnu\/store|home\/linuxbrew)\/[\w.+@/-]+\/s?bin|\/opt\/homebrew\/bin|\/usr\/libexec|\/Library\/(?:Java|Developer|Frameworks)\/[\w.+@/-]+\/bin)$/;

export const TEMPORARY = ["/tmp", "/var/tmp", "/dev/shm", "/private/tmp", "/private/var/tmp"] as const;

/** Writing there goes nowhere, or to where the command's output goes anyway. */
export const NULL_DEVICES = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/fd", "/proc/self/fd"] as const;
