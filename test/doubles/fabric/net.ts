// Two-level fat trees in the form of ibnetdiscover's listing, which ibsim loads and our parser reads.

export interface FatTree {
  readonly hosts: number;
  readonly hostsPerLeaf: number;
  readonly spines: number;
  /** Links between each leaf and each spine. */
  readonly uplinks: number;
  /** Rate of a link by `switchGuid/port`; all others are 4xEDR. */
  readonly rates?: ReadonlyMap<string, string>;
}

export interface NetPort {
  readonly guid: string;
  readonly port: number;
}

export interface NetLink {
  readonly near: NetPort;
  readonly far: NetPort;
}

export interface Net {
  readonly text: string;
  readonly devices: number;
  readonly links: readonly NetLink[];
  readonly hostGuid: (host: number) => string;
  readonly leafGuid: (leaf: number) => string;
  readonly spineGuid: (spine: number) => string;
}

const SWITCH_PORTS = 36;
const guidOf = (family: number, number: number): string =>
  (0x5000_0000_0000_0000n + (BigInt(family) << 32n) + (BigInt(number) << 8n)).toString(16);

/** Hosts, leaves and spines are counted from 0. */
export const hostGuid = (host: number): string => guidOf(1, host);
export const leafGuid = (leaf: number): string => guidOf(2, leaf);
export const spineGuid = (spine: number): string => guidOf(3, spine);
const portGuid = (guid: string): string => (BigInt(`0x${guid}`) + 1n).toString(16);

export function renderFatTree(tree: FatTree): Net {
  const leaves = Math.ceil(tree.hosts / tree.hostsPerLeaf);
  const links = [...hostLinks(tree), ...uplinks(tree, leaves)];
  const switches = [
    ...Array.from({ length: leaves }, (_, leaf) => ({ guid: leafGuid(leaf), name: `leaf${leaf + 1}` })),
    ...Array.from({ length: tree.spines }, (_, spine) => ({ guid: spineGuid(spine), name: `spine${spine + 1}` })),
  ];
  const names = new Map(switches.map(({ guid, name }) => [guid, name]));
  for (let host = 0; host < tree.hosts; host++) names.set(hostGuid(host), nameOfHost(host));
  const write = new Writer(links, names, tree.rates ?? new Map());
  const hosts = Array.from({ length: tree.hosts }, (_, host) => write.host(hostGuid(host)));
  return {
    text: [...hosts, ...switches.map(({ guid }) => write.fabricSwitch(guid))].join('\n'),
    devices: tree.hosts + switches.length,
    ...{ links, hostGuid, leafGuid, spineGuid },
  };
}

const nameOfHost = (host: number): string => `gpu${String(host + 1).padStart(3, '0')} mlx5_0`;

function hostLinks({ hosts, hostsPerLeaf }: FatTree): readonly NetLink[] {
  return Array.from({ length: hosts }, (_, host) => ({
    near: { guid: hostGuid(host), port: 1 },
    far: { guid: leafGuid(Math.floor(host / hostsPerLeaf)), port: (host % hostsPerLeaf) + 1 },
  }));
}

function uplinks({ hostsPerLeaf, spines, uplinks: perSpine }: FatTree, leaves: number): readonly NetLink[] {
  const links: NetLink[] = [];
  for (let leaf = 0; leaf < leaves; leaf++)
    for (let spine = 0; spine < spines; spine++)
      for (let link = 0; link < perSpine; link++)
        links.push({
          near: { guid: leafGuid(leaf), port: hostsPerLeaf + spine * perSpine + link + 1 },
          far: { guid: spineGuid(spine), port: leaf * perSpine + link + 1 },
        });
  return links;
}

class Writer {
  readonly #ends = new Map<string, { readonly port: number; readonly peer: NetPort; readonly rate: string }[]>();
  readonly #names: ReadonlyMap<string, string>;

  constructor(links: readonly NetLink[], names: ReadonlyMap<string, string>, rates: ReadonlyMap<string, string>) {
    this.#names = names;
    for (const { near, far } of links) {
      const rate = rates.get(`${near.guid}/${near.port}`) ?? rates.get(`${far.guid}/${far.port}`) ?? '4xEDR';
      this.#add(near, far, rate);
      this.#add(far, near, rate);
    }
  }

  host(guid: string): string {
    const [end] = this.#ends.get(guid) ?? [];
    const port = end
      ? `[1](${portGuid(guid)}) \t"S-${end.peer.guid}"[${end.peer.port}]\t\t# lid 0 lmc 0 "${this.#name(end.peer.guid)}" lid 0 ${end.rate}`
      : '';
    return `vendid=0x2c9\ndevid=0x1017\nsysimgguid=0x${guid}\ncaguid=0x${guid}\nCa\t1 "H-${guid}"\t\t# "${this.#name(guid)}"\n${port}\n`;
  }

  fabricSwitch(guid: string): string {
    const ports = (this.#ends.get(guid) ?? []).map(
      ({ port, peer, rate }) => `[${port}]\t${this.#far(peer)}\t\t# "${this.#name(peer.guid)}" lid 0 ${rate}`,
    );
    const head = `vendid=0x2c9\ndevid=0xcf08\nsysimgguid=0x${guid}\nswitchguid=0x${guid}(${guid})\n`;
    return `${head}Switch\t${SWITCH_PORTS} "S-${guid}"\t\t# "${this.#name(guid)}" base port 0 lid 0 lmc 0\n${ports.join('\n')}\n`;
  }

  #far({ guid, port }: NetPort): string {
    return guid.startsWith(hostGuid(0).slice(0, 8))
      ? `"H-${guid}"[${port}](${portGuid(guid)})`
      : `"S-${guid}"[${port}]`;
  }

  #name(guid: string): string {
    return this.#names.get(guid) ?? '';
  }

  #add({ guid, port }: NetPort, peer: NetPort, rate: string): void {
    if (port > SWITCH_PORTS) throw new Error(`${this.#name(guid)} has no port ${port}`);
    const ends = this.#ends.get(guid) ?? [];
    ends.push({ port, peer, rate });
    this.#ends.set(guid, ends);
  }
}
