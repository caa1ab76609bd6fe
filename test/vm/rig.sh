#!/usr/bin/env bash
# A throw-away Linux machine under plain QEMU emulation: Debian's kernel, and this machine's files as its read-only root.
#   rig.sh build DIR           fetches and unpacks the kernel, makes the initramfs and the drives' images
#   rig.sh boot DIR OUT CMD    boots, runs CMD as root with OUT mounted at /vmout, powers off, gives the exit code of CMD
# What CMD prints is in OUT/log.txt, the console in OUT/console.txt, and QEMU listens for QMP at OUT/qmp.
# Needs qemu-system-x86, busybox-static, cpio and kmod. VM_MEMORY and VM_SECONDS change memory and time limit.
set -eu
PATH=$PATH:/usr/sbin:/sbin
what=$1
rig=$(realpath -m "$2")

build() {
  mkdir -p "$rig"
  cd "$rig"
  local package version module
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
  [ -n "$package" ] || { echo 'apt knows no linux-image-amd64: run apt-get update' >&2; exit 1; }
  if [ ! -d kernel ]; then
    apt-get -q download "$package" >/dev/null
    dpkg-deb -x "$package"_*.deb unpacked
    rm -f "$package"_*.deb
    mv unpacked kernel
  fi
  version=$(basename kernel/lib/modules/*)
  depmod -b kernel "$version"

  rm -rf initramfs
  mkdir -p initramfs/{bin,proc,sys,dev,modules}
  cp "$(command -v busybox)" initramfs/bin/busybox
  modprobe -d kernel -S "$version" -D -a virtio_pci 9pnet_virtio 9p overlay | awk '$1 == "insmod" { print $2 }' |
    while read -r module; do
      cp "$module" initramfs/modules/
      basename "$module"
    done | awk '!seen[$0]++' >initramfs/order
  mv initramfs/order initramfs/modules/order
  write_init >initramfs/init
  chmod +x initramfs/init
  (cd initramfs && find . | cpio -o -H newc 2>/dev/null | gzip -1) >initramfs.gz
  rm -rf initramfs
  local image
  for image in plain0 plain1 shared; do truncate -s 256M "$image.img"; done
  echo "$version" >version
}

# /run is hidden, or programs would find sockets of the machine outside.
write_init() {
  cat <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod "/modules/$module"; done
options=trans=virtio,version=9p2000.L,msize=262144
mkdir -p /outside /upper /root
mount -t 9p -o $options,cache=loose,ro root /outside
mount -t tmpfs tmpfs /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/outside,upperdir=/upper/files,workdir=/upper/work overlay /root
mkdir -p /root/vmout /root/lib/modules
mount -t 9p -o $options vmout /root/vmout
mount -t 9p -o $options,cache=loose,ro modules /root/lib/modules
for directory in proc sys dev; do mount --move /$directory /root/$directory; done
mount -t tmpfs tmpfs /root/run
mkdir -p /root/dev/shm
mount -t tmpfs tmpfs /root/dev/shm
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
chroot /root /bin/bash -c 'hostname vm; ip link set lo up; bash /vmout/command >/vmout/log.txt 2>&1; echo $? >/vmout/code; sync'
poweroff -f
INIT
}

# Two drives in slots of their own, to be unplugged, and one that two controllers of a subsystem share.
boot() {
  local out
  out=$(realpath "$1")
  printf '%s\n' "$2" >"$out/command"
  rm -f "$out/code" "$out/qmp"
  cd "$rig"
  local share=security_model=none,multidevs=remap
  timeout "${VM_SECONDS:-600}" qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu max -smp 2 \
    -m "${VM_MEMORY:-3G}" -nographic -no-reboot -nic none \
    -kernel "kernel/boot/vmlinuz-$(cat version)" -initrd initramfs.gz \
    -append 'console=ttyS0 quiet panic=-1 psi=1 nvme_core.multipath=1' \
    -virtfs "local,path=/,mount_tag=root,security_model=passthrough,multidevs=remap,readonly=on" \
    -virtfs "local,path=$out,mount_tag=vmout,$share" \
    -virtfs "local,path=$rig/kernel/lib/modules,mount_tag=modules,$share,readonly=on" \
    -device pcie-root-port,id=slot0,slot=1,chassis=1 -device pcie-root-port,id=slot1,slot=2,chassis=2 \
    -blockdev driver=raw,node-name=plain0,file.driver=file,file.filename=plain0.img,file.cache.no-flush=on \
    -blockdev driver=raw,node-name=plain1,file.driver=file,file.filename=plain1.img,file.cache.no-flush=on \
    -blockdev driver=raw,node-name=shared,file.driver=file,file.filename=shared.img,file.cache.no-flush=on \
    -device nvme,id=drive0,bus=slot0,serial=PLAIN0,drive=plain0 \
    -device nvme,id=drive1,bus=slot1,serial=PLAIN1,drive=plain1 \
    -device nvme-subsys,id=subsystem,nqn=shared \
    -device nvme,id=path0,serial=SHARED,subsys=subsystem -device nvme,id=path1,serial=SHARED,subsys=subsystem \
    -device nvme-ns,drive=shared,nsid=1,shared=on,bus=path0 \
    -qmp "unix:$out/qmp,server=on,wait=off" >"$out/console.txt" 2>&1 </dev/null || true
  [ -e "$out/code" ] || { tail -n 20 "$out/console.txt" >&2; exit 125; }
  exit "$(cat "$out/code")"
}

case $what in
  build) build ;;
  boot) boot "$3" "$4" ;;
  *) echo "unknown: $what" >&2; exit 64 ;;
esac
