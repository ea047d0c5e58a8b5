// Element types of kernels whose operands may differ in type: inputs (In, and In2 for a second operand) are widened to
// Value, which is f32, results are rounded to Out. With VEC4 each is a vec4 of 4 neighbouring elements. RAW: 16 bytes of whatever
// they are, for copies.
//#if IN_F16
enable f16;
//#endif
//#if IN2_F16
enable f16;
//#endif
//#if OUT_F16
enable f16;
//#endif
//#if RAW
alias Value = vec4<u32>;
alias In = vec4<u32>;
alias Out = vec4<u32>;
//#else
//#if VEC4
alias Value = vec4<f32>;
//#if IN_F16
alias In = vec4<f16>;
//#else
alias In = vec4<f32>;
//#endif
//#if IN2_F16
alias In2 = vec4<f16>;
//#else
alias In2 = vec4<f32>;
//#endif
//#if OUT_F16
alias Out = vec4<f16>;
//#else
alias Out = vec4<f32>;
//#endif
//#else
alias Value = f32;
//#if IN_F16
alias In = f16;
//#else
alias In = f32;
//#endif
//#if IN2_F16
alias In2 = f16;
//#else
alias In2 = f32;
//#endif
//#if OUT_F16
alias Out = f16;
//#else
alias Out = f32;
//#endif
//#endif
//#endif
