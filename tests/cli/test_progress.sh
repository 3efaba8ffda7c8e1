#!/bin/sh
# Progress: plain lines on a pipe, JSON lines, one rewritten line on a terminal, nothing with --quiet.
. tests/cli/harness.inc
python=/usr/bin/python3

write_study tiny.yaml 2^14 8
write_study endless.yaml 2^40 1024
escape=$(printf '\033')
return=$(printf '\r')
has_no() { # FILE CHARACTER
  checks=$((checks + 1))
  ! grep -q "$2" "$1" || fail "$1 holds a control character: $(od -c "$1" | head -n 5)"
}

# every_line_is_json FILE
every_line_is_json() {
  while IFS= read -r line; do
    checks=$((checks + 1))
    printf '%s\n' "$line" | $python -m json.tool >json.log 2>&1 || fail "no JSON: $line"
  done <"$1"
}

# A pipe: no control characters, one line at the end.
expect 0 run tiny.yaml
has_no err "$escape"
has_no err "$return"
says err "ensgrad: 100.0 %"
check [ "$(grep -c ' %, ' err)" -eq 1 ]
expect 0 run tiny.yaml --force --quiet
is_empty err
says out "a tiny study"

# JSON: every line of stdout is an object; the table goes to stderr.
expect 0 run tiny.yaml --force --json
every_line_is_json out
says err "a tiny study"
tail -n 1 out >last
says last '"message_type": "summary"'
says last '"status": "done"'
says last '"output": "tiny.h5"'
says last '"exit_code": 0'
says last '"wall_seconds": '
says out '"message_type": "status"'
expect 0 run tiny.yaml --force --json --quiet
is_empty err
check [ "$(wc -l <out)" -eq 1 ]
expect 2 run tiny.yaml --json --threads "$(printf 'a"\\\t\001\377z')"
every_line_is_json out
says out '"message_type": "error"'

# Longer: a JSON line every second, a plain line every ten.
expect 75 run endless.yaml --json --max-time 11 --threads 1
every_line_is_json out
tail -n 1 out >last
# Never more often, on any machine; no less often than every second time, on one that others use too.
check $python -c '
import json
lines = [json.loads(line) for line in open("out")]
seconds = lines[-1]["wall_seconds"]
status = sum(line["message_type"] == "status" for line in lines)
plain = open("err").read().count(" %, ")
assert seconds / 2 - 1 <= status <= seconds + 2, (status, seconds)
assert 1 <= plain <= seconds / 10 + 2, (plain, seconds)'
says err "steps/s"

# A terminal.
if ! command -v script >script.log; then
  echo "no terminal test: the program 'script' is not here"
  report
fi
on_terminal() { # VARIABLE=VALUE... run ARGUMENTS: the terminal's text is in the file screen
  rm -f endless.h5 tiny.h5
  script -qec "env $*" screen >script.log 2>&1
}
rewritten() { # lines that were rewritten in place: \r not before \n
  $python -c 'import re; print(len(re.findall(rb"\r(?![\r\n])", open("screen", "rb").read())))'
}
longer() { # a busy machine has written few lines: once more, and longer
  for seconds in 1 4 16 64; do
    on_terminal "$@" "$program" run endless.yaml --threads 1 --max-time $seconds
    [ "$(rewritten)" -lt 3 ] || break
  done
  check [ "$(rewritten)" -ge 3 ]
}
longer TERM=xterm
says screen "steps/s"
says screen "${escape}[32m"
longer TERM=xterm NO_COLOR=1
has_no screen "$escape"
on_terminal TERM=dumb "$program" run endless.yaml --threads 1 --max-time 1
has_no screen "$escape"
on_terminal TERM=xterm CI=true "$program" run endless.yaml --threads 1 --max-time 1
check [ "$(rewritten)" -eq 0 ]
on_terminal TERM=xterm "$program" run endless.yaml --threads 1 --max-time 1 --quiet
check [ "$(rewritten)" -eq 0 ]
on_terminal TERM=xterm "$program" run tiny.yaml
says screen "100.0 %"
says screen "a tiny study"
# A narrow terminal: the line is cut, not wrapped.
on_terminal TERM=xterm NO_COLOR=1 sh -c "'stty cols 40; exec $program run endless.yaml --threads 1 --max-time 1'"
check $python -c '
import re
lines = re.split(rb"\r\n|\r", open("screen", "rb").read())
assert all(len(l.decode()) < 40 for l in lines if b" % " in l), lines'
report
