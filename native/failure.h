// A failed system call, as it travels through code that knows nothing of JavaScript.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>

namespace semrd {

// "EPERM", "ENOENT", …; also the kernel-internal ENOTSUPP that bpf(2) lets out.
std::string CodeOf(int number);

class SystemCallFailure : public std::runtime_error {
 public:
  // `number` is a positive errno; `detail` says what was being done to what.
  SystemCallFailure(int number, std::string call, const std::string& detail);

  int number() const { return number_; }
  const std::string& call() const { return call_; }

 private:
  int number_;
  std::string call_;
};

[[noreturn]] inline void ThrowErrno(const char* call, const std::string& detail) {
  throw SystemCallFailure(errno, call, detail);
}

}  // namespace semrd
