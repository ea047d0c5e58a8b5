#!/usr/bin/env bash
# Trains the bundled model and the checker from nothing: training/run.sh [--preset cpu|full] [--hours H] [--out FOLDER]
# Every stage resumes where it was stopped; asking for more hours later continues the same training.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=cpu hours=3 out=models processes=${PROCESSES:-2} python=${PYTHON:-python3} golden=${GOLDEN:-}
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=$2 ;;
    --hours) hours=$2 ;;
    --out) out=$2 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done

work=$PWD/training/.work/$preset
data=$work/data
mkdir -p "$work"
export OMP_NUM_THREADS=1 PYTHONPATH=$PWD/training

"$python" -c 'import torch, numpy; assert tuple(map(int, torch.__version__.split("+")[0].split(".")[:2])) >= (2, 0), "PyTorch 2.0 or newer is needed"'
node -e 'require.resolve("sharp")'
if [ -n "$golden" ]; then "$python" training/check_golden.py "$golden"; fi

# Shares of the processor time for the stages, found by trial: the decoder is what everything waits for.
minutes() { "$python" -c "print(round($hours * 60 * $1, 2))"; }
stage() { nice -n 2 "$python" "training/$1.py" --data "$data" --work "$work" "${@:2}"; }
parallel=(--processes "$processes")

[ -e "$data/done" ] || nice -n 2 node training/world/render.mjs "$preset" "$data"
stage train_clip --minutes "$(minutes 0.12)" "${parallel[@]}"
stage train_prior --minutes "$(minutes 0.02)" "${parallel[@]}"
stage train_ar_prior --model "$out/bundled" --minutes "$(minutes 0.02)" "${parallel[@]}"
stage train_checker --minutes "$(minutes 0.06)" --out "$out/checker" "${parallel[@]}"
stage train_decoder --size 32 --minutes "$(minutes 0.18)" --floor 0.3 "${parallel[@]}"
stage train_decoder --size 64 --start decoder32 --minutes "$(minutes 0.47)" --rate 1e-3 "${parallel[@]}"
stage train_super_res --minutes "$(minutes 0.08)" "${parallel[@]}"
stage train_dvae --minutes "$(minutes 0.05)" --out "$out/dvae" "${parallel[@]}"
stage evaluate --prompts 200
stage export --preset "$preset" --out "$out/bundled" --hardware "${HARDWARE:-$processes CPU cores}"
