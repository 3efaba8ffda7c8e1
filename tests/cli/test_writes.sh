#!/bin/sh
# What is written: the output that is named and the temporary file beside it, the cache, folders for compilation; nothing else, by
# no command, as the system calls of all processes say (strace). And links that somebody plants are not followed.
. tests/cli/harness.inc
faults=$(dirname "$program")/tests/libfaults.so

# ---- a link in the place of the temporary file, planted the moment before it is made ----
mkdir result
write_study tiny.yaml 100 8
echo precious >victim
expect 0 run tiny.yaml -o straight.h5 -q
planted() { # CODE TIMES COMMAND..
  code=$1
  times=$2
  shift 2
  printf '#!/bin/sh\nLD_PRELOAD="%s" FAULT_KIND=plant FAULT_AT=%s FAULT_FILE="%s/victim" exec "%s" "$@"\n' "$faults" "$times" "$folder" \
    "$program" >planting
  chmod +x planting
  own=$program
  program=./planting
  expect "$code" "$@"
  program=$own
  check [ "$(cat victim)" = precious ]
}
if [ -e "$faults" ] && ! nm -D "$program" 2>/dev/null | grep -Eq '__(asan|tsan)_init'; then
  for command in "run tiny.yaml -o result/r.h5 -q" "merge straight.h5 -o result/r.h5 -q"; do
    # shellcheck disable=SC2086
    planted 0 3 $command
    check [ "$(find result -type l -name '*.tmp.*' | wc -l)" -ge 3 ]
    rm -r result
    mkdir result
    # shellcheck disable=SC2086
    planted 5 1000 $command
    says err "no temporary file can be created beside it"
    check [ "$(find result -type f | wc -l)" -eq 0 ]
    rm -r result
    mkdir result
  done
else
  echo "no $faults, or a sanitizer: nothing was planted"
fi

# ---- all that is opened for writing, made, renamed or removed ----
if grep -q under_valgrind "$program"; then
  echo "valgrind makes files of its own"
  report
fi
strace -f -o probe true 2>/dev/null || {
  echo "strace is missing or may not trace"
  [ "$failures" -eq 0 ] && exit 77
  report
}
mkdir work tmp
ENSGRAD_CACHE=$folder/cache TMPDIR=$folder/tmp
export ENSGRAD_CACHE TMPDIR
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" # of a build with sanitizers: leaks cannot be found under a tracer
export ENSGRAD_KERNELS="$root/kernels"
cp "$root/tests/conformance/user_model.h" work/sine.h
cat >work/sine.yaml <<END
seed: 6
model: {file: sine.h, sigma: 1}
start: {point: 1}
learning_rate: 1/8
horizon: 1
dynamics: [{name: sgd, batch_size: 1}]
realisations: 2^18
observe: {at: [1], features: [x], keep: {realisations: 2}}
END
cat >judge.py <<'END'
import os, re, sys
where, allowed = sys.argv[1], [a for a in sys.argv[2:]]
cwd, found = {}, set()
name = r'"((?:[^"\\]|\\.)*)"'
def full(folder, path):
    return os.path.normpath(os.path.join(folder, path))
for line in open("trace"):
    pid, call = line.split(None, 1)
    if re.search(r"= -1 |resumed>", call) and "unfinished" not in call:
        continue
    m = re.match(r"(\w+)\((.*)", call)
    if not m:
        continue
    what, rest = m.groups()
    paths = re.findall(r"(?:(AT_FDCWD|\d+)(?:<([^>]*)>)?, )?" + name, rest)
    if what.startswith("open") and not re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", rest):
        continue
    if what == "execve" or what == "chdir":
        continue
    for at, folder, path in paths:
        found.add((what, full(folder if folder and at != "AT_FDCWD" else where, path)))
bad = [(w, p) for w, p in sorted(found) if not any(re.fullmatch(a, p) for a in allowed)]
print(len(found), "writes", bad)
sys.exit(1 if bad else 0)
END
calls=open,openat,openat2,creat,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,symlink,symlinkat,link,linkat,truncate,mknod,mknodat,chmod,fchmodat,chown,fchownat,utimensat
# traced WHAT CODE ARGUMENT..: what the program, called in the folder work, may write: a regular expression of whole names.
traced() {
  what=$1
  code=$2
  shift 2
  checks=$((checks + 1))
  (cd work && strace -f -y -s 4096 -e trace=$calls -o ../trace "$program" "$@" >../out 2>../err)
  got=$?
  [ "$got" -eq "$code" ] || fail "exit code $got, expected $code: $* $(head -n 3 err)"
  check [ -s trace ]
  check /usr/bin/python3 judge.py "$folder/work" /dev/null /dev/tty "$what" >judged
  cat judged
}
# Compilation: a folder of its own, and the compiler's files, both in TMPDIR.
compiling="$folder/tmp/.*|$folder/cache(/.*)?"
beside() { # NAME
  echo "$folder/result/$1(\\.tmp\\.[0-9]+\\.[0-9a-f]{16})?"
}
traced "$(beside tiny.h5)" 0 run ../tiny.yaml -o ../result/tiny.h5 -q --snapshot 0.01 --backend cpu
check grep -q "result/tiny.h5.tmp" trace
traced "$(beside tiny.h5)" 0 run ../tiny.yaml -o ../result/tiny.h5 -q
traced "$(beside 'sine.h5')|$compiling" 0 run sine.yaml -o ../result/sine.h5 -q --backend cpu
check grep -Eq "$folder/tmp/ensgrad-[A-Za-z0-9]{6}/" trace
traced "$(beside 'longer.h5')|$compiling" 0 extend ../result/sine.h5 --realisations 2^19 -o ../result/longer.h5 --model sine.h -q --backend cpu
traced "$(beside 'sine.h5')|$compiling" 0 analyse ../result/sine.h5 --model sine.h
traced "$(beside 'path.csv')|$compiling" 0 replay ../result/sine.h5 --model sine.h --csv ../result/path.csv
traced "$(beside 'merged.h5')" 0 merge ../result/tiny.h5 -o ../result/merged.h5
traced "$(beside 'tiny.csv')" 0 export ../result/tiny.h5 --csv -o ../result/tiny.csv
traced none 0 export ../result/tiny.h5 --csv
traced none 0 info ../result/tiny.h5
traced none 0 verify ../result/tiny.h5
traced none 0 check ../tiny.yaml
traced none 0 devices
traced none 3 run ../tiny.yaml -o ../result/bad.h5 --set realisations=-1
traced "$(beside bad.h5)" 5 run ../tiny.yaml -o ../result/none/bad.h5
traced "$(beside tiny.h5)" 5 run ../tiny.yaml -o ../result/tiny.h5 --set seed=3
# nothing is left behind
check [ -z "$(find result tmp -name '*.tmp.*' -o -name 'cc*')" ]
# the judge sees what is not allowed
traced "$(beside other.h5)" 0 run ../tiny.yaml -o ../result/other.h5 -q
checks=$((checks + 1))
if /usr/bin/python3 judge.py "$folder/work" /dev/null "$(beside another.h5)" >judged; then
  fail "the judge takes everything"
fi
report
