// Stand-ins for infiniband-diags on the node that looks at the simulated fabric: shell scripts that print what was written for
// them a few seconds ago. Arguments and exit codes as of the real ones: ibqueryerrors ends with 1 when it found errors.
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FabricPortView } from '../fabric/model.ts';
import type { FabricDevice } from '../fabric/topology.ts';
import {
  countersOf,
  renderLinkInfo,
  renderNetDiscover,
  renderQueryErrors,
  type FabricMoment,
} from './infiniband-diags.ts';

/** What a device is asked for by perfquery besides its counts. */
interface Traits {
  readonly capabilityMask: string;
  readonly capabilityMask2: string;
  readonly tick: number;
}

const switchTraits: Traits = { capabilityMask: '0x5300', capabilityMask2: '0x0000002', tick: 7 };
/** One tick of these is 32 bytes on each lane. */
const adapterTraits: Traits = { capabilityMask: '0x5A00', capabilityMask2: '0x0000000', tick: 31 };

/** Columns of the list of ports, as the script reads them. */
const columns = [
  'SymbolErrorCounter',
  'LinkErrorRecoveryCounter',
  'LinkDownedCounter',
  'PortRcvErrors',
  'PortXmitWait',
  'PortXmitData',
  'PortRcvData',
  'PortXmitPkts',
  'PortRcvPkts',
] as const;

export class FabricTools {
  /** Where the programs are. */
  readonly directory: string;
  readonly #answers: string;

  constructor(directory: string) {
    this.directory = directory;
    this.#answers = join(directory, 'answers');
    mkdirSync(this.#answers, { recursive: true });
    for (const [name, script] of Object.entries(scripts(this.#answers))) {
      writeFileSync(join(directory, name), script);
      chmodSync(join(directory, name), 0o755);
    }
  }

  update(moment: FabricMoment): void {
    this.#write('ibnetdiscover', renderNetDiscover(moment));
    this.#write('iblinkinfo', renderLinkInfo(moment, { oneLine: false }));
    this.#write('iblinkinfo-l', renderLinkInfo(moment, { oneLine: true }));
    this.#write('errors', renderQueryErrors(moment, 'errors'));
    this.#write('counters', renderQueryErrors(moment, 'data'));
    this.#write('ports', renderPorts(moment));
  }

  /** As a whole, so that a reader has the old text or the new one. */
  #write(name: string, text: string): void {
    const file = join(this.#answers, name);
    writeFileSync(`${file}.next`, text);
    renameSync(`${file}.next`, file);
  }
}

/** LID, port, masks, tick and counts, one port a line. */
function renderPorts({ fabric, ports }: FabricMoment): string {
  return ports
    .map((view) => {
      const device = fabric.devices[view.end.device];
      return device ? `${portLine(device, view)}\n` : '';
    })
    .join('');
}

function portLine({ kind, lid }: FabricDevice, view: FabricPortView): string {
  const { capabilityMask, capabilityMask2, tick } = kind === 'switch' ? switchTraits : adapterTraits;
  const counts = countersOf(view);
  const cells = [
    lid,
    view.end.port,
    capabilityMask,
    capabilityMask2,
    tick,
    ...columns.map((name) => counts[name] ?? 0n),
  ];
  return cells.join(' ');
}

function scripts(answers: string): Readonly<Record<string, string>> {
  const start = `#!/bin/sh\n# Stand-in of a simulated node.\ndir='${answers.replaceAll("'", `'\\''`)}'\n`;
  return {
    ibnetdiscover: `${start}exec cat "$dir/ibnetdiscover"\n`,
    iblinkinfo: `${start}case " $* " in\n  *' -l '* | *' --line '*) exec cat "$dir/iblinkinfo-l" ;;\n  *) exec cat "$dir/iblinkinfo" ;;\nesac\n`,
    ibqueryerrors: `${start}case " $* " in\n  *' --counters '*) exec cat "$dir/counters" ;;\nesac\ncat "$dir/errors"\ncase $(tail -n 3 "$dir/errors") in\n  *' 0 ports have errors'*) exit 0 ;;\n  *) exit 1 ;;\nesac\n`,
    perfquery: start + PERFQUERY,
  };
}

const PERFQUERY = `what= lid= port=
for argument in "$@"; do
  case $argument in
    -x | -c | -D | -E) what=$argument ;;
    -*) echo "stand-in: $argument is not known" >&2; exit 1 ;;
    *) if [ -z "$lid" ]; then lid=$argument; else port=$argument; fi ;;
  esac
done
row() { printf '%s%s%s\\n' "$1:" "$(printf '%.*s' $((32 - \${#1})) ................................)" "$2"; }
data() {
  row PortXmitData "$xmit_data"
  row PortRcvData "$rcv_data"
  row PortXmitPkts "$xmit_pkts"
  row PortRcvPkts "$rcv_pkts"
}
errors() {
  row SymbolErrorCounter "$symbol"
  row LinkErrorRecoveryCounter "$recovery"
  row LinkDownedCounter "$downed"
  row PortRcvErrors "$receive"
  row PortRcvRemotePhysicalErrors 0
  row PortRcvSwitchRelayErrors 0
  row PortXmitDiscards 0
  row PortXmitConstraintErrors 0
  row PortRcvConstraintErrors 0
}
begin() {
  echo "# $1: Lid $lid port $port$2"
  row PortSelect "$port"
  row CounterSelect 0x0000
}
while read -r one number mask mask2 tick symbol recovery downed receive wait xmit_data rcv_data xmit_pkts rcv_pkts; do
  [ "$one" = "$lid" ] || continue
  [ "$number" = "\${port:-$number}" ] || continue
  port=$number
  case $what in
    -x)
      begin 'Port extended counters' " (CapMask: $mask CapMask2: $mask2)"
      data
      row PortUnicastXmitPkts "$xmit_pkts"
      row PortUnicastRcvPkts "$rcv_pkts"
      row PortMulticastXmitPkts 0
      row PortMulticastRcvPkts 0
      row CounterSelect2 0x00000000
      [ "$mask2" = 0x0000002 ] || symbol=0 recovery=0 downed=0 receive=0 wait=0
      errors
      row LocalLinkIntegrityErrors 0
      row ExcessiveBufferOverrunErrors 0
      row VL15Dropped 0
      row PortXmitWait "$wait"
      row QP1Dropped 0
      ;;
    -c)
      echo "# PortSamplesControl: Lid $lid port $port"
      row OpCode 0x0
      row PortSelect "$port"
      row Tick "$tick"
      row CounterWidth 1
      ;;
    -D)
      begin 'PortXmitDiscardDetails counters' ''
      for name in PortInactiveDiscards PortNeighborMTUDiscards PortSwLifetimeLimitDiscards PortSwHOQLifetimeLimitDiscards; do row $name 0; done
      ;;
    -E)
      begin 'PortRcvErrorDetails counters' ''
      row PortLocalPhysicalErrors "$receive"
      for name in PortMalformedPktErrors PortBufferOverrunErrors PortDLIDMappingErrors PortVLMappingErrors PortLoopingErrors; do row $name 0; done
      ;;
    *)
      begin 'Port counters' " (CapMask: $mask)"
      # Higher counts stop at the width of this set.
      errors
      row CounterSelect2 0x00
      row LocalLinkIntegrityErrors 0
      row ExcessiveBufferOverrunErrors 0
      row QP1Dropped 0
      row VL15Dropped 0
      for value in xmit_data rcv_data xmit_pkts rcv_pkts wait; do
        eval "count=\\$$value"
        [ "\${#count}" -lt 10 ] || [ "$count" -le 4294967295 ] || eval "$value=4294967295"
      done
      data
      row PortXmitWait "$wait"
      ;;
  esac
  exit 0
done < "$dir/ports"
echo "ibwarn: mad_rpc_open_port: no port $port at LID $lid" >&2
exit 1
`;
