// Activation functions by number, as in src/ts/ops/activation.ts. f32; absolute error of erf ≤ 1.5e-7.
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-x)); }

// Abramowitz & Stegun 7.1.26.
fn erf_approx(x: f32) -> f32 {
  let a = abs(x);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - poly * exp(-a * a));
}

fn activate(x: f32, kind: u32) -> f32 {
  switch kind {
    case 1u: { return x * sigmoid(x); }
    case 2u: { return 0.5 * x * (1.0 + erf_approx(x * 0.7071067811865476)); }
    case 3u: { return x * sigmoid(1.702 * x); }
    default: { return x; }
  }
}
