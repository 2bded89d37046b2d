// One open file descriptor with one owner.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "failure.h"

namespace semrd {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }

  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  // A second descriptor of the same file. Workers use one, so that closing ours meanwhile cannot hit a reused number.
  static Descriptor Duplicate(int fd) {
    Descriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy) ThrowErrno("fcntl", "cannot duplicate a descriptor");
    return copy;
  }

 private:
  int fd_ = -1;
};

// Shared between the wrapper JavaScript sees and the object it came from: closing one closes both.
using SharedDescriptor = std::shared_ptr<Descriptor>;

}  // namespace semrd
