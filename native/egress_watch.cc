#include "egress_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace semrd {

std::vector<EgressWatch::PropertyDescriptor> EgressWatch::Properties(Napi::Env env) {
  return {SymbolMethod<&EgressWatch::Dispose>(env, "dispose")};
}

EgressWatch::EgressWatch(const Napi::CallbackInfo& info) : Wrapped(info) {
  Napi::Env env = info.Env();
  Parts& parts = PartsOf<Parts>(info);
  try {
    events_.emplace();
  } catch (const SystemCallFailure& failure) {
    throw ErrorOf(env, failure);
  }
  stop_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  poll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  if (!stop_ || !poll_) throw ErrorOf(env, {errno, "epoll_create1", ""});
  for (int fd : {stop_.get(), events_->links().get(), events_->chains().get(), events_->devices().get()}) {
    if (fd < 0) continue;  // the kernel has no such events
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw ErrorOf(env, {errno, "epoll_ctl", ""});
  }
  announce_ = Napi::ThreadSafeFunction::New(env, parts.touched, "semrd.bpf.egress", 0, 1);
  announce_.Unref(env);  // waiting for events alone keeps no process alive
  // Hooks run last in, first out: the thread is gone before Node takes `announce_` down.
  at_exit_ = env.AddCleanupHook(+[](EgressWatch* self) { self->Stop(); }, this);
  Ref();  // lives until disposed, held or not
  thread_ = std::thread(&EgressWatch::Read, this);
  pthread_setname_np(thread_.native_handle(), "semrd-egress");
}

EgressWatch::~EgressWatch() { Stop(); }

void EgressWatch::Read() {
  for (;;) {
    epoll_event event = {};
    int ready = epoll_wait(poll_.get(), &event, 1, -1);
    if (ready != 1) continue;
    if (event.data.fd == stop_.get()) return;
    // Read without the lock: the main thread, which takes it, does not wait while events come on and on.
    TouchedLinks touched;
    events_->Read(event.data.fd, touched);
    if (touched.IsNone()) continue;
    {
      std::lock_guard lock(mutex_);
      bool was_told = !touched_.IsNone();
      touched_.Add(touched);
      if (was_told) continue;
    }
    announce_.NonBlockingCall(
        this, [](Napi::Env on, Napi::Function touched, EgressWatch* owner) { owner->Deliver(on, touched); });
  }
}

void EgressWatch::Deliver(Napi::Env env, Napi::Function touched) {
  TouchedLinks links;
  {
    std::lock_guard lock(mutex_);
    std::swap(links, touched_);
  }
  Napi::HandleScope scope(env);
  if (links.all) {
    touched.Call({env.Undefined()});
    return;
  }
  auto indexes = Napi::Array::New(env, links.indexes.size());
  uint32_t at = 0;
  for (int index : links.indexes) indexes.Set(at++, Napi::Number::New(env, index));
  touched.Call({indexes});
}

void EgressWatch::Stop() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
  announce_.Abort();  // drops announcements that are under way
  events_.reset();
  stop_.Close();
  poll_.Close();
}

Napi::Value EgressWatch::Dispose(const Napi::CallbackInfo& info) {
  if (!thread_.joinable()) return info.Env().Undefined();
  Stop();
  at_exit_.Remove(info.Env());
  Unref();
  return info.Env().Undefined();
}

}  // namespace semrd
