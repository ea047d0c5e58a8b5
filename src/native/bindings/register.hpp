// Each binding file adds its part to the module's exports.
#pragma once

#include <napi.h>

namespace unclip::bindings {

void registerTensorFile(Napi::Env env, Napi::Object exports);
void registerConversion(Napi::Env env, Napi::Object exports);
void registerEnvironment(Napi::Env env, Napi::Object exports);
void registerMemory(Napi::Env env, Napi::Object exports);
void registerRandom(Napi::Env env, Napi::Object exports);
void registerReference(Napi::Env env, Napi::Object exports);
void registerResampling(Napi::Env env, Napi::Object exports);

}  // namespace unclip::bindings
