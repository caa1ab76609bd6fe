// Which mounts are file systems with a capacity of their own. Names of types: proc/filesystems.
import type { Mount } from '../../parse/mountinfo.ts';

/** Views of the kernel, memory, and images that are always full. */
const pseudo = new Set([
  'anon_inodefs',
  'aufs',
  'autofs',
  'bdev',
  'binfmt_misc',
  'bpf',
  'cgroup',
  'cgroup2',
  'configfs',
  'cpuset',
  'cramfs',
  'debugfs',
  'devfs',
  'devpts',
  'devtmpfs',
  'efivarfs',
  'fuse.dbfuse',
  'fuse.gvfsd-fuse',
  'fuse.lxcfs',
  'fuse.portal',
  'fuse.snapfuse',
  'fusectl',
  'hugetlbfs',
  'iso9660',
  'mqueue',
  'nfsd',
  'nsfs',
  'overlay',
  'pipefs',
  'proc',
  'pstore',
  'ramfs',
  'resctrl',
  'rootfs',
  'rpc_pipefs',
  'securityfs',
  'selinuxfs',
  'smackfs',
  'sockfs',
  'squashfs',
  'sysfs',
  'tmpfs',
  'tracefs',
  'udf',
]);

/** Their servers can be away: each is asked by itself. */
const network =
  /^(?:9p|afs|beegfs|ceph|cifs|cvmfs2?|fuse|fuse\..+|glusterfs|gpfs|lustre|nfs\d*|orangefs|panfs|pvfs2|smb3|smbfs|virtiofs|wekafs)$/;

/** One entry per file system and per mountpoint: bind mounts and what is mounted over are left out. */
export function selectFilesystems(mounts: readonly Mount[]): readonly Mount[] {
  const visible = new Map(mounts.map((mount) => [mount.mountpoint, mount]));
  const first = new Map<string, Mount>();
  for (const mount of mounts) {
    if (visible.get(mount.mountpoint) !== mount || !isReal(mount)) continue;
    if (!first.has(mount.deviceNumber)) first.set(mount.deviceNumber, mount);
  }
  return [...first.values()];
}

export function isNetworkFilesystem(fstype: string): boolean {
  return network.test(fstype);
}

/** The root of a container is an overlay: it is the only one that tells the container's capacity. */
function isReal({ fstype, mountpoint }: Mount): boolean {
  return !pseudo.has(fstype) || (fstype === 'overlay' && mountpoint === '/');
}
