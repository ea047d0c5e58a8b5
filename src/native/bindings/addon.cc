// The module unclip.node; its typed face is src/ts/native/addon.ts.
#include "register.hpp"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  unclip::bindings::registerTensorFile(env, exports);
  unclip::bindings::registerConversion(env, exports);
  unclip::bindings::registerEnvironment(env, exports);
  unclip::bindings::registerMemory(env, exports);
  unclip::bindings::registerRandom(env, exports);
  unclip::bindings::registerReference(env, exports);
  unclip::bindings::registerResampling(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(unclip, init)
