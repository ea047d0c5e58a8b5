// What the norm kernels read at once: a vec4 of channels (VEC4), a pair (VEC2), or one where their number divides by neither.
//#if VEC4
alias Val = vec4<f32>;
alias Stored = Elem4;
const VAL_WIDTH: f32 = 4.0;
fn add_up(v: Val) -> f32 { return (v.x + v.y) + (v.z + v.w); }
//#else
//#if VEC2
alias Val = vec2<f32>;
alias Stored = vec2<Elem>;
const VAL_WIDTH: f32 = 2.0;
fn add_up(v: Val) -> f32 { return v.x + v.y; }
//#else
alias Val = f32;
alias Stored = Elem;
const VAL_WIDTH: f32 = 1.0;
fn add_up(v: Val) -> f32 { return v; }
//#endif
//#endif
