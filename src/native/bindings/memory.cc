// Memory of the whole process.
#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "arguments.hpp"
#include "register.hpp"

namespace unclip::bindings {

namespace {

class Trim : public Napi::AsyncWorker {
 public:
  explicit Trim(Napi::Env env) : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }

  void OnOK() override { deferred_.Resolve(Env().Undefined()); }

 private:
  Napi::Promise::Deferred deferred_;
};

/// trimMemory() → Promise: gives freed memory back to the system, off the event loop. glibc keeps an arena for every few threads
/// and what was freed in it; other allocators see to it by themselves.
Napi::Value trimMemory(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto* trim = new Trim(info.Env());
    trim->Queue();
    return trim->promise();
  });
}

}  // namespace

void registerMemory(Napi::Env env, Napi::Object exports) {
  exports.Set("trimMemory", Napi::Function::New<trimMemory>(env, "trimMemory"));
}

}  // namespace unclip::bindings
