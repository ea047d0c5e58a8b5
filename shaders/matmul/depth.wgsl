// Position along K of matmul/tile-core for operands that lie in a row: k itself.
alias Depth = u32;
fn depth_of(k: u32) -> Depth { return k; }
fn advance(depth: Depth) -> Depth { return depth + BK; }
