// One 32-bit word of an mmapped BPF array, written without a system call and without the map's descriptor.
#pragma once

#include <cstdint>
#include <utility>

namespace semrd {

class MappedWord {
 public:
  // `offset` in the map's value area: a multiple of four, and inside it. Throws SystemCallFailure.
  MappedWord(int map, uint64_t offset);
  MappedWord(MappedWord&& other) noexcept : page_(std::exchange(other.page_, nullptr)), word_(other.word_) {}
  MappedWord& operator=(MappedWord&& other) noexcept {
    std::swap(page_, other.page_);
    std::swap(word_, other.word_);
    return *this;
  }
  ~MappedWord();

  void Store(uint32_t value) { __atomic_store_n(word_, value, __ATOMIC_RELEASE); }

 private:
  void* page_ = nullptr;
  uint32_t* word_ = nullptr;
};

}  // namespace semrd
