// class BpfMap of api.ts.
#pragma once

#include "bpf_kernel.h"
#include "descriptor.h"
#include "wrapped.h"

namespace semrd {

// All values of a mapped array, until somebody else is to unmap them.
class MappedArea {
 public:
  // In pieces: each holds the lock of the address space for a moment, and other threads that need it are not kept waiting.
  MappedArea(int fd, const MapShape& shape, size_t piece);
  ~MappedArea();
  MappedArea(const MappedArea&) = delete;
  MappedArea& operator=(const MappedArea&) = delete;

  uint8_t* start() const { return start_; }
  size_t octets() const { return octets_; }
  void Release() { start_ = nullptr; }

 private:
  uint8_t* start_;
  size_t octets_;
};

class BpfMap final : public Wrapped<BpfMap> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d6270, 0x662d6d6170000001};
  static constexpr const char* kName = "BpfMap";
  struct Parts {
    MapShape shape;
    SharedDescriptor descriptor;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit BpfMap(const Napi::CallbackInfo& info);

  // The open descriptor; throws when the map is disposed.
  int Fd(Napi::Env env) const;
  const MapShape& shape() const { return parts_.shape; }

 private:
  friend class Wrapped<BpfMap>;

  Napi::Value Lookup(const Napi::CallbackInfo& info);
  Napi::Value Update(const Napi::CallbackInfo& info);
  Napi::Value Delete(const Napi::CallbackInfo& info);
  Napi::Value NextKey(const Napi::CallbackInfo& info);
  Napi::Value UpdateBatch(const Napi::CallbackInfo& info);
  Napi::Value Sums(const Napi::CallbackInfo& info);
  Napi::Value Mmap(const Napi::CallbackInfo& info);
  Napi::Value Mapped(const Napi::CallbackInfo& info);
  Napi::Value PinAt(const Napi::CallbackInfo& info);
  Napi::Value GetFd(const Napi::CallbackInfo& info);
  Napi::Value GetLayout(const Napi::CallbackInfo& info);
  Napi::Value Batch(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  void RequireMappable() const;
  Napi::Value MadeOf(Napi::Env env, MappedArea& area);

  Parts parts_;
  size_t value_size_;  // as exchanged with the kernel: all CPUs' values of a per-CPU map
  Napi::Reference<Napi::Uint8Array> mapping_;
};

}  // namespace semrd
