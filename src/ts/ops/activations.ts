/** Activations a kernel can apply to its result; the number is what shaders/common/activation.wgsl switches on. */
export const ACTIVATIONS = { none: 0, silu: 1, gelu: 2, quickGelu: 3, relu: 4 } as const;

export type Activation = keyof typeof ACTIVATIONS;
