// A node of V100 with all three ways to read them, each of which can be broken while the agent runs: stand-in library,
// stand-in nvidia-smi, page of a dcgm-exporter. Every reading of each has a power of its own, so that none passes unseen.
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NvmlGpu } from '../../agent/simulator/render/nvml-layout.ts';
import { healthyV100, machineOf, NvmlDouble } from '../doubles/nvml/double.ts';
import { AgentProgram } from './gpu-agent.ts';
import { Tool } from './gpu-tool.ts';

export class GpuNode {
  readonly directory = mkdtempSync(join(tmpdir(), 'whyidle-node-'));
  readonly gpus: readonly NvmlGpu[];
  readonly nvml: NvmlDouble;
  readonly tool: Tool;
  readonly #agents: AgentProgram[] = [];
  #server: Server | undefined;
  #breathing: NodeJS.Timeout | undefined;
  #breaths = 0;
  #isRemoved = false;

  constructor(gpus: readonly NvmlGpu[] = machineOf(healthyV100, 8)) {
    this.gpus = gpus;
    this.nvml = new NvmlDouble(gpus);
    this.tool = new Tool(this.directory, gpus);
  }

  /** From now on NVML shows another power every few milliseconds. */
  breathe(everyMs: number): void {
    this.#breathing = setInterval(() => {
      this.#breaths++;
      const { levels } = this.nvml.state.gpu(0);
      this.nvml.state.change(0, { levels: { ...levels, powerMw: 250_000 + (this.#breaths % 1000) } });
    }, everyMs);
  }

  /** Address of the page of a dcgm-exporter that reads anew each time it is asked. */
  async exporter(): Promise<string> {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      const power = 350 + (asked % 100);
      response.end(
        this.gpus
          .map(({ uuid }, gpu) => `DCGM_FI_DEV_POWER_USAGE{gpu="${gpu}",UUID="${uuid}"} ${power}.000000\n`)
          .join(''),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/metrics`;
  }

  start(args: readonly string[], launcher: readonly string[] = []): AgentProgram {
    const agent = new AgentProgram(args, launcher);
    this.#agents.push(agent);
    return agent;
  }

  async remove(): Promise<void> {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    clearInterval(this.#breathing);
    // What hangs may end.
    this.nvml.healDriver();
    await Promise.all(this.#agents.map((agent) => agent.stop('SIGKILL')));
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.nvml.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
