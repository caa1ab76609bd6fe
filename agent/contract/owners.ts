// Who has the GPUs of a node, as its agent sees it: processes with their cgroups and users, pods, and what a prolog wrote down.
import * as v from 'valibot';

const text = v.pipe(v.string(), v.maxLength(256));
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Of a job of Slurm exactly one of id and SLUID is known. */
const processOwner = v.variant('kind', [
  v.object({ kind: v.literal('slurm'), job: text, sluid: text, step: text }),
  v.object({ kind: v.literal('kubernetes'), pod_uid: text, container_id: text }),
  v.object({ kind: v.literal('container'), runtime: text, container_id: text }),
  /** Of nobody but its user. */
  v.object({ kind: v.literal('user') }),
  /** Its cgroup cannot be read. */
  v.object({ kind: v.literal('hidden') }),
]);
export type ProcessOwner = v.InferOutput<typeof processOwner>;

const gpuHolder = v.object({
  uuid: text,
  pid: whole,
  command: text,
  /** When it began, by the node's wall clock; null where it cannot be read. */
  started_ms: v.nullable(v.number()),
  /** null where it cannot be read. */
  uid: v.nullable(whole),
  /** Name of the user; empty where it is not known. */
  user: text,
  owner: processOwner,
});
export type GpuHolder = v.InferOutput<typeof gpuHolder>;

const gpuPod = v.object({
  namespace: text,
  pod: text,
  container: text,
  /** UUIDs of GPUs, of MIG instances whose GPU is not known; AMD's plugin gives PCI addresses. */
  devices: v.pipe(v.array(text), v.maxLength(256)),
});
export type GpuPod = v.InferOutput<typeof gpuPod>;

/** A file of the directory that a site's prolog fills: DCGM's hpc-job-mapping, or jobstats' /run/gpustat. */
const jobHint = v.object({ gpu: text, job: text });
export type JobHint = v.InferOutput<typeof jobHint>;

export const ownersSchema = v.object({
  /** The driver's minor numbers by PCI address. */
  devices: v.pipe(v.array(v.object({ pci_bus_id: text, minor: whole })), v.maxLength(256)),
  /** GPUs whose processes are known, also those that have none. */
  seen: v.pipe(v.array(text), v.maxLength(256)),
  holders: v.pipe(v.array(gpuHolder), v.maxLength(1024)),
  /** null where there is no kubelet. */
  pods: v.nullable(v.pipe(v.array(gpuPod), v.maxLength(1024))),
  hints: v.pipe(v.array(jobHint), v.maxLength(256)),
});
export type Owners = v.InferOutput<typeof ownersSchema>;
