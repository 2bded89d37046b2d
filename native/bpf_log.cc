#include "bpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <vector>

namespace semrd {

namespace {

constexpr size_t kKept = 64 * 1024;
constexpr int kTailLines = 24;

thread_local BpfLogCapture* current = nullptr;

int Print(libbpf_print_level level, const char* format, va_list arguments) {
  if (current == nullptr || level == LIBBPF_DEBUG) return 0;
  va_list measured;
  va_copy(measured, arguments);
  int length = vsnprintf(nullptr, 0, format, measured);
  va_end(measured);
  if (length <= 0) return 0;
  std::vector<char> text(static_cast<size_t>(length) + 1);
  vsnprintf(text.data(), text.size(), format, arguments);
  current->Add(text.data(), static_cast<size_t>(length));
  return length;
}

}  // namespace

void TakeOverBpfLog() { libbpf_set_print(Print); }

BpfLogCapture::BpfLogCapture() { current = this; }

BpfLogCapture::~BpfLogCapture() { current = nullptr; }

void BpfLogCapture::Add(const char* text, size_t length) {
  text_.append(text, length);
  if (text_.size() > kKept) text_.erase(0, text_.size() - kKept);
}

std::string BpfLogCapture::Tail() const {
  size_t end = text_.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  size_t begin = end;
  for (int lines = 0; begin > 0; begin--)
    if (text_[begin - 1] == '\n' && ++lines == kTailLines) break;
  return "\n" + text_.substr(begin, end - begin + 1);
}

}  // namespace semrd
