// The stand-in for nvidia-smi: a shell script, since one Node process per node would need gigabytes. It answers questions
// from files beside it; for --query-gpu it leaves a request, becomes `cat` of a pipe, and the simulator feeds that pipe.
// Messages and exit codes are the real tool's: nvidia-smi(1), RETURN VALUE.
import { appFields } from './nvidia-smi.ts';

/** `directory` holds fields, help, list, apps and requests/. */
export function renderScript(directory: string): string {
  return `#!/bin/sh
# Stand-in for nvidia-smi of one simulated node.
dir='${directory.replaceAll("'", `'\\''`)}'
query= apps= format=csv loop=0
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
    *) echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."; exit 1 ;;
  esac
  shift
done

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
else
  cat "$dir/list"
fi
`;
}

/** The header goes through the same columns as the cells. */
function appHeader(): string {
  return appFields.map((field) => (field === 'used_gpu_memory' ? 'used_gpu_memory [MiB]' : field)).join('|');
}
