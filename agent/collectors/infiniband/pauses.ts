// Priority flow control of a RoCE port, where the kernel has files for it beside the interface's statistics. The names are
// those of mlx5's ethtool statistics: rx_prio3_pause in frames, rx_prio3_pause_duration in microseconds. The statistics
// themselves need an ioctl on a socket, which is no file.
import type { CounterSeries, SeriesGroup } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';

export interface PauseFile {
  readonly path: string;
  readonly direction: 'tx' | 'rx';
  readonly priority: string;
  readonly counts: 'frames' | 'microseconds';
}

export function findPauses(tree: Tree, netPath: string): readonly PauseFile[] {
  return tree.names(`${netPath}/statistics`).flatMap((name) => {
    const [, direction, priority, duration] = /^([tr]x)_prio([0-7])_pause(_duration)?$/.exec(name) ?? [];
    if ((direction !== 'tx' && direction !== 'rx') || priority === undefined) return [];
    const counts = duration === undefined ? 'frames' : 'microseconds';
    return [{ path: `${netPath}/statistics/${name}`, direction, priority, counts }];
  });
}

export function pauseSeries(
  group: SeriesGroup,
  { direction, priority, counts }: PauseFile,
  port: { readonly device: string; readonly port: string },
): CounterSeries {
  const labels = { ...port, direction, priority };
  return counts === 'frames'
    ? group.counter('infiniband_pfc_pauses_total', labels)
    : group.counter('infiniband_pfc_pause_seconds_total', labels);
}
