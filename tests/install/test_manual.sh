#!/bin/sh
# The manual page and the completions say what the program says: every command and option of `ensgrad help`, no other.
. tests/cli/harness.inc

# pairs: "command option" of everything that `ensgrad help` and `ensgrad help COMMAND` list, sorted
"$program" help | awk '/^commands:/ { in_list = 1; next } in_list && NF == 0 { exit } in_list { print $1 }' >commands
check [ "$(wc -l <commands)" -ge 10 ]
while read -r command; do
  "$program" help "$command" | sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' | sed "s/^/$command /"
done <commands | sort >pairs
check [ "$(wc -l <pairs)" -gt "$(wc -l <commands)" ]

# ---- manual ----
expect 0 help --as man
cp out ensgrad.1
is_empty err
sed 's/\\-/-/g; s/\\f[BIR]//g' ensgrad.1 >plain
awk '
  /^\.SH / { command = "" }
  /^\.SS ensgrad / { command = $3; print command >"manual-commands" }
  is_label && command != "" { sub(/^-., /, ""); print command, substr($1, 3) }
  { is_label = $0 == ".TP" }
' plain | sort >manual-pairs
same commands manual-commands
same pairs manual-pairs
# all that the program reads from its environment
grep -rhoE 'getenv\("[A-Z_]+"\)' "$root/src" | sed 's/.*"\(.*\)".*/\1/' | sort -u >read
awk '/^\.SH/ { in_list = /ENVIRONMENT/ } in_list && /^\.B / { print $2 }' plain | sort -u >told
same read told
# every key of the study file
"$program" help study >schema
awk '/^\.SH/ { in_list = /STUDY FILE/ } in_list' plain | sed '1,2d; $d; s/^\\&//; s/\\e/\\/g' >manual-schema
same schema manual-schema
if command -v mandoc >/dev/null; then
  mandoc -T lint -W error ensgrad.1 >lint 2>&1
  check [ ! -s lint ]
fi
if command -v groff >/dev/null; then
  check sh -c 'groff -man -ww -z ensgrad.1 2>&1 | cat >lint; [ ! -s lint ]'
fi

# ---- bash ----
expect 0 help --as bash
cp out ensgrad.bash
touch a.yaml b.yml c.json d.h5 e.txt "f g.yaml"
mkdir sub
complete_words() { # WORD...: what completion offers for the last word, sorted
  bash -c '
    source ./ensgrad.bash
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _ensgrad
    for reply in "${COMPREPLY[@]}"; do printf "%s\n" "$reply"; done' bash "$@" 2>&1 | sort
}
offers() { # WANTED WORD...: WANTED is separated by |
  wanted=$1
  shift
  got=$(complete_words "$@" | tr '\n' '|')
  check [ "$got" = "$wanted" ] || true
  [ "$got" = "$wanted" ] || echo "  '$*' offers '$got', wanted '$wanted'"
}
if command -v bash >/dev/null; then
  { cat commands; echo --version; echo --json; echo --help; } | sort >words
  complete_words ensgrad "" >offered
  same words offered
  while read -r command; do
    complete_words ensgrad "$command" -- | sed -n 's/^--//p' | sed "s/^/$command /"
  done <commands | sort >bash-pairs
  same pairs bash-pairs
  offers 'run|' ensgrad ru
  offers 'a.yaml|b.yml|c.json|f g.yaml|sub|' ensgrad run ''
  offers 'a.yaml|' ensgrad run -q a
  offers 'd.h5|sub|' ensgrad info ''
  offers 'auto|cpu|cuda|' ensgrad run --backend ''
  offers '--backend|' ensgrad selftest --b
  offers '' ensgrad devices ''
  offers '' ensgrad nonsense ''
  complete_words ensgrad new '' | sort >offered
  "$program" new 2>err
  sed -n 's/.*kinds: //p' err | tr ' ' '\n' | sort >kinds
  check [ -s kinds ]
  same kinds offered
  complete_words ensgrad models quad >offered
  echo quadratic >wanted
  same wanted offered
fi

# ---- zsh: its own functions replaced by ones that print what they are given ----
expect 0 help --as zsh
cp out _ensgrad
if command -v zsh >/dev/null; then
  check zsh -n _ensgrad
  while read -r command; do
    COMMAND=$command zsh -fc '
      _arguments() { print -rl -- "$@" }
      _describe() { }
      words=(ensgrad $COMMAND "") CURRENT=3
      source ./_ensgrad' | sed -n 's/^[^[]*--\([a-z-]*\)\[.*/\1/p' | sort -u | sed "s/^/$command /"
  done <commands | sort >zsh-pairs
  same pairs zsh-pairs
else
  echo "skipped: no zsh"
fi

# ---- wrong use ----
expect 2 help --as mann
says err "did you mean 'man'?"
expect 2 help run --as man
report
