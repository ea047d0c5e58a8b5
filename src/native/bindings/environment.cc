// Environment variables of the whole process.
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "arguments.hpp"
#include "register.hpp"

namespace unclip::bindings {

namespace {

/// setEnvironment(name, value): what C code reads with getenv from now on. In a worker thread process.env is a copy that C
/// code never sees. A variable that has the value already is left alone: setenv must not run while another thread reads.
void setEnvironment(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    if (!info[0].IsString() || !info[1].IsString()) throw invalidInput("name and value of a variable must be strings");
    const std::string name = info[0].As<Napi::String>();
    const std::string value = info[1].As<Napi::String>();
    const char* present = std::getenv(name.c_str());
    if (present != nullptr && value == present) return;
#ifdef _WIN32
    const int failed = _putenv_s(name.c_str(), value.c_str());
#else
    const int failed = setenv(name.c_str(), value.c_str(), 1);
#endif
    if (failed != 0) throw invalidInput("the variable could not be set: " + std::string(std::strerror(errno)));
  });
}

}  // namespace

void registerEnvironment(Napi::Env env, Napi::Object exports) {
  exports.Set("setEnvironment", Napi::Function::New<setEnvironment>(env, "setEnvironment"));
}

}  // namespace unclip::bindings
