// The program that a node without an agent runs for us: a loop of the POSIX shell that answers questions about files.
// It reads and prints; it writes nothing, starts only `cat` and `uname`, and ends with its connection. Sizes are bytes.
//
//   to the node                       from the node
//   1 ID KIND PATH   now, once        KIND SIZE ID newline CONTENT newline
//   f ID KIND PATH   every round      E SIZE ID newline ERRNO newline
//   s ID KIND PATH   in full rounds   Z 0 ROUND newline newline          (the end of a round)
//   -                forget f and s
//   r DIR            every path starts below DIR (tests)
//   Z ROUND f|s      go
//
// KIND: f the text of a small file, c of a large one, l the names in a directory (parted by /), p where a directory
// really is, x whether there is anything.

export const GREETING = 'whyidle-relay 1';

/** Files are read by the shell itself: a program for each would cost the node far more than the reading. */
const script = String.raw`
LC_ALL=C; export LC_ALL
exec 2>/dev/null
set -f
n="
"
IFS=$n
r=
A=
B=
say() { printf "%s %s %s\n%s\n" "$1" "$\{#3}" "$2" "$3"; }
why() {
  if ! [ -e "$r$2" ]; then e=ENOENT
  elif ! [ -r "$r$2" ]; then e=EACCES
  elif ! [ -f "$r$2" ]; then e=EISDIR
  else
    case $(cat -- "$r$2" 2>&1 >/dev/null) in
      "") say f "$1" ""; return;;
      *"ermission denied"*|*"not permitted"*) e=EACCES;;
      *"nvalid argument"*) e=EINVAL;;
      *"nput/output error"*|*"I/O error"*) e=EIO;;
      *"o such device"*) e=ENODEV;;
      *"o such file"*) e=ENOENT;;
      *"not supported"*) e=EOPNOTSUPP;;
      *"temporarily unavailable"*) e=EAGAIN;;
      *"timed out"*) e=ETIMEDOUT;;
      *) e=EOTHER;;
    esac
  fi
  say E "$1" "$e"
}
small() {
  v=
  if [ -f "$r$2" ] && [ -r "$r$2" ]; then
    while IFS= read -r l; do v=$v$l$n; l=; done <"$r$2"
    v=$v$l; l=
  fi
  if [ -n "$v" ]; then say f "$1" "$v"; else why "$1" "$2"; fi
}
large() {
  v=
  if [ -f "$r$2" ] && [ -r "$r$2" ]; then v=$(cat -- "$r$2"; echo .); v=$\{v%.}; fi
  if [ -n "$v" ]; then say f "$1" "$v"; else why "$1" "$2"; fi
}
names() {
  if ! [ -e "$r$2" ]; then say E "$1" ENOENT
  elif ! [ -d "$r$2" ]; then say E "$1" ENOTDIR
  elif ! [ -r "$r$2" ]; then say E "$1" EACCES
  else
    v=
    set +f
    for q in "$r$2"/*; do
      if [ -e "$q" ] || [ -h "$q" ]; then v=$v/$\{q##*/}; fi
    done
    set -f
    say l "$1" "$\{v#/}"
  fi
}
place() {
  if cd -P -- "$r$2"; then q=$PWD; cd /; say p "$1" "$\{q#"$r"}"
  elif [ -e "$r$2" ]; then
    if cd -P -- "$r$\{2%/*}/"; then q=$PWD; cd /; say p "$1" "$\{q#"$r"}/$\{2##*/}"; else say E "$1" EACCES; fi
  else say E "$1" ENOENT; fi
}
there() {
  if [ -e "$r$2" ] || [ -h "$r$2" ]; then say x "$1" ""; else say E "$1" ENOENT; fi
}
one() {
  i=$\{1%% *}; k=$\{1#* }; p=$\{k#* }; k=$\{k%% *}
  case $k in
    f) small "$i" "$p";;
    c) large "$i" "$p";;
    l) names "$i" "$p";;
    p) place "$i" "$p";;
    x) there "$i" "$p";;
  esac
}
all() { for w in $1; do one "$w"; done; }
printf "\n%s %s\n" "${GREETING}" "$(uname -m)"
while IFS= read -r c; do
  case $c in
    "1 "*) one "$\{c#1 }";;
    "f "*) A=$A$\{c#f }$n;;
    "s "*) B=$B$\{c#s }$n;;
    -) A=; B=;;
    "r "*) if cd -P -- "$\{c#r }"; then r=$PWD; r=$\{r%/}; cd /; else exit 1; fi;;
    Z\ *\ f) all "$A"; c=$\{c#Z }; say Z "$\{c%% *}" "";;
    Z\ *\ s) all "$A"; all "$B"; c=$\{c#Z }; say Z "$\{c%% *}" "";;
    *) exit 1;;
  esac
done
`.replaceAll('$\\{', '${');

/** The command line for the login shell of the user, which may be another shell than the POSIX one. */
export const remoteCommand = `exec /bin/sh -c '${script.trim()}'`;
/** The same for a local shell. */
export const remoteScript = script;
