// Storage type of activations and matrix weights. Sums are always f32.
//#if F16
enable f16;
alias Elem = f16;
alias Elem4 = vec4<f16>;
//#else
alias Elem = f32;
alias Elem4 = vec4<f32>;
//#endif
