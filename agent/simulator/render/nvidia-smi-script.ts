// The stand-in for nvidia-smi: a shell script, since one Node process per node would need gigabytes. It answers questions
// from files beside it; for --query-gpu it leaves a request, becomes `cat` of a pipe, and the simulator feeds that pipe; for
// the other questions about this moment it leaves a request, waits for the exit code, and prints what the simulator wrote.
// Messages and exit codes are the real tool's: nvidia-smi(1), RETURN VALUE.
import { reportNames } from './nvidia-smi-reports.ts';
import { appFields } from './nvidia-smi.ts';

/** `directory` holds fields, help, list, apps, topology and requests/. */
export function renderScript(directory: string): string {
  return `#!/bin/sh
# Stand-in for nvidia-smi of one simulated node.
dir='${directory.replaceAll("'", `'\\''`)}'
query= apps= format=csv loop=0 what= part= id=
refuse() {
  echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."
  exit 1
}
while [ $# -gt 0 ]; do
  case $1 in
    --query-gpu=*) query=\${1#*=} ;;
    --query-compute-apps=*) apps=\${1#*=} ;;
    --format=*) format=\${1#*=} ;;
    --loop-ms=*) loop=\${1#*=} ;;
    -lms) shift; loop=\${1:-0} ;;
    --loop=*) loop=\${1#*=}000 ;;
    -l) shift; loop=\${1:-5}000 ;;
    -L | --list-gpus) exec cat "$dir/list" ;;
    --help-query-gpu) exec cat "$dir/help" ;;
    nvlink | topo | pmon) what=$1 ;;
    -q | --query) what=q ;;
    -x | --xml-format) part=x ;;
    -m | --matrix) part=m ;;
    -e | --errorcounters) part=e ;;
    -gt | --getthroughput) shift; part=gt-\${1:-} ;;
    -s | --status | --select) if [ "$what" = pmon ]; then shift; else part=s; fi ;;
    -c | --count) shift ;;
    -i) shift; id=\${1:-} ;;
    --id=*) id=\${1#*=} ;;
    *) refuse ;;
  esac
  [ $# -eq 0 ] || shift
done

# Leaves a question and prints the answer to it.
ask() {
  request=$dir/requests/$$ code=
  printf 'report\\n%s\\n%s\\n' "$1" "$id" > "$request"
  mkfifo "$request.pipe" || exit 255
  read -r code < "$request.pipe"
  [ -n "$code" ] && cat "$request.answer"
  rm -f "$request" "$request.answer" "$request.pipe"
  exit "\${code:-255}"
}

# Every word of the list $2 must be in the list $1.
check() {
  rest=$2,
  while [ -n "$rest" ]; do
    field=\${rest%%,*}
    rest=\${rest#*,}
    case $1 in
      *",$field,"*) ;;
      *) echo "Field \\"$field\\" is not a valid field to query."; echo; exit 2 ;;
    esac
  done
}

print_apps() {
  while IFS='|' read -r ${appFields.join(' ')}; do
    line= rest=$apps,
    while [ -n "$rest" ]; do
      field=\${rest%%,*}
      rest=\${rest#*,}
      case $field in
        name) field=process_name ;;
        used_memory) field=used_gpu_memory ;;
      esac
      eval "cell=\\$$field"
      case $format in *nounits*) cell=\${cell% MiB} ;; esac
      line="\${line:+$line, }$cell"
    done
    printf '%s\\n' "$line"
  done
}

if [ -n "$query" ]; then
  read -r known < "$dir/fields"
  check "$known" "$query"
  printf '%s\\n%s\\n%s\\n' "$loop" "$format" "$query" > "$dir/requests/$$"
  mkfifo "$dir/requests/$$.pipe" || exit 255
  exec cat "$dir/requests/$$.pipe"
elif [ -n "$apps" ]; then
  check ',${[...appFields, 'name', 'used_memory'].join(',')},' "$apps"
  case $format in
    *noheader*) ;;
    *) printf '%s\\n' '${appHeader()}' | print_apps ;;
  esac
  print_apps < "$dir/apps"
elif [ -n "$what" ]; then
  case $what-$part in
    topo-m) exec cat "$dir/topology" ;;
    ${reportNames.map((name) => (name === 'pmon' ? 'pmon-' : name)).join(' | ')}) ask "\${what}\${part:+-$part}" ;;
    *) refuse ;;
  esac
else
  cat "$dir/list"
fi
`;
}

/** The header goes through the same columns as the cells. */
function appHeader(): string {
  return appFields.map((field) => (field === 'used_gpu_memory' ? 'used_gpu_memory [MiB]' : field)).join('|');
}
