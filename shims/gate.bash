# What vetsh-gate starts bash with on a terminal: the person's own start-up files, then the gate. docs/decisions/0012-gates-in-interactive-shells.md
# A line is judged when Enter is pressed (readline calls __vetsh_line), and each simple command of it again when it runs (DEBUG trap). Descriptor 61
# leads to the broker, which remembers everything that counts: nothing here is worth changing.
# SECURITY: an interrupt here would leave a shell without a gate.
trap '' INT
[[ ${PROMPT_COMMAND-} == ". ${BASH_SOURCE[0]}" ]] && unset -v PROMPT_COMMAND
case ${VETSH_GATE_READS-} in
  login)
    [[ -r /etc/profile ]] && . /etc/profile
    for __vetsh_file in ~/.bash_profile ~/.bash_login ~/.profile; do
      [[ -r $__vetsh_file ]] && { . "$__vetsh_file"; break; }
    done
    ;;
  rc) [[ -r ~/.bashrc ]] && . ~/.bashrc ;;
esac
unset -v VETSH_GATE_READS __vetsh_file
unset -f builtin printf read trap shopt declare pwd local return bind history set kill exit command 2>/dev/null
unalias builtin 2>/dev/null
set +o posix
__vetsh_program=${BASH_SOURCE[0]%/gates/bash}/vetsh-gate

# What the shell holds of what a text names: values of scalar variables, and aliases where `$2` is L. Into `fields` and `words` of the caller.
__vetsh_know() {
  local rest=$1 name known=' '
  while [[ $rest == *'$'* ]]; do
    rest=${rest#*'$'}
    name=${rest#\{}
    name=${name#!}
    name=${name%%[!A-Za-z0-9_]*}
    # SECURITY: to look at a reference to a subscript is to run what stands in it.
    [[ $name == [A-Za-z_]* && $known != *" $name "* && ${#fields[@]} -lt 200 && ! -R $name && -v $name ]] || continue
    known+="$name "
    case $name in RANDOM | SRANDOM | SECONDS | EPOCH* | LINENO | BASH* | FUNCNAME | PIPESTATUS | nonce | rest | name | known | fields | words | reference | answer | IFS) continue ;; esac
    local -n reference=$name
    [[ ${reference@a} == *[aA]* ]] || fields+=("v:$name" "${!name}")
    builtin unset -n reference
  done
  # No character of these is a pattern: nothing is matched with files.
  words=(${1//[!A-Za-z0-9_.:-]/ })
  words=("${words[@]:0:100}")
  [[ $2 == L ]] || builtin return 0
  for name in "${words[@]}"; do [[ -v BASH_ALIASES[$name] ]] && fields+=("a:$name" "${BASH_ALIASES[$name]}"); done
}

# Asks the broker. In: L or C, the text. Out: 0 it may run, 1 it may not, 2 it is not complete; what there is to say in `said` of the caller.
__vetsh_ask() {
  local IFS=' ' TMOUT=0 nonce=$SRANDOM$SRANDOM answer
  local -a fields=() words=()
  __vetsh_know "$2" "$1"
  {
    builtin printf '%s\0' $((7 + ${#fields[@]})) vetsh-gate-1 "$nonce" "$1"
    builtin pwd -P
    builtin printf '\0'
    builtin printf '%s\0' "$2" "${fields[@]}" f
    # Those of the words that are functions; the others say so on standard error.
    builtin declare -f -- "${words[@]}"
    builtin printf '\0'
  } >&61 2>&-
  while IFS= builtin read -r -d '' -u 61 answer; do
    # What another process asked on this connection is answered here, too: it has another number.
    [[ $answer == "$nonce "* ]] || continue
    said=${answer#"$nonce "}
    case $said in
      a) builtin return 0 ;;
      m) builtin return 2 ;;
    esac
    said=${said#r}
    said=${said# }
    builtin return 1
  done
  said='vetsh: the broker does not answer, nothing ran'$'\n''hint: end this shell, and start another one'
  builtin return 1
}

# Before each simple command, in functions and subshells too.
__vetsh_command() {
  case $BASH_COMMAND in __vetsh_line | __vetsh_prompt | __vetsh_past | vetsh-refused) builtin return 0 ;; esac
  local said=
  if ((BASHPID == $$)); then
    __vetsh_ask C "$BASH_COMMAND" && builtin return 0
    [[ -z $said ]] || builtin printf '%s\n' "$said" >&2
    builtin return 1
  fi
  # A subshell runs beside others, and one connection has one line of talk.
  local IFS=' '
  local -a fields=() words=()
  __vetsh_know "$BASH_COMMAND" C
  "$__vetsh_program" --ask C "$PWD" "$BASH_COMMAND" "${fields[@]}" || builtin return 1
}

# For a subshell: `text` of the caller with its history expanded. `history -p` first takes away the last line, for its own: so that is there twice.
__vetsh_past() {
  HISTTIMEFORMAT= HISTCONTROL= HISTIGNORE=
  local last
  last=$(builtin history 1)
  last=${last#"${last%%[0-9]*}"}
  last=${last#"${last%%[!0-9]*}"}
  last=${last:2}
  builtin history -s -- "$last"
  builtin history -s -- "$last"
  builtin history -p -- "$text" 2>/dev/null
}

# Enter. History is expanded here, so that what is judged is what runs.
__vetsh_line() {
  local said= text=$READLINE_LINE
  if [[ $text == *'!'* || $text == '^'* ]]; then text=$(__vetsh_past) || text=$READLINE_LINE; fi
  __vetsh_ask L "$text"
  case $? in
    0) READLINE_LINE=$text ;;
    2)
      READLINE_LINE=$text$'\n'
      READLINE_POINT=${#READLINE_LINE}
      builtin bind '"\C-x\C-v2": ""'
      builtin return 0
      ;;
    *)
      builtin printf '%s%s\n%s\n' "${PS1@P}" "$text" "$said" >&2
      builtin history -s -- "$text"
      READLINE_LINE=' vetsh-refused'
      ;;
  esac
  builtin bind '"\C-x\C-v2": accept-line'
}

vetsh-refused() { builtin return 126; }

# Before each prompt: the line has ended; the broker looks whether the gate is as it should be.
__vetsh_prompt() {
  local status=$? nonce=$SRANDOM$SRANDOM TMOUT=0 answer
  builtin bind '"\C-x\C-v2": ""'
  # Put back rather than looked at: bash itself takes them away when a `read` of ours stands inside a `read -e`.
  builtin bind '"\C-m": "\C-x\C-v1\C-x\C-v2"'
  builtin bind '"\C-j": "\C-x\C-v1\C-x\C-v2"'
  {
    builtin printf '%s\0' 5 vetsh-gate-1 "$nonce" P "$status"
    builtin printf 'bash\n'
    builtin trap -p DEBUG
    builtin shopt -p extdebug
    builtin shopt -po functrace emacs vi
    builtin printf '\0'
  } >&61 2>/dev/null
  while IFS= builtin read -r -d '' -u 61 answer; do
    [[ $answer == "$nonce "* ]] || continue
    [[ $answer == "$nonce a" ]] && builtin return 0
    builtin printf '%s\n' "${answer#"$nonce r "}" >&2
    builtin trap - EXIT
    builtin exit 126
  done
  builtin printf 'vetsh: the broker does not answer; the shell ends\nhint: start another one\n' >&2
  builtin trap - EXIT
  builtin exit 126
}

# Without readline (TERM=emacs) nothing would be judged at Enter.
[[ -o emacs || -o vi ]] || set -o emacs
# Functions of readline that take the line as it stands, edit and run it, run what stands in it, or read bindings: whatever keys they have, a person's own too.
for __vetsh_map in emacs vi-insert vi-command; do
  mapfile -t __vetsh_keys < <(bind -m "$__vetsh_map" -p)
  for __vetsh_key in "${__vetsh_keys[@]}"; do
    case $__vetsh_key in
      '"'*': accept-line' | '"'*': operate-and-get-next') bind -m "$__vetsh_map" "${__vetsh_key% *} \"\\C-x\\C-v1\\C-x\\C-v2\"" ;;
      '"'*': '*-comment | '"'*': vi-eof-maybe' | '"'*'-execute-command' | '"'*': shell-expand-line' | '"'*': re-read-init-file' | '"'*': execute-named-command') bind -m "$__vetsh_map" "${__vetsh_key% *} \"\"" ;;
    esac
  done
  bind -m "$__vetsh_map" -x '"\C-x\C-v1": __vetsh_line'
  bind -m "$__vetsh_map" '"\C-x\C-v2": ""'
done 2>/dev/null
unset -v __vetsh_map __vetsh_key __vetsh_keys
HISTIGNORE="${HISTIGNORE:+$HISTIGNORE:}* vetsh-refused"
set +H
PROMPT_COMMAND=(__vetsh_prompt "${PROMPT_COMMAND[@]}")
# SECURITY: whoever unsets one of the shell's own has an ordinary variable of that name, which says what they like.
readonly __vetsh_program PROMPT_COMMAND FUNCNAME BASH_COMMAND BASHPID BASH_SUBSHELL SRANDOM
readonly -f __vetsh_past __vetsh_know __vetsh_ask __vetsh_command __vetsh_line __vetsh_prompt vetsh-refused
shopt -s extdebug
set -T
trap - INT
# The gate's own commands are none of anybody's. Its functions cannot be written anew. SECURITY: what runs in a subshell of one is somebody's: a substitution in PS1.
trap 'case $BASH_SUBSHELL${FUNCNAME-} in 0__vetsh_line | 0__vetsh_prompt | 0__vetsh_ask | 0__vetsh_know | 0vetsh-refused | *__vetsh_past) ;; *) __vetsh_command ;; esac' DEBUG
