import { geometricMean } from './verdict.mjs';

const TORCH = 'pytorch';

/**
 * What a GPU's figures are held against: PyTorch on CUDA with cuBLAS, cuDNN and its flash attention, on the same shapes.
 * `atLeast` is a share of PyTorch's speed, in the geometric mean over the cases that `of` picks; with `copy`, of the bandwidth
 * at which PyTorch copies.
 */
const BARS = [
  { bar: 'f32 matmul 4096³ ≥ 0.7 × cuBLAS', of: (c) => c.id === 'matmul 4096×4096→4096', atLeast: 0.7 },
  {
    bar: 'f32 matmul, model shapes ≥ 0.7 × cuBLAS',
    of: (c) => c.op === 'matmul' && c.dtype === 'f32' && !/4096×/.test(c.id),
    atLeast: 0.7,
  },
  { bar: 'f16 matmul 8192³ ≥ 0.4 × cuBLAS', of: (c) => c.id === 'matmul 8192×8192→8192 f16', atLeast: 0.4 },
  { bar: 'f16 convolution ≥ 0.4 × cuDNN', of: (c) => c.op === 'conv' && c.dtype === 'f16', atLeast: 0.4 },
  { bar: 'f16 attention ≥ 0.35 × flash', of: (c) => c.op === 'attention' && c.dtype === 'f16', atLeast: 0.35 },
  { bar: 'norms ≥ 0.7 × copy bandwidth', of: (c) => /Norm$/.test(c.op), atLeast: 0.7, copy: true },
];

/**
 * A case's measurements with PyTorch's beside them.
 * @param {Record<string, import('./measure.mjs').Measured>} measured @param {import('./cases.mjs').Case} c
 * @param {object} torch what torch_ops.py wrote
 */
export function withTorch(measured, c, torch) {
  const theirs = torch.cases.find(({ id }) => id === c.id)?.engines[TORCH];
  return { ...measured, [TORCH]: theirs ?? { ms: [] } };
}

/**
 * @param {readonly import('./report.mjs').CaseReport[]} cases @param {object} torch what torch_ops.py wrote
 * @returns {{ lines: string[], data: object }}
 */
export function hardwareVerdict(cases, torch) {
  const rows = BARS.map(({ bar, of, atLeast, copy }) => {
    const shares = cases.filter(of).map((c) => {
      const [ours] = Object.values(c.engines);
      if (ours.medianMs === undefined) return undefined;
      return copy ? c.bytes / ours.medianMs / 1e6 / torch.copyGBs : c.engines[TORCH].medianMs / ours.medianMs;
    });
    const known = shares.length > 0 && shares.every((share) => Number.isFinite(share));
    const share = known ? geometricMean(shares) : undefined;
    return { bar, share, pass: known ? share >= atLeast : undefined };
  });
  const word = (pass) => (pass === undefined ? 'not measured' : pass ? 'pass' : 'MISSED');
  return {
    lines: [
      `against PyTorch ${torch.engines[TORCH].version} on ${torch.machine.adapter.name}:`,
      ...rows.map(({ bar, share, pass }) => `  ${bar}: ${share?.toFixed(2) ?? '-'}  ${word(pass)}`),
    ],
    data: { torch: torch.machine.adapter.name, rows },
  };
}
