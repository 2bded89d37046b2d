// class RingBuffer of api.ts.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "descriptor.h"
#include "wrapped.h"

struct ring_buffer;

namespace semrd {

// Records on their way from the reading thread to the main thread. Never holds more than `bound`.
class RecordQueue {
 public:
  explicit RecordQueue(size_t bound) : bound_(bound) {}

  // True when the queue was empty: the main thread must be told.
  bool Push(const void* octets, size_t length);
  bool Pop(std::vector<uint8_t>& record);
  uint64_t dropped() const { return dropped_; }

 private:
  const size_t bound_;
  std::mutex mutex_;
  std::deque<std::vector<uint8_t>> records_;
  std::atomic<uint64_t> dropped_ = 0;
};

class RingBuffer final : public Wrapped<RingBuffer> {
 public:
  static constexpr napi_type_tag kTag = {0x73656d72642d6270, 0x662d72696e670001};
  static constexpr const char* kName = "RingBuffer";
  struct Parts {
    Descriptor map;
    size_t bound;
    Napi::Function record;
  };
  static std::vector<PropertyDescriptor> Properties(Napi::Env env);

  explicit RingBuffer(const Napi::CallbackInfo& info);
  ~RingBuffer() override;

 private:
  friend class Wrapped<RingBuffer>;

  Napi::Value GetDropped(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  void Read();                                       // the thread
  void Deliver(Napi::Env env, Napi::Function record);  // the main thread
  void Stop();

  Descriptor map_, stop_, poll_;
  ring_buffer* ring_ = nullptr;
  RecordQueue queue_;
  std::thread thread_;
  Napi::ThreadSafeFunction announce_;
  Napi::Env::CleanupHook<void (*)(RingBuffer*), RingBuffer> at_exit_;
};

}  // namespace semrd
