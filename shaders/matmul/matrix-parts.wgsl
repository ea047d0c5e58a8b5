// A product whose K is cut into slices, so that few rows and columns still make many workgroups: each slice has its sums in f32,
// parts[image][slice][row of the image][columns rounded up to 8], and a second kernel adds them up in ascending order.
// The including file binds parts: array<vec4<f32>>.

/// Rows of an image, columns of the result, slices of K.
struct Parts { rows: u32, columns: u32, slices: u32 }

/// Place of columns n…n+3 of row m (counted over the batch) in one slice; n + 4 is next to it.
fn part_of(m: u32, n: u32, slice: u32, o: Parts) -> u32 {
  let line = (m / o.rows * o.slices + slice) * o.rows + m % o.rows;
  return line * ((o.columns + 7u) / 8u * 2u) + n / 4u;
}
