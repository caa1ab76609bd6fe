// One simulated node on disk: the tree its agent reads below DIRECTORY/root, and its nvidia-smi.
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDisks } from './render/block.ts';
import { writeHealth } from './render/health.ts';
import { writeGpuDevices, writeIdentity } from './render/identity.ts';
import { writeInfiniband } from './render/infiniband.ts';
import { JobFiles } from './render/job-files.ts';
import { KmsgFile } from './render/kmsg.ts';
import { writeEthernet } from './render/network.ts';
import { NvidiaSmiFeed } from './render/nvidia-smi-feed.ts';
import { renderScript } from './render/nvidia-smi-script.ts';
import { renderTopology } from './render/nvidia-smi-topology.ts';
import { gpuFieldNames, renderApps, renderHelp, renderList } from './render/nvidia-smi.ts';
import { writeProc } from './render/proc.ts';
import { writeSharedStorage } from './render/shared-storage.ts';
import { TreeWriter, type FilePool } from './render/tree-writer.ts';
import type { NodeState } from './workload.ts';

export interface NodeMoment {
  readonly wall: Date;
  readonly monotonicMs: number;
}

export class NodeTree {
  readonly root: string;
  readonly nvidiaSmi: string;
  readonly #tree: TreeWriter<NodeState>;
  readonly #feed: NvidiaSmiFeed;
  readonly #kmsg: KmsgFile;
  readonly #jobs: JobFiles;
  readonly #smi: string;
  #apps = '';
  #list = '';

  /** Lays the node out in an empty or new directory. Nodes that share a pool share their fixed files. */
  constructor(directory: string, state: NodeState, pool?: FilePool) {
    this.root = join(directory, 'root');
    this.nvidiaSmi = join(directory, 'nvidia-smi');
    this.#smi = join(directory, 'smi');
    this.#tree = new TreeWriter(this.root, pool);
    writeIdentity(this.#tree, state.hardware);
    writeProc(this.#tree, state.hardware);
    writeDisks(this.#tree, state.hardware);
    writeEthernet(this.#tree, state.hardware);
    writeInfiniband(this.#tree, state.hardware);
    writeGpuDevices(this.#tree, state.hardware);
    writeHealth(this.#tree, state.hardware);
    writeSharedStorage(this.#tree, state.hardware);
    this.#jobs = new JobFiles(this.root, state.hardware);
    this.#writeNvidiaSmi(state);
    this.#kmsg = new KmsgFile(this.root);
    this.#feed = new NvidiaSmiFeed(join(this.#smi, 'requests'));
    this.update(state);
  }

  /** Brings the files up to a state; whoever reads them sees it from now on. */
  update(state: NodeState, moment?: NodeMoment): void {
    this.#tree.update(state);
    this.#jobs.update(state);
    this.#kmsg.update(state.kernelLog);
    this.#updateList(state);
    this.#updateApps(state, moment?.wall ?? new Date());
    if (moment) this.#feed.tick({ state, ...moment });
  }

  /** Lets go of files and pipes; loops of nvidia-smi end. */
  close(): void {
    this.#tree.close();
    this.#jobs.close();
    this.#kmsg.close();
    this.#feed.close();
  }

  #writeNvidiaSmi(state: NodeState): void {
    mkdirSync(join(this.#smi, 'requests'), { recursive: true });
    writeFileSync(join(this.#smi, 'fields'), `,${gpuFieldNames.join(',')},\n`);
    writeFileSync(join(this.#smi, 'help'), renderHelp());
    writeFileSync(join(this.#smi, 'topology'), renderTopology(state.hardware));
    this.#updateList(state);
    writeFileSync(join(this.#smi, 'apps'), '');
    writeFileSync(this.nvidiaSmi, renderScript(this.#smi));
    chmodSync(this.nvidiaSmi, 0o755);
  }

  /** Only when a GPU went or came back. */
  #updateList(state: NodeState): void {
    const list = state.gpus.map(({ lost }) => String(lost)).join();
    if (list === this.#list) return;
    this.#list = list;
    this.#replace('list', renderList(state));
  }

  /** Only when processes came, went or grew. */
  #updateApps(state: NodeState, wall: Date): void {
    const apps = state.gpus.map(({ process }) => (process ? `${process.pid} ${process.memoryMiB}` : '')).join();
    if (apps === this.#apps) return;
    this.#apps = apps;
    this.#replace('apps', renderApps(state, wall));
  }

  /** As a whole, so that a reader has the old text or the new one. */
  #replace(name: string, text: string): void {
    writeFileSync(join(this.#smi, `${name}.next`), text);
    renameSync(join(this.#smi, `${name}.next`), join(this.#smi, name));
  }
}
