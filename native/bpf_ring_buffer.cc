#include "bpf_ring_buffer.h"

#include <bpf/libbpf.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace semrd {

bool RecordQueue::Push(const void* octets, size_t length) {
  std::lock_guard lock(mutex_);
  if (records_.size() >= bound_) {
    dropped_++;
    return false;
  }
  auto begin = static_cast<const uint8_t*>(octets);
  records_.emplace_back(begin, begin + length);
  return records_.size() == 1;
}

bool RecordQueue::Pop(std::vector<uint8_t>& record) {
  std::lock_guard lock(mutex_);
  if (records_.empty()) return false;
  record = std::move(records_.front());
  records_.pop_front();
  return true;
}

std::vector<RingBuffer::PropertyDescriptor> RingBuffer::Properties(Napi::Env env) {
  return {Getter<&RingBuffer::GetDropped>("dropped"), SymbolMethod<&RingBuffer::Dispose>(env, "dispose")};
}

RingBuffer::RingBuffer(const Napi::CallbackInfo& info)
    : Wrapped(info), queue_(info[0].IsExternal() ? PartsOf<Parts>(info).bound : 0) {
  Napi::Env env = info.Env();
  Parts& parts = PartsOf<Parts>(info);
  map_ = std::move(parts.map);

  stop_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  poll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  if (!stop_ || !poll_) throw ErrorOf(env, {errno, "epoll_create1", ""});
  auto push = [](void* self, void* octets, size_t length) {
    auto* ring = static_cast<RingBuffer*>(self);
    if (ring->queue_.Push(octets, length))
      ring->announce_.NonBlockingCall(
          ring, [](Napi::Env on, Napi::Function record, RingBuffer* owner) { owner->Deliver(on, record); });
    return 0;
  };
  ring_ = ring_buffer__new(map_.get(), push, this, nullptr);
  if (ring_ == nullptr) throw ErrorOf(env, {errno, "ring_buffer__new", ""});
  for (int fd : {stop_.get(), ring_buffer__epoll_fd(ring_)}) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) continue;
    int number = errno;
    ring_buffer__free(ring_);
    ring_ = nullptr;
    throw ErrorOf(env, {number, "epoll_ctl", ""});
  }

  announce_ = Napi::ThreadSafeFunction::New(env, parts.record, "semrd.bpf.ringBuffer", 0, 1);
  announce_.Unref(env);  // waiting for records alone keeps no process alive
  // Hooks run last in, first out: the thread is gone before Node takes `announce_` down.
  at_exit_ = env.AddCleanupHook(+[](RingBuffer* self) { self->Stop(); }, this);
  Ref();  // lives until disposed, held or not
  thread_ = std::thread(&RingBuffer::Read, this);
}

RingBuffer::~RingBuffer() { Stop(); }

void RingBuffer::Read() {
  for (;;) {
    epoll_event event = {};
    int ready = epoll_wait(poll_.get(), &event, 1, -1);
    if (ready == 1 && event.data.fd == stop_.get()) return;
    if (ready == 1) ring_buffer__poll(ring_, 0);
  }
}

void RingBuffer::Deliver(Napi::Env env, Napi::Function record) {
  std::vector<uint8_t> octets;
  while (ring_ != nullptr && queue_.Pop(octets)) {
    Napi::HandleScope scope(env);
    try {
      record.Call({CopyOut(env, octets.data(), octets.size())});
    } catch (...) {
      // The rest is delivered after Node has dealt with the exception.
      if (ring_ != nullptr)
        announce_.NonBlockingCall(this, [](Napi::Env on, Napi::Function again, RingBuffer* owner) {
          owner->Deliver(on, again);
        });
      throw;
    }
  }
}

void RingBuffer::Stop() {
  if (ring_ == nullptr) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
  ring_buffer__free(ring_);
  ring_ = nullptr;
  announce_.Abort();  // drops announcements that are under way
  map_.Close();
  stop_.Close();
  poll_.Close();
}

Napi::Value RingBuffer::GetDropped(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(queue_.dropped()));
}

Napi::Value RingBuffer::Dispose(const Napi::CallbackInfo& info) {
  if (ring_ == nullptr) return info.Env().Undefined();
  Stop();
  at_exit_.Remove(info.Env());
  Unref();
  return info.Env().Undefined();
}

}  // namespace semrd
