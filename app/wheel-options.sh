# shellcheck shell=sh
# Read by install.sh and wheelhouse.sh: the pip options that choose wheels for a platform by name,
# so that they are the same wherever pip runs and no platform has to be emulated.

# wheel_options ARCHITECTURE: the options for linux on `amd64` or `arm64` (Docker's words).
wheel_options() {
    case "$1" in
        amd64) machine=x86_64 ;;
        arm64) machine=aarch64 ;;
        *)
            echo "ArchitectureUnknown: no wheels are locked for '$1'" >&2
            echo "  do: build for amd64 or arm64, or add it to wheel-options.sh" >&2
            return 1
            ;;
    esac
    echo "--only-binary=:all: --python-version=3.11 --implementation=cp --abi=cp311" \
        "--platform=manylinux_2_28_$machine --platform=manylinux_2_17_$machine" \
        "--platform=manylinux2014_$machine"
}
