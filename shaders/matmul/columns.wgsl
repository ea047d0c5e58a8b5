// Columns a lane of the one-subgroup kernels owns: 4, 2 or 1 neighbouring ones (switches COLS4, COLS2), as one vector.
// Such a kernel's subgroup covers SUBGROUP·COLS columns of the weights. f16 is storage only: Cols is always f32.
//#import common/types
//#if COLS4
const COLS: u32 = 4u;
alias Cols = vec4<f32>;
alias ElemCols = Elem4;
fn activate_cols(v: Cols, kind: u32) -> Cols { return activate4(v, kind); }
//#else
//#if COLS2
const COLS: u32 = 2u;
alias Cols = vec2<f32>;
alias ElemCols = vec2<Elem>;
fn activate_cols(v: Cols, kind: u32) -> Cols { return vec2<f32>(activate(v.x, kind), activate(v.y, kind)); }
//#else
const COLS: u32 = 1u;
alias Cols = f32;
alias ElemCols = Elem;
fn activate_cols(v: Cols, kind: u32) -> Cols { return activate(v, kind); }
//#endif
//#endif
