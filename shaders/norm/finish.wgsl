// What the group-norm kernels do after the affine map.
// `flags`: bit 0 a scale-shift operand, bits 8… number of the activation.
//#import norm/value
//#import common/activation
const HAS_SCALE_SHIFT: u32 = 1u;

fn activate_val(v: Val, kind: u32) -> Val {
  if (kind == 0u) { return v; }
//#if VEC4
  return Val(activate(v.x, kind), activate(v.y, kind), activate(v.z, kind), activate(v.w, kind));
//#else
//#if VEC2
  return Val(activate(v.x, kind), activate(v.y, kind));
//#else
  return activate(v, kind);
//#endif
//#endif
}
