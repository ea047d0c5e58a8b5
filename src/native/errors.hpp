// An error with one of the package's stable codes (src/ts/util/errors.ts); the bindings turn it into a JS Error.
#pragma once

#include <stdexcept>
#include <string>

namespace unclip {

struct CodedError : std::runtime_error {
  CodedError(std::string errorCode, const std::string& message)
      : std::runtime_error(message), code(std::move(errorCode)) {}
  std::string code;
};

inline CodedError invalidFile(const std::string& message) { return CodedError("MODEL_FILE_INVALID", message); }
inline CodedError invalidInput(const std::string& message) { return CodedError("INPUT_INVALID", message); }

}  // namespace unclip
