#!/usr/bin/env bash
# Installs the Debian programs that suites need. Does nothing where all are there.
set -eu

PATH=$PATH:/usr/sbin:/sbin
missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need prometheus prometheus
need promtool prometheus
need victoria-metrics victoria-metrics
need prometheus-node-exporter prometheus-node-exporter
need chromium chromium
need jsonnet jsonnet
need gcc gcc
need openssl openssl
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)
for program in ibsim:ibsim-utils ibnetdiscover:infiniband-diags opensm:opensm; do
  # A plain user's PATH has not where Debian puts them.
  PATH="$PATH:/usr/sbin" need "${program%%:*}" "${program##*:}"
done
need slurmctld slurm-wlm
need slurmrestd slurmrestd
need munged munge
need strace strace
need mkfs.ext4 e2fsprogs
need fsfreeze util-linux
need mount mount
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
if [ "${#missing[@]}" -eq 0 ]; then
  echo "all programs the tests need are installed"
  exit 0
fi

command -v apt-get >/dev/null 2>&1 || {
  echo "this machine has no apt-get; install by hand: ${missing[*]}" >&2
  exit 1
}
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || {
    echo "installing ${missing[*]} needs root" >&2
    exit 1
  }
  as_root=(sudo)
fi

echo "installing ${missing[*]}"
"${as_root[@]}" apt-get -q update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 \
  install -y --no-install-recommends "${missing[@]}"

# Debian starts what it installs where systemd runs; the tests start their own.
if [ -d /run/systemd/system ]; then
  for unit in "${missing[@]}"; do
    case "$unit" in
      prometheus | prometheus-node-exporter | opensm | victoria-metrics | munge | slurmrestd) "${as_root[@]}" systemctl disable --now "$unit" ;;
      openssh-server) "${as_root[@]}" systemctl disable --now ssh ;;
    esac
  done
fi
