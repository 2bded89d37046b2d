#include "mapped_word.h"

#include <sys/mman.h>
#include <unistd.h>

#include "failure.h"

namespace semrd {

namespace {

uint64_t PageSize() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

MappedWord::MappedWord(int map, uint64_t offset) {
  uint64_t start = offset / PageSize() * PageSize();
  // Populated: the first store is made by a real-time thread.
  void* page = mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, map,
                    static_cast<off_t>(start));
  if (page == MAP_FAILED) ThrowErrno("mmap", "a word at offset " + std::to_string(offset));
  page_ = page;
  word_ = reinterpret_cast<uint32_t*>(static_cast<uint8_t*>(page) + (offset - start));
}

MappedWord::~MappedWord() {
  if (page_ != nullptr) munmap(page_, PageSize());
}

}  // namespace semrd
