// What libbpf says while it works, kept instead of printed.
#pragma once

#include <string>

namespace semrd {

// libbpf has one print function per process. From this call on it is ours, which hands each message to the capture of
// the thread it arises on and discards it where there is none.
void TakeOverBpfLog();

// Collects libbpf's messages of the calling thread while it lives.
class BpfLogCapture {
 public:
  BpfLogCapture();
  ~BpfLogCapture();
  BpfLogCapture(const BpfLogCapture&) = delete;
  BpfLogCapture& operator=(const BpfLogCapture&) = delete;

  // The last lines, each with a line break before it; "" when nothing was said.
  std::string Tail() const;

  void Add(const char* text, size_t length);

 private:
  std::string text_;
};

}  // namespace semrd
