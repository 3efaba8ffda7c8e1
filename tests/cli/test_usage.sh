#!/bin/sh
# Wrong use is exit code 2 with a message that says what is right; every command has a help text.
. tests/cli/harness.inc

# usage_error TEXT ARGUMENT...: exit code 2, nothing on stdout, the text and a usage line on stderr, one screen.
usage_error() {
  text=$1
  shift
  expect 2 "$@"
  is_empty out
  says err "$text"
  says err "usage: ensgrad"
  check [ "$(wc -l <err)" -le 24 ]
}

write_study study.yaml 2^10 8

usage_error "which command?"
usage_error "unknown command 'rnu'; did you mean 'run'?" rnu study.yaml
usage_error "unknown command 'xyzzy'" xyzzy
usage_error "unknown command ''" ""
usage_error "unknown option '--versoin'; did you mean '--version'?" --versoin
usage_error "unknown option '-x'" -x
usage_error "--json alone" --json
usage_error "no help for 'exprot'; did you mean 'export'?" help exprot
usage_error "no help for 'stud'; did you mean 'study'?" help stud
usage_error "too many" help run check

usage_error "STUDY.yaml is missing" run
usage_error "'two.yaml' is one argument too many" run study.yaml two.yaml
usage_error "unknown option '--ouptut'; did you mean '--output'?" run study.yaml --ouptut x.h5
usage_error "unknown option '--snap'; did you mean '--snapshot'?" run study.yaml --snap 5
usage_error "unknown option '--forc'; did you mean '--force'?" run study.yaml --forc
usage_error "unknown option '-z'" run study.yaml -z
usage_error "option '--output' needs a value" run study.yaml --output
usage_error "option '-o' needs a value" run study.yaml -o
usage_error "option '--force' takes no value" run study.yaml --force=yes
usage_error "name of the output file is empty" run study.yaml -o ""
usage_error "the result needs a file of its own" run study.yaml -o ./study.yaml --force
usage_error "unknown backend 'cdua'; did you mean 'cuda'? allowed: auto, cpu, cuda, all" run study.yaml --backend cdua
for threads in 0 -1 two 1.5 "" 99999999999999999999; do
  usage_error "is not a number from 1 to" run study.yaml --threads "$threads"
done
for time in 0 -1 soon 5x 0x10 nan inf 1e999 5m3 "" " 5" "5 m"; do
  usage_error "is no positive time" run study.yaml --max-time "$time"
  usage_error "is no positive time" run study.yaml --snapshot "$time"
done
for set in realisations "=5" ""; do
  usage_error "is not KEY=VALUE" run study.yaml --set "$set"
  usage_error "is not KEY=VALUE" check study.yaml --set "$set"
done
check [ ! -e study.h5 ]

usage_error "STUDY.yaml is missing" check
usage_error "unknown option '--force'" check study.yaml --force
usage_error "FILE.h5 is missing" info
usage_error "FILE.h5 is missing" verify
usage_error "FILE.h5 is missing" export
usage_error "kinds: weak-error" new
usage_error "unknown kind 'weak-eror'; did you mean 'weak-error'?" new weak-eror
usage_error "too many" models a b
usage_error "too many" devices a
usage_error "unknown backend" selftest --backend tpu

# Errors of use are JSON lines, too.
expect 2 run study.yaml --threads none --json
says out '"message_type": "error"'
says out '"exit_code": 2'
expect 2 run study.yaml --thraeds 3 --json
says out '"message_type": "error"'

# Help.
expect 0 help
cp out overview
says out "usage: ensgrad COMMAND"
expect 0 --help
same out overview
expect 0 -h
same out overview
for command in run check info export replay verify new models devices selftest help; do
  says overview "  $command "
  expect 0 help "$command"
  is_empty err
  says out "usage: ensgrad $command"
  says out "--help"
  cp out text
  expect 0 "$command" --help
  same out text
  check [ "$(awk '{ if (length($0) > n) n = length($0) } END { print n + 0 }' text)" -le 110 ]
done
for option in --output --force --threads --backend --set --snapshot --max-time --json --quiet; do
  "$program" help run >out
  says out "$option"
done
expect 0 help study
says out "realisations"
expect 0 help dynamics
says out "gradient-flow"
says out "arXiv 2302.07125"
expect 0 help statistics
says out "time-averaged-msd"
says out "Richardson"
expect 0 --version
says out "ensgrad "
expect 0 -V
expect 0 --version --json
check /usr/bin/python3 -m json.tool out /dev/null

# new: writes what check accepts, and replaces nothing.
for kind in weak-error diffusion ornstein-uhlenbeck; do
  expect 0 new "$kind"
  says out "$kind.yaml written"
  expect 0 check "$kind.yaml"
  cp "$kind.yaml" before
  expect 5 new "$kind"
  says err "File exists"
  same "$kind.yaml" before
  expect 0 new "$kind" -o -
  same out before
done
expect 5 new weak-error -o nowhere/x.yaml

expect 0 models
says out "ornstein-uhlenbeck"
says out "source: "
expect 0 models ornstein-uhlenbeck
says out "rate"
expect 2 models orntsein
expect 0 devices
says out "cpu"

# Output that cannot be written is noticed.
for command in "help" "help study" "help dynamics" "help statistics" "models" "devices" "--version" "new weak-error -o -" "check study.yaml"; do
  # shellcheck disable=SC2086 # words
  "$program" $command >/dev/full 2>err
  check [ $? -eq 5 ]
  says err "No space left on device"
  ! grep -q under_valgrind "$program" || continue # its log takes the place of a closed output
  # shellcheck disable=SC2086
  "$program" $command >&- 2>err
  check [ $? -eq 5 ]
done
# A reader that leaves is no reason to complain.
{ "$program" help study 2>err; echo $? >code; } | true
is_empty err
report
