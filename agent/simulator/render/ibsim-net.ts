// The simulated fabric as a net file of ibsim, so that the real tools can look at it: ibnetdiscover's own listing, with the
// adapter that looks first. ibsim(1), "Topology file".
import { renderNetDiscover, type FabricMoment } from './infiniband-diags.ts';

export function renderIbsimNet(moment: FabricMoment): string {
  const [head = '', ...devices] = renderNetDiscover(moment).split('\n\n');
  const own = devices.pop();
  return `${[head, ...(own === undefined ? [] : [own.trimEnd()]), ...devices].join('\n\n')}\n`;
}
