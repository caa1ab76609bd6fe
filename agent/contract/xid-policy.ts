// How Xids are sorted, and the few things there are to do about them.

/**
 * hardware: the GPU or its node is out until somebody acts; degraded: it works on, watch it; application: the job did it;
 * driver: software of the node; info: nothing is wrong.
 */
export const xidClasses = ['hardware', 'degraded', 'application', 'driver', 'info'] as const;
export type XidClass = (typeof xidClasses)[number];

/** The owners of the ledger that an Xid can have. */
export const xidOwners = ['user', 'platform', 'hardware', 'unknown'] as const;
export type XidOwner = (typeof xidOwners)[number];

export type XidAdvice = keyof typeof adviceTexts;

export const UNKNOWN_ADVICE =
  'Look the code up in the newest catalogue of NVIDIA, and watch whether the GPU goes on working.';

export const adviceTexts = {
  fixJob:
    'Let the job be restarted and its code be checked for a fault; if many users meet this on one GPU, test the GPU.',
  restartJob: 'Restart the job; if it happens again on the same GPU, drain the node and run diagnostics.',
  followOther: 'Look for the Xid just before it on this GPU: this one is its consequence.',
  ignoreOnce: 'Go on; if it comes again and again, collect a bug report and open a case with NVIDIA.',
  updateDriver: 'Bring driver, firmware and vGPU manager to versions that belong together.',
  reportDriver: 'Collect a bug report and open a case with NVIDIA; the driver or its firmware is at fault.',
  notUsed: 'Drivers of today do not report this: collect a bug report and ask NVIDIA if it appears.',
  restartVm: 'Restart the virtual machine.',
  reset: 'Drain the node and reset the GPU; if it comes back, have the GPU replaced.',
  resetFirmware:
    'Drain the node, reset the GPU, reboot if the reset fails, and look for a newer driver if it comes back.',
  reboot: 'Drain the node, power-cycle it and reseat the GPU; if it comes back, have the GPU replaced.',
  uncorrectable:
    'Drain the node and reset the GPU so that the bad memory is taken out of use; replace it if this repeats.',
  replaceMemory: 'Drain the node: spare memory has run out or could not be put in, so the GPU is to be replaced.',
  nvlink:
    'Drain the node, reset the GPUs that share the link and check the fabric manager; if it comes back, test the link.',
  checkPower: 'Drain the node and check the power cables of the GPU board.',
  remapped: 'Let the job end and reset the GPU when convenient, so that the spare memory is put in.',
  contained: 'Restart the job that was hit; reset the GPU when convenient and count how often it happens.',
  watch: 'Watch how often this comes; if the rate grows, have the GPU tested.',
  recovery: 'Read gpu_recovery_action of this GPU: it says what the driver now asks for.',
  worn: 'Nothing now; the part is near the end of its life, so plan a replacement.',
  capacity: 'Nothing now; the GPU has less memory or fewer channels than it was sold with, so have it tested.',
  nothing: 'Nothing is to be done.',
} as const;
