// The commands the doctor names, exact for Debian, Ubuntu and RHEL-like systems. None is ever run.
import { fix, look, type Command } from './finding.ts';
import type { SystemFamily } from './facts.ts';

type PerFamily = Readonly<Record<'debian' | 'ubuntu' | 'rhel', string>>;
type Named = { readonly command: Command } | undefined;

/** Nothing where the system is of no family we know. */
function byFamily(family: SystemFamily, commands: PerFamily): Named {
  return family === 'other' ? undefined : fix(commands[family]);
}

/** `535` of `535.183.01`. */
const branchOf = (version: string): string => version.split('.')[0] ?? '';

export function installDriver(family: SystemFamily): Named {
  return byFamily(family, {
    debian: 'sudo apt-get install nvidia-driver',
    ubuntu: 'sudo ubuntu-drivers install --gpgpu',
    rhel: 'sudo dnf install nvidia-driver-cuda kmod-nvidia-open-dkms',
  });
}

export function replaceNouveau(family: SystemFamily): Named {
  const blacklist = "printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee /etc/modprobe.d/nouveau.conf";
  const debian = `${blacklist} && sudo update-initramfs -u && sudo reboot`;
  return byFamily(family, { debian, ubuntu: debian, rhel: `${blacklist} && sudo dracut --force && sudo reboot` });
}

/** Of the branch that is loaded: another one would not work with it. Nothing where none is. */
export function installLibrary(family: SystemFamily, driver: string | undefined): Named {
  if (driver === undefined) return undefined;
  const branch = branchOf(driver);
  return byFamily(family, {
    debian: 'sudo apt-get install libnvidia-ml1',
    ubuntu: `sudo apt-get install libnvidia-compute-${branch}-server`,
    rhel: Number(branch) >= 560 ? 'sudo dnf install libnvidia-ml' : 'sudo dnf install nvidia-driver-NVML',
  });
}

export function installFabricManager(family: SystemFamily, driver: string | undefined): Named {
  if (driver === undefined) return undefined;
  const branch = branchOf(driver);
  const apt = `sudo apt-get install nvidia-fabricmanager-${branch}`;
  const dnf = `sudo dnf install ${Number(branch) >= 560 ? 'nvidia-fabricmanager' : 'nvidia-fabric-manager'}-${driver}`;
  return byFamily(family, { debian: apt, ubuntu: apt, rhel: dnf });
}

export function installDcgm(family: SystemFamily): Named {
  const start = ' && sudo systemctl enable --now nvidia-dcgm';
  const apt = `sudo apt-get install datacenter-gpu-manager-4-cuda12${start}`;
  return byFamily(family, {
    debian: apt,
    ubuntu: apt,
    rhel: `sudo dnf install datacenter-gpu-manager-4-cuda12${start}`,
  });
}

export function countPressure(family: SystemFamily): Named {
  const grub =
    'echo \'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT psi=1"\' | sudo tee /etc/default/grub.d/psi.cfg && sudo update-grub && sudo reboot';
  return byFamily(family, {
    debian: grub,
    ubuntu: grub,
    rhel: 'sudo grubby --update-kernel=ALL --args=psi=1 && sudo reboot',
  });
}

export const startUnit = (unit: string): { readonly command: Command } => fix(`sudo systemctl enable --now ${unit}`);
export const driverLog = look("sudo journalctl -k -b | grep -E 'NVRM|nvidia|nouveau'");

/** The new group is there from the agent's next start on. Nobody is made a member of root's for this. */
export function joinGroup(group: string, account: string): Named {
  return group === '' || group === 'root' ? undefined : fix(`sudo usermod -aG ${group} ${account}`);
}
